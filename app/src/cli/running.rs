//! The options that say how to run a network, where a command takes them all.

use shufflescope_engine::design::Batch;
use shufflescope_engine::device::{Device, DeviceId, Machine};
use shufflescope_engine::measure::{Mode, NoiseFloor, NoiseFloors, NoiseKey, Protocol};
use shufflescope_engine::runtime::{Isa, RunOptions, Runtime};

use super::output::complain;
use super::resolve;

#[derive(Clone, Debug, clap::Args)]
pub(super) struct Running {
    /// cpu, cuda:N or metal:N
    #[arg(long, value_name = "DEVICE", default_value = "cpu")]
    device: DeviceId,
    /// tuned (our kernels, CPU only) or candle (stock operations) [default: tuned on the CPU]
    #[arg(long, value_name = "NAME")]
    runtime: Option<Runtime>,
    /// Force the tuned kernels' instruction set: portable, neon, avx2, avx512vl, avx512 [default: the widest there is]
    #[arg(long, value_name = "NAME")]
    instruction_set: Option<Isa>,
}

impl Running {
    /// The options for this many threads and images; refuses now what could not run later.
    pub(super) fn options(&self, threads: Option<usize>, batch: Batch) -> anyhow::Result<RunOptions> {
        let threads = threads.unwrap_or_else(resolve::default_threads);
        let mut options = RunOptions::new(self.device, threads, batch.0);
        options.runtime = self.runtime.unwrap_or(options.runtime);
        options.instruction_set = self.instruction_set;
        resolve::runs_on(options.runtime, options.device)?;
        Device::open(&self.device)?;
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

/// What earlier comparisons on this machine could not tell apart, in the user's data folder.
pub(super) struct StoredFloors {
    key: NoiseKey,
    path: Option<std::path::PathBuf>,
    floors: NoiseFloors,
}

impl StoredFloors {
    /// Reads the file; one that is of no use is told of and does not stop anybody.
    pub(super) fn read(options: &RunOptions) -> Self {
        let machine = Machine::detect().cpu_model.unwrap_or_else(|| "unknown".into());
        let path = crate::data_folder().map(|folder| folder.join("noise-floors.json"));
        let floors = path.as_deref().map(NoiseFloors::read).transpose().unwrap_or_else(|error| {
            complain(&format!("warning: {error}"));
            None
        });
        Self { key: NoiseKey::new(machine, options), path, floors: floors.unwrap_or_default() }
    }

    pub(super) fn get(&self) -> Option<NoiseFloor> {
        self.floors.get(&self.key)
    }

    /// Keeps what was just seen.
    pub(super) fn note(&mut self, floor: Option<NoiseFloor>) {
        let (Some(floor), Some(path)) = (floor, &self.path) else { return };
        self.floors.note(self.key.clone(), floor);
        let folder = path.parent().map_or(Ok(()), std::fs::create_dir_all);
        if let Err(error) = folder.map_err(anyhow::Error::from).and_then(|()| Ok(self.floors.write(path)?)) {
            complain(&format!("warning: the noise floor is not kept: {error}"));
        }
    }
}
