//! Matrix products in 16 bits against plain loops, on every instruction set that has them, the imitated ones too.

use proptest::prelude::{ProptestConfig, any, prop_assert, proptest};

use super::super::compile::compile;
use super::super::error::CompileError;
use super::super::kernels::{Isa, Kernels, Step};
use super::super::network::Network;
use crate::design::Batch;
use crate::device::Precision;
use crate::graph::{Activation, Conv2d, Graph, GraphBuilder, Op, Shape, Window, lower};
use crate::runtime::parameters::Parameters;
use crate::runtime::random_graph::{Dice, random_graph};
use crate::runtime::{Fusing, reference};
use crate::weights::{WeightTensor, Weights, seeded_input};
use crate::zoo;

const HALVES: [Precision; 2] = [Precision::F16, Precision::Bf16];

fn instruction_sets(precision: Precision) -> impl Iterator<Item = Isa> {
    Isa::all_available().filter(move |&isa| Kernels::of(isa, precision).is_some())
}

/// Whole numbers so small that 32 products of them are summed exactly in 16 bits of either kind.
fn small(values: &[f32]) -> Vec<f32> {
    values.iter().map(|&value| (8.0 * value).round().clamp(-4.0, 4.0)).collect()
}

/// Runs in 16 bits of both kinds on every instruction set, on one and three threads, fused and apart; `near` is relative to the greatest value.
fn check(graph: &Graph, (weights, input): (&Weights, &[f32]), near: f32) -> Result<(), String> {
    let expected = reference::run(graph, weights, input).map_err(|error| error.to_string())?;
    let scale = expected.iter().fold(1.0_f32, |scale, value| scale.max(value.abs()));
    let runs = HALVES.into_iter().flat_map(|precision| instruction_sets(precision).map(move |isa| (precision, isa)));
    for ((precision, isa), fusing) in runs.flat_map(|run| [(run, Fusing::Full), (run, Fusing::Apart)]) {
        let mut first: Option<Vec<f32>> = None;
        for threads in [1, 3] {
            let mut network = Network::in_floats(graph, weights, (Some(isa), threads), fusing, precision)
                .map_err(|error| error.to_string())?;
            network.set_input(input);
            // The second run starts from what the first left behind.
            for _ in 0..2 {
                network.run().map_err(|error| error.to_string())?;
            }
            let mut result = vec![f32::NAN; expected.len()];
            network.output(&mut result);
            for (index, (&expected, &value)) in expected.iter().zip(&result).enumerate() {
                if (expected - value).abs().partial_cmp(&(near * scale)) != Some(std::cmp::Ordering::Less) {
                    return Err(format!(
                        "{precision}, {isa}, {threads} threads, {fusing:?}, {index}: {value}, not {expected}\n{graph:#?}"
                    ));
                }
            }
            if *first.get_or_insert_with(|| result.clone()) != result {
                return Err(format!("{precision}, {isa}: {threads} threads differ from one\n{graph:#?}"));
            }
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, ..ProptestConfig::default() })]

    #[test]
    fn any_network_is_near_plain_loops(seed in any::<u64>()) {
        let graph = random_graph(seed);
        let outcome = check(&graph, (&Weights::seeded(&graph, 7), &seeded_input(graph.input_shape(), 3)), 0.05);
        prop_assert!(outcome.is_ok(), "{}", outcome.unwrap_err());
    }

    /// A layer of small whole numbers rounds nothing: only the order of its sums is another.
    #[test]
    fn one_layer_of_numbers_that_16_bits_hold_equals_plain_loops(seed in any::<u64>()) {
        let mut dice = Dice(seed);
        let groups = dice.pick(&[1, 1, 1, 2, 3]);
        let [inputs, outputs] = [groups * (1 + dice.roll(40)), groups * (1 + dice.roll(40))];
        let sides = [1, 2, 5, 7, 14, 17, 28];
        let shape = Shape::new(1 + dice.roll(2), inputs, dice.pick(&sides), dice.pick(&sides));
        let mut builder = GraphBuilder::new("one layer", shape);
        let input = builder.input();
        let kernel = dice.pick(&[1, 1, 1, 3]);
        let window = Window { stride: [1 + dice.roll(2); 2], ..Window::square(kernel, 1) };
        let conv = Conv2d { in_channels: inputs, out_channels: outputs, window, groups, bias: true };
        let op = match dice.roll(4) {
            0 if shape.pixels() == 1 => Op::Linear { in_features: inputs, out_features: outputs, bias: true },
            _ => Op::Conv2d(conv),
        };
        if let Ok(conv) = builder.push("layer", op, &[input]) {
            let value = builder.activation("act", Activation::Relu, conv).unwrap();
            if builder.shape(value) == shape && dice.roll(2) == 0 {
                builder.push("sum", Op::Add, &[value, input]).unwrap();
            } else if dice.roll(3) == 0 {
                builder.push("mean", Op::GlobalAvgPool, &[value]).unwrap();
            }
            let graph = builder.finish();
            let mut weights = Weights::default();
            for (name, tensor) in Weights::seeded(&graph, seed).iter() {
                weights.insert(name, WeightTensor { values: small(&tensor.values), ..tensor.clone() });
            }
            let input = small(&seeded_input(shape, seed));
            let outcome = check(&graph, (&weights, &input), 1e-5);
            prop_assert!(outcome.is_ok(), "{}", outcome.unwrap_err());
        }
    }
}

#[test]
fn networks_are_near_plain_loops_and_most_of_their_products_are_in_16_bits() {
    for name in ["shufflenet-v2-x0.5", "shufflenet-v2-x2.0"] {
        let mut design = zoo::preset(name).unwrap();
        design.input = crate::design::InputSize::square(64);
        let graph = lower(&design, Batch(2)).unwrap();
        let weights = Weights::seeded(&graph, 1);
        check(&graph, (&weights, &seeded_input(graph.input_shape(), 3)), 0.02)
            .unwrap_or_else(|error| panic!("{error}"));
        let isa = instruction_sets(Precision::Bf16).last().unwrap();
        let kernels = Kernels::of(isa, Precision::Bf16).unwrap();
        let parameters = Parameters::new(&graph, &weights).unwrap();
        let compiled = compile(&graph, Fusing::Full, &parameters, kernels, 1).unwrap();
        for (step, kernel) in compiled.steps.iter().zip(&compiled.plan.kernels) {
            let in_words = match step {
                Step::Convolution(step) => step.is_in_words(),
                Step::Linear(step) => step.is_in_words(),
                _ => continue,
            };
            assert!(in_words, "{name}: {}", kernel.label);
        }
    }
}

#[test]
fn an_instruction_set_without_such_numbers_is_refused() {
    let Some(isa) = Isa::all_available().find(|&isa| Kernels::of(isa, Precision::Bf16).is_none()) else { return };
    let graph = lower(&zoo::preset("shufflenet-v2-x0.5").unwrap(), Batch(1)).unwrap();
    let refused =
        Network::in_floats(&graph, &Weights::seeded(&graph, 1), (Some(isa), 1), Fusing::Full, Precision::Bf16);
    assert!(matches!(refused, Err(CompileError::Precision { precision: Precision::Bf16, .. })));
}
