//! What a network says of pictures, and how often it is right.

use std::ops::ControlFlow;

use candle_core::Tensor;

use super::TeachError;
use super::pictures::Pictures;
use crate::classify::largest;
use crate::clock::MonotonicClock;
use crate::design::InputSize;
use crate::device::Device;
use crate::graph::Graph;
use crate::runtime::{RunError, RunOptions, prepare};
use crate::weights::Weights;

/// How many of these pictures the network tells right, one after another on the runtime that the options name. `tell`
/// hears how far it is, from 0 to 1, and can end it.
///
/// # Errors
/// Where the weights do not fit, the device fails, or `tell` ends it.
pub fn told_right(
    graph: &Graph,
    weights: &Weights,
    pictures: &Pictures,
    which: &[usize],
    run: &RunOptions,
    tell: &mut dyn FnMut(f64) -> ControlFlow<()>,
) -> Result<u64, TeachError> {
    let mut correct = 0;
    each_output(graph, weights, pictures, which, run, &mut |class, output, share| {
        // What is no number is no answer.
        let answer = largest(output, 1).first().copied().filter(|_| output.iter().all(|value| value.is_finite()));
        correct += u64::from(answer == Some(class));
        tell(share).is_continue().then_some(()).ok_or(TeachError::Cancelled)
    })?;
    Ok(correct)
}

/// What takes a picture's class, what the network makes of it, and how far this is, from 0 to 1.
type Take<'a> = dyn FnMut(usize, &[f32], f64) -> Result<(), TeachError> + 'a;

/// Hands every one of these pictures to `take`.
pub(super) fn each_output(
    graph: &Graph,
    weights: &Weights,
    pictures: &Pictures,
    which: &[usize],
    run: &RunOptions,
    take: &mut Take<'_>,
) -> Result<(), TeachError> {
    let run = RunOptions { batch: 1, ..run.clone() };
    weights.check(graph)?;
    let mut executable = prepare(graph, weights, &Device::open(&run.device)?, &run)?;
    let InputSize { height, width } = pictures.input();
    let (clock, mut values) = (MonotonicClock::new(), vec![]);
    for (position, index) in which.iter().enumerate() {
        let Some(sample) = pictures.samples().get(*index) else { continue };
        values.clear();
        pictures.normalise(&sample.pixels, &mut values);
        let shape = (1, 3, height as usize, width as usize);
        let input = Tensor::from_slice(&values, shape, &candle_core::Device::Cpu).map_err(RunError::from)?;
        executable.set_input(&input)?;
        let output = executable.infer(&clock)?;
        take(sample.class, &output, (position + 1) as f64 / which.len() as f64)?;
    }
    Ok(())
}
