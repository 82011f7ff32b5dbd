//! The runtime in 8 bits against plain loops over integers, bit for bit, on random networks, for every instruction set of
//! the machine.

mod fused;

use proptest::prelude::{ProptestConfig, any, prop_assert, proptest};

use super::calibrate::{Ranges, calibrate, calibration};
use super::*;
use crate::design::Batch;
use crate::graph::{Activation, Conv2d, Graph, GraphBuilder, LocalNorm, Op, Shape, Window, lower};
use crate::runtime::cpu::CompileError;
use crate::runtime::cpu::kernels::int8::{Level, WordTable};
use crate::runtime::cpu::kernels::{Isa, Program};
use crate::runtime::cpu::network::Network;
use crate::runtime::parameters::Parameters;
use crate::runtime::random_graph::{random_graph, shuffled_chains};
use crate::runtime::{Fusing, reference as floats};
use crate::weights::{ByteScale, Quantisation, Weights, seeded_input};
use crate::zoo;

/// The model of `graph` with made-up weights; `None` where a layer cannot be in 8 bits.
fn model(graph: &Graph, weights: &Weights) -> Option<Model> {
    let parameters = Parameters::new(graph, weights).unwrap();
    let ranges = calibrate(graph, &parameters, (Isa::detect(), 1), calibration(graph.input_shape()).take(2)).unwrap();
    match Model::new(graph, &parameters, Some(&ranges), &Quantisation::of(graph, weights).unwrap()) {
        Ok(model) => Some(model),
        Err(CompileError::Int8 { layer, .. }) => {
            assert!(graph.nodes().iter().any(|node| node.path == layer), "{layer}");
            None
        }
        Err(error) => panic!("{error}"),
    }
}

/// Runs `graph` with every instruction set on one and on three threads, fused and apart.
fn check(graph: &Graph) -> Result<(), String> {
    check_with(graph, &Weights::seeded(graph, 7))
}

fn check_with(graph: &Graph, weights: &Weights) -> Result<(), String> {
    let Some(model) = model(graph, weights) else { return Ok(()) };
    let input = seeded_input(graph.input_shape(), 1);
    let expected = reference::run(graph, &model, &input);
    for level in Level::ALL.into_iter().filter(|level| level.available()) {
        for (threads, fusing) in [(1, Fusing::Full), (3, Fusing::Full), (3, Fusing::Apart)] {
            let compiled = compile(graph, fusing, &model, WordTable::of(level), threads).map_err(|e| e.to_string())?;
            let mut network = Network::of(graph, compiled, level.isa(), threads).map_err(|error| error.to_string())?;
            network.set_input(&input);
            let mut result = vec![f32::NAN; expected.len()];
            // The second run starts from what the first left behind.
            for _ in 0..2 {
                network.run().map_err(|error| error.to_string())?;
            }
            network.output(&mut result);
            let bits = |values: &[f32]| -> Vec<u32> { values.iter().map(|value| value.to_bits()).collect() };
            if bits(&result) != bits(&expected) {
                let wrong = result.iter().zip(&expected).position(|(a, b)| a.to_bits() != b.to_bits());
                let index = wrong.unwrap_or(0);
                return Err(format!(
                    "{level:?}, {threads} threads, {fusing:?}, value {index}: {} is not {}\n{graph:#?}",
                    result[index], expected[index]
                ));
            }
            let mut marks = 0;
            network.run_marked(&mut || marks += 1).map_err(|error| error.to_string())?;
            let mut marked = vec![f32::NAN; expected.len()];
            network.output(&mut marked);
            if marks != network.plan().kernels.len() || bits(&marked) != bits(&result) {
                return Err(format!("{level:?}, {fusing:?}: a marked run differs, or has {marks} marks"));
            }
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, ..ProptestConfig::default() })]

    #[test]
    fn any_network_equals_plain_integer_loops_bit_for_bit(seed in any::<u64>()) {
        let graph = random_graph(seed);
        prop_assert!(plan(&graph, Fusing::Full).is_partition_of(&graph), "{:#?}", plan(&graph, Fusing::Full));
        prop_assert!(plan(&graph, Fusing::Apart).is_partition_of(&graph), "{:#?}", plan(&graph, Fusing::Apart));
        let outcome = check(&graph);
        prop_assert!(outcome.is_ok(), "{}", outcome.unwrap_err());
    }
}

