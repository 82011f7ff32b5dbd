//! Which values are alive when: the basis of peak memory and of buffer planning.

use super::{Graph, NodeId, Op};

/// For every node, the last node that reads its value; a value nobody reads lives to the end.
#[must_use]
pub fn last_uses(graph: &Graph) -> Vec<NodeId> {
    let end = graph.output();
    let mut last = vec![None; graph.nodes().len()];
    for (id, node) in graph.layers() {
        for input in &node.inputs {
            last[input.0] = Some(id);
        }
    }
    last.into_iter().map(|use_| use_.unwrap_or(end)).collect()
}

/// For every node, how often its value is read: a layer that reads it twice counts twice.
#[must_use]
pub fn reads(graph: &Graph) -> Vec<usize> {
    let mut reads = vec![0; graph.nodes().len()];
    for (_, node) in graph.layers() {
        for input in &node.inputs {
            reads[input.0] += 1;
        }
    }
    reads
}

/// Activation memory over the run, one entry per node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Liveness {
    /// Elements alive while node `i` runs: its inputs, its output, and what later nodes still need.
    pub elements: Vec<u64>,
}

impl Liveness {
    /// Liveness under the rules every sensible runtime can follow, so that the figure belongs to the design:
    /// slices and repeated channels are views of their source; normalisation, activations, sums and products write in place
    /// where their first input dies with them; everything else writes to a buffer of its own.
    #[must_use]
    pub fn of(graph: &Graph) -> Self {
        let in_place = |op: &Op| {
            matches!(
                op,
                Op::BatchNorm { .. }
                    | Op::Affine { .. }
                    | Op::LayerNorm { .. }
                    | Op::Activation(_)
                    | Op::PRelu { .. }
                    | Op::Add
                    | Op::Scale
                    | Op::Mul
                    | Op::Shift
            )
        };
        Self::by(graph, in_place, |op| matches!(op, Op::Slice { .. } | Op::Flatten | Op::Repeat { .. }))
    }

    /// Liveness where nothing is written in place and only slices are views, as in an eager framework.
    #[must_use]
    pub fn eager(graph: &Graph) -> Self {
        Self::by(graph, |_| false, |op| matches!(op, Op::Slice { .. }))
    }

    /// Liveness where operations `in_place` write over a first input that dies with them, and `views` have no buffer.
    fn by(graph: &Graph, in_place: impl Fn(&Op) -> bool, views: impl Fn(&Op) -> bool) -> Self {
        let nodes = graph.nodes();
        let last = last_uses(graph);
        // The buffer that holds each node's value, named by the node that allocated it.
        let mut buffer: Vec<usize> = (0..nodes.len()).collect();
        let mut dies: Vec<usize> = last.iter().map(|id| id.0).collect();
        for (id, node) in graph.layers() {
            let Some(&first) = node.inputs.first() else { continue };
            let owner = buffer[first.0];
            let whole = nodes[owner].output.elements() == node.output.elements();
            if (in_place(&node.op) && whole && dies[owner] == id.0) || views(&node.op) {
                buffer[id.0] = owner;
                dies[owner] = dies[owner].max(last[id.0].0);
            }
        }
        // What comes alive with each node, and what is gone after it: sums of these take one pass however long values live.
        let mut born = vec![0_u64; nodes.len()];
        let mut gone = vec![0_u64; nodes.len()];
        for (index, node) in nodes.iter().enumerate() {
            if buffer[index] == index {
                let size = node.output.elements().0;
                born[index] = size;
                gone[dies[index]] = gone[dies[index]].saturating_add(size);
            }
        }
        let mut alive = 0_u64;
        let mut elements = Vec::with_capacity(nodes.len());
        for (born, gone) in born.into_iter().zip(gone) {
            alive = alive.saturating_add(born);
            elements.push(alive);
            alive = alive.saturating_sub(gone);
        }
        Self { elements }
    }

    /// The largest number of elements alive at once and the first node at which they are.
    #[must_use]
    pub fn peak(&self) -> (u64, NodeId) {
        let mut peak = (0, NodeId(0));
        for (index, &alive) in self.elements.iter().enumerate() {
            if alive > peak.0 {
                peak = (alive, NodeId(index));
            }
        }
        peak
    }
}
