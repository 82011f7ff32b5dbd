//! The names of devices: `cpu`, `gpu:0`, `gpu:software`, `cuda:0`, `metal:0`.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// Which device; serialised as its text form.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(into = "String", try_from = "String")]
pub enum DeviceId {
    /// The processor, with as many threads as the run options say.
    #[default]
    Cpu,
    /// A graphics card through Vulkan, Metal or Direct3D 12, with our own kernels; the cards in their order on this
    /// machine.
    Gpu(usize),
    /// A GPU that the processor plays (lavapipe, SwiftShader, WARP): for tests, and never taken unless asked for.
    SoftwareGpu,
    /// An NVIDIA GPU through CUDA, with our own kernels or Candle's, by CUDA's ordinal.
    Cuda(usize),
    /// An Apple GPU as Candle uses it, by Metal's ordinal.
    Metal(usize),
}

/// The name of the GPU that the processor plays.
const SOFTWARE: &str = "gpu:software";

impl DeviceId {
    /// Whether work is enqueued and completes later, so that a sample needs synchronising.
    #[must_use]
    pub const fn is_gpu(self) -> bool {
        !matches!(self, Self::Cpu)
    }

    /// Whether it is a device of wgpu: a card with our own kernels, or a processor that plays one.
    #[must_use]
    pub const fn is_of_wgpu(self) -> bool {
        matches!(self, Self::Gpu(_) | Self::SoftwareGpu)
    }
}

/// A text that names no device.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error(
    "unknown device `{0}`: write `cpu`, `gpu:N`, `gpu:software`, `cuda:N` or `metal:N` (N from 0; `gpu` means `gpu:0`); \
     `shufflescope devices` lists those of this machine"
)]
pub struct ParseDeviceError(pub String);

impl FromStr for DeviceId {
    type Err = ParseDeviceError;

    fn from_str(text: &str) -> Result<Self, ParseDeviceError> {
        let unknown = || ParseDeviceError(text.to_owned());
        if text == SOFTWARE {
            return Ok(Self::SoftwareGpu);
        }
        let (kind, ordinal) = match text.split_once(':') {
            Some((kind, digits)) if digits.bytes().all(|byte| byte.is_ascii_digit()) => {
                (kind, Some(digits.parse().map_err(|_| unknown())?))
            }
            Some(_) => return Err(unknown()),
            None => (text, None),
        };
        match (kind, ordinal) {
            ("cpu", None) => Ok(Self::Cpu),
            ("gpu", ordinal) => Ok(Self::Gpu(ordinal.unwrap_or(0))),
            ("cuda", ordinal) => Ok(Self::Cuda(ordinal.unwrap_or(0))),
            ("metal", ordinal) => Ok(Self::Metal(ordinal.unwrap_or(0))),
            _ => Err(unknown()),
        }
    }
}

impl fmt::Display for DeviceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cpu => f.pad("cpu"),
            Self::Gpu(ordinal) => f.pad(&format!("gpu:{ordinal}")),
            Self::SoftwareGpu => f.pad(SOFTWARE),
            Self::Cuda(ordinal) => f.pad(&format!("cuda:{ordinal}")),
            Self::Metal(ordinal) => f.pad(&format!("metal:{ordinal}")),
        }
    }
}

impl From<DeviceId> for String {
    fn from(id: DeviceId) -> Self {
        id.to_string()
    }
}

impl TryFrom<String> for DeviceId {
    type Error = ParseDeviceError;

    fn try_from(text: String) -> Result<Self, ParseDeviceError> {
        text.parse()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_reads_back_from_its_own_text_and_json() {
        let gpus = [DeviceId::Gpu(0), DeviceId::Gpu(12), DeviceId::SoftwareGpu];
        let of_candle = [DeviceId::Cuda(0), DeviceId::Cuda(7), DeviceId::Metal(1)];
        for id in [DeviceId::Cpu].into_iter().chain(gpus).chain(of_candle) {
            assert_eq!(id.to_string().parse(), Ok(id));
            let json = serde_json::to_string(&id).unwrap();
            assert_eq!(json, format!("\"{id}\""));
            assert_eq!(serde_json::from_str::<DeviceId>(&json).unwrap(), id);
        }
    }

    #[test]
    fn a_gpu_without_a_number_is_the_first_one() {
        assert_eq!("gpu".parse(), Ok(DeviceId::Gpu(0)));
        assert_eq!("cuda".parse(), Ok(DeviceId::Cuda(0)));
        assert_eq!("metal".parse(), Ok(DeviceId::Metal(0)));
    }

    #[test]
    fn a_text_that_names_no_device_is_refused_with_the_forms_that_do() {
        let close = ["cpu:0", "cuda:", "cuda:x", "cuda:-1", "cuda:+1", "cuda:0:0", "cuda:99999999999999999999"];
        let of_wgpu = ["software", "gpu:", "gpu:-1", "gpu:Software", "gpu:software:0", "cuda:software", "gpu:0x1"];
        for text in [""].into_iter().chain(close).chain(of_wgpu) {
            let error = text.parse::<DeviceId>().unwrap_err().to_string();
            assert!(error.contains(&format!("`{text}`")) && error.contains("`gpu:N`"), "{error}");
        }
    }

    #[test]
    fn everything_but_the_processor_works_behind_a_queue_and_only_cards_of_ours_are_of_wgpu() {
        assert!(!DeviceId::Cpu.is_gpu() && !DeviceId::Cpu.is_of_wgpu());
        for id in [DeviceId::Gpu(1), DeviceId::SoftwareGpu] {
            assert!(id.is_gpu() && id.is_of_wgpu(), "{id}");
        }
        for id in [DeviceId::Cuda(0), DeviceId::Metal(0)] {
            assert!(id.is_gpu() && !id.is_of_wgpu(), "{id}");
        }
    }
}