#[test]
fn a_channel_shuffle_inside_what_could_be_a_chain_is_not_lost() {
    for graph in shuffled_chains() {
        check(&graph).unwrap_or_else(|error| panic!("{}: {error}", graph.name));
    }
}

#[test]
fn a_network_that_only_renames_runs() {
    let mut builder = GraphBuilder::new("renames", Shape::new(2, 6, 3, 3));
    let input = builder.input();
    let slice = builder.push("slice", Op::Slice { start: 1, channels: 4 }, &[input]).unwrap();
    builder.push("shuffle", Op::ChannelShuffle { groups: 2 }, &[slice]).unwrap();
    check(&builder.finish()).unwrap();
}

/// Designs of every family, small enough for plain loops.
#[test]
fn networks_of_the_zoo_equal_plain_integer_loops_bit_for_bit() {
    for name in ["shufflenet-v2-x0.5", "shufflenet-v1-g3-x0.5", "mobilenet-v2-x0.15", "igcv3-d-x0.7"] {
        let mut design = zoo::preset(name).unwrap();
        design.input = crate::design::InputSize::square(64);
        check(&lower(&design, Batch(1)).unwrap()).unwrap_or_else(|error| panic!("{name}: {error}"));
    }
}

#[test]
fn shuffles_and_splits_move_nothing() {
    let graph = lower(&zoo::preset("shufflenet-v2-x1.0").unwrap(), Batch(1)).unwrap();
    // Every convolution, the max-pool, the mean over the map, the classifier; apart from what runs with the kernel before it:
    // the max-pool, the mean, and in each of sixteen units a depthwise convolution.
    let kernels = 56 + 3 - (2 + 16);
    assert_eq!(plan(&graph, Fusing::Full).kernels.len(), kernels);
    let weights = Weights::seeded(&graph, 7);
    let parameters = Parameters::new(&graph, &weights).unwrap();
    let model = Model::new(&graph, &parameters, Some(&Ranges::none(&graph)), &Quantisation::none(&graph)).unwrap();
    let compiled = compile(&graph, Fusing::Full, &model, WordTable::of(Level::Portable), 1).unwrap();
    // One more: bytes of the input.
    assert_eq!(compiled.steps.len(), kernels + 1);
    assert_eq!(compiled.marks.iter().filter(|mark| **mark).count(), kernels);
    assert!(Program::new(compiled.steps, compiled.phases, compiled.floats, 1).is_ok());
}

#[test]
fn logits_are_near_those_in_floats() {
    let mut design = zoo::preset("shufflenet-v2-x0.5").unwrap();
    design.input = crate::design::InputSize::square(96);
    let graph = lower(&design, Batch(2)).unwrap();
    let weights = Weights::seeded(&graph, 7);
    let input = seeded_input(graph.input_shape(), 1);
    let expected = floats::run(&graph, &weights, &input).unwrap();
    let result = reference::run(&graph, &model(&graph, &weights).unwrap(), &input);
    let greatest = expected.iter().fold(0.0_f32, |most, value| most.max(value.abs()));
    let error = expected.iter().zip(&result).fold(0.0_f32, |most, (a, b)| most.max((a - b).abs()));
    assert!(error < 0.1 * greatest && error > 0.0, "{error} of {greatest}");
}

#[test]
fn a_layer_that_cannot_be_in_8_bits_is_refused_by_name() {
    let norm = LocalNorm { size: 3, alpha: 1.0.into(), beta: 0.75.into(), offset: 1.0.into() };
    for op in [Op::LocalNorm(norm), Op::LayerNorm { channels: 6, eps: 1e-5 }] {
        let mut builder = GraphBuilder::new("net", Shape::new(1, 6, 4, 4));
        builder.push("features.norm", op, &[builder.input()]).unwrap();
        let graph = builder.finish();
        let weights = Weights::seeded(&graph, 1);
        let error = Network::in_int8(&graph, &weights, None, 1, Fusing::Full).unwrap_err().to_string();
        assert!(error.contains("`features.norm`") && error.contains("--precision f32"), "{error}");
    }
}

