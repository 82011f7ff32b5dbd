//! Makes a graph ready to run with the backend that the options name.

use super::cpu::CpuExecutable;
use super::memory::check_prepared;
use super::thread_choice::{fewest_that_help, in_turns};
use super::{Executable, Fusing, Marks, PrepareError, RunOptions, Runtime, ThreadChoice, UnsupportedRun, backend};
use crate::clock::MonotonicClock;
use crate::device::{Device, DeviceId, keep_to_fastest, like_cores, usable_cores};
use crate::graph::Graph;
use crate::units::Nanos;
use crate::weights::Weights;

/// Makes a graph ready to run: weights on the device, buffers planned. On our kernels for the CPU it runs on as many threads
/// as the options ask for, but no more than the process may use cores.
///
/// # Errors
/// Where weights do not fit, the device fails, memory would not suffice, or nothing has kernels for it.
pub fn prepare(
    graph: &Graph,
    weights: &Weights,
    device: &Device,
    options: &RunOptions,
) -> Result<Box<dyn Executable + Send>, PrepareError> {
    prepared(graph, weights, device, options, Fusing::Full)
}

/// As [`prepare`], with a kernel for every layer that computes ([`Fusing::Apart`]). Stock Candle never fuses: for it this
/// is the same.
///
/// # Errors
/// As [`prepare`].
pub fn prepare_apart(
    graph: &Graph,
    weights: &Weights,
    device: &Device,
    options: &RunOptions,
) -> Result<Box<dyn Executable + Send>, PrepareError> {
    prepared(graph, weights, device, options, Fusing::Apart)
}

/// As [`prepare`], but of the threads asked for only as many run as help, which is found by letting a few numbers of them
/// take turns for some hundredths of a second; the executable tells the [choice](Executable::thread_choice). One that was
/// `known` from the same network, options and machine is taken as it is, so that processes of one measurement agree.
/// Runtimes other than ours run on all of them.
///
/// # Errors
/// As [`prepare`].
pub fn prepare_fitting(
    graph: &Graph,
    weights: &Weights,
    device: &Device,
    options: &RunOptions,
    known: Option<&ThreadChoice>,
) -> Result<Box<dyn Executable + Send>, PrepareError> {
    if (options.runtime, options.device) != (Runtime::Tuned, DeviceId::Cpu) || options.threads <= 1 {
        return prepare(graph, weights, device, options);
    }
    let mut make = |threads| {
        let options = RunOptions { threads, ..options.clone() };
        options.check_on(device)?;
        check_prepared(graph, &options, Fusing::Full)?;
        keep_to_fastest(threads);
        CpuExecutable::with_options(graph, weights, device, (&options, Fusing::Full))
    };
    let cores = usable_cores().unwrap_or(options.threads);
    let (executable, choice) = match known.filter(|known| known.asked == options.threads && known.used <= cores) {
        Some(known) => (make(known.used)?, known.clone()),
        None => fewest_that_help((options.threads, cores), &like_cores(), &mut make, &mut race)?,
    };
    // The last that was tried may have been kept to fewer cores.
    keep_to_fastest(choice.used);
    Ok(Box::new(executable.chosen(choice)))
}

/// The time of the second relative to the first, in turns.
fn race(first: &mut CpuExecutable, second: &mut CpuExecutable) -> Result<Option<f64>, PrepareError> {
    let clock = MonotonicClock::new();
    let run = |executable: &mut CpuExecutable| -> Result<Nanos, PrepareError> {
        let times = executable.run(&clock, Marks::None).map_err(candle_core::Error::wrap)?;
        Ok(times.host)
    };
    in_turns([&mut || run(first), &mut || run(second)])
}

fn prepared(
    graph: &Graph,
    weights: &Weights,
    device: &Device,
    options: &RunOptions,
    fusing: Fusing,
) -> Result<Box<dyn Executable + Send>, PrepareError> {
    options.check_on(device)?;
    check_prepared(graph, options, fusing)?;
    let RunOptions { runtime, device: id, threads, .. } = *options;
    if id == DeviceId::Cpu {
        // Before the runtime starts its own, which stay where this one is.
        keep_to_fastest(threads);
    }
    let backend = backend(runtime, id).ok_or(UnsupportedRun::Runtime { runtime, device: id })?;
    backend.compile(graph, weights, device, (options, fusing))
}

#[cfg(test)]
mod tests;
