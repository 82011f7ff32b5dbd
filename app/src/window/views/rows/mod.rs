//! The layer table as data: which lines it has, in which order, and what each kernel and group adds up to.

mod look;
mod unit;

use std::collections::HashMap;

use shufflescope_engine::cost::LayerCost;
use shufflescope_engine::measure::{Apart, Breakdown};
use shufflescope_engine::units::Nanos;

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
    /// Each layer's part of its kernel's time; empty where the layers were not measured apart.
    shares: Vec<Option<LayerShare>>,
}

impl Rows {
    /// The table of these layers; `stage` names the stage of the layer with this index. Where the layers were measured
    /// apart, a table by kind has a line for every layer, so that each kind has what is its own.
    pub fn of(
        layers: &[LayerCost],
        stage: impl Fn(usize) -> String,
        (breakdown, apart): (Option<&Breakdown>, Option<&Apart>),
        look: &Look,
    ) -> Self {
        let shares = breakdown.zip(apart).map(|(breakdown, apart)| shares(layers, breakdown, apart));
        let shares = shares.unwrap_or_default();
        let units = match look.grouping {
            Grouping::Kind if !shares.is_empty() => units_of_layers(layers, &shares),
            _ => units(layers, breakdown),
        };
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
        let mut rows = Self { longest: longest.unwrap_or_default(), shares, ..Self::default() };
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

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::window::document::Analysis;
    use shufflescope_engine::clock::ClockDomain;
    use shufflescope_engine::graph::OpKind;
    use shufflescope_engine::measure::{KernelTime, LayerTime};
    use shufflescope_engine::units::{FlopRate, MultAdds, NanosDelta};
    use shufflescope_engine::zoo;

    fn layers() -> Vec<LayerCost> {
        Analysis::of(zoo::preset("shufflenet-v2-x0.5").unwrap(), 1).unwrap().cost.layers
    }

    /// Every convolution with the batch normalisation and activation that follow it is a kernel of 10 to 12 ns.
    fn breakdown(layers: &[LayerCost]) -> Breakdown {
        let mut kernels: Vec<KernelTime> = Vec::new();
        for layer in layers {
            let follows = matches!(layer.kind, OpKind::Normalisation | OpKind::ElementWise);
            match kernels.last_mut().filter(|_| follows) {
                Some(kernel) => kernel.layers.push(layer.path.clone()),
                None => {
                    let median = Nanos(10 + kernels.len() as u64 % 3);
                    let layers = vec![layer.path.clone()];
                    kernels.push(KernelTime { layers, label: String::new(), median, low: median, high: median });
                }
            }
        }
        let sum = kernels.iter().map(|kernel| kernel.median).sum();
        let unaccounted = NanosDelta(0);
        Breakdown {
            kernels,
            clock: ClockDomain::Host,
            sum,
            marked_whole: sum,
            unaccounted,
            marking_overhead: None,
            samples: 1,
        }
    }

    fn stage(layers: &[LayerCost]) -> impl Fn(usize) -> String + '_ {
        |layer| layers[layer].path.split('.').next().unwrap().to_owned()
    }

    fn table(look: &Look, measured: bool) -> (Vec<LayerCost>, Rows) {
        let layers = layers();
        let breakdown = measured.then(|| breakdown(&layers));
        let rows = Rows::of(&layers, stage(&layers), (breakdown.as_ref(), None), look);
        (layers, rows)
    }

    /// As measured, with every convolution three times as long apart as any other layer that computes.
    fn table_apart(look: &Look) -> (Vec<LayerCost>, Rows) {
        let layers = layers();
        let computing = layers.iter().filter(|layer| !matches!(layer.kind, OpKind::Normalisation | OpKind::Data));
        let time = |layer: &LayerCost| LayerTime {
            path: layer.path.clone(),
            median: Nanos(if layer.mult_adds.0 > 0 { 300 } else { 100 }),
        };
        let apart = Apart { layers: computing.map(time).collect(), whole: Nanos(9_999), clock: ClockDomain::Host };
        let breakdown = breakdown(&layers);
        let rows = Rows::of(&layers, stage(&layers), (Some(&breakdown), Some(&apart)), look);
        (layers, rows)
    }

    #[test]
    fn a_kernels_layers_share_its_time_where_they_were_measured_apart() {
        let (_, rows) = table_apart(&Look::default());
        // conv1.0, its folded normalisation and its activation take 10 ns together, 300 and 100 ns apart.
        let shares = [0, 1, 2].map(|layer| rows.share_of(layer).map(|share| (share.time, share.alone)));
        let expected = [(8, Some(300)), (0, None), (2, Some(100))];
        assert_eq!(shares, expected.map(|(time, alone)| Some((Nanos(time), alone.map(Nanos)))));
        let (_, plain) = table(&Look::default(), true);
        assert_eq!((plain.share_of(0), plain.lines.len()), (None, rows.lines.len()));
    }

