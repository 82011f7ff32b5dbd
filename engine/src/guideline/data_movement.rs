//! Concatenation, shuffle and split, merged where they follow one another.
//!
//! "Concat", "Channel Shuffle" and "Channel Split" of two successive ShuffleNet V2 units are one element-wise operation
//! (section 3): it reads the branches once and writes the halves of the next unit once.

use crate::graph::{Graph, NodeId, Op, reads};
use crate::units::Elements;

/// Layers that only move data and do so in one pass.
#[derive(Debug, Default)]
pub(super) struct Movement {
    /// The layers.
    pub layers: Vec<NodeId>,
    /// Elements read from outside and written for others.
    pub moved: Elements,
    /// How often values of this pass are read outside it, as far as the network has been followed.
    leaving: usize,
}

/// Every pass over data that a network makes without computing. Splits and flattening alone are views and move nothing.
pub(super) fn movements(graph: &Graph) -> Vec<Movement> {
    let reads = reads(graph);
    let mut pass_of: Vec<Option<usize>> = vec![None; graph.nodes().len()];
    // How often each value is read within its own pass.
    let mut inside = vec![0_usize; graph.nodes().len()];
    let mut passes: Vec<Movement> = Vec::new();
    for (id, node) in graph.layers().filter(|(_, node)| moves(&node.op)) {
        // A concatenation waits for all its inputs. It goes on in the pass of one of them only where nothing else reads
        // from that pass, for otherwise another input may come of it: the half that a ShuffleNet V2 unit leaves as it is
        // goes from one split to the next concatenation, where a new pass begins.
        let mut before: Vec<usize> = node.inputs.iter().filter_map(|input| pass_of[input.0]).collect();
        before.sort_unstable();
        let goes_on = |edges: &&[usize]| !matches!(node.op, Op::Concat) || passes[edges[0]].leaving == edges.len();
        let mut before: Vec<usize> = before.chunk_by(|a, b| a == b).filter(goes_on).map(|edges| edges[0]).collect();
        // The others are moved to the longest, so that however long a chain is, no layer is moved often.
        before.sort_unstable_by_key(|&pass| passes[pass].layers.len());
        let into = before.pop().unwrap_or(passes.len());
        if into == passes.len() {
            passes.push(Movement::default());
        }
        for other in before {
            let Movement { layers, moved, leaving } = std::mem::take(&mut passes[other]);
            for layer in &layers {
                pass_of[layer.0] = Some(into);
            }
            passes[into].layers.extend(layers);
            passes[into].moved += moved;
            passes[into].leaving += leaving;
        }
        let pass = &mut passes[into];
        pass_of[id.0] = Some(into);
        pass.layers.push(id);
        pass.leaving += reads[id.0];
        for &input in &node.inputs {
            if pass_of[input.0] == Some(into) {
                inside[input.0] += 1;
                pass.leaving -= 1;
            } else {
                // Of what it does not take a split reads nothing.
                let read = if matches!(node.op, Op::Slice { .. }) { node.output } else { graph.node(input).output };
                pass.moved += read.elements();
            }
        }
    }
    let is_more_than_a_view = |pass: &Movement| {
        pass.layers.iter().any(|id| matches!(graph.node(*id).op, Op::Concat | Op::ChannelShuffle { .. }))
    };
    passes.retain(is_more_than_a_view);
    for pass in &mut passes {
        pass.layers.sort_unstable();
        let leaves = |id: &&NodeId| inside[id.0] < reads[id.0] || **id == graph.output();
        pass.moved += pass.layers.iter().filter(leaves).map(|&id| graph.node(id).output.elements()).sum();
    }
    passes
}

