//! Everything that influences a measurement, as one comparable value.

use serde::{Deserialize, Serialize};

use super::Protocol;
use crate::design::Fingerprint;
use crate::runtime::RunOptions;

/// "Is this result still current?" is `measurement.key() == wanted`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MeasureKey {
    /// What runs.
    pub design: Fingerprint,
    /// Where and how it runs.
    pub options: RunOptions,
    /// How it is measured.
    pub protocol: Protocol,
}
