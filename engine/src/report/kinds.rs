//! The time by kind of work, and what fusing saves: where a network's time goes, as in the paper's Figure 2.

use std::collections::{BTreeMap, HashMap};

use crate::cost::LayerCost;
use crate::graph::OpKind;
use crate::measure::{Measurement, SPLIT_LABEL};
use crate::units::Nanos;

/// A measurement's kernel times by kind of work; they add up to the breakdown's sum.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TimeByKind {
    /// The times of the kinds that took any.
    pub times: BTreeMap<OpKind, Nanos>,
    /// Whether a fused kernel's time is split among its layers, as they were measured apart; otherwise all of it is its
    /// main layer's.
    pub is_split: bool,
}

/// Sorts the time of every kernel; `None` where no kernel was timed. The main layer of a kernel is the one with the most
/// mult-adds, or the most memory access where there are none.
#[must_use]
pub fn time_by_kind(layers: &[LayerCost], measurement: &Measurement) -> Option<TimeByKind> {
    let breakdown = measurement.breakdown.as_ref()?;
    let split = measurement.split();
    let costs: HashMap<&str, &LayerCost> = layers.iter().map(|layer| (layer.path.as_str(), layer)).collect();
    let kind = |path: &String| costs.get(path.as_str()).map(|cost| cost.kind);
    let mut times: BTreeMap<OpKind, Nanos> = BTreeMap::new();
    let mut add = |kind: Option<OpKind>, time: Nanos| {
        if let Some(kind) = kind.filter(|_| time > Nanos::ZERO) {
            *times.entry(kind).or_default() += time;
        }
    };
    for (index, kernel) in breakdown.kernels.iter().enumerate() {
        let of_kernel = split.as_ref().and_then(|split| split.kernels.get(index));
        match of_kernel.filter(|kernel| kernel.apart.is_some()) {
            Some(split) => split.layers.iter().for_each(|layer| add(kind(&layer.path), layer.median)),
            None => {
                let costs = kernel.layers.iter().filter_map(|path| costs.get(path.as_str()));
                let main = costs.rev().max_by_key(|cost| (cost.mult_adds, cost.memory_access));
                add(main.map(|cost| cost.kind), kernel.median);
            }
        }
    }
    Some(TimeByKind { times, is_split: split.is_some() })
}

impl TimeByKind {
    /// The kinds with their times, the longest first.
    #[must_use]
    pub fn sorted(&self) -> Vec<(OpKind, Nanos)> {
        let mut sorted: Vec<_> = self.times.iter().map(|(kind, time)| (*kind, *time)).collect();
        sorted.sort_by_key(|&(_, time)| std::cmp::Reverse(time));
        sorted
    }

    /// How a fused kernel counts, for people.
    #[must_use]
    pub fn rule(&self) -> String {
        match self.is_split {
            true => format!("A fused kernel's time is split among its layers, {SPLIT_LABEL}."),
            false => "A fused kernel's time is filed under its main layer: the one with the most mult-adds.".into(),
        }
    }
}

/// What fusing saves, in a sentence; `None` where the layers were not measured apart.
#[must_use]
pub fn what_fusing_saves(measurement: &Measurement) -> Option<String> {
    let breakdown = measurement.breakdown.as_ref()?;
    let split = measurement.split()?;
    if breakdown.kernels.iter().all(|kernel| kernel.layers.len() <= 1) {
        let runtime = measurement.runtime;
        return Some(format!("The runtime {runtime} fuses nothing: every layer is a kernel of its own already."));
    }
    if measurement.apart.as_ref()?.clock != breakdown.clock {
        return Some("What fusing saves is not known: only one of the two was timed by the device's own clock.".into());
    }
    let apart: Nanos = split.kernels.iter().filter_map(|kernel| kernel.apart).sum();
    let saved = split.saved().0;
    let (word, amount) = if saved < 0 { ("costs", saved.unsigned_abs()) } else { ("saves", saved.unsigned_abs()) };
    Some(format!(
        "As kernels of their own the {} layers that compute take {apart} together, fused {}: fusing {word} {} ({:.1} %).",
        measurement.apart.as_ref()?.layers.len(),
        breakdown.sum,
        Nanos(amount),
        100.0 * Nanos(amount).share_of(apart),
    ))
}
