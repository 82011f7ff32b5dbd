//! The present network's layers beside those of the pinned A, matched as the comparison matches them.

use shufflescope_engine::graph::Graph;
use shufflescope_engine::report::{LayerChange, LayerDifference, LayerSource};

use super::document::PinnedNetwork;
use super::quantity::Amounts;

/// See the module.
#[derive(Clone, Debug, Default)]
pub struct Against {
    /// By layer of the present network: what the layer of A beside it costs and takes.
    beside: Vec<Option<Amounts>>,
    /// Layers that only A has.
    pub only_in_a: usize,
}

impl Against {
    /// Matches the layers of a graph with A's.
    #[must_use]
    pub fn of(a: &PinnedNetwork, graph: &Graph) -> Self {
        let of = |graph| LayerSource { graph, breakdown: None };
        let difference = LayerDifference::between(of(&a.analysis.graph), of(graph));
        let only_in_a = difference.rows.iter().filter(|row| row.change == LayerChange::OnlyInA).count();
        // The rows keep the order of both networks.
        let present = difference.rows.iter().filter(|row| row.b.is_some());
        // What was measured is not compared with what is only predicted.
        let times = a.times.as_ref().filter(|times| !times.is_predicted());
        let amounts = |cost| Amounts::of([cost], times);
        let beside = present.map(|row| row.a.as_ref().map(|side| amounts(&side.cost))).collect();
        Self { beside, only_in_a }
    }

    /// What the layers of A beside these cost and take together; `None` where there are none.
    #[must_use]
    pub fn layers(&self, layers: &[usize]) -> Option<Amounts> {
        let beside = layers.iter().filter_map(|&layer| self.beside.get(layer).copied().flatten());
        beside.reduce(|mut sum, next| {
            sum.mult_adds += next.mult_adds;
            sum.memory_access += next.memory_access;
            sum.time = sum.time.zip(next.time).map(|(sum, time)| sum + time);
            sum
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::window::document::{Analysis, Pinned};
    use shufflescope_engine::design::{Design, Edit, StageEdit};
    use shufflescope_engine::zoo;

    fn against(before: &Design, after: &Design) -> (Analysis, Analysis, Against) {
        let [before, after] = [before, after].map(|design| Analysis::of(design, 1).unwrap());
        let pinned = Pinned::of_present(&before, 1, None, None);
        let against = Against::of(&pinned.network.unwrap(), &after.graph);
        (before, after, against)
    }

    #[test]
    fn a_layer_stands_beside_the_layer_of_the_same_path() {
        let design = zoo::preset("shufflenet-v2-x1.0").unwrap();
        let wider = design.apply(&Edit::Width(2.0));
        let (before, after, against) = against(&design, &wider);
        assert_eq!(against.only_in_a, 0);
        for (index, layer) in after.cost.layers.iter().enumerate() {
            let then = before.cost.layers.iter().find(|then| then.path == layer.path).unwrap();
            let beside = against.layers(&[index]).unwrap();
            assert_eq!((beside.mult_adds, beside.memory_access), (then.mult_adds, then.memory_access));
            assert_eq!(beside.time, None, "nothing was measured");
        }
    }

    #[test]
    fn layers_of_one_network_alone_have_nothing_beside_them() {
        let design = zoo::preset("shufflenet-v2-x1.0").unwrap();
        let longer = design.apply(&Edit::Stage { stage: 0, change: StageEdit::Repeats(5) });
        let (_, after, forth) = against(&design, &longer);
        let new: Vec<usize> = (0..after.cost.layers.len()).filter(|&layer| forth.layers(&[layer]).is_none()).collect();
        assert!(new.len() > 5);
        assert!(new.iter().all(|&layer| after.cost.layers[layer].path.starts_with("stage2.4.")));
        let (_, _, back) = against(&longer, &design);
        assert_eq!(back.only_in_a, new.len());
    }
}
