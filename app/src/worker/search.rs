//! The worker's answer to a request for a search.

use std::ops::ControlFlow;

use anyhow::Context;
use shufflescope_engine::clock::MonotonicClock;
use shufflescope_engine::measure::{ArithmeticCanary, MeasureError, SystemWatch};
use shufflescope_engine::search::{
    Asked, Bench, DeviceBench, Effort, Known, News, Pulse, Search, SearchError, Verified, run,
};
use shufflescope_engine::store::KernelRun;
use shufflescope_engine::units::Nanos;

use super::protocol::SearchJob;
use super::turn::Turn;
use crate::open_device::open_device;

/// Waits for the device; an error where that is given up.
pub(super) type Wait<'a> = &'a dyn Fn() -> anyhow::Result<Turn>;

/// Searches, and tells what it finds. The device is taken for each measurement alone, so that others get their turn
/// meanwhile.
pub(super) fn search(
    job: &SearchJob,
    clock: &MonotonicClock,
    watch: &SystemWatch,
    wait: Wait<'_>,
    tell: &mut dyn FnMut(&News<'_>) -> ControlFlow<()>,
) -> anyhow::Result<()> {
    let device = open_device(&job.options.device)?;
    // What was found before changes what chance brings, or it would bring the same.
    let seed = job.seed ^ ((job.found.len() as u64) << 20);
    let mut search = Search::new(job.goal, job.starts.clone(), &job.options, seed)
        .context("there is no sound design to start from")?;
    search.resume(job.found.clone());
    let (mut canary, mut watch) = (ArithmeticCanary::new(), watch.clone());
    let device = DeviceBench { device: &device, options: &job.options, clock, canary: &mut canary, watch: &mut watch };
    let mut bench = InTurn { device, wait };
    let known = Known { runs: job.known.clone(), peaks: job.peaks.clone() };
    Ok(run(&mut search, known, (&mut bench, clock), (job.time, Effort::default()), tell)?)
}

/// A device that others measure on too.
struct InTurn<'a> {
    device: DeviceBench<'a>,
    wait: Wait<'a>,
}

impl InTurn<'_> {
    fn turn(&self) -> Result<Turn, SearchError> {
        (self.wait)().map_err(|_| MeasureError::Cancelled.into())
    }
}

impl Bench for InTurn<'_> {
    fn learn(&mut self, asked: Asked<'_>, pulse: Pulse<'_>) -> Result<Option<KernelRun>, SearchError> {
        let _turn = self.turn()?;
        self.device.learn(asked, pulse)
    }

    fn verify(&mut self, asked: &[Asked<'_>], pulse: Pulse<'_>) -> Result<Vec<Option<Verified>>, SearchError> {
        let _turn = self.turn()?;
        self.device.verify(asked, pulse)
    }

    fn expected(&self, run: Nanos) -> Nanos {
        self.device.expected(run)
    }
}
