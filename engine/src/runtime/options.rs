//! What to run a design with; part of every measurement's key.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::cpu::Isa;
use crate::device::DeviceId;

/// Which implementation of the operations runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Runtime {
    /// Our own kernels: batch norm folded, layers fused; on the CPU.
    Tuned,
    /// Stock Candle operations, one kernel per layer; on any device.
    Candle,
}

impl Runtime {
    /// Every runtime, in the order they are offered.
    pub const ALL: [Self; 2] = [Self::Tuned, Self::Candle];

    /// What runs on `device` where nothing else is asked for.
    #[must_use]
    pub const fn default_on(device: DeviceId) -> Self {
        match device {
            DeviceId::Cpu => Self::Tuned,
            DeviceId::Cuda(_) | DeviceId::Metal(_) => Self::Candle,
        }
    }

    /// Whether this runtime has kernels for `device`.
    #[must_use]
    pub const fn runs_on(self, device: DeviceId) -> bool {
        matches!((self, device), (Self::Candle, _) | (Self::Tuned, DeviceId::Cpu))
    }

    /// The name used on the command line and in files.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Tuned => "tuned",
            Self::Candle => "candle",
        }
    }
}

impl fmt::Display for Runtime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Runtime {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL.into_iter().find(|runtime| runtime.name() == text).ok_or_else(|| {
            let known: Vec<_> = Self::ALL.iter().map(|runtime| runtime.name()).collect();
            format!("unknown runtime `{text}`; known: {}", known.join(", "))
        })
    }
}

/// Everything besides the design that decides what runs. Shown as `cpu, tuned, 2 threads, batch 1`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub struct RunOptions {
    /// `cpu`, `cuda:0`, `metal:0`.
    pub device: DeviceId,
    /// The implementation.
    pub runtime: Runtime,
    /// CPU threads; the process that runs has exactly this many.
    pub threads: usize,
    /// Images per run.
    pub batch: u32,
    /// Forces the tuned kernels' instruction set; the widest that the machine has where absent.
    #[serde(default)]
    pub instruction_set: Option<Isa>,
}

impl RunOptions {
    /// The device's default runtime with the machine's widest instruction set.
    #[must_use]
    pub const fn new(device: DeviceId, threads: usize, batch: u32) -> Self {
        Self { device, runtime: Runtime::default_on(device), threads, batch, instruction_set: None }
    }
}

impl fmt::Display for RunOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { device, runtime, threads, batch, instruction_set } = self;
        let isa = instruction_set.map_or_else(String::new, |isa| format!(" ({isa})"));
        let plural = if *threads == 1 { "" } else { "s" };
        f.pad(&format!("{device}, {runtime}{isa}, {threads} thread{plural}, batch {batch}"))
    }
}
