//! Figure 2: where the time goes by kind of work, ours beside the paper's percentages.
//!
//! The paper divides the run time into Conv, Data, Elemwise, Shuffle and Other, and does not say where depthwise
//! convolutions, batch normalisation and joining channels belong. Ours, not the paper's: depthwise convolutions and
//! fully connected layers count as Conv (with the depthwise part told apart), slices, concatenations and flattening as
//! Data (the paper's Data is reading input, which we do not time), batch normalisation on its own as Elemwise, pooling
//! and what no kernel accounts for as Other. A fused kernel's time is split among its layers where these were also
//! measured apart; otherwise all of it counts as its heaviest layer.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use crate::graph::{Graph, Op, OpKind};
use crate::measure::{Apart, Breakdown, KernelSplit, KernelTime};
use crate::units::Nanos;

/// A category of the figure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Category {
    /// Convolutions of any kind, fully connected layers.
    Conv,
    /// Data moved or read.
    Data,
    /// Activations, sums, products, normalisation on its own.
    Elemwise,
    /// Channel shuffle.
    Shuffle,
    /// Everything else.
    Other,
}

/// Shares of the run time, 0 to 1; they add up to 1 as far as rounding allows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Shares {
    /// [`Category::Conv`].
    pub conv: f64,
    /// [`Category::Data`].
    pub data: f64,
    /// [`Category::Elemwise`].
    pub elemwise: f64,
    /// [`Category::Shuffle`].
    pub shuffle: f64,
    /// [`Category::Other`].
    pub other: f64,
}

/// What the breakdown of a measurement says, by the figure's categories.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct TimeByCategory {
    /// Shares of the marked runs' time.
    #[serde(flatten)]
    pub shares: Shares,
    /// The part of `conv` that is depthwise.
    pub depthwise: f64,
    /// Whether the time of fused kernels is split in the proportions that their layers have as kernels of their own;
    /// otherwise a fused kernel counts as its heaviest layer.
    #[serde(default)]
    pub is_split: bool,
}

/// One pie of the figure as printed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PaperPie {
    /// The network as printed.
    pub name: &'static str,
    /// The zoo's name for it.
    pub network: &'static str,
    /// Whether it ran on the paper's GPU; on its ARM processor otherwise.
    pub gpu: bool,
    /// The percentages as shares; what the pie does not show is 0.
    pub shares: Shares,
}

/// Where it is printed.
pub const SOURCE: &str = "ShuffleNet V2 paper (arXiv 1807.11164), Figure 2";

const fn pie(
    name: &'static str,
    network: &'static str,
    gpu: bool,
    [conv, data, elemwise, shuffle, other]: [f64; 5],
) -> PaperPie {
    let shares = Shares {
        conv: conv / 100.0,
        data: data / 100.0,
        elemwise: elemwise / 100.0,
        shuffle: shuffle / 100.0,
        other: other / 100.0,
    };
    PaperPie { name, network, gpu, shares }
}

const V1: &str = "shufflenet-v1-g3-x1.0";
const MOBILE_V2: &str = "mobilenet-v2-x1.0";

/// The four pies: Conv, Data, Elemwise, Shuffle, Other in percent.
pub const PIES: [PaperPie; 4] = [
    pie("ShuffleNet v1 (1x, g=3)", V1, true, [50.0, 20.0, 15.0, 5.0, 10.0]),
    pie("MobileNet v2 (1x)", MOBILE_V2, true, [54.0, 22.0, 23.0, 0.0, 1.0]),
    pie("ShuffleNet v1 (1x, g=3)", V1, false, [87.0, 1.0, 4.0, 0.0, 8.0]),
    pie("MobileNet v2 (1x)", MOBILE_V2, false, [89.0, 0.3, 10.5, 0.0, 0.2]),
];

impl Category {
    /// Every category, in the figure's order.
    pub const ALL: [Self; 5] = [Self::Conv, Self::Data, Self::Elemwise, Self::Shuffle, Self::Other];

    /// The name as printed.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Conv => "Conv",
            Self::Data => "Data",
            Self::Elemwise => "Elemwise",
            Self::Shuffle => "Shuffle",
            Self::Other => "Other",
        }
    }

    /// Where an operation counts.
    #[must_use]
    pub const fn of(op: &Op) -> Self {
        match (op, op.kind()) {
            (Op::ChannelShuffle { .. }, _) => Self::Shuffle,
            (_, OpKind::Convolution | OpKind::Pointwise | OpKind::Depthwise | OpKind::Linear) => Self::Conv,
            (_, OpKind::Normalisation | OpKind::ElementWise) => Self::Elemwise,
            (_, OpKind::Data) => Self::Data,
            (_, OpKind::Pooling | OpKind::Input) => Self::Other,
        }
    }
}