    #[test]
    fn by_kind_every_layer_is_in_the_group_of_its_own_kind_where_they_were_measured_apart() {
        let look = Look { grouping: Grouping::Kind, ..Look::default() };
        let (layers, rows) = table_apart(&look);
        let group = |name: &str| rows.groups.iter().find(|group| group.name == name).unwrap();
        let activations = layers.iter().filter(|layer| layer.kind == OpKind::ElementWise).count();
        assert_eq!(group("element-wise").layers, activations);
        assert!(group("element-wise").time.unwrap().0 > Nanos::ZERO);
        let time: Nanos = rows.groups.iter().filter_map(|group| group.time).map(|(time, _)| time).sum();
        let sum = breakdown(&layers).sum;
        assert_eq!(time, sum, "nothing is lost");
        let (_, filed) = table(&look, true);
        assert!(
            filed.groups.iter().all(|group| group.name != "element-wise"),
            "each runs inside a convolution's kernel"
        );
    }

    #[test]
    fn without_a_measurement_every_layer_is_a_line_in_execution_order_until_sorted() {
        let (layers, plain) = table(&Look::default(), false);
        assert!(plain.lines.iter().copied().eq((0..layers.len()).map(Line::Unit)));
        let look = Look { by: Column::Params, descending: true, ..Look::default() };
        let (_, sorted) = table(&look, false);
        let params = |line: &Line| match line {
            Line::Unit(unit) => sorted.units[*unit].sums.params,
            other => panic!("{other:?}"),
        };
        let params: Vec<_> = sorted.lines.iter().map(params).collect();
        assert!(params.windows(2).all(|pair| pair[0] >= pair[1]));
    }

    #[test]
    fn a_filter_keeps_lines_with_all_its_words() {
        let look = Look { filter: "stage3 DEPTHWISE".into(), ..Look::default() };
        let (layers, rows) = table(&look, false);
        assert!(rows.layers > 0 && rows.layers == rows.lines.len());
        for line in rows.lines {
            let Line::Unit(unit) = line else { panic!("{line:?}") };
            let layer = &layers[rows.units[unit].first()];
            assert!(layer.path.contains("stage3") && layer.op.starts_with("dw"), "{layer:?}");
        }
    }

    #[test]
    fn a_fused_kernel_is_one_line_that_adds_its_layers_up_and_opens_into_them() {
        let (layers, folded) = table(&Look::default(), true);
        assert!(folded.lines.len() < layers.len() && folded.layers == layers.len());
        let first = &folded.units[0];
        assert_eq!((first.layers.as_slice(), first.kind), (&[0, 1, 2][..], OpKind::Convolution));
        assert_eq!(first.sums.params, layers[0].params + layers[1].params);
        let rate = FlopRate::of(layers[0].mult_adds, Nanos(10));
        assert_eq!(first.timing.map(|timing| (timing.median, timing.rate)), Some((Nanos(10), rate)));
        let look = Look { expanded: HashSet::from([layers[0].path.clone()]), ..Look::default() };
        let (_, open) = table(&look, true);
        assert_eq!(open.lines[..5], [Line::Unit(0), Line::Layer(0), Line::Layer(1), Line::Layer(2), Line::Unit(1)]);
        assert_eq!((folded.line_of(2), open.line_of(2)), (Some(0), Some(3)), "a layer is found where it is shown");
    }

    #[test]
    fn groups_add_up_to_the_whole_and_are_sorted_within() {
        for grouping in [Grouping::Stage, Grouping::Kind] {
            let look = Look { grouping, by: Column::Latency, descending: true, ..Look::default() };
            let (layers, rows) = table(&look, true);
            assert!(rows.groups.len() > 2, "{grouping:?}");
            let mult_adds: MultAdds = rows.groups.iter().map(|group| group.sums.mult_adds).sum();
            assert_eq!(mult_adds, layers.iter().map(|layer| layer.mult_adds).sum());
            let time: Nanos = rows.groups.iter().filter_map(|group| group.time).map(|(time, _)| time).sum();
            assert_eq!(time, breakdown(&layers).sum);
            let share: f64 = rows.groups.iter().filter_map(|group| group.time).map(|(_, share)| share).sum();
            assert!((share - 1.0).abs() < 1e-9);
            let mut last = None;
            for line in &rows.lines {
                last = match line {
                    Line::Group(_) => None,
                    Line::Unit(unit) => {
                        let time = rows.units[*unit].timing.unwrap().median;
                        assert!(last.is_none_or(|last| last >= time), "{grouping:?}");
                        Some(time)
                    }
                    Line::Layer(_) => panic!("nothing is expanded"),
                };
            }
        }
    }

    #[test]
    fn a_closed_group_shows_its_heading_alone() {
        let look = Look { grouping: Grouping::Stage, ..Look::default() };
        let (_, open) = table(&look, true);
        let closed = Look { closed: HashSet::from(["stage3".to_owned()]), ..look };
        let (_, rows) = table(&closed, true);
        let at = rows.groups.iter().position(|group| group.name == "stage3").unwrap();
        assert!(open.groups[at].is_open && !rows.groups[at].is_open);
        assert_eq!(rows.groups[at].sums, open.groups[at].sums);
        let heading = rows.lines.iter().position(|line| *line == Line::Group(at)).unwrap();
        assert_eq!(rows.lines.get(heading + 1), Some(&Line::Group(at + 1)));
    }
}
