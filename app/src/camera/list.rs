//! What there is to look through.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{PixelFormat, Resolution, SourceSpec, device};

/// A camera of this machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listed {
    /// How to name it.
    pub source: SourceSpec,
    /// What it calls itself.
    pub name: String,
    /// Its pixel formats that can be used.
    pub formats: Vec<PixelFormat>,
    /// Its sizes, smallest first; empty where it does not say.
    pub sizes: Vec<Resolution>,
    /// Why it cannot be used at present.
    pub problem: Option<String>,
}

/// The cameras of this machine. Files, folders, network streams and the synthetic scene are always there besides.
#[must_use]
pub fn list() -> Vec<Listed> {
    // A driver's answer that a library did not expect must not end a program that may not even want that camera.
    std::panic::catch_unwind(device::list).unwrap_or_default()
}

impl Serialize for PixelFormat {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for PixelFormat {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        let known = [Self::Yuyv, Self::Nv12, Self::Rgb24, Self::Mjpeg].into_iter().find(|of| of.to_string() == name);
        known.ok_or_else(|| serde::de::Error::custom(format!("`{name}` is no pixel format")))
    }
}
