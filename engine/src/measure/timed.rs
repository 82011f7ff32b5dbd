//! Timed runs: one sample of a headline, one marked run, and the times that the host's clock spoils.

use super::MeasureError;
use crate::clock::Clock;
use crate::runtime::{Executable, Marks, RunTimes};
use crate::units::Nanos;

/// Samples that a clock going backwards may spoil before the measurement is given up.
pub(super) const CLOCK_FAULTS_ALLOWED: u64 = 20;

/// What one of `runs` unmarked runs, one right behind the other, takes by the host's clock; `None` where that went
/// backwards. Several runs are timed as one: each of them alone may be too short for the clock.
pub(super) fn unmarked_runs(
    exe: &mut dyn Executable,
    clock: &dyn Clock,
    runs: u64,
) -> Result<Option<RunTimes>, MeasureError> {
    let start = clock.now();
    let (mut last, mut enqueue) = (RunTimes::default(), Nanos::ZERO);
    for _ in 0..runs {
        last = exe.run(clock, Marks::None)?;
        enqueue += last.enqueue;
    }
    let end = clock.now();
    if went_back(start, end, &last) {
        return Ok(None);
    }
    if runs == 1 {
        return Ok(Some(last));
    }
    let per_run = |time: Nanos| Nanos(time.0 / runs.max(1));
    Ok(Some(RunTimes { host: per_run(end.since(start)), enqueue: per_run(enqueue), device: None }))
}

/// One run with marks; `None` where the host's clock went backwards. A device time of zero is an error, for unknown is
/// never zero.
pub(super) fn marked_run(
    exe: &mut dyn Executable,
    clock: &dyn Clock,
    marks: Marks<'_>,
) -> Result<Option<RunTimes>, MeasureError> {
    let start = clock.now();
    let times = exe.run(clock, marks)?;
    if times.device == Some(Nanos::ZERO) {
        return Err(MeasureError::NoTime);
    }
    Ok((!went_back(start, clock.now(), &times)).then_some(times))
}

/// One run with each kernel's time, of which there must be as many as the plan has kernels.
pub(super) fn kernel_run(
    exe: &mut dyn Executable,
    clock: &dyn Clock,
    kernels: &mut Vec<Nanos>,
) -> Result<Option<RunTimes>, MeasureError> {
    let planned = exe.plan().kernels.len();
    let times = marked_run(exe, clock, Marks::Kernels(kernels))?;
    match kernels.len() {
        marked if marked == planned => Ok(times),
        marked => Err(MeasureError::Marks { planned, marked }),
    }
}

fn went_back(start: Nanos, end: Nanos, times: &RunTimes) -> bool {
    end < start || times.enqueue > times.host
}
