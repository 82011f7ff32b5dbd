//! A short, stable name for what a design computes.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Design, Edit};

/// 64 bits of hash over everything that influences what runs, as 16 hexadecimal digits.
///
/// The design's name, family and width label do not count: two designs with equal layers have equal fingerprints.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Fingerprint(String);

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl Fingerprint {
    /// The fingerprint of these bytes.
    #[must_use]
    pub fn of_bytes(bytes: &[u8]) -> Self {
        Self(format!("{:016x}", fnv1a_64(bytes)))
    }
}

impl Fingerprint {
    /// A fingerprint as it was written down.
    #[must_use]
    pub const fn written(text: String) -> Self {
        Self(text)
    }
}

impl Design {
    /// The design's fingerprint.
    #[must_use]
    pub fn fingerprint(&self) -> Fingerprint {
        let Self { name: _, family, width: _, classes, input, stem, stages, head } = self;
        // The family decides the layers' paths, and so which weights load. `Debug` spells out every field.
        let text = format!("{:?}", (family, classes, input, stem, stages, head));
        Fingerprint::of_bytes(text.as_bytes())
    }

    /// Whether this is the network of `other`, however many classes either has.
    #[must_use]
    pub fn is_but_for_classes(&self, other: &Self) -> bool {
        self.apply(&Edit::Classes(other.classes)).fingerprint() == other.fingerprint()
    }
}

/// FNV-1a, 64 bits: simple, stable and good enough for names.
#[must_use]
pub fn fnv1a_64(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, &byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3))
}