#[test]
fn a_network_too_large_to_be_addressed_is_refused_and_still_has_a_plan() {
    let pool = |batch, side| {
        let mut builder = GraphBuilder::new("large", Shape::new(batch, 8, side, side));
        let value = builder.push("pool", Op::AvgPool(Window::square(3, 1)), &[builder.input()]).unwrap();
        builder.push("flat", Op::Flatten, &[value]).unwrap();
        builder.finish()
    };
    for graph in [pool(1 << 44, 6), pool(1, 1 << 20)] {
        assert!(plan(&graph, Fusing::Full).is_partition_of(&graph));
        let error = Network::in_int8(&graph, &Weights::default(), None, 1, Fusing::Full).unwrap_err();
        assert!(matches!(error, CompileError::TooLarge { .. }), "{error}");
    }
}

#[test]
fn an_activation_changes_nothing_by_running_with_what_makes_its_input() {
    for activation in Activation::EXAMPLES {
        let mut builder = GraphBuilder::new("act", Shape::new(1, 5, 9, 9));
        let window = Window::square(3, 1);
        let conv = Conv2d { in_channels: 5, out_channels: 11, window, groups: 1, bias: true };
        let value = builder.push("conv", Op::Conv2d(conv), &[builder.input()]).unwrap();
        builder.activation("act", activation, value).unwrap();
        check(&builder.finish()).unwrap_or_else(|error| panic!("{activation}: {error}"));
    }
}

/// Scales that differ wherever they can: what the runtime would choose, widened and moved.
fn odd_scales(graph: &Graph, weights: &mut Weights, seed: u64) {
    let parameters = Parameters::new(graph, weights).unwrap();
    let ranges = calibrate(graph, &parameters, (Isa::detect(), 1), calibration(graph.input_shape()).take(2)).unwrap();
    let Ok(model) = Model::new(graph, &parameters, Some(&ranges), &Quantisation::none(graph)) else { return };
    let mut known = model.quantisation(graph);
    for (index, output) in known.outputs.iter_mut().enumerate() {
        let drawn = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(index as u32 * 7) as usize;
        let quant = model.quants[index];
        let odd = ByteScale {
            scale: quant.scale * (1.0 + (drawn % 5) as f32 / 8.0),
            zero_point: quant.zero.saturating_add((drawn / 5 % 7) as u8),
        };
        // Some values have none, also of those that only rename; the result is bytes or floats.
        *output = (!(drawn / 64).is_multiple_of(4)).then_some(odd);
    }
    known.store(graph, weights);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn networks_whose_scales_are_known_equal_plain_integer_loops_bit_for_bit(seed in any::<u64>()) {
        let graph = random_graph(seed);
        let mut weights = Weights::seeded(&graph, 7);
        odd_scales(&graph, &mut weights, seed);
        let outcome = check_with(&graph, &weights);
        prop_assert!(outcome.is_ok(), "{}", outcome.unwrap_err());
    }
}

#[test]
fn what_is_kept_with_the_weights_computes_the_same_without_calibrating() {
    for name in ["shufflenet-v2-x0.5", "shufflenet-v1-g3-x0.5", "mobilenet-v2-x0.15"] {
        let mut design = zoo::preset(name).unwrap();
        design.input = crate::design::InputSize::square(64);
        let graph = lower(&design, Batch(1)).unwrap();
        let plain = Weights::seeded(&graph, 7);
        let kept = quantise(&graph, &plain, 1, None).unwrap();
        assert!(kept.len() > plain.len() && Quantisation::of(&graph, &plain).unwrap().is_empty());
        let run = |weights: &Weights| {
            let mut network = Network::in_int8(&graph, weights, None, 1, Fusing::Full).unwrap();
            network.set_input(&seeded_input(graph.input_shape(), 1));
            network.run().unwrap();
            let mut logits = vec![0.0; 1000];
            network.output(&mut logits);
            logits
        };
        assert_eq!(run(&kept), run(&plain), "{name}");
        assert_eq!(quantise(&graph, &kept, 1, None).unwrap(), kept, "{name}");
        let known = Quantisation::of(&graph, &kept).unwrap();
        assert!(!scales::needs_ranges(&graph, &model::kernels_apart(&graph), &known), "{name}");
        // Other inputs, other ranges.
        let other = quantise(&graph, &plain, 1, Some(&mut std::iter::once(vec![0.1; 3 * 64 * 64]))).unwrap();
        assert_ne!(run(&other), run(&plain), "{name}");
    }
}

