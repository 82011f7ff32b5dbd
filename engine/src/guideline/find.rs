//! Asks all four guidelines.

use std::collections::{HashMap, HashSet};

use super::{Finding, TimeShareOf, g1_channel_width, g2_groups, g3_fragmentation, g4_element_wise};
use crate::cost::ModelCost;
use crate::design::Design;
use crate::graph::Graph;
use crate::measure::{KernelTime, Measurement};
use crate::units::Nanos;

/// Share of the marked whole taken by `layers`. Where they were also measured apart, it is theirs within fused kernels
/// too. Otherwise it is that of the kernels whose main layer is one of them. The main layer of a fused kernel is the one
/// with the most mult-adds, or the most memory access where there are none: an activation fused behind a convolution
/// costs next to nothing there, and the kernel's time is the convolution's.
fn time_share(measurement: &Measurement, cost: &ModelCost, layers: &[String]) -> Option<(f64, TimeShareOf)> {
    let breakdown = measurement.breakdown.as_ref()?;
    let concerned: HashSet<&str> = layers.iter().map(String::as_str).collect();
    if let Some(split) = measurement.split() {
        let times = split.by_layer();
        let time: Nanos = concerned.iter().filter_map(|&path| times.get(path).copied()).sum();
        return Some((time.share_of(breakdown.marked_whole), TimeShareOf::Apart));
    }
    let weight: HashMap<&str, _> =
        cost.layers.iter().map(|layer| (layer.path.as_str(), (layer.mult_adds, layer.memory_access))).collect();
    let is_concerned = |kernel: &&KernelTime| {
        let main = kernel.layers.iter().map(String::as_str).max_by_key(|path| weight.get(path));
        main.is_some_and(|path| concerned.contains(path))
    };
    let time: Nanos = breakdown.kernels.iter().filter(is_concerned).map(|kernel| kernel.median).sum();
    Some((time.share_of(breakdown.marked_whole), TimeShareOf::Kernels))
}

/// Everything the four guidelines find, in their order; the measurement, if any, adds shares of the measured time.
/// Remedies are edits of the `design` that `graph` was made from; a graph without one gets evidence alone.
#[must_use]
pub fn findings<'a>(
    design: impl Into<Option<&'a Design>>,
    graph: &Graph,
    cost: &ModelCost,
    measured: Option<&Measurement>,
) -> Vec<Finding> {
    let design = design.into();
    let mut findings: Vec<Finding> = [
        g1_channel_width::find(design, graph, cost),
        g2_groups::find(design, graph, cost),
        g3_fragmentation::find(design, graph, cost),
        g4_element_wise::find(design, graph, cost),
    ]
    .into_iter()
    .flatten()
    .collect();
    if let Some(measurement) = measured {
        for Finding { evidence, layers, .. } in &mut findings {
            let share = time_share(measurement, cost, layers);
            (evidence.time_share, evidence.time_share_of) = share.unzip();
        }
    }
    findings
}
