//! The worker's answer to a request for every layer's time apart.

use std::ops::ControlFlow;

use anyhow::Context;
use shufflescope_engine::clock::MonotonicClock;
use shufflescope_engine::graph::Graph;
use shufflescope_engine::measure::{Apart, MeasureError, Phase, Progress, measure_apart};
use shufflescope_engine::runtime::{check_memory, prepare_apart};
use shufflescope_engine::units::Nanos;

use super::protocol::Job;
use crate::open_device::open_device;

/// How far it is, from 0 to 1, and how much time is left by the protocol's budget.
pub(super) type Tell<'a> = &'a mut dyn FnMut(f64, Nanos) -> ControlFlow<()>;

/// Runs the job's network, of which this is the graph, with one kernel a layer. `tell` may stop it between two runs, and once before the first.
pub(super) fn take_apart(job: &Job, graph: &Graph, clock: &MonotonicClock, tell: Tell<'_>) -> anyhow::Result<Apart> {
    check_memory(graph, &job.options)?;
    let device = open_device(&job.options.device)?;
    let weights = job.design.weights(graph, job.weights.as_deref()).context("the weights cannot be used")?;
    let mut executable = prepare_apart(graph, &weights, &device, &job.options)?;
    drop(weights);
    let protocol = job.protocol.on(job.options.device);
    let mut progress = |progress: &Progress<'_>| {
        let (fraction, left) = progress.standing(&protocol);
        tell(fraction, left)
    };
    if progress(&Progress { phase: Phase::WarmUp, fraction: 0.0, samples: None }).is_break() {
        return Err(MeasureError::Cancelled.into());
    }
    Ok(measure_apart(&mut *executable, graph, &protocol, clock, &mut progress)?)
}
