//! The time of every layer on its own, from a plan that fuses nothing.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::units::Nanos;

/// What the layers take when each of them runs as a kernel of its own. The sum is more than the fused network takes: the
/// difference is what fusing saves.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Apart {
    /// Every layer that computes, in execution order.
    pub layers: Vec<LayerTime>,
    /// Median of the unfused network's marked runs.
    #[serde(rename = "whole_ns")]
    pub whole: Nanos,
}

/// A layer and its time as a kernel of its own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LayerTime {
    /// The layer.
    pub path: String,
    /// Its median.
    #[serde(rename = "median_ns")]
    pub median: Nanos,
}

impl Apart {
    /// The time of one layer; `None` for one that does not compute.
    #[must_use]
    pub fn layer(&self, path: &str) -> Option<Nanos> {
        self.layers.iter().find(|layer| layer.path == path).map(|layer| layer.median)
    }
}
