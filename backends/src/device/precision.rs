//! The numbers that feature maps and weights are stored in.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How values are stored; sums are computed in 32 bits unless it says otherwise.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Precision {
    /// 32-bit floats (IEEE 754 single).
    #[default]
    F32,
    /// 32-bit floats whose products are computed on NVIDIA's tensor cores from 10 bits of their fractions, sums in 32 bits.
    Tf32,
    /// 16-bit floats (IEEE 754 half), where the device has them; on processors weights of convolutions and what they are
    /// multiplied by, 32 products at a time summed in them.
    F16,
    /// 16-bit floats of 8 exponent bits (bfloat16): weights of matrix products and what they are multiplied by, sums and feature
    /// maps in 32-bit floats; where the processor has it.
    Bf16,
    /// 8-bit integers: maps with one scale each, weights with one for each output channel, sums in 32-bit integers.
    Int8,
}

impl Precision {
    /// Every precision, in the order they are offered.
    pub const ALL: [Self; 5] = [Self::F32, Self::Tf32, Self::F16, Self::Bf16, Self::Int8];

    /// What processors may have.
    pub const PROCESSOR: [Self; 4] = [Self::F32, Self::F16, Self::Bf16, Self::Int8];

    /// What NVIDIA's GPUs may have.
    pub const NVIDIA: [Self; 3] = [Self::F32, Self::Tf32, Self::F16];

    /// What GPUs of any maker may have.
    pub const PORTABLE: [Self; 2] = [Self::F32, Self::F16];

    /// What this machine's processor has.
    #[must_use]
    pub fn of_processor() -> &'static [Self] {
        use Precision::{Bf16, F16, F32, Int8};
        match (Self::has_f16(), Self::has_bf16()) {
            (true, true) => &[F32, F16, Bf16, Int8],
            (true, false) => &[F32, F16, Int8],
            (false, true) => &[F32, Bf16, Int8],
            (false, false) => &[F32, Int8],
        }
    }

    /// Whether this machine's processor computes in half precision.
    #[must_use]
    pub fn has_f16() -> bool {
        #[cfg(target_arch = "aarch64")]
        return std::arch::is_aarch64_feature_detected!("fp16");
        #[cfg(not(target_arch = "aarch64"))]
        false
    }

    /// Whether this machine's processor multiplies bfloat16.
    #[must_use]
    pub fn has_bf16() -> bool {
        #[cfg(target_arch = "x86_64")]
        return std::is_x86_feature_detected!("avx512bf16") && std::is_x86_feature_detected!("avx512bw");
        #[cfg(target_arch = "aarch64")]
        return std::arch::is_aarch64_feature_detected!("bf16");
        #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
        false
    }

    /// The name used on the command line and in files.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::F32 => "f32",
            Self::Tf32 => "tf32",
            Self::F16 => "f16",
            Self::Bf16 => "bf16",
            Self::Int8 => "int8",
        }
    }

    /// What is said of results behind their runtime: nothing of 32 bits, which is what everything runs in unless asked.
    #[must_use]
    pub const fn remark(self) -> &'static str {
        match self {
            Self::F32 => "",
            Self::Tf32 => ", tf32",
            Self::F16 => ", f16",
            Self::Bf16 => ", bf16",
            Self::Int8 => ", int8",
        }
    }

    /// Bytes of one stored value.
    #[must_use]
    pub const fn bytes(self) -> u64 {
        match self {
            Self::F32 | Self::Tf32 => 4,
            Self::F16 | Self::Bf16 => 2,
            Self::Int8 => 1,
        }
    }
}

impl fmt::Display for Precision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Precision {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL.into_iter().find(|precision| precision.name() == text).ok_or_else(|| {
            let known: Vec<_> = Self::ALL.iter().map(|precision| precision.name()).collect();
            format!("unknown precision `{text}`; known: {}", known.join(", "))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_precision_reads_back_from_its_name_and_json() {
        for precision in Precision::ALL {
            assert_eq!(precision.name().parse(), Ok(precision));
            assert_eq!(serde_json::to_string(&precision).unwrap(), format!("\"{precision}\""));
        }
        assert_eq!(Precision::default(), Precision::F32);
    }

    #[test]
    fn a_text_that_names_no_precision_is_refused_with_those_that_there_are() {
        for text in ["", "F32", "fp16", "half", "i8", "f8"] {
            let error = text.parse::<Precision>().unwrap_err();
            assert!(error.contains(&format!("`{text}`")) && error.contains("f32, tf32, f16, bf16, int8"), "{error}");
        }
    }
}
