//! Which instruction set the kernels use: found at run time, or forced.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// An instruction set that the kernels are compiled for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Isa {
    /// Plain Rust that the compiler vectorises for the build's baseline.
    Portable,
    /// Advanced SIMD of aarch64, four lanes.
    Neon,
    /// AVX2 and FMA, eight lanes.
    Avx2,
    /// AVX-512 VL: eight lanes, but 32 registers.
    Avx512Vl,
    /// AVX-512 at full width, sixteen lanes.
    Avx512,
}

impl Isa {
    /// Every instruction set that has kernels, the widest last.
    pub const ALL: [Self; 5] = [Self::Portable, Self::Neon, Self::Avx2, Self::Avx512Vl, Self::Avx512];

    /// The name shown in profiles and taken by options.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Portable => "portable",
            Self::Neon => "neon",
            Self::Avx2 => "avx2",
            Self::Avx512Vl => "avx512vl",
            Self::Avx512 => "avx512",
        }
    }

    /// Whether this machine runs it.
    #[must_use]
    pub fn available(self) -> bool {
        match self {
            Self::Portable => true,
            Self::Neon => cfg!(target_arch = "aarch64"),
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => std::is_x86_feature_detected!("avx2") && std::is_x86_feature_detected!("fma"),
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 | Self::Avx512Vl => {
                std::is_x86_feature_detected!("avx512f")
                    && std::is_x86_feature_detected!("avx512dq")
                    && std::is_x86_feature_detected!("avx512vl")
                    && std::is_x86_feature_detected!("fma")
            }
            #[cfg(not(target_arch = "x86_64"))]
            Self::Avx2 | Self::Avx512Vl | Self::Avx512 => false,
        }
    }

    /// Every instruction set that this machine runs, the widest last.
    pub fn all_available() -> impl Iterator<Item = Self> {
        Self::ALL.into_iter().filter(|isa| isa.available())
    }

    /// The widest instruction set that this machine runs.
    #[must_use]
    pub fn detect() -> Self {
        Self::all_available().last().unwrap_or(Self::Portable)
    }
}

impl fmt::Display for Isa {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Isa {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL.into_iter().find(|isa| isa.name() == text).ok_or_else(|| {
            let known: Vec<_> = Self::ALL.iter().map(|isa| isa.name()).collect();
            format!("unknown instruction set `{text}`; known: {}", known.join(", "))
        })
    }
}
