//! The model in 8 bits of a graph with its weights, and what of it is kept with them.

use super::calibrate::{Ranges, calibrate, calibration};
use super::model::{Model, kernels_apart};
use super::scales::needs_ranges;
use crate::graph::Graph;
use crate::runtime::cpu::CompileError;
use crate::runtime::cpu::kernels::Isa;
use crate::runtime::parameters::Parameters;
use crate::weights::{ByteNetwork, Quantisation, Weights};

/// Inputs to take ranges from, each `[batch, channels, height, width]` of the graph.
pub type Inputs<'a> = &'a mut dyn Iterator<Item = Vec<f32>>;

/// The weights with what is known or found of how the network's bytes stand for numbers beside them ([`Quantisation`]), in
/// place of what was there: ranges come from runs on `inputs` or, without them, are as the weights say and otherwise made-up.
///
/// # Errors
/// [`CompileError`]; [`CompileError::Int8`] names the first layer that has no kernel in 8 bits.
pub fn quantise(
    graph: &Graph,
    weights: &Weights,
    threads: usize,
    inputs: Option<Inputs<'_>>,
) -> Result<Weights, CompileError> {
    let mut weights = weights.clone();
    if inputs.is_some() {
        Quantisation::none(graph).store(graph, &mut weights);
    }
    let parameters = Parameters::new(graph, &weights)?;
    let model = model(graph, (&weights, &parameters), (Isa::detect(), threads.max(1)), inputs)?;
    let known = model.quantisation(graph);
    known.store(graph, &mut weights);
    Ok(weights)
}

/// The network in bytes, as its weights or made-up inputs say: what runs here in 8 bits.
///
/// # Errors
/// As [`quantise`].
pub fn in_bytes(graph: &Graph, weights: &Weights, threads: usize) -> Result<ByteNetwork, CompileError> {
    let parameters = Parameters::new(graph, weights)?;
    let model = model(graph, (weights, &parameters), (Isa::detect(), threads.max(1)), None)?;
    Ok(model.in_bytes(graph))
}

/// How a network computes in 8 bits: as its weights say, else as runs in 32 bits on `inputs` or on made-up ones ask for.
pub(in crate::runtime::cpu) fn model(
    graph: &Graph,
    (weights, parameters): (&Weights, &Parameters<'_>),
    (isa, threads): (Isa, usize),
    inputs: Option<Inputs<'_>>,
) -> Result<Model, CompileError> {
    let known = Quantisation::of(graph, weights)
        .map_err(|source| CompileError::Scale { design: graph.name.clone(), source })?;
    // Without ranges, to refuse what has no kernel before anything runs.
    Model::new(graph, &Parameters::counted(graph), None, &known)?;
    let ranges = if !needs_ranges(graph, &kernels_apart(graph), &known) {
        Ranges::none(graph)
    } else if let Some(inputs) = inputs {
        calibrate(graph, parameters, (isa, threads), inputs)?
    } else {
        calibrate(graph, parameters, (isa, threads), calibration(graph.input_shape()))?
    };
    Model::new(graph, parameters, Some(&ranges), &known)
}
