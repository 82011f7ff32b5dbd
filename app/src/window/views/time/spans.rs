//! The run as a line of time: which layer, of which kind of work, has it when.

use std::collections::HashMap;

use shufflescope_engine::cost::LayerCost;
use shufflescope_engine::graph::OpKind;
use shufflescope_engine::measure::{KernelTime, Measurement};
use shufflescope_engine::units::Nanos;

/// A stretch of the run: a kernel, or a layer's part of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Span<'a> {
    /// The kind of work of its layer.
    pub kind: OpKind,
    /// The layer, or the main one of a kernel.
    pub layer: &'a str,
    /// When it begins, as if the kernels followed each other without a gap.
    pub from: Nanos,
    /// How long it takes.
    pub time: Nanos,
    /// The kernel that it is, or is a part of.
    pub kernel: &'a KernelTime,
    /// Whether it is only a part.
    pub is_part: bool,
}

impl Span<'_> {
    /// Whether this layer runs in it.
    pub fn has(&self, layer: &str) -> bool {
        if self.is_part { self.layer == layer } else { self.kernel.layers.iter().any(|path| path == layer) }
    }
}

/// All stretches in launch order; they add up to the breakdown's sum. A kernel is cut into its layers' parts where these
/// were measured apart; otherwise it is its main layer's: the one with the most mult-adds, or the most memory access.
pub fn spans<'a>(layers: &[LayerCost], measurement: &'a Measurement) -> Vec<Span<'a>> {
    let Some(breakdown) = &measurement.breakdown else { return Vec::new() };
    let costs: HashMap<&str, &LayerCost> = layers.iter().map(|layer| (layer.path.as_str(), layer)).collect();
    let split = measurement.layer_times();
    let mut spans = Vec::with_capacity(breakdown.kernels.len());
    let mut from = Nanos::ZERO;
    for kernel in &breakdown.kernels {
        let known = |path: &String| costs.get(path.as_str()).copied();
        let parts: Vec<(&str, OpKind, Nanos)> = match &split {
            Some(split) => {
                let time = |path: &String| split.get(path).copied().unwrap_or_default();
                let part = |path: &'a String| Some((path.as_str(), known(path)?.kind, time(path)));
                kernel.layers.iter().filter_map(part).filter(|(_, _, time)| *time > Nanos::ZERO).collect()
            }
            None => {
                let costs = kernel.layers.iter().filter_map(|path| Some((path, known(path)?)));
                let main = costs.rev().max_by_key(|(_, cost)| (cost.mult_adds, cost.memory_access));
                main.map(|(path, cost)| (path.as_str(), cost.kind, kernel.median)).into_iter().collect()
            }
        };
        let is_part = parts.len() > 1;
        let mut at = from;
        for (layer, kind, time) in parts {
            spans.push(Span { kind, layer, from: at, time, kernel, is_part });
            at += time;
        }
        from += kernel.median;
    }
    spans
}

/// Round times along an axis up to `whole`, about `count` of them, from zero on.
pub fn ticks(whole: Nanos, count: u64) -> Vec<Nanos> {
    let rough = whole.0 / count.max(1);
    let decade = 10_u64.saturating_pow(rough.max(1).ilog10());
    let step = [1, 2, 5, 10].map(|times| decade.saturating_mul(times)).into_iter().find(|step| *step >= rough);
    let step = step.unwrap_or(rough).max(1);
    (0..=whole.0 / step).map(|index| Nanos(index * step)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_axis_has_round_times_and_never_too_many() {
        let at = |whole| ticks(Nanos(whole), 5).into_iter().map(|time| time.0).collect::<Vec<u64>>();
        assert_eq!(at(1_000), [0, 200, 400, 600, 800, 1_000]);
        assert_eq!(at(1_234_567), [0, 500_000, 1_000_000]);
        assert_eq!(at(0), [0]);
        for whole in [1, 7, 99, 12_345, u64::MAX] {
            assert!((1..=11).contains(&at(whole).len()), "{whole}");
        }
    }
}
