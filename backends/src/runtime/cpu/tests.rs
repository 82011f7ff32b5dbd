//! The whole runtime against plain loops, on random networks, for every instruction set of the machine.

mod halves;
mod hostile;
mod not_finite;
mod shares;

use proptest::prelude::{ProptestConfig, any, prop_assert, proptest};

use super::compile::compile;
use super::kernels::{Isa, Kernels, Step};
use super::network::Network;
use super::plan;
use crate::design::Batch;
use crate::graph::{Activation, Conv2d, Graph, GraphBuilder, NodeId, Op, Shape, Window, lower};
use crate::runtime::parameters::Parameters;
use crate::runtime::random_graph::{Dice, random_graph, shuffled_chains};
use crate::runtime::{Fusing, reference};
use crate::weights::{Weights, seeded_input};
use crate::zoo;

/// Runs `graph` with every instruction set on one and on three threads, fused and apart.
fn check(graph: &Graph) -> Result<(), String> {
    [Fusing::Full, Fusing::Apart].into_iter().try_for_each(|fusing| check_with(graph, fusing))
}

fn check_with(graph: &Graph, fusing: Fusing) -> Result<(), String> {
    let weights = Weights::seeded(graph, 7);
    let input = seeded_input(graph.input_shape(), 3);
    let expected = reference::run(graph, &weights, &input).map_err(|error| error.to_string())?;
    let scale = expected.iter().fold(1.0_f32, |scale, value| scale.max(value.abs()));
    for isa in Isa::all_available() {
        let mut first: Option<Vec<f32>> = None;
        for threads in [1, 3] {
            let mut network =
                Network::with_fusing(graph, &weights, Some(isa), threads, fusing).map_err(|error| error.to_string())?;
            network.set_input(&input);
            let mut result = vec![f32::NAN; expected.len()];
            // The second run starts from what the first left behind.
            for _ in 0..2 {
                network.run().map_err(|error| error.to_string())?;
            }
            network.output(&mut result);
            for (index, (&expected, &value)) in expected.iter().zip(&result).enumerate() {
                if (expected - value).abs().partial_cmp(&(1e-4 * scale)) != Some(std::cmp::Ordering::Less) {
                    return Err(format!(
                        "{isa}, {threads} threads, {fusing:?}, value {index}: {value} is not {expected}\n{graph:#?}"
                    ));
                }
            }
            let mut marks = 0;
            network.run_marked(&mut || marks += 1).map_err(|error| error.to_string())?;
            let mut marked = vec![f32::NAN; expected.len()];
            network.output(&mut marked);
            if marks != network.plan().kernels.len() || marked != result {
                return Err(format!("{isa}, {fusing:?}: a marked run differs"));
            }
            if *first.get_or_insert_with(|| result.clone()) != result {
                return Err(format!("{isa}: {threads} threads differ from one\n{graph:#?}"));
            }
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn any_network_equals_plain_loops_for_every_instruction_set_and_thread_count(seed in any::<u64>()) {
        let graph = random_graph(seed);
        prop_assert!(plan(&graph, Fusing::Full).is_partition_of(&graph), "{:#?}", plan(&graph, Fusing::Full));
        prop_assert!(plan(&graph, Fusing::Apart).is_partition_of(&graph), "{:#?}", plan(&graph, Fusing::Apart));
        prop_assert!(more_than_one_computes(&graph).is_none(), "{:?}", more_than_one_computes(&graph));
        let outcome = check(&graph);
        prop_assert!(outcome.is_ok(), "{}", outcome.unwrap_err());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]

    /// What Winograd's way computes, and what it leaves to the other because the map or the channels are few.
    #[test]
    fn dense_3x3_layers_with_any_padding_equal_plain_loops(
        channels in [5..70_usize, 5..70_usize],
        size in [1..34_usize, 1..34_usize],
        padding in [0..4_usize, 0..4_usize],
        (stride, batch) in (1..3_usize, 1..4_usize),
        (residual, act) in (any::<bool>(), 0..Activation::EXAMPLES.len()),
    ) {
        let [in_channels, out_channels] = channels;
        let activation = Activation::EXAMPLES[act];
        let mut builder = GraphBuilder::new("dense 3x3", Shape::new(batch, in_channels, size[0], size[1]));
        let input = builder.input();
        let window = Window { padding, ..Window::square(3, stride) };
        let conv = |in_channels, window| Conv2d { in_channels, out_channels, window, groups: 1, bias: true };
        if let Ok(first) = builder.push("first", Op::Conv2d(conv(in_channels, window)), &[input]) {
            let made = builder.activation("act", activation, first).unwrap();
            let same = conv(out_channels, Window::square(3, 1));
            let mut second = builder.push("second", Op::Conv2d(same), &[made]).unwrap();
            if residual {
                second = builder.push("sum", Op::Add, &[second, made]).unwrap();
            }
            builder.activation("end", activation, second).unwrap();
            let outcome = check(&builder.finish());
            prop_assert!(outcome.is_ok(), "{}", outcome.unwrap_err());
        }
    }
}

#[test]
fn a_channel_shuffle_inside_what_could_be_a_chain_is_not_lost() {
    for graph in shuffled_chains() {
        check(&graph).unwrap_or_else(|error| panic!("{}: {error}", graph.name));
    }
}

fn preset(name: &str, batch: u32) -> Graph {
    lower(&zoo::preset(name).unwrap(), Batch(batch)).unwrap()
}

#[test]
fn every_preset_has_all_layers_in_exactly_one_kernel() {
    for preset in zoo::presets() {
        let graph = lower(&preset.design, Batch(1)).unwrap();
        for fusing in [Fusing::Full, Fusing::Apart] {
            assert!(plan(&graph, fusing).is_partition_of(&graph), "{}, {fusing:?}", preset.design.name);
        }
    }
}

#[test]
fn splits_shuffles_norms_activations_and_depthwise_layers_of_shufflenet_v2_need_no_kernel_of_their_own() {
    let plan = plan(&preset("shufflenet-v2-x1.0", 1), Fusing::Full);
    // Stem, two kernels for each of 13 units, four for each of 3 down-sampling units, the last convolution with the
    // mean over its map, the classifier.
    assert_eq!(plan.kernels.len(), 1 + 13 * 2 + 3 * 4 + 1 + 1);
    assert_eq!(plan.kernels[0].label, "conv 3x3 /2 + batch-norm + relu + max-pool 3x3 /2");
}

/// Whether a layer computes: it is no normalisation of a convolution that nothing else reads, and no new name for rows.
fn computes(graph: &Graph, id: NodeId) -> bool {
    let node = graph.node(id);
    match node.op {
        Op::Slice { .. } | Op::Concat | Op::ChannelShuffle { .. } | Op::Repeat { .. } | Op::Flatten => false,
        Op::BatchNorm { .. } | Op::Affine { .. } => {
            let uses = graph.layers().flat_map(|(_, node)| &node.inputs).filter(|&&input| input == node.inputs[0]);
            uses.count() > 1 || !matches!(graph.node(node.inputs[0]).op, Op::Conv2d(_))
        }
        _ => true,
    }
}

/// A kernel of the plan apart that has not exactly one layer that computes, or another one as its main layer.
fn more_than_one_computes(graph: &Graph) -> Option<crate::runtime::Kernel> {
    let renames = graph.layers().all(|(id, _)| !computes(graph, id));
    plan(graph, Fusing::Apart).kernels.into_iter().find(|kernel| {
        let computing: Vec<_> = kernel.layers.iter().copied().filter(|&id| computes(graph, id)).collect();
        !renames && (computing.len() != 1 || kernel.main_layer(graph) != Some(computing[0]))
    })
}

#[test]
fn apart_every_layer_of_every_network_that_computes_has_a_kernel_of_its_own() {
    for network in zoo::networks() {
        let graph = network.graph(network.input, Batch(1)).unwrap();
        assert_eq!(more_than_one_computes(&graph), None, "{}", network.name);
    }
    let graph = preset("shufflenet-v2-x1.0", 1);
    assert_eq!(more_than_one_computes(&graph), None);
    // 56 convolutions, 37 activations, the max-pool, the mean over the map, the classifier.
    assert_eq!(plan(&graph, Fusing::Apart).kernels.len(), 56 + 37 + 3);
}

#[test]
fn a_dense_3x3_kernel_says_that_it_is_computed_winograds_way() {
    let network = zoo::network("resnet-18").unwrap();
    let graph = network.graph(network.input, Batch(1)).unwrap();
    let labels: Vec<String> = plan(&graph, Fusing::Full).kernels.into_iter().map(|kernel| kernel.label).collect();
    assert!(labels.contains(&"conv 3x3 (Winograd) + batch-norm + relu".into()), "{labels:#?}");
    assert!(labels.contains(&"conv 3x3 /2 (Winograd) + batch-norm + relu".into()), "{labels:#?}");
    assert!(labels.iter().all(|label| !label.contains("7x7 /2 (Winograd)") && !label.contains("1x1 (Winograd)")));
    let weights = Weights::seeded(&graph, 1);
    for isa in Isa::all_available() {
        let parameters = Parameters::new(&graph, &weights).unwrap();
        let compiled = compile(&graph, Fusing::Full, &parameters, Kernels::in_floats(isa), 1).unwrap();
        let by_winograd = compiled.steps.iter().map(|step| matches!(step, Step::Winograd(_)));
        let said = compiled.plan.kernels.iter().map(|kernel| kernel.label.contains("(Winograd)"));
        assert!(said.eq(by_winograd), "{isa}");
    }
}

#[test]
fn a_network_that_only_renames_runs() {
    let mut builder = GraphBuilder::new("renames", Shape::new(2, 6, 3, 3));
    let input = builder.input();
    let slice = builder.push("slice", Op::Slice { start: 1, channels: 4 }, &[input]).unwrap();
    builder.push("shuffle", Op::ChannelShuffle { groups: 2 }, &[slice]).unwrap();
    let graph = builder.finish();
    assert!(plan(&graph, Fusing::Full).is_partition_of(&graph));
    check(&graph).unwrap();
}

#[test]
fn a_missing_weight_is_an_error() {
    let graph = preset("shufflenet-v2-x0.5", 1);
    let error = Network::new(&graph, &Weights::default(), None, 1).unwrap_err();
    assert!(error.to_string().contains("conv1"), "{error}");
}

#[test]
fn an_instruction_set_that_the_machine_lacks_is_refused() {
    let Some(isa) = Isa::ALL.into_iter().find(|isa| !isa.available()) else { return };
    let graph = preset("shufflenet-v2-x0.5", 1);
    let error = Network::new(&graph, &Weights::seeded(&graph, 1), Some(isa), 1).unwrap_err();
    assert_eq!(error.to_string(), format!("this machine has no {isa} instructions"));
}

/// Whichever kernel computes the convolution: as a matrix product, of few channels, depthwise, on one pixel.
#[test]
fn a_batch_norm_is_not_folded_into_a_convolution_that_others_read_too() {
    for (channels, side, out_channels, kernel, groups) in
        [(8, 9, 8, 1, 1), (8, 9, 12, 3, 2), (3, 32, 8, 3, 1), (8, 9, 8, 3, 8), (8, 1, 6, 1, 1)]
    {
        let mut builder = GraphBuilder::new("two readers", Shape::new(2, channels, side, side));
        let window = Window::square(kernel, 1);
        let conv = Conv2d { in_channels: channels, out_channels, window, groups, bias: true };
        let input = builder.input();
        let conv = builder.push("conv", Op::Conv2d(conv), &[input]).unwrap();
        let norm = builder.push("norm", Op::BatchNorm { channels: out_channels, eps: 1e-5 }, &[conv]).unwrap();
        let active = builder.push("relu", Op::Activation(Activation::Relu), &[norm]).unwrap();
        builder.push("both", Op::Concat, &[active, conv]).unwrap();
        let graph = builder.finish();
        let network = Network::new(&graph, &Weights::seeded(&graph, 7), None, 1).unwrap();
        let with_conv = network.plan().kernels.iter().find(|kernel| kernel.layers.contains(&conv)).unwrap();
        assert!(!with_conv.layers.contains(&norm), "{kernel}x{kernel} g{groups}: {with_conv:?}");
        let cost = crate::cost::model_cost(&graph);
        assert!(cost.layers[1].memory_access.0 > 0, "nor does it cost nothing on paper");
        check(&graph).unwrap();
    }
}