const fn moves(op: &Op) -> bool {
    matches!(op, Op::Concat | Op::ChannelShuffle { .. } | Op::Slice { .. } | Op::Flatten)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::{Activation, GraphBuilder, Shape};

    /// A network on maps of one pixel, so that elements are channels.
    struct Network(GraphBuilder);

    impl Network {
        fn new(channels: usize) -> Self {
            Self(GraphBuilder::new("moving", Shape::new(1, channels, 1, 1)))
        }

        fn push(&mut self, path: &str, op: Op, inputs: &[NodeId]) -> NodeId {
            self.0.push(path, op, inputs).unwrap()
        }

        /// Something that computes.
        fn relu(&mut self, path: &str, input: NodeId) -> NodeId {
            self.push(path, Op::Activation(Activation::Relu), &[input])
        }

        fn halves(&mut self, path: &str, input: NodeId) -> [NodeId; 2] {
            let channels = self.0.shape(input).channels / 2;
            [0, channels].map(|start| self.push(&format!("{path}.{start}"), Op::Slice { start, channels }, &[input]))
        }

        /// The passes' layers by path, and what each moves.
        fn movements(self) -> Vec<(String, u64)> {
            let graph = self.0.finish();
            let paths = |pass: &Movement| {
                pass.layers.iter().map(|&id| graph.node(id).path.as_str()).collect::<Vec<_>>().join(" ")
            };
            movements(&graph).iter().map(|pass| (paths(pass), pass.moved.0)).collect()
        }
    }

    /// Two ShuffleNet V2 units of 8 channels: each reads its two branches of 4 and writes 8, whatever is between.
    #[test]
    fn concat_shuffle_and_the_next_units_split_are_one_pass() {
        let mut net = Network::new(8);
        let start = net.0.input();
        let mut halves = net.halves("split", start);
        for unit in 0..2 {
            let branch = net.relu(&format!("branch{unit}"), halves[1]);
            let joined = net.push(&format!("concat{unit}"), Op::Concat, &[halves[0], branch]);
            let mixed = net.push(&format!("shuffle{unit}"), Op::ChannelShuffle { groups: 2 }, &[joined]);
            if unit == 0 {
                halves = net.halves("split0", mixed);
            } else {
                net.relu("last", mixed);
            }
        }
        // The first half of the input is a view until the first concatenation takes it.
        let expected = [("split.0 concat0 shuffle0 split0.0 split0.4", 8 + 8), ("concat1 shuffle1", 8 + 8)];
        assert_eq!(net.movements(), expected.map(|(paths, moved)| (paths.to_owned(), moved)));
    }

    #[test]
    fn what_computes_between_keeps_passes_apart_and_views_alone_move_nothing() {
        let mut net = Network::new(8);
        let input = net.0.input();
        let [left, right] = net.halves("view", input);
        let sum = net.push("add", Op::Add, &[left, right]);
        let first = net.push("shuffle1", Op::ChannelShuffle { groups: 2 }, &[sum]);
        let between = net.relu("relu", first);
        let second = net.push("shuffle2", Op::ChannelShuffle { groups: 2 }, &[between]);
        net.push("flat", Op::Flatten, &[second]);
        assert_eq!(net.movements(), [("shuffle1".to_owned(), 4 + 4), ("shuffle2 flat".to_owned(), 4 + 4)]);
    }

    /// As in DenseNet: the second concatenation waits for what is computed from the first.
    #[test]
    fn a_concatenation_whose_input_is_read_elsewhere_begins_a_new_pass() {
        let mut net = Network::new(6);
        let input = net.0.input();
        let new = net.relu("new1", input);
        let first = net.push("concat1", Op::Concat, &[input, new]);
        let new = net.relu("new2", first);
        let second = net.push("concat2", Op::Concat, &[first, new]);
        net.relu("last", second);
        assert_eq!(net.movements(), [("concat1".to_owned(), 12 + 12), ("concat2".to_owned(), 24 + 24)]);
    }

    /// As in Inception-v3: forked branches are joined by concatenations of their own and then with the others.
    #[test]
    fn nested_concatenations_are_one_pass_however_many_there_are() {
        let mut net = Network::new(4);
        let input = net.0.input();
        let branches = [0, 1, 2, 3, 4].map(|branch| net.relu(&format!("branch{branch}"), input));
        let inner1 = net.push("inner1", Op::Concat, &branches[..2]);
        let inner2 = net.push("inner2", Op::Concat, &branches[2..4]);
        let outer = net.push("outer", Op::Concat, &[inner1, branches[4], inner2]);
        net.relu("last", outer);
        assert_eq!(net.movements(), [("inner1 inner2 outer".to_owned(), 20 + 20)]);
    }

    #[test]
    fn a_value_read_by_others_too_is_written_once_and_a_result_is_written() {
        let mut net = Network::new(8);
        let input = net.0.input();
        let mixed = net.push("shuffle", Op::ChannelShuffle { groups: 4 }, &[input]);
        let [left, _] = net.halves("half", mixed);
        let a = net.relu("a", mixed);
        let b = net.relu("b", mixed);
        let c = net.relu("c", left);
        net.push("concat", Op::Concat, &[a, b, c]);
        // The second half is read by nobody; the last layer's value is the network's.
        let expected = [("shuffle half.0 half.4", 8 + 8 + 4), ("concat", 20 + 20)];
        assert_eq!(net.movements(), expected.map(|(paths, moved)| (paths.to_owned(), moved)));
    }

    #[test]
    fn a_long_chain_is_followed_in_linear_time() {
        let mut net = Network::new(4);
        let mut value = net.0.input();
        for layer in 0..100_000 {
            value = net.push(&format!("shuffle{layer}"), Op::ChannelShuffle { groups: 2 }, &[value]);
        }
        let graph = net.0.finish();
        let passes = movements(&graph);
        assert_eq!((passes.len(), passes[0].layers.len(), passes[0].moved.0), (1, 100_000, 4 + 4));
    }
}
