//! Two networks side by side, layer by layer: what is the same, what changed, what only one of them has.
//!
//! Layers of equal path stand beside each other, as many of them as keep both networks' order. What is left in between
//! is paired by the kind of work within the same stage, in order. Pure: graphs and breakdowns in, rows out.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use crate::cost::{LayerCost, model_cost};
use crate::graph::{Graph, OpKind};
use crate::measure::Breakdown;
use crate::units::Nanos;

/// Most pairs looked at to align layers of different paths between two common ones; beyond this they stay apart.
const PAIRS_LOOKED_AT: usize = 1 << 20;

/// One network of the two: its layers, and its measured kernels where there are any.
#[derive(Clone, Copy, Debug)]
pub struct LayerSource<'a> {
    /// The network.
    pub graph: &'a Graph,
    /// Where its time goes.
    pub breakdown: Option<&'a Breakdown>,
}

/// Both networks, row by row in execution order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LayerDifference {
    /// The rows.
    pub rows: Vec<LayerPair>,
}

/// A layer of A, of B, or one of each.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LayerPair {
    /// What became of it.
    pub change: LayerChange,
    /// The layer in A.
    pub a: Option<LayerSide>,
    /// The layer in B.
    pub b: Option<LayerSide>,
}

/// What became of a layer of A in B.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LayerChange {
    /// The same operation on the same shapes.
    Same,
    /// Another operation, or the same one on other shapes.
    Changed,
    /// Only A has it.
    OnlyInA,
    /// Only B has it.
    OnlyInB,
}

/// A layer, its cost and its time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LayerSide {
    /// What it costs on paper.
    #[serde(flatten)]
    pub cost: LayerCost,
    /// Position of the kernel that computes it in launch order; `None` where nothing was measured.
    pub kernel: Option<usize>,
    /// The kernel's median time, in the row of its first layer alone, so that the column adds up.
    #[serde(rename = "time_ns")]
    pub time: Option<Nanos>,
}

impl LayerDifference {
    /// Aligns two networks.
    #[must_use]
    pub fn between(a: LayerSource<'_>, b: LayerSource<'_>) -> Self {
        let (a, b) = (layers(a), layers(b));
        let mut rows = Vec::with_capacity(a.len().max(b.len()));
        let (mut from_a, mut from_b) = (0, 0);
        for (in_a, in_b) in anchors(&a, &b).into_iter().chain([(a.len(), b.len())]) {
            gap(&a[from_a..in_a], &b[from_b..in_b], &mut rows);
            if let (Some(a), Some(b)) = (a.get(in_a), b.get(in_b)) {
                rows.push(LayerPair::of(a, b));
            }
            (from_a, from_b) = (in_a + 1, in_b + 1);
        }
        Self { rows }
    }

    /// The rows that differ.
    pub fn changes(&self) -> impl Iterator<Item = &LayerPair> {
        self.rows.iter().filter(|row| row.change != LayerChange::Same)
    }

    /// Sums of the kernels' times of A and of B; `None` where nothing was measured.
    #[must_use]
    pub fn times(&self) -> [Option<Nanos>; 2] {
        let sum = |side: fn(&LayerPair) -> Option<&LayerSide>| {
            let times = self.rows.iter().filter_map(|row| side(row)?.time);
            times.fold(None, |sum: Option<Nanos>, time| Some(sum.unwrap_or_default() + time))
        };
        [sum(|row| row.a.as_ref()), sum(|row| row.b.as_ref())]
    }
}

/// A layer with what it is aligned by.
struct Layer {
    side: LayerSide,
    /// Stage index; before the stages, after them.
    place: Place,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Before,
    Stage(usize),
    After,
}

fn layers(source: LayerSource<'_>) -> Vec<Layer> {
    let mut kernels = HashMap::new();
    for (index, kernel) in source.breakdown.iter().flat_map(|breakdown| breakdown.kernels.iter().enumerate()) {
        for (position, layer) in kernel.layers.iter().enumerate() {
            kernels.insert(layer.as_str(), (index, (position == 0).then_some(kernel.median)));
        }
    }
    let mut seen_stage = false;
    let layer = |((_, node), cost): ((_, &crate::graph::Node), LayerCost)| {
        seen_stage |= node.unit.is_some();
        let place = match node.unit {
            Some(unit) => Place::Stage(unit.stage),
            None if seen_stage => Place::After,
            None => Place::Before,
        };
        let (kernel, time) =
            kernels.get(node.path.as_str()).map_or((None, None), |&(kernel, time)| (Some(kernel), time));
        Layer { side: LayerSide { cost, kernel, time }, place }
    };
    source.graph.layers().zip(model_cost(source.graph).layers).map(layer).collect()
}

