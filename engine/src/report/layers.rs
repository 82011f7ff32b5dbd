//! The layer table: one row per layer, with the kernel that it ran in.

use std::collections::HashMap;

use super::Profile;
use crate::cost::LayerCost;
use crate::measure::{KernelTime, Measurement, Split};
use crate::units::Nanos;

/// A layer's cost, and where its time is found.
#[derive(Clone, Copy, Debug)]
pub struct LayerRow<'a> {
    /// What the layer costs on paper.
    pub cost: &'a LayerCost,
    /// The kernel that computed it; `None` where nothing was measured.
    pub kernel: Option<LayerKernel<'a>>,
    /// What it takes on its own; `None` where the layers were not measured apart.
    pub apart: Option<LayerApart>,
}

/// A layer's own time, where every layer was also measured as a kernel of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LayerApart {
    /// As a kernel of its own; `None` for a layer that does not compute.
    pub alone: Option<Nanos>,
    /// Its part of the time of the kernel that it runs in, in proportion to `alone`; these add up to the kernel's time.
    pub share: Nanos,
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
    let measurement = profile.measurement.as_ref();
    let breakdown = measurement.and_then(|measurement| measurement.breakdown.as_ref());
    let mut kernels = HashMap::new();
    for (index, time) in breakdown.iter().flat_map(|breakdown| breakdown.kernels.iter().enumerate()) {
        for (position, layer) in time.layers.iter().enumerate() {
            kernels.insert(layer.as_str(), LayerKernel { index, time, is_first: position == 0 });
        }
    }
    let apart = measurement.and_then(|measurement| measurement.apart.as_ref());
    let layers = apart.into_iter().flat_map(|apart| &apart.layers);
    let alone: HashMap<&str, Nanos> = layers.map(|layer| (layer.path.as_str(), layer.median)).collect();
    let split = measurement.and_then(Measurement::split);
    let shares = split.as_ref().map(Split::by_layer).unwrap_or_default();
    let rows = profile.cost.layers.iter().map(|cost| {
        let path = cost.path.as_str();
        let apart = shares.get(path).map(|&share| LayerApart { alone: alone.get(path).copied(), share });
        LayerRow { cost, kernel: kernels.get(path).copied(), apart }
    });
    rows.collect()
}
