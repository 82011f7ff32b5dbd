//! What is known of a device before anything runs on it.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{DeviceId, Precision};
use crate::units::Bytes;

/// One device that exists or could exist in another build. What the system does not tell is `None`, and never 0.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceInfo {
    /// What to give as `--device`.
    pub id: DeviceId,
    /// The hardware's name where the system tells it.
    pub name: Option<String>,
    /// Why it cannot be used; `None` where it can.
    pub unavailable: Option<String>,
    /// What kind of hardware it is.
    pub kind: Option<DeviceKind>,
    /// What it is spoken to through; `None` of the processor.
    pub backend: Option<DeviceApi>,
    /// The driver's name and version.
    pub driver: Option<String>,
    /// Memory of its own, or of the machine where it has none of its own.
    #[serde(rename = "memory_bytes")]
    pub memory: Option<Bytes>,
    /// Compute capability of NVIDIA's cards: `9.0`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub compute_capability: Option<String>,
    /// What a network can be computed in there; empty where it cannot be used.
    pub precisions: Vec<Precision>,
    /// Whether the device has a clock that kernels can be timed by; `None` where that is not known.
    pub timestamps: Option<bool>,
}

impl DeviceInfo {
    /// A device of which nothing but its name on the command line is known, and which can be used.
    #[must_use]
    pub const fn unknown(id: DeviceId) -> Self {
        Self {
            id,
            name: None,
            unavailable: None,
            kind: None,
            backend: None,
            driver: None,
            memory: None,
            compute_capability: None,
            precisions: Vec::new(),
            timestamps: None,
        }
    }

    /// Whether the device opens.
    #[must_use]
    pub const fn is_available(&self) -> bool {
        self.unavailable.is_none()
    }

    /// Its name on the command line and the hardware's: `gpu:0  NVIDIA H100`.
    #[must_use]
    pub fn title(&self) -> String {
        self.name.as_ref().map_or_else(|| self.id.to_string(), |name| format!("{}  {name}", self.id))
    }

    /// What else is known, for people: `discrete GPU, Vulkan, NVIDIA 580.95.05, f32 and f16`; empty where nothing is.
    #[must_use]
    pub fn facts(&self) -> String {
        let names: Vec<&str> = self.precisions.iter().map(|precision| precision.name()).collect();
        let precisions = match names.as_slice() {
            [before @ .., last] if !before.is_empty() => format!("{} and {last}", before.join(", ")),
            names => names.concat(),
        };
        let facts = [
            self.kind.map(|kind| kind.to_string()),
            self.backend.map(|backend| backend.to_string()),
            self.driver.clone(),
            self.compute_capability.as_ref().map(|capability| format!("compute capability {capability}")),
            self.memory.map(|memory| memory.to_string()),
            Some(precisions).filter(|precisions| !precisions.is_empty()),
        ];
        facts.into_iter().flatten().collect::<Vec<_>>().join(", ")
    }
}

/// What kind of hardware a device is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DeviceKind {
    /// The processor.
    Cpu,
    /// A GPU with memory of its own.
    DiscreteGpu,
    /// A GPU that shares the processor's memory.
    IntegratedGpu,
    /// A share of a GPU that a virtual machine was given.
    VirtualGpu,
    /// A GPU of a kind that its driver does not tell.
    OtherGpu,
    /// A GPU that the processor plays.
    Software,
}

impl fmt::Display for DeviceKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Cpu => "processor",
            Self::DiscreteGpu => "discrete GPU",
            Self::IntegratedGpu => "integrated GPU",
            Self::VirtualGpu => "virtual GPU",
            Self::OtherGpu => "GPU",
            Self::Software => "software: the processor plays a GPU",
        })
    }
}

/// What a GPU is spoken to through.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DeviceApi {
    /// Vulkan.
    Vulkan,
    /// Apple's Metal.
    Metal,
    /// Direct3D 12.
    Dx12,
    /// NVIDIA's CUDA.
    Cuda,
}

impl fmt::Display for DeviceApi {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Vulkan => "Vulkan",
            Self::Metal => "Metal",
            Self::Dx12 => "Direct3D 12",
            Self::Cuda => "CUDA",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn card() -> DeviceInfo {
        DeviceInfo {
            name: Some("NVIDIA H100".into()),
            kind: Some(DeviceKind::DiscreteGpu),
            backend: Some(DeviceApi::Vulkan),
            driver: Some("NVIDIA 580.95.05".into()),
            precisions: Precision::PORTABLE.to_vec(),
            timestamps: Some(true),
            ..DeviceInfo::unknown(DeviceId::Gpu(0))
        }
    }

    #[test]
    fn what_is_known_of_a_card_is_told_and_the_rest_left_out() {
        assert_eq!(card().title(), "gpu:0  NVIDIA H100");
        assert_eq!(card().facts(), "discrete GPU, Vulkan, NVIDIA 580.95.05, f32 and f16");
        let cuda = DeviceInfo {
            backend: Some(DeviceApi::Cuda),
            driver: Some("driver for CUDA 13.0".into()),
            compute_capability: Some("9.0".into()),
            precisions: Precision::NVIDIA.to_vec(),
            ..card()
        };
        let facts = "discrete GPU, CUDA, driver for CUDA 13.0, compute capability 9.0, f32, tf32 and f16";
        assert_eq!(cuda.facts(), facts);
        let unknown = DeviceInfo::unknown(DeviceId::Cuda(1));
        assert_eq!((unknown.title(), unknown.facts()), ("cuda:1".into(), String::new()));
    }

    #[test]
    fn a_device_survives_json_and_what_is_unknown_is_null_there() {
        let json = serde_json::to_value(card()).unwrap();
        assert_eq!((&json["kind"], &json["backend"]), (&"discrete-gpu".into(), &"vulkan".into()));
        assert!(json["memory_bytes"].is_null(), "wgpu does not tell it: {json}");
        assert_eq!(json["precisions"], serde_json::json!(["f32", "f16"]));
        assert_eq!(serde_json::from_value::<DeviceInfo>(json).unwrap(), card());
    }
}