/// The longest common subsequence of paths, as positions in A and B. Paths are unique, so it is the longest rising
/// subsequence of B's positions: `n log n`, however large the networks are.
fn anchors(a: &[Layer], b: &[Layer]) -> Vec<(usize, usize)> {
    let in_b: HashMap<&str, usize> =
        b.iter().enumerate().map(|(at, layer)| (layer.side.cost.path.as_str(), at)).collect();
    let common: Vec<(usize, usize)> =
        a.iter().enumerate().filter_map(|(at, layer)| Some((at, *in_b.get(layer.side.cost.path.as_str())?))).collect();
    // `ends[n]` is the entry with the smallest position in B that ends a rising subsequence of n + 1 entries.
    let mut ends: Vec<usize> = Vec::new();
    let mut before: Vec<Option<usize>> = Vec::with_capacity(common.len());
    for (entry, &(_, at)) in common.iter().enumerate() {
        let length = ends.partition_point(|&end| common[end].1 < at);
        before.push(length.checked_sub(1).map(|shorter| ends[shorter]));
        if length == ends.len() {
            ends.push(entry);
        } else {
            ends[length] = entry;
        }
    }
    let mut found: Vec<(usize, usize)> =
        std::iter::successors(ends.last().copied(), |&entry| before[entry]).map(|entry| common[entry]).collect();
    found.reverse();
    found
}

/// Rows for layers between two anchors: the longest common subsequence of place and kind of work.
fn gap(a: &[Layer], b: &[Layer], rows: &mut Vec<LayerPair>) {
    let (mut at, mut bt) = (0, 0);
    for (in_a, in_b) in common(a, b).into_iter().chain([(a.len(), b.len())]) {
        rows.extend(a[at..in_a].iter().map(|layer| LayerPair::only(LayerChange::OnlyInA, layer)));
        rows.extend(b[bt..in_b].iter().map(|layer| LayerPair::only(LayerChange::OnlyInB, layer)));
        if let (Some(a), Some(b)) = (a.get(in_a), b.get(in_b)) {
            rows.push(LayerPair::of(a, b));
        }
        (at, bt) = (in_a + 1, in_b + 1);
    }
}

fn common(a: &[Layer], b: &[Layer]) -> Vec<(usize, usize)> {
    if a.is_empty() || b.is_empty() || a.len().saturating_mul(b.len()) > PAIRS_LOOKED_AT {
        return Vec::new();
    }
    let key = |layer: &Layer| -> (Place, OpKind) { (layer.place, layer.side.cost.kind) };
    let width = b.len() + 1;
    // The length of the longest common subsequence of a[i..] and b[j..].
    let mut lengths = vec![0_u32; (a.len() + 1) * width];
    for i in (0..a.len()).rev() {
        for j in (0..b.len()).rev() {
            lengths[i * width + j] = if key(&a[i]) == key(&b[j]) {
                lengths[(i + 1) * width + j + 1] + 1
            } else {
                lengths[(i + 1) * width + j].max(lengths[i * width + j + 1])
            };
        }
    }
    let (mut i, mut j, mut found) = (0, 0, Vec::new());
    while i < a.len() && j < b.len() {
        if key(&a[i]) == key(&b[j]) {
            found.push((i, j));
            (i, j) = (i + 1, j + 1);
        } else if lengths[(i + 1) * width + j] >= lengths[i * width + j + 1] {
            i += 1;
        } else {
            j += 1;
        }
    }
    found
}

impl LayerPair {
    fn of(a: &Layer, b: &Layer) -> Self {
        let (a, b) = (a.side.clone(), b.side.clone());
        // Paths may differ (another family's names); what is computed may not.
        let what = |side: &LayerSide| {
            let LayerCost { op, output, mult_adds, params, memory_access, .. } = &side.cost;
            (op.clone(), *output, *mult_adds, *params, *memory_access)
        };
        let change = if what(&a) == what(&b) { LayerChange::Same } else { LayerChange::Changed };
        Self { change, a: Some(a), b: Some(b) }
    }

