//! The range of every value of a network, from runs in 32 bits.

use super::leaves::leaves;
use crate::graph::{Graph, NodeId, Shape};
use crate::runtime::cpu::CompileError;
use crate::runtime::cpu::compile::{Keeping, compile_keeping};
use crate::runtime::cpu::kernels::{Isa, Kernels, Machine, Program};
use crate::runtime::parameters::Parameters;
use crate::weights::seeded_input;

/// Images of each kind that ranges are taken from, at least.
const IMAGES: usize = 8;
/// The seed of the first input: not the one that a fresh network runs on, so that what is compared was not seen before.
const FIRST_SEED: u64 = 2;

/// The least and the greatest of each node's values.
#[derive(Clone, Debug)]
pub(in crate::runtime::cpu) struct Ranges(Vec<[f32; 2]>);

impl Ranges {
    pub fn none(graph: &Graph) -> Self {
        Self(vec![[0.0; 2]; graph.nodes().len()])
    }

    pub fn of(&self, node: NodeId) -> [f32; 2] {
        self.0[node.0]
    }

    /// Widens a node's range to hold `values`; what is not a number stays in it.
    pub fn widen(&mut self, node: NodeId, values: &[f32]) {
        let [low, high] = &mut self.0[node.0];
        for &value in values {
            // What is not a number makes both ends infinite, which no scale covers.
            let value = if value.is_nan() { f32::INFINITY } else { value };
            (*low, *high) = (low.min(value), high.max(value));
        }
    }
}

/// Made-up inputs to take ranges from: noise, which networks with made-up weights run on, and pictures in turns.
pub(super) fn calibration(shape: Shape) -> impl Iterator<Item = Vec<f32>> {
    let runs = IMAGES.div_ceil(shape.batch.max(1)).max(2) as u64;
    (FIRST_SEED..FIRST_SEED + runs).flat_map(move |seed| [seeded_input(shape, seed), leaves(shape, seed)])
}

/// Runs `graph` on each of `inputs` in 32 bits.
///
/// # Errors
/// [`CompileError`].
pub(in crate::runtime::cpu) fn calibrate(
    graph: &Graph,
    parameters: &Parameters<'_>,
    (isa, threads): (Isa, usize),
    inputs: impl Iterator<Item = Vec<f32>>,
) -> Result<Ranges, CompileError> {
    let Keeping { compiled, values } = compile_keeping(graph, parameters, Kernels::in_floats(isa), threads)?;
    let program = Program::new(compiled.steps, compiled.phases, compiled.floats, threads)
        .map_err(|conflict| CompileError::of(graph, conflict))?;
    let mut machine = Machine::start(program).map_err(|source| CompileError::Threads { threads, source })?;
    let mut ranges = Ranges::none(graph);
    let mut row = Vec::new();
    for input in inputs {
        ranges.widen(NodeId(0), &input);
        for (&at, values) in compiled.input.iter().zip(input.chunks(graph.input_shape().pixels())) {
            machine.write(at, values);
        }
        machine.run().map_err(|_| CompileError::Calibration { design: graph.name.clone() })?;
        for (node, rows) in &values {
            row.resize(graph.node(*node).output.pixels(), 0.0);
            for &at in rows {
                machine.read(at, &mut row);
                ranges.widen(*node, &row);
            }
        }
    }
    Ok(ranges)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::design::Batch;
    use crate::graph::lower;
    use crate::runtime::plan::{Work, renames};
    use crate::runtime::reference;
    use crate::weights::Weights;
    use crate::zoo::preset;

    #[test]
    fn ranges_are_those_of_every_stored_value_over_all_inputs() {
        let mut design = preset("shufflenet-v2-x0.5").unwrap();
        design.input = crate::design::InputSize::square(64);
        let graph = lower(&design, Batch(2)).unwrap();
        let weights = Weights::seeded(&graph, 7);
        let inputs: Vec<Vec<f32>> = calibration(graph.input_shape()).take(2).collect();
        let parameters = Parameters::new(&graph, &weights).unwrap();
        let ranges = calibrate(&graph, &parameters, (Isa::detect(), 2), inputs.clone().into_iter()).unwrap();
        let all: Vec<Vec<Vec<f32>>> =
            inputs.iter().map(|input| reference::run_all(&graph, &weights, input).unwrap()).collect();
        let kernels = super::super::model::kernels_apart(&graph);
        assert!(kernels.iter().any(|kernel| matches!(kernel.spec.steps[0].work, Work::Linear)));
        for kernel in &kernels {
            let node = kernel.value;
            assert!(!renames(&graph.node(node).op));
            let values = || all.iter().flat_map(|values| &values[node.0]);
            let low = values().copied().fold(0.0, f32::min);
            let high = values().copied().fold(0.0, f32::max);
            let [found_low, found_high] = ranges.of(node);
            let near = |a: f32, b: f32| (a - b).abs() <= 1e-4 * high.max(-low).max(1.0);
            assert!(near(low, found_low) && near(high, found_high), "{}", graph.node(node).path);
        }
    }
}