#[test]
fn scales_of_weights_are_of_no_use_once_a_normalisation_folds_into_them() {
    let conv = Conv2d { in_channels: 3, out_channels: 2, window: Window::square(1, 1), groups: 1, bias: false };
    let mut builder = GraphBuilder::new("net", Shape::new(1, 3, 4, 4));
    let value = builder.push("conv", Op::Conv2d(conv), &[builder.input()]).unwrap();
    builder.push("norm", Op::BatchNorm { channels: 2, eps: 1e-5 }, &[value]).unwrap();
    let graph = builder.finish();
    let mut weights = Weights::seeded(&graph, 7);
    let scale = |path: &str, weights: &mut Weights| {
        let values = vec![0.01];
        weights.insert(format!("{path}.weight_scale"), crate::weights::WeightTensor { shape: vec![1], values });
    };
    let scales = |weights: &Weights| {
        let known = model(&graph, weights).unwrap().quantisation(&graph);
        assert_eq!(known.weights[1], None);
        known.weights[2].clone().unwrap()
    };
    let plain = scales(&weights);
    scale("conv", &mut weights);
    assert_eq!(scales(&weights), plain, "of the convolution's own weights, which are not computed with");
    scale("norm", &mut weights);
    assert_eq!(scales(&weights), [0.01; 2]);
    // As a normalisation is that stands in the place of one that is folded already.
    let vector = |value: f32| crate::weights::WeightTensor { shape: vec![2], values: vec![value; 2] };
    weights.retain(|name| name != "norm.weight_scale");
    for (of, value) in [("weight", 1.0), ("bias", 0.3), ("running_mean", 0.0), ("running_var", (1.0 - 1e-5_f64) as f32)]
    {
        weights.insert(format!("norm.{of}"), vector(value));
    }
    assert_eq!(scales(&weights), [0.01; 2]);
}

#[test]
fn halves_of_a_concatenation_may_have_scales_of_their_own() {
    let graph = lower(&zoo::preset("shufflenet-v2-x0.5").unwrap(), Batch(1)).unwrap();
    let mut weights = Weights::seeded(&graph, 7);
    odd_scales(&graph, &mut weights, 3);
    let known = Quantisation::of(&graph, &weights).unwrap();
    let concat = graph.layers().filter(|(id, node)| node.op == Op::Concat && known.output(*id).is_some()).count();
    assert!(concat > 4, "{concat} of 16 have a scale");
    let model = model(&graph, &weights).unwrap();
    for (id, _) in graph.layers().filter(|(id, _)| known.output(*id).is_some()) {
        let stored = known.output(id).unwrap();
        assert_eq!((model.quants[id.0].scale, model.quants[id.0].zero), (stored.scale, stored.zero_point));
    }
}

#[test]
fn a_scale_that_cannot_be_is_refused_with_its_layer() {
    let graph = lower(&zoo::preset("shufflenet-v2-x0.5").unwrap(), Batch(1)).unwrap();
    let mut weights = Weights::seeded(&graph, 7);
    let nothing = crate::weights::WeightTensor { shape: vec![1], values: vec![0.0] };
    weights.insert("stage2.0.branch2.0.output_scale", nothing.clone());
    weights.insert("stage2.0.branch2.0.output_zero_point", nothing);
    let error = Network::in_int8(&graph, &weights, None, 1, Fusing::Full).unwrap_err().to_string();
    assert!(error.contains("`stage2.0.branch2.0`") && error.contains("0 is no scale"), "{error}");
}
