//! The options that say how to run a network, where a command takes them all.

use shufflescope_engine::design::Batch;
use shufflescope_engine::device::DeviceId;
use shufflescope_engine::measure::{Mode, Protocol};
use shufflescope_engine::runtime::{Isa, Precision, RunOptions, Runtime};

use super::resolve;
use super::site::Site;

#[derive(Clone, Debug, clap::Args)]
pub(super) struct Running {
    /// cpu, gpu:N (see `shufflescope devices`), gpu:software, cuda:N or metal:N
    #[arg(long, value_name = "DEVICE", default_value = "cpu")]
    device: DeviceId,
    /// tuned (our kernels: cpu, gpu:N, cuda:N) or candle (stock operations: cpu, cuda:N, metal:N) [default: tuned where it runs]
    #[arg(long, value_name = "NAME")]
    runtime: Option<Runtime>,
    /// f32, or int8: 8-bit integers, on cpu, or f16: half the memory, on GPUs (gpu:N, cuda:N) that have it, or tf32: on
    /// NVIDIA's tensor cores (cuda:N)
    #[arg(long, value_name = "NAME", default_value_t)]
    precision: Precision,
    /// Force the tuned kernels' instruction set: portable, neon, avx2, avx512vl, avx512 [default: the widest there is]
    #[arg(long, value_name = "NAME")]
    instruction_set: Option<Isa>,
}

impl Running {
    /// The options for this many threads and images on this machine; refuses now what could not run later.
    #[cfg(feature = "window")]
    pub(super) fn options(&self, threads: Option<usize>, batch: Batch) -> anyhow::Result<RunOptions> {
        self.options_at(&Site::here()?, threads, batch)
    }

    /// The options for this many threads and images; refuses now what could not run there later.
    pub(super) fn options_at(&self, site: &Site, threads: Option<usize>, batch: Batch) -> anyhow::Result<RunOptions> {
        let threads = threads.unwrap_or_else(|| site.threads());
        let mut options = RunOptions::new(self.device, threads, batch.0);
        options.runtime = self.runtime.unwrap_or(options.runtime);
        options.instruction_set = self.instruction_set;
        options.precision = self.precision;
        site.can_run(&options)?;
        Ok(options)
    }
}

/// How to measure where many networks are measured one after the other: live mode goes on until it knows the median
/// as well as rigorous mode asks, or for some seconds.
pub(super) const fn patient(mode: Mode) -> Protocol {
    match mode {
        Mode::Live => Protocol::live().refined(),
        Mode::Rigorous => Protocol::rigorous(),
    }
}

/// Threads and batch of commands that take one of each.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct Load {
    /// CPU threads [default: one per core]
    #[arg(long, value_name = "N", value_parser = resolve::threads)]
    pub threads: Option<usize>,
    /// Images per run
    #[arg(long, value_name = "N", default_value = "1", value_parser = resolve::batch)]
    pub batch: Batch,
}