impl Shares {
    /// The share of a category.
    #[must_use]
    pub const fn get(&self, category: Category) -> f64 {
        match category {
            Category::Conv => self.conv,
            Category::Data => self.data,
            Category::Elemwise => self.elemwise,
            Category::Shuffle => self.shuffle,
            Category::Other => self.other,
        }
    }

    const fn of_mut(&mut self, category: Category) -> &mut f64 {
        match category {
            Category::Conv => &mut self.conv,
            Category::Data => &mut self.data,
            Category::Elemwise => &mut self.elemwise,
            Category::Shuffle => &mut self.shuffle,
            Category::Other => &mut self.other,
        }
    }
}

impl TimeByCategory {
    /// Sorts the kernels' medians into the categories, split where the layers were measured apart. The whole is the larger
    /// of the marked runs' median and the kernels' sum, so that no share exceeds 1. `None` where the runs took no time.
    #[must_use]
    pub fn of(graph: &Graph, breakdown: &Breakdown, apart: Option<&Apart>) -> Option<Self> {
        let ops: HashMap<&str, &Op> = graph.layers().map(|(_, node)| (node.path.as_str(), &node.op)).collect();
        let whole = breakdown.marked_whole.max(breakdown.sum);
        if whole.0 == 0 {
            return None;
        }
        let (mut shares, mut depthwise) = (Shares::default(), 0.0);
        let mut add = |op: Option<&Op>, time: Nanos| {
            let share = time.share_of(whole);
            *shares.of_mut(op.map_or(Category::Other, Category::of)) += share;
            if op.is_some_and(|op| op.kind() == OpKind::Depthwise) {
                depthwise += share;
            }
        };
        let split = apart.map(|apart| breakdown.split(apart));
        for (index, kernel) in breakdown.kernels.iter().enumerate() {
            let of_kernel = split.as_ref().and_then(|split| split.kernels.get(index));
            match of_kernel.filter(|kernel| kernel.apart.is_some()) {
                Some(KernelSplit { layers, .. }) => {
                    layers.iter().for_each(|layer| add(ops.get(layer.path.as_str()).copied(), layer.median));
                }
                None => {
                    let KernelTime { layers, median, .. } = kernel;
                    let ops = layers.iter().filter_map(|layer| ops.get(layer.as_str()).copied());
                    add(ops.min_by_key(|op| op.kind().rank()), *median);
                }
            }
        }
        shares.other += whole.since(breakdown.sum).share_of(whole);
        Some(Self { shares, depthwise, is_split: split.is_some() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::ClockDomain;
    use crate::design::Batch;
    use crate::graph::{Activation, Conv2d, GraphBuilder, Shape, Window, lower};
    use crate::measure::LayerTime;
    use crate::runtime::{Fusing, KernelPlan, cpu};
    use crate::units::NanosDelta;
    use crate::zoo::preset;

    /// A breakdown in which every kernel of the plan takes as many microseconds as `time` says.
    fn breakdown(graph: &Graph, plan: &KernelPlan, unaccounted: u64, time: impl Fn(&str) -> u64) -> Breakdown {
        let kernels: Vec<KernelTime> = crate::measure::KernelLabel::of(plan, graph)
            .into_iter()
            .map(|kernel| {
                let median = Nanos(1_000 * time(&kernel.label));
                KernelTime { layers: kernel.layers, label: kernel.label, median, low: median, high: median }
            })
            .collect();
        let sum: Nanos = kernels.iter().map(|kernel| kernel.median).sum();
        let marked_whole = sum + Nanos(1_000 * unaccounted);
        let unaccounted = NanosDelta::between(marked_whole, sum);
        Breakdown {
            kernels,
            clock: ClockDomain::Host,
            sum,
            marked_whole,
            unaccounted,
            marking_overhead: None,
            samples: 5,
        }
    }

    fn sum(shares: &Shares) -> f64 {
        Category::ALL.iter().map(|&category| shares.get(category)).sum()
    }

    #[test]
    fn stock_kernels_are_sorted_by_their_operation() {
        let graph = lower(&preset("shufflenet-v1-g3-x1.0").unwrap(), Batch(1)).unwrap();
        let plan = KernelPlan::one_per_layer(&graph);
        let only = |wanted: &'static str| {
            let breakdown = breakdown(&graph, &plan, 0, |label| u64::from(label.starts_with(wanted)));
            let TimeByCategory { shares, depthwise, is_split } = TimeByCategory::of(&graph, &breakdown, None).unwrap();
            let round = |share: f64| (share * 1e9).round() / 1e9;
            let Shares { conv, data, elemwise, shuffle, other } = shares;
            let [conv, data, elemwise, shuffle, other] = [conv, data, elemwise, shuffle, other].map(round);
            let shares = Shares { conv, data, elemwise, shuffle, other };
            TimeByCategory { shares, depthwise: round(depthwise), is_split }
        };
        assert_eq!(only("conv 1x1").shares.conv, 1.0);
        assert_eq!((only("dw 3x3").shares.conv, only("dw 3x3").depthwise), (1.0, 1.0));
        assert_eq!(only("batch-norm").shares.elemwise, 1.0);
        assert_eq!(only("relu").shares.elemwise, 1.0);
        assert_eq!(only("add").shares.elemwise, 1.0);
        assert_eq!(only("concat").shares.data, 1.0);
        assert_eq!(only("shuffle").shares.shuffle, 1.0);
        assert_eq!(only("avg-pool").shares.other, 1.0);
        assert_eq!(only("linear").shares.conv, 1.0);
    }

    #[test]
    fn a_fused_kernel_counts_as_its_heaviest_layer_and_the_unaccounted_as_other() {
        let graph = lower(&preset("shufflenet-v2-x1.0").unwrap(), Batch(1)).unwrap();
        let breakdown = breakdown(&graph, &cpu::plan(&graph, Fusing::Full), 7, |_| 1);
        let by_category = TimeByCategory::of(&graph, &breakdown, None).unwrap();
        assert!(by_category.shares.conv > 0.7, "{by_category:?}");
        assert!(by_category.shares.other >= 7_000.0 / breakdown.marked_whole.as_f64());
        assert!((sum(&by_category.shares) - 1.0).abs() < 1e-9);
    }

    #[test]
    fn a_fused_kernels_time_goes_to_its_layers_where_they_were_measured_apart() {
        let mut builder = GraphBuilder::new("two", Shape::new(1, 8, 8, 8));
        let conv = |groups, window| Op::Conv2d(Conv2d { in_channels: 8, out_channels: 8, window, groups, bias: true });
        let pointwise = builder.push("pw", conv(1, Window::square(1, 1)), &[builder.input()]).unwrap();
        let relu = builder.push("relu", Op::Activation(Activation::Relu), &[pointwise]).unwrap();
        builder.push("dw", conv(8, Window::square(3, 1)), &[relu]).unwrap();
        let graph = builder.finish();
        let breakdown = breakdown(&graph, &cpu::plan(&graph, Fusing::Full), 0, |_| 80);
        assert_eq!(breakdown.kernels.len(), 1);
        let layer = |path: &str, micros: u64| LayerTime { path: path.into(), median: Nanos(1_000 * micros) };
        let apart = Apart {
            layers: vec![layer("pw", 50), layer("relu", 20), layer("dw", 30)],
            whole: Nanos(100_000),
            clock: ClockDomain::Host,
        };
        let fused = TimeByCategory::of(&graph, &breakdown, None).unwrap();
        assert_eq!((fused.shares.conv, fused.depthwise, fused.is_split), (1.0, 0.0, false));
        let split = TimeByCategory::of(&graph, &breakdown, Some(&apart)).unwrap();
        let shares = Shares { conv: 0.8, elemwise: 0.2, ..Shares::default() };
        assert_eq!(split, TimeByCategory { shares, depthwise: 0.3, is_split: true });
    }

    #[test]
    fn kernels_that_take_longer_than_the_whole_never_make_shares_above_one() {
        let graph = lower(&preset("shufflenet-v2-x1.0").unwrap(), Batch(1)).unwrap();
        let mut breakdown = breakdown(&graph, &KernelPlan::one_per_layer(&graph), 0, |_| 3);
        breakdown.marked_whole = Nanos(breakdown.sum.0 / 2);
        assert!((sum(&TimeByCategory::of(&graph, &breakdown, None).unwrap().shares) - 1.0).abs() < 1e-9);
        breakdown.kernels.clear();
        (breakdown.sum, breakdown.marked_whole) = (Nanos::ZERO, Nanos::ZERO);
        assert_eq!(TimeByCategory::of(&graph, &breakdown, None), None);
    }

    #[test]
    fn the_papers_pies_are_whole_and_their_networks_are_in_the_zoo() {
        for pie in PIES {
            assert!((sum(&pie.shares) - 1.0).abs() < 1e-9, "{}", pie.name);
            assert!(preset(pie.network).is_some());
        }
    }
}
