//! The whole runtime against plain loops, on random networks, for every instruction set of the machine.

mod hostile;
mod not_finite;

use proptest::prelude::{ProptestConfig, any, prop_assert, proptest};

use super::compile::compile;
use super::kernels::{Isa, Step, Table};
use super::network::Network;
use super::parameters::Parameters;
use super::plan;
use crate::design::Batch;
use crate::graph::{Activation, Conv2d, Graph, GraphBuilder, NodeId, Op, Shape, Window, lower};
use crate::runtime::{Fusing, reference};
use crate::weights::{Weights, seeded_input};
use crate::zoo;

/// Numbers that look random, the same for the same seed.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) as usize) % sides
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.roll(from.len())]
    }
}

/// A network of up to a dozen layers of any kind; layers that do not fit are left out.
fn random_graph(seed: u64) -> Graph {
    let mut dice = Dice(seed);
    let sides = [1, 2, 5, 7, 7, 8, 14, 14, 15, 16, 17, 28, 33];
    let shape = Shape::new(1 + dice.roll(3), 1 + dice.roll(24), dice.pick(&sides), dice.pick(&sides));
    let mut builder = GraphBuilder::new(format!("random {seed}"), shape);
    let mut values = vec![builder.input()];
    for index in 0..2 + dice.roll(12) {
        // Mostly a chain, as networks are.
        let value = if dice.roll(4) > 0 { values[values.len() - 1] } else { dice.pick(&values) };
        let path = format!("layer{index}");
        let pushed = match dice.roll(16) {
            0..=6 => random_conv(&mut dice, &mut builder, &path, value, &values),
            7 => builder.push(path, Op::Slice { start: dice.roll(4), channels: 1 + dice.roll(8) }, &[value]),
            8 => builder.push(path, Op::ChannelShuffle { groups: 1 + dice.roll(4) }, &[value]),
            9 => {
                let others = [value, dice.pick(&values), dice.pick(&values)];
                builder.push(path, Op::Concat, &others[..2 + dice.roll(2)])
            }
            10 => builder.push(path, Op::Add, &[value, dice.pick(&values)]),
            11 => builder.push(path, Op::MaxPool(pooling_window(&mut dice)), &[value]),
            12 => builder.push(path, Op::AvgPool(pooling_window(&mut dice)), &[value]),
            13 => builder
                .push(format!("{path}.mean"), Op::GlobalAvgPool, &[value])
                .and_then(|gate| builder.push(format!("{path}.gate"), Op::Activation(Activation::Sigmoid), &[gate]))
                .and_then(|gate| builder.push(path, Op::Scale, &[value, gate])),
            14 => builder.push(format!("{path}.flat"), Op::Flatten, &[value]).and_then(|flat| {
                let in_features = builder.shape(flat).channels;
                let linear = Op::Linear { in_features, out_features: 1 + dice.roll(40), bias: dice.roll(2) == 0 };
                builder.push(path, linear, &[flat])
            }),
            _ => {
                let channels = builder.shape(value).channels;
                builder.push(path, Op::BatchNorm { channels, eps: 1e-5 }, &[value])
            }
        };
        values.extend(pushed);
    }
    builder.finish()
}

fn random_window(dice: &mut Dice) -> Window {
    if dice.roll(2) == 0 {
        return Window::square(dice.pick(&[1, 3, 3, 5, 7]), 1 + dice.roll(2));
    }
    let kernel = [1 + dice.roll(4), dice.pick(&[1, 2, 3, 7])];
    let dilation = [1 + dice.roll(2), 1 + dice.roll(2)];
    let padding = [0, 1].map(|axis| dice.roll(1 + kernel[axis] * dilation[axis] / 2));
    let end = |start: usize, dice: &mut Dice| if dice.roll(2) == 0 { start } else { dice.roll(1 + start.max(1)) };
    let padding_end = padding.map(|start| end(start, dice));
    Window { kernel, stride: [1 + dice.roll(3), 1 + dice.roll(3)], padding, padding_end, dilation }
}

/// A window that never lies wholly in the padding, where a maximum has no value.
fn pooling_window(dice: &mut Dice) -> Window {
    let window = random_window(dice);
    let half = |padding: [usize; 2]| [0, 1].map(|axis| padding[axis].min(window.kernel[axis] / 2));
    let (padding, padding_end) = (half(window.padding), half(window.padding_end));
    Window { dilation: [1; 2], padding, padding_end, ..window }
}

/// A convolution with what usually follows it.
fn random_conv(
    dice: &mut Dice,
    builder: &mut GraphBuilder,
    path: &str,
    value: NodeId,
    values: &[NodeId],
) -> Result<NodeId, crate::graph::LowerError> {
    let in_channels = builder.shape(value).channels;
    let groups = dice.pick(&[1, 1, 2, 3, in_channels, in_channels]);
    let per_group = if groups == in_channels && dice.roll(4) > 0 { 1 } else { 1 + dice.roll(40 / groups.min(20)) };
    let window = if dice.roll(2) == 0 { Window::square(1, 1) } else { random_window(dice) };
    let conv = Conv2d { in_channels, out_channels: groups * per_group, window, groups, bias: dice.roll(2) == 0 };
    let mut made = builder.push(path, Op::Conv2d(conv), &[value])?;
    if dice.roll(3) > 0 {
        let norm = Op::BatchNorm { channels: conv.out_channels, eps: 1e-5 };
        made = builder.push(format!("{path}.norm"), norm, &[made])?;
    }
    if dice.roll(3) == 0 {
        // Mostly does not fit.
        let other = dice.pick(values);
        made = builder.push(format!("{path}.sum"), Op::Add, &[made, other]).unwrap_or(made);
    }
    let activation = dice.pick(&[Activation::None, Activation::Relu, Activation::Relu6, Activation::HardSwish]);
    builder.activation(format!("{path}.act"), activation, made)
}

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
        batch in 1..4_usize,
        (residual, act) in (any::<bool>(), 0..4_usize),
    ) {
        let [in_channels, out_channels] = channels;
        let activation = [Activation::None, Activation::Relu, Activation::Relu6, Activation::HardSwish][act];
        let mut builder = GraphBuilder::new("dense 3x3", Shape::new(batch, in_channels, size[0], size[1]));
        let input = builder.input();
        let window = Window { padding, ..Window::square(3, 1) };
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
        Op::Slice { .. } | Op::Concat | Op::ChannelShuffle { .. } | Op::Flatten => false,
        Op::BatchNorm { .. } => {
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
    assert!(labels.iter().all(|label| !label.contains("conv 3x3 /2 (Winograd)") && !label.contains("1x1 (Winograd)")));
    let weights = Weights::seeded(&graph, 1);
    for isa in Isa::all_available() {
        let parameters = Parameters::new(&graph, &weights).unwrap();
        let compiled = compile(&graph, Fusing::Full, &parameters, Table::of(isa), 1).unwrap();
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