    fn only(change: LayerChange, layer: &Layer) -> Self {
        let side = Some(layer.side.clone());
        match change {
            LayerChange::OnlyInB => Self { change, a: None, b: side },
            _ => Self { change, a: side, b: None },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::design::{Batch, BlockEdit, Design, Edit, StageEdit};
    use crate::graph::lower;
    use crate::measure::KernelTime;
    use crate::units::NanosDelta;
    use crate::zoo::preset;

    fn design() -> Design {
        preset("shufflenet-v2-x0.5").unwrap()
    }

    fn graph(design: &Design) -> Graph {
        lower(design, Batch(1)).unwrap()
    }

    fn difference(a: &Graph, b: &Graph) -> LayerDifference {
        LayerDifference::between(LayerSource { graph: a, breakdown: None }, LayerSource { graph: b, breakdown: None })
    }

    /// Every layer of both networks is in exactly one row, in order.
    fn assert_complete(difference: &LayerDifference, a: &Graph, b: &Graph) {
        let paths = |side: fn(&LayerPair) -> Option<&LayerSide>| -> Vec<String> {
            difference.rows.iter().filter_map(|row| Some(side(row)?.cost.path.clone())).collect()
        };
        let of = |graph: &Graph| -> Vec<String> { graph.layers().map(|(_, node)| node.path.clone()).collect() };
        assert_eq!(paths(|row| row.a.as_ref()), of(a));
        assert_eq!(paths(|row| row.b.as_ref()), of(b));
    }

    #[test]
    fn a_network_beside_itself_has_no_changes() {
        let a = graph(&design());
        let difference = difference(&a, &a);
        assert_complete(&difference, &a, &a);
        assert_eq!(difference.changes().count(), 0);
        assert_eq!(difference.times(), [None, None]);
    }

    #[test]
    fn a_longer_stage_only_adds_rows_and_other_channels_only_change_them() {
        let a = graph(&design());
        let longer = graph(&design().apply(&Edit::Stage { stage: 1, change: StageEdit::Repeats(9) }));
        let difference = super::tests::difference(&a, &longer);
        assert_complete(&difference, &a, &longer);
        assert!(difference.changes().all(|row| row.change == LayerChange::OnlyInB));
        let added = |row: &LayerPair| row.b.as_ref().unwrap().cost.path.starts_with("stage3.8.");
        assert!(difference.changes().count() > 5 && difference.changes().all(added));

        let wider = graph(&design().apply(&Edit::Width(1.0)));
        let difference = super::tests::difference(&a, &wider);
        assert_complete(&difference, &a, &wider);
        assert!(difference.changes().all(|row| row.change == LayerChange::Changed));
        assert!(
            difference.rows.iter().all(|row| row.a.as_ref().unwrap().cost.path == row.b.as_ref().unwrap().cost.path)
        );
    }

    #[test]
    fn an_inserted_layer_does_not_shift_the_others() {
        let a = graph(&design());
        let b = graph(&design().apply(&Edit::Blocks(BlockEdit::Shuffle(false))));
        let difference = difference(&a, &b);
        assert_complete(&difference, &a, &b);
        let is_shuffle = |row: &LayerPair| row.a.as_ref().is_some_and(|side| side.cost.op == "shuffle g2");
        assert!(difference.changes().all(|row| row.change == LayerChange::OnlyInA && is_shuffle(row)));
        assert_eq!(difference.changes().count(), 16);
    }

    #[test]
    fn other_families_are_paired_by_kind_of_work_within_the_stage() {
        let (a, b) = (graph(&design()), graph(&preset("mobilenet-v2-x1.0").unwrap()));
        let difference = difference(&a, &b);
        assert_complete(&difference, &a, &b);
        let first = difference.rows.first().unwrap();
        assert_eq!(
            [first.a.as_ref().unwrap(), first.b.as_ref().unwrap()].map(|side| side.cost.path.as_str()),
            ["conv1.0", "features.0.0"]
        );
        let paired = difference.rows.iter().filter(|row| row.a.is_some() && row.b.is_some());
        assert!(paired.clone().count() > 40);
        assert!(paired.clone().all(|row| row.a.as_ref().unwrap().cost.kind == row.b.as_ref().unwrap().cost.kind));
    }

    #[test]
    fn a_kernel_is_timed_in_its_first_layers_row_so_that_the_columns_add_up() {
        let a = graph(&design());
        let paths: Vec<String> = a.layers().map(|(_, node)| node.path.clone()).collect();
        let kernels: Vec<KernelTime> = paths
            .chunks(3)
            .map(|layers| KernelTime {
                layers: layers.to_vec(),
                label: "fused".into(),
                median: Nanos(7),
                low: Nanos(6),
                high: Nanos(8),
            })
            .collect();
        let sum = Nanos(7 * kernels.len() as u64);
        let breakdown = Breakdown {
            kernels,
            clock: crate::clock::ClockDomain::Host,
            sum,
            marked_whole: sum,
            unaccounted: NanosDelta(0),
            marking_overhead: None,
            samples: 5,
        };
        let with = LayerSource { graph: &a, breakdown: Some(&breakdown) };
        let difference = LayerDifference::between(with, LayerSource { graph: &a, breakdown: None });
        assert_eq!(difference.times(), [Some(sum), None]);
        let second = difference.rows[1].a.as_ref().unwrap();
        assert_eq!((second.kernel, second.time), (Some(0), None));
    }
}
