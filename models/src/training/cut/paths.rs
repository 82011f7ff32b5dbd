//! Which way every channel takes through a network.

use std::collections::BTreeMap;

use crate::graph::{Graph, NodeId, Op};

/// A channel that a layer makes: the set of layers that make it together, and which.
pub(super) type Channel = (usize, usize);

/// A fork on a channel's way: at which layer, and which side it takes.
pub(super) type Fork = (usize, usize);

/// Every value's channels, and every channel's forks.
pub(super) struct Paths {
    /// The set that each value belongs to: values of a set have their channels in common, one for one.
    pub set: Vec<usize>,
    /// Of each value.
    pub channels: Vec<Vec<Channel>>,
    /// The forks of each channel in execution order.
    pub forks: BTreeMap<Channel, Vec<Fork>>,
}

impl Paths {
    pub fn of(graph: &Graph) -> Self {
        let set = sets(graph);
        let mut paths = Self { channels: vec![vec![]; set.len()], forks: BTreeMap::new(), set };
        // Channels of a set are those of its first value.
        let mut known: BTreeMap<usize, Vec<Channel>> = BTreeMap::new();
        for (index, node) in graph.nodes().iter().enumerate() {
            let of = |input: usize| node.inputs.get(input).map_or(&[][..], |input| &paths.channels[input.0]);
            let own = paths.set[index];
            let derived: Option<Vec<Channel>> = match &node.op {
                Op::Slice { start, channels } => Some(of(0)[*start..start + channels].to_vec()),
                Op::Concat => Some((0..node.inputs.len()).flat_map(|input| of(input).to_vec()).collect()),
                Op::ChannelShuffle { groups } => {
                    let (from, each) = (of(0), of(0).len() / groups);
                    Some((0..from.len()).map(|to| from[to % groups * each + to / groups]).collect())
                }
                _ => None,
            };
            let read = of(0).to_vec();
            let channels = match (derived, known.get(&own)) {
                (Some(derived), _) => derived,
                (None, Some(known)) => known.clone(),
                (None, None) => (0..node.output.channels).map(|channel| (own, channel)).collect(),
            };
            known.entry(own).or_insert_with(|| channels.clone());
            match &node.op {
                Op::Slice { start, channels } => {
                    for (at, channel) in read.into_iter().enumerate() {
                        let side = usize::from((*start..start + channels).contains(&at));
                        paths.forks.entry(channel).or_default().push((index, side));
                    }
                }
                Op::Conv2d(conv) if conv.groups > 1 && !conv.is_depthwise() => {
                    let mut fork = |channels: &[Channel]| {
                        let each = channels.len() / conv.groups;
                        for (at, &channel) in channels.iter().enumerate() {
                            paths.forks.entry(channel).or_default().push((index, at / each.max(1)));
                        }
                    };
                    fork(&read);
                    fork(&channels);
                }
                _ => {}
            }
            paths.channels[index] = channels;
        }
        paths
    }

    /// The forks of a channel.
    pub fn forks_of(&self, channel: Channel) -> &[Fork] {
        self.forks.get(&channel).map_or(&[], Vec::as_slice)
    }
}

/// For every value the first value whose channels are its own, one for one.
fn sets(graph: &Graph) -> Vec<usize> {
    let mut set: Vec<usize> = (0..graph.nodes().len()).collect();
    for (index, node) in graph.nodes().iter().enumerate() {
        let alike: &[NodeId] = match &node.op {
            Op::Conv2d(conv) if conv.is_depthwise() => &node.inputs,
            Op::BatchNorm { .. }
            | Op::Activation(_)
            | Op::PRelu { .. }
            | Op::Affine { .. }
            | Op::MaxPool(_)
            | Op::AvgPool(_)
            | Op::AvgPoolCounted { .. }
            | Op::GlobalAvgPool
            | Op::GlobalMaxPool
            | Op::Add
            | Op::Mul
            | Op::Scale
            | Op::Shift => &node.inputs,
            _ => &[],
        };
        for input in alike {
            let (a, b) = (set[input.0], set[index]);
            let (first, other) = (a.min(b), a.max(b));
            set.iter_mut().filter(|of| **of == other).for_each(|of| *of = first);
        }
    }
    set
}
