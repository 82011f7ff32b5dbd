//! Shares of the whole by kind of work.

use std::collections::BTreeMap;

use shufflescope_engine::cost::LayerCost;
use shufflescope_engine::graph::OpKind;
use shufflescope_engine::measure::Measurement;
use shufflescope_engine::report::time_by_kind;

/// Kinds in the order shown.
pub const KINDS: [OpKind; 8] = [
    OpKind::Convolution,
    OpKind::Pointwise,
    OpKind::Depthwise,
    OpKind::Linear,
    OpKind::Normalisation,
    OpKind::ElementWise,
    OpKind::Pooling,
    OpKind::Data,
];

/// See the module.
#[derive(Clone, Debug, Default)]
pub struct Shares {
    by_kind: BTreeMap<OpKind, f64>,
}

impl Shares {
    /// Of the values' sum, or of a whole that is more than that.
    fn of(values: impl Iterator<Item = (OpKind, f64)>, whole: Option<f64>) -> Self {
        let mut by_kind: BTreeMap<OpKind, f64> = BTreeMap::new();
        for (kind, value) in values {
            *by_kind.entry(kind).or_default() += value;
        }
        let whole = whole.unwrap_or_else(|| by_kind.values().sum());
        if whole > 0.0 {
            by_kind.values_mut().for_each(|value| *value /= whole);
        }
        Self { by_kind }
    }

    /// A kind's share.
    pub fn get(&self, kind: OpKind) -> f64 {
        self.by_kind.get(&kind).copied().unwrap_or(0.0)
    }
}

/// What a network's work and time are made of.
#[derive(Clone, Debug)]
pub struct Breakup {
    /// Of the marked whole; `None` where nothing was measured.
    pub time: Option<Shares>,
    /// Of the mult-adds.
    pub mult_adds: Shares,
    /// Of the memory access.
    pub memory: Shares,
}

impl Breakup {
    /// Of these layers, with what was measured of them.
    pub fn of(layers: &[LayerCost], measurement: Option<&Measurement>) -> Self {
        let breakdown = measurement.and_then(|measurement| measurement.breakdown.as_ref());
        let of_kind = measurement.and_then(|measurement| time_by_kind(layers, measurement));
        let time = of_kind.zip(breakdown).map(|(of, breakdown)| {
            let times = of.times.iter().map(|(kind, time)| (*kind, time.as_f64()));
            Shares::of(times, Some(breakdown.marked_whole.as_f64()))
        });
        Self {
            time,
            mult_adds: Shares::of(layers.iter().map(|layer| (layer.kind, layer.mult_adds.as_f64())), None),
            memory: Shares::of(layers.iter().map(|layer| (layer.kind, layer.memory_access.as_f64())), None),
        }
    }

    /// Whether anything of this kind is in it.
    pub fn has(&self, kind: OpKind) -> bool {
        let time = self.time.as_ref().map_or(0.0, |time| time.get(kind));
        time + self.mult_adds.get(kind) + self.memory.get(kind) > 0.0
    }
}
