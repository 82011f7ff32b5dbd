//! What the machine and this build are: the part of the environment that stays the same while the program runs.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sysinfo::{CpuRefreshKind, MemoryRefreshKind, RefreshKind, System};

use super::cores::{CoreKind, core_kinds};
use super::emulator::emulator;
use crate::units::Bytes;

/// Version of Candle that this engine is built with (asserted against the lock file).
pub const CANDLE_VERSION: &str = "0.11.1";

/// The machine and the build; travels with every exported result.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Machine {
    /// The operating system's name: `Debian GNU/Linux`, `Windows`, `Darwin`.
    pub os: Option<String>,
    /// The operating system's version.
    pub os_version: Option<String>,
    /// Version of the kernel.
    pub kernel_version: Option<String>,
    /// `x86_64`, `aarch64` ...
    pub arch: String,
    /// The processor's name as it reports itself.
    pub cpu_model: Option<String>,
    /// Cores, without simultaneous multithreading.
    pub physical_cores: Option<usize>,
    /// Cores as the scheduler sees them.
    pub logical_cores: Option<usize>,
    /// Its kinds of core, the fastest first, where they are not all alike and the system tells them apart.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub core_kinds: Vec<CoreKind>,
    /// The program that only plays this processor; absent on a real one, as far as that can be told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub emulator: Option<String>,
    /// Vector instruction sets found at run time: `avx2`, `fma`, `neon` ...
    pub instruction_sets: Vec<String>,
    /// Installed memory.
    #[serde(rename = "memory_bytes")]
    pub memory: Option<Bytes>,
    /// Version of ShuffleScope.
    pub version: String,
    /// Version of Candle.
    pub candle: String,
    /// Device features compiled in: `cuda`, `metal`.
    pub features: Vec<String>,
    /// Architecture, operating system and ABI that the program was built for: `x86_64-linux-gnu`.
    pub target: String,
    /// `release`, or `debug` where assertions and overflow checks slow it down.
    pub build: String,
}

impl Machine {
    /// Asks the system.
    #[must_use]
    pub fn detect() -> Self {
        let system = System::new_with_specifics(
            RefreshKind::nothing()
                .with_cpu(CpuRefreshKind::nothing())
                .with_memory(MemoryRefreshKind::nothing().with_ram()),
        )
        .ok();
        let emulator = emulator();
        Self {
            os: known(System::name().ok()),
            os_version: known(System::os_version().ok()),
            kernel_version: known(System::kernel_version().ok()),
            arch: std::env::consts::ARCH.to_owned(),
            cpu_model: match &emulator {
                // What it shows of a processor may be the real machine's.
                Some(emulator) => Some(format!("{} played by {emulator}", std::env::consts::ARCH)),
                None => system.as_ref().and_then(model_of),
            },
            physical_cores: System::physical_core_count().ok().filter(|&cores| cores > 0),
            logical_cores: system.as_ref().map(|system| system.cpus().len()).filter(|&cores| cores > 0),
            core_kinds: core_kinds().to_vec(),
            emulator,
            instruction_sets: super::instruction_sets::instruction_sets(),
            memory: system.as_ref().map(|system| Bytes(system.total_memory())).filter(|memory| memory.0 > 0),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            candle: CANDLE_VERSION.to_owned(),
            features: features(),
            target: target(),
            build: if cfg!(debug_assertions) { "debug" } else { "release" }.to_owned(),
        }
    }
}

fn model_of(system: &System) -> Option<String> {
    known(system.cpus().first().map(|cpu| cpu.brand().trim().to_owned()))
}

fn known(text: Option<String>) -> Option<String> {
    text.filter(|text| !text.is_empty())
}

fn features() -> Vec<String> {
    let features = [("cuda", cfg!(feature = "cuda")), ("metal", cfg!(feature = "metal"))];
    features.into_iter().filter(|(_, on)| *on).map(|(name, _)| name.to_owned()).collect()
}

fn target() -> String {
    let abi = if cfg!(target_env = "gnu") {
        "-gnu"
    } else if cfg!(target_env = "musl") {
        "-musl"
    } else if cfg!(target_env = "msvc") {
        "-msvc"
    } else {
        ""
    };
    format!("{}-{}{abi}", std::env::consts::ARCH, std::env::consts::OS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_detected_is_plausible_or_unknown_but_never_empty() {
        let machine = Machine::detect();
        assert_eq!(machine.arch, std::env::consts::ARCH);
        assert!(machine.target.starts_with(&machine.arch));
        assert_ne!(machine.logical_cores, Some(0));
        assert_ne!(machine.memory, Some(Bytes(0)));
        assert_ne!(machine.os.as_deref(), Some(""));
        assert_ne!(machine.cpu_model.as_deref(), Some(""));
        assert_ne!(machine.core_kinds.len(), 1, "cores of one kind are all alike");
    }

    #[test]
    fn the_candle_version_told_is_the_one_in_the_lock_file() {
        let lock = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../Cargo.lock")).unwrap();
        assert!(lock.contains(&format!("name = \"candle-core\"\nversion = \"{CANDLE_VERSION}\"")));
    }
}
