//! What runs as one, what its layers cost together and what it took.

use std::collections::HashMap;

use shufflescope_engine::cost::LayerCost;
use shufflescope_engine::graph::{OpKind, Shape};
use shufflescope_engine::measure::{Apart, Breakdown};
use shufflescope_engine::units::{Bytes, Elements, FlopRate, MultAdds, Nanos, Params};

use super::look::Column;
use crate::window::quantity::Amounts;

/// A kernel's time, or a layer's part of one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Timing {
    /// The median.
    pub median: Nanos,
    /// Both ends of the median's interval; `None` of a layer's part, which is no measurement of its own.
    pub interval: Option<(Nanos, Nanos)>,
    /// Of the marked whole.
    pub share: f64,
    /// What it reached; `None` where the kernel computes nothing in this sense.
    pub rate: Option<FlopRate>,
    /// How many operations the runtime starts for it.
    pub launches: usize,
}

impl Timing {
    /// Half the interval over the median; `None` where there is no interval.
    pub fn half_width(&self) -> Option<f64> {
        let (low, high) = self.interval?;
        (self.median > Nanos::ZERO).then(|| high.since(low).as_f64() / 2.0 / self.median.as_f64())
    }
}

/// A layer's part of its kernel's time, in proportion to the layers' times apart.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LayerShare {
    /// The part.
    pub time: Nanos,
    /// The part's share of the marked whole.
    pub share: f64,
    /// What the layer takes as a kernel of its own; `None` where it does not compute.
    pub alone: Option<Nanos>,
}

/// What several layers cost together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sums {
    /// Multiply-accumulates.
    pub mult_adds: MultAdds,
    /// Learned parameters.
    pub params: Params,
    /// Elements read and written.
    pub memory_access: Elements,
    /// The same in bytes.
    pub bytes: Bytes,
}

impl Sums {
    pub(super) fn add(&mut self, layer: &LayerCost) {
        self.mult_adds += layer.mult_adds;
        self.params += layer.params;
        self.memory_access += layer.memory_access;
        self.bytes = Bytes(self.bytes.0.saturating_add(layer.memory_access_bytes.0));
    }

    /// FLOP per byte; `None` where nothing is computed or moved.
    pub fn intensity(&self) -> Option<f64> {
        (self.mult_adds.0 > 0 && self.bytes.0 > 0).then(|| 2.0 * self.mult_adds.as_f64() / self.bytes.0 as f64)
    }
}

/// What runs as one: a measured kernel, or a layer that no measurement says anything about.
#[derive(Clone, Debug, PartialEq)]
pub struct Unit {
    /// Indices of its layers, in execution order; there is at least one.
    pub layers: Vec<usize>,
    /// The kind of its layer with the most mult-adds.
    pub kind: OpKind,
    /// Shape of what it writes.
    pub output: Shape,
    /// What its layers cost.
    pub sums: Sums,
    /// What it took.
    pub timing: Option<Timing>,
    /// What its layers take as kernels of their own, together; `None` where none of them was measured so.
    pub alone: Option<Nanos>,
    /// What the same layers of A cost and take; `None` where nothing is pinned, or A has none of them.
    pub beside: Option<Amounts>,
}

impl Unit {
    /// Its first layer, for which it is named.
    pub fn first(&self) -> usize {
        self.layers.first().copied().unwrap_or_default()
    }

    /// The difference to A that a column shows.
    pub fn difference(&self, column: Column) -> Option<i128> {
        difference(column, self.timing, &self.sums, self.beside?)
    }
}

/// What a column against A shows: elements, mult-adds or nanoseconds more than A.
pub(super) fn difference(column: Column, timing: Option<Timing>, sums: &Sums, beside: Amounts) -> Option<i128> {
    let (now, then) = match column {
        Column::LatencyAgainstA => (timing?.median.0, beside.time?.0),
        Column::MultAddsAgainstA => (sums.mult_adds.0, beside.mult_adds.0),
        Column::MemoryAccessAgainstA => (sums.memory_access.0, beside.memory_access.0),
        _ => return None,
    };
    Some(i128::from(now) - i128::from(then))
}

/// The kernels of the breakdown as units, and every layer that is in none; in the order of their first layers.
pub(super) fn units(layers: &[LayerCost], breakdown: Option<&Breakdown>) -> Vec<Unit> {
    let index: HashMap<&str, usize> =
        layers.iter().enumerate().map(|(index, layer)| (layer.path.as_str(), index)).collect();
    let mut rest: Vec<bool> = vec![true; layers.len()];
    let mut units = Vec::with_capacity(layers.len());
    for kernel in breakdown.iter().flat_map(|breakdown| &breakdown.kernels) {
        let mut of: Vec<usize> = kernel.layers.iter().filter_map(|path| index.get(path.as_str()).copied()).collect();
        of.sort_unstable();
        of.dedup();
        // A stale result may know some of the layers in two kernels of other layers.
        of.retain(|&layer| rest.get_mut(layer).is_some_and(std::mem::take));
        let whole = breakdown.map_or(Nanos::ZERO, |breakdown| breakdown.marked_whole);
        if let Some(mut unit) = unit(layers, of) {
            unit.timing = Some(Timing {
                median: kernel.median,
                interval: Some((kernel.low, kernel.high)),
                share: kernel.median.share_of(whole),
                rate: FlopRate::of(unit.sums.mult_adds, kernel.median),
                launches: kernel.launches,
            });
            units.push(unit);
        }
    }
    let alone = rest.iter().enumerate().filter(|(_, alone)| **alone);
    units.extend(alone.filter_map(|(layer, _)| unit(layers, vec![layer])));
    units.sort_by_key(Unit::first);
    units
}

/// Every layer's part of its kernel's time.
pub(super) fn shares(layers: &[LayerCost], breakdown: &Breakdown, apart: &Apart) -> Vec<Option<LayerShare>> {
    let split = breakdown.split(apart);
    let times = split.by_layer();
    let alone: HashMap<&str, Nanos> = apart.layers.iter().map(|layer| (layer.path.as_str(), layer.median)).collect();
    let share = |layer: &LayerCost| {
        let &time = times.get(layer.path.as_str())?;
        let share = time.share_of(breakdown.marked_whole);
        Some(LayerShare { time, share, alone: alone.get(layer.path.as_str()).copied() })
    };
    layers.iter().map(share).collect()
}

/// Every layer as a unit, with its part of its kernel's time.
pub(super) fn units_of_layers(layers: &[LayerCost], shares: &[Option<LayerShare>]) -> Vec<Unit> {
    let unit = |(index, share): (usize, &Option<LayerShare>)| {
        let mut unit = unit(layers, vec![index])?;
        unit.timing = share.filter(|share| share.time > Nanos::ZERO).map(|LayerShare { time, share, .. }| Timing {
            median: time,
            interval: None,
            share,
            rate: FlopRate::of(unit.sums.mult_adds, time),
            launches: 1,
        });
        Some(unit)
    };
    shares.iter().enumerate().filter_map(unit).collect()
}

fn unit(layers: &[LayerCost], of: Vec<usize>) -> Option<Unit> {
    let costs = || of.iter().filter_map(|&layer| layers.get(layer));
    let first = costs().next()?;
    // Of several layers with as many mult-adds the first one gives the kernel its kind.
    let kind = costs().rev().max_by_key(|layer| layer.mult_adds).unwrap_or(first).kind;
    let output = costs().next_back().unwrap_or(first).output;
    let mut sums = Sums::default();
    costs().for_each(|layer| sums.add(layer));
    Some(Unit { layers: of, kind, output, sums, timing: None, alone: None, beside: None })
}
