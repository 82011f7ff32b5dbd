//! The layer table as data: which lines it has, in which order, and what each kernel and group adds up to.

mod copy;
mod facts;
mod look;
#[cfg(test)]
mod tests;
mod unit;

use std::collections::HashMap;

use shufflescope_engine::cost::LayerCost;
use shufflescope_engine::measure::{Apart, Breakdown};
use shufflescope_engine::units::Nanos;

use crate::window::against::Against;
use crate::window::quantity::Amounts;

pub use copy::TextForm;
pub use facts::Facts;
pub use look::{Column, Grouping, Look};
pub use unit::{LayerShare, Sums, Timing, Unit};
use unit::{shares, units, units_of_layers};

/// Several units under one heading.
#[derive(Clone, Debug, PartialEq)]
pub struct Group {
    /// The stage or the kind of work.
    pub name: String,
    /// How many layers.
    pub layers: usize,
    /// What they cost.
    pub sums: Sums,
    /// Sum of its kernels' medians, and their share of the marked whole.
    pub time: Option<(Nanos, f64)>,
    /// Whether its units are shown.
    pub is_open: bool,
}

/// A line of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Line {
    /// The heading of a group.
    Group(usize),
    /// A unit.
    Unit(usize),
    /// A layer of the unit above, which is a fused kernel.
    Layer(usize),
}

/// What is known of the layers beside their cost.
#[derive(Clone, Copy, Debug, Default)]
pub struct Source<'a> {
    /// The kernels' times.
    pub breakdown: Option<&'a Breakdown>,
    /// The layers' times as kernels of their own.
    pub apart: Option<&'a Apart>,
    /// The same layers of A.
    pub against: Option<&'a Against>,
    /// Whether the times are another network's, or of another way of running: they are not compared with A's.
    pub is_stale: bool,
}

/// The table's lines and what they show.
#[derive(Debug, Default)]
pub struct Rows {
    /// From top to bottom.
    pub lines: Vec<Line>,
    /// The groups, in execution order.
    pub groups: Vec<Group>,
    /// The units, in execution order.
    pub units: Vec<Unit>,
    /// How many layers the filter lets through.
    pub layers: usize,
    /// The longest kernel.
    pub longest: Nanos,
    /// Whether the times are not the present network's.
    is_stale: bool,
    /// Each layer's part of its kernel's time; empty where the layers were not measured apart.
    shares: Vec<Option<LayerShare>>,
}

impl Rows {
    /// The table of these layers; `stage` names the stage of the layer with this index. Where the layers were measured
    /// apart, a table by kind has a line for every layer, so that each kind has what is its own.
    pub fn of(
        layers: &[LayerCost],
        stage: impl Fn(usize) -> String,
        Source { breakdown, apart, against, is_stale }: Source<'_>,
        look: &Look,
    ) -> Self {
        let shares = breakdown.zip(apart).map(|(breakdown, apart)| shares(layers, breakdown, apart));
        let shares = shares.unwrap_or_default();
        let mut units = match look.grouping {
            Grouping::Kind if !shares.is_empty() => units_of_layers(layers, &shares),
            _ => units(layers, breakdown),
        };
        for unit in &mut units {
            let alone = unit.layers.iter().filter_map(|&layer| shares.get(layer)?.as_ref()?.alone);
            unit.alone = alone.reduce(|sum, alone| sum + alone);
            let beside = against.and_then(|against| against.layers(&unit.layers));
            unit.beside = beside.map(|amounts| Amounts { time: amounts.time.filter(|_| !is_stale), ..amounts });
        }
        let words: Vec<String> = look.filter.split_whitespace().map(str::to_lowercase).collect();
        let matches = |layer: &LayerCost| {
            words.iter().all(|word| {
                layer.path.to_lowercase().contains(word)
                    || layer.op.contains(word.as_str())
                    || layer.kind.name().contains(word.as_str())
            })
        };
        let shown = |unit: &Unit| unit.layers.iter().filter_map(|&layer| layers.get(layer)).any(matches);
        let longest = units.iter().filter_map(|unit| unit.timing).map(|timing| timing.median).max();
        let mut rows = Self { longest: longest.unwrap_or_default(), shares, is_stale, ..Self::default() };
        let mut members: Vec<Vec<usize>> = Vec::new();
        let mut by_name: HashMap<String, usize> = HashMap::new();
        for (index, unit) in units.iter().enumerate().filter(|(_, unit)| shown(unit)) {
            let name = match look.grouping {
                Grouping::None => String::new(),
                Grouping::Stage => stage(unit.first()),
                Grouping::Kind => unit.kind.name().to_owned(),
            };
            let group = *by_name.entry(name.clone()).or_insert_with(|| {
                let is_open = !look.closed.contains(&name);
                rows.groups.push(Group { name, layers: 0, sums: Sums::default(), time: None, is_open });
                members.push(Vec::new());
                members.len() - 1
            });
            let (Some(group), Some(members)) = (rows.groups.get_mut(group), members.get_mut(group)) else { continue };
            members.push(index);
            group.layers += unit.layers.len();
            unit.layers.iter().filter_map(|&layer| layers.get(layer)).for_each(|layer| group.sums.add(layer));
            if let Some(timing) = unit.timing {
                let (median, share) = group.time.unwrap_or_default();
                group.time = Some((median + timing.median, share + timing.share));
            }
        }
        rows.layers = rows.groups.iter().map(|group| group.layers).sum();
        for (index, mut members) in members.into_iter().enumerate() {
            let is_open = rows.groups.get(index).is_some_and(|group| group.is_open);
            if look.grouping != Grouping::None {
                rows.lines.push(Line::Group(index));
                if !is_open {
                    continue;
                }
            }
            members.sort_by(|&a, &b| match (units.get(a), units.get(b)) {
                (Some(x), Some(y)) => look.order(layers, x, y).then(a.cmp(&b)),
                _ => a.cmp(&b),
            });
            for index in members {
                rows.lines.push(Line::Unit(index));
                let Some(unit) = units.get(index).filter(|unit| unit.layers.len() > 1) else { continue };
                if layers.get(unit.first()).is_some_and(|layer| look.expanded.contains(&layer.path)) {
                    rows.lines.extend(unit.layers.iter().copied().map(Line::Layer));
                }
            }
        }
        rows.units = units;
        rows
    }

    /// A layer's part of its kernel's time, where the layers were measured apart.
    pub fn share_of(&self, layer: usize) -> Option<LayerShare> {
        self.shares.get(layer).copied().flatten()
    }

    /// The line that shows this layer: its own, or that of its kernel.
    pub fn line_of(&self, layer: usize) -> Option<usize> {
        let own = self.lines.iter().position(|line| *line == Line::Layer(layer));
        own.or_else(|| {
            self.lines.iter().position(|line| match line {
                Line::Unit(unit) => self.units.get(*unit).is_some_and(|unit| unit.layers.contains(&layer)),
                Line::Group(_) | Line::Layer(_) => false,
            })
        })
    }
}
