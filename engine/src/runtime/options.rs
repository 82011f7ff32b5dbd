//! What to run a design with; part of every measurement's key.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Which implementation of the operations runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Runtime {
    /// Stock Candle operations, one kernel per layer.
    #[default]
    Candle,
}

impl Runtime {
    /// Every runtime, in the order they are offered.
    pub const ALL: [Self; 1] = [Self::Candle];

    /// The name used on the command line and in files.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
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

/// Everything besides the design that decides what runs.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct RunOptions {
    /// `cpu`, `cuda:0`, `metal:0`.
    pub device: crate::device::DeviceId,
    /// The implementation.
    pub runtime: Runtime,
    /// CPU threads; the process that runs has exactly this many.
    pub threads: usize,
    /// Images per run.
    pub batch: u32,
}
