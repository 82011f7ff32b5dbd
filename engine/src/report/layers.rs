//! The layer table: one row per layer, with the kernel that it ran in.

use std::collections::HashMap;

use super::Profile;
use crate::cost::LayerCost;
use crate::measure::KernelTime;

/// A layer's cost, and where its time is found.
#[derive(Clone, Copy, Debug)]
pub struct LayerRow<'a> {
    /// What the layer costs on paper.
    pub cost: &'a LayerCost,
    /// The kernel that computed it; `None` where nothing was measured.
    pub kernel: Option<LayerKernel<'a>>,
}

/// A kernel as one of its layers sees it.
#[derive(Clone, Copy, Debug)]
pub struct LayerKernel<'a> {
    /// Position in launch order, from 0.
    pub index: usize,
    /// The kernel and its time, which is that of all its layers together.
    pub time: &'a KernelTime,
    /// Whether this is the first of its layers: where tables show the time, so that the column adds up.
    pub is_first: bool,
}

/// One row per layer in execution order.
#[must_use]
pub fn layer_rows(profile: &Profile) -> Vec<LayerRow<'_>> {
    let breakdown = profile.measurement.as_ref().and_then(|measurement| measurement.breakdown.as_ref());
    let mut kernels = HashMap::new();
    for (index, time) in breakdown.iter().flat_map(|breakdown| breakdown.kernels.iter().enumerate()) {
        for (position, layer) in time.layers.iter().enumerate() {
            kernels.insert(layer.as_str(), LayerKernel { index, time, is_first: position == 0 });
        }
    }
    let row = |cost: &'_ LayerCost| kernels.get(cost.path.as_str()).copied();
    profile.cost.layers.iter().map(|cost| LayerRow { cost, kernel: row(cost) }).collect()
}
