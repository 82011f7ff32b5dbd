//! The names of devices: `cpu`, `cuda:0`, `metal:0`.

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
    /// An NVIDIA GPU, by CUDA's ordinal.
    Cuda(usize),
    /// An Apple GPU, by Metal's ordinal.
    Metal(usize),
}

impl DeviceId {
    /// Whether work is enqueued and completes later, so that a sample needs synchronising.
    #[must_use]
    pub const fn is_gpu(self) -> bool {
        matches!(self, Self::Cuda(_) | Self::Metal(_))
    }
}

/// A text that names no device.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("unknown device `{0}`: write `cpu`, `cuda:N` or `metal:N` (N from 0; `cuda` means `cuda:0`)")]
pub struct ParseDeviceError(pub String);

impl FromStr for DeviceId {
    type Err = ParseDeviceError;

    fn from_str(text: &str) -> Result<Self, ParseDeviceError> {
        let unknown = || ParseDeviceError(text.to_owned());
        let (kind, ordinal) = match text.split_once(':') {
            Some((kind, digits)) if digits.bytes().all(|byte| byte.is_ascii_digit()) => {
                (kind, Some(digits.parse().map_err(|_| unknown())?))
            }
            Some(_) => return Err(unknown()),
            None => (text, None),
        };
        match (kind, ordinal) {
            ("cpu", None) => Ok(Self::Cpu),
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
        for id in [DeviceId::Cpu, DeviceId::Cuda(0), DeviceId::Cuda(7), DeviceId::Metal(1)] {
            assert_eq!(id.to_string().parse(), Ok(id));
            let json = serde_json::to_string(&id).unwrap();
            assert_eq!(json, format!("\"{id}\""));
            assert_eq!(serde_json::from_str::<DeviceId>(&json).unwrap(), id);
        }
    }

    #[test]
    fn a_gpu_without_a_number_is_the_first_one() {
        assert_eq!("cuda".parse(), Ok(DeviceId::Cuda(0)));
        assert_eq!("metal".parse(), Ok(DeviceId::Metal(0)));
    }

    #[test]
    fn a_text_that_names_no_device_is_refused_with_the_forms_that_do() {
        for text in
            ["", "gpu", "cpu:0", "cuda:", "cuda:x", "cuda:-1", "cuda:+1", "cuda:0:0", "cuda:99999999999999999999"]
        {
            let error = text.parse::<DeviceId>().unwrap_err().to_string();
            assert!(error.contains(&format!("`{text}`")) && error.contains("`cuda:N`"), "{error}");
        }
    }
}
