//! Which parameter of a wide network each parameter of a narrow one is.

use std::collections::{BTreeMap, BTreeSet};

use super::CutError;
use super::importance::importance;
use super::paths::{Fork, Paths};
use crate::graph::{Conv2d, Graph, Node, NodeId, Op};
use crate::weights::{WeightTensor, Weights, expected};

/// Which of the channels that take the same way are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Rule {
    /// Those that contribute most, in their order.
    MostImportant,
    /// The same, the most important first: with no channel left out, the network with its channels sorted.
    Sorted,
    /// The first.
    First,
}

/// For every parameter of the narrow network, which values of the wide one it has.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in super::super) struct Selection {
    /// By name: positions among the wide parameter's values, in the order of the narrow one's.
    pub places: BTreeMap<String, Vec<usize>>,
    /// Channels that take another way than in the wide network.
    pub strays: usize,
}

impl Selection {
    /// The narrow network's weights.
    pub fn apply(&self, wide: &Weights, narrow: &Graph) -> Weights {
        let value = |values: &[f32], at: usize| values.get(at).copied().unwrap_or_default();
        let mut weights = Weights::default();
        for tensor in expected(narrow) {
            let (Some(places), Some(from)) = (self.places.get(&tensor.name), wide.get(&tensor.name)) else { continue };
            let values = places.iter().map(|&at| value(&from.values, at)).collect();
            weights.insert(tensor.name, WeightTensor { shape: tensor.shape, values });
        }
        weights
    }
}

/// Chooses channels. Both graphs have the same layers but for their widths.
pub(in super::super) fn select(
    (wide, weights): (&Graph, &Weights),
    narrow: &Graph,
    rule: Rule,
) -> Result<Selection, CutError> {
    alike(wide, narrow)?;
    let paths = [Paths::of(wide), Paths::of(narrow)];
    let mut chooser = Chooser {
        importance: if rule == Rule::First { BTreeMap::new() } else { importance(wide, &paths[0], weights) },
        paths,
        rule,
        sets: BTreeMap::new(),
        strays: 0,
    };
    let mut kept: Vec<Vec<usize>> = Vec::with_capacity(narrow.nodes().len());
    let mut places = BTreeMap::new();
    for (index, (of_wide, of_narrow)) in wide.nodes().iter().zip(narrow.nodes()).enumerate() {
        let input = |index: usize| of_narrow.inputs.get(index).map_or(&[][..], |input: &NodeId| &kept[input.0]);
        let own = match (&of_wide.op, &of_narrow.op) {
            (Op::Slice { start, channels }, Op::Slice { start: first, channels: count }) => {
                // A stray channel is any of the slice's.
                let inside = |channel: &usize| channel.wrapping_sub(*start);
                let within = |at: usize| if at < *channels { at } else { at % channels };
                input(0)[*first..first + count].iter().map(inside).map(within).collect()
            }
            (Op::Concat, _) => {
                let mut joined = vec![];
                let mut before = 0;
                for (position, read) in of_wide.inputs.iter().enumerate() {
                    joined.extend(input(position).iter().map(|channel| before + channel));
                    before += wide.node(*read).output.channels;
                }
                joined
            }
            (Op::ChannelShuffle { groups }, _) => {
                let shuffled = |channel: usize, all: usize| {
                    let each = all / groups;
                    channel % each * groups + channel / each
                };
                let each = input(0).len() / groups;
                let from = |to: usize| input(0)[to % groups * each + to / groups];
                (0..input(0).len()).map(|to| shuffled(from(to), of_wide.output.channels)).collect()
            }
            (Op::Linear { .. } | Op::Input, _) => (0..of_narrow.output.channels).collect(),
            _ => chooser.set(index, of_wide, of_narrow)?,
        };
        chooser.sets.entry(chooser.paths[0].set[index]).or_insert_with(|| own.clone());
        let read = input(0).to_vec();
        chooser.place((of_wide, of_narrow), (&read, &own), &mut places);
        kept.push(own);
    }
    Ok(Selection { places, strays: chooser.strays })
}

/// That the graphs differ in nothing but width.
fn alike(wide: &Graph, narrow: &Graph) -> Result<(), CutError> {
    let differ = |of_wide: Option<&Node>, of_narrow: Option<&Node>| {
        let said = |node: Option<&Node>| node.map_or_else(|| "missing".into(), |node| format!("`{}`", node.op));
        let layer = of_narrow.or(of_wide).map(|node| node.path.clone()).unwrap_or_default();
        CutError::Other { layer, wanted: said(of_narrow), found: said(of_wide) }
    };
    let count = wide.nodes().len().max(narrow.nodes().len());
    for index in 0..count {
        let pair = (wide.nodes().get(index), narrow.nodes().get(index));
        let (Some(a), Some(b)) = pair else { return Err(differ(pair.0, pair.1)) };
        let same = a.path == b.path
            && a.inputs == b.inputs
            && match (&a.op, &b.op) {
                (Op::Conv2d(a), Op::Conv2d(b)) => same_conv(a, b),
                (Op::Activation(a), Op::Activation(b)) => a == b,
                (Op::MaxPool(a), Op::MaxPool(b)) | (Op::AvgPool(a), Op::AvgPool(b)) => a == b,
                (Op::ChannelShuffle { groups: a }, Op::ChannelShuffle { groups: b }) => a == b,
                (Op::Linear { bias: a, .. }, Op::Linear { bias: b, .. }) => a == b,
                (a, b) => std::mem::discriminant(a) == std::mem::discriminant(b),
            };
        if !same {
            return Err(differ(Some(a), Some(b)));
        }
        let is_classifier = matches!(b.op, Op::Linear { .. });
        let (wanted, found) = (b.output.channels, a.output.channels);
        if wanted > found && !is_classifier {
            return Err(CutError::Wider { layer: b.path.clone(), wanted, found });
        }
    }
    Ok(())
}

fn same_conv(a: &Conv2d, b: &Conv2d) -> bool {
    let depthwise = a.is_depthwise() && b.is_depthwise();
    a.window == b.window && a.bias == b.bias && (depthwise || a.groups == b.groups)
}

struct Chooser {
    /// Of the wide network, then of the narrow one.
    paths: [Paths; 2],
    importance: BTreeMap<super::paths::Channel, f64>,
    rule: Rule,
    /// By set: for every channel of the narrow network that of the wide one.
    sets: BTreeMap<usize, Vec<usize>>,
    strays: usize,
}

impl Chooser {
    /// The channels of a value whose set may be known.
    fn set(&mut self, index: usize, wide: &Node, narrow: &Node) -> Result<Vec<usize>, CutError> {
        let set = self.paths[0].set[index];
        if let Some(known) = self.sets.get(&set) {
            if known.len() == narrow.output.channels {
                return Ok(known.clone());
            }
            let (wanted, found) = (format!("{} channels", narrow.output.channels), format!("{}", known.len()));
            return Err(CutError::Other { layer: narrow.path.clone(), wanted, found });
        }
        Ok(self.choose(set, wide.output.channels, narrow.output.channels))
    }

    /// Chooses the channels of a set: of those that take the same way as many as the narrow network has.
    fn choose(&mut self, set: usize, all: usize, wanted: usize) -> Vec<usize> {
        let mut ways: BTreeMap<&[Fork], [Vec<usize>; 2]> = BTreeMap::new();
        for (side, count) in [all, wanted].into_iter().enumerate() {
            for channel in 0..count {
                let way = ways.entry(self.paths[side].forks_of((set, channel))).or_default();
                way[side].push(channel);
            }
        }
        let weight = |channel: usize| self.importance.get(&(set, channel)).copied().unwrap_or_default();
        let mut chosen = vec![None; wanted];
        let mut left: BTreeSet<usize> = (0..all).collect();
        for [of_wide, of_narrow] in ways.into_values() {
            let mut ranked = of_wide;
            if self.rule != Rule::First {
                ranked.sort_by(|&a, &b| weight(b).total_cmp(&weight(a)));
            }
            ranked.truncate(of_narrow.len());
            if self.rule == Rule::MostImportant {
                ranked.sort_unstable();
            }
            for (place, channel) in of_narrow.into_iter().zip(ranked) {
                chosen[place] = Some(channel);
                left.remove(&channel);
            }
        }
        let mut left: Vec<usize> = left.into_iter().collect();
        if self.rule != Rule::First {
            left.sort_by(|&a, &b| weight(b).total_cmp(&weight(a)));
        }
        let mut left = left.into_iter();
        let mut strays = 0;
        let mut found = |channel: Option<usize>| {
            channel.unwrap_or_else(|| {
                strays += 1;
                left.next().unwrap_or_default()
            })
        };
        let chosen = chosen.into_iter().map(&mut found).collect();
        self.strays += strays;
        chosen
    }

    /// Where the parameters of a layer come from.
    fn place(
        &self,
        (wide, narrow): (&Node, &Node),
        (read, made): (&[usize], &[usize]),
        places: &mut BTreeMap<String, Vec<usize>>,
    ) {
        let mut insert = |name: &str, of: Vec<usize>| {
            places.insert(format!("{}.{name}", narrow.path), of);
        };
        match (&wide.op, &narrow.op) {
            (Op::Conv2d(a), Op::Conv2d(b)) => {
                insert("weight", if a.is_depthwise() { depthwise(a, made) } else { conv(a, b, read, made) });
                insert("bias", made.to_vec());
            }
            (Op::Linear { in_features, .. }, Op::Linear { .. }) => {
                insert("weight", made.iter().flat_map(|m| read.iter().map(move |k| m * in_features + k)).collect());
                insert("bias", made.to_vec());
            }
            (Op::PRelu { channels: 1 }, _) => insert("weight", vec![0]),
            (Op::BatchNorm { .. } | Op::PRelu { .. } | Op::Affine { .. } | Op::LayerNorm { .. }, _) => {
                for name in ["weight", "bias", "running_mean", "running_var"] {
                    insert(name, made.to_vec());
                }
            }
            _ => {}
        }
    }
}

fn depthwise(wide: &Conv2d, made: &[usize]) -> Vec<usize> {
    let taps = wide.window.taps();
    made.iter().flat_map(|channel| (0..taps).map(move |tap| channel * taps + tap)).collect()
}

fn conv(wide: &Conv2d, narrow: &Conv2d, read: &[usize], made: &[usize]) -> Vec<usize> {
    let taps = wide.window.taps();
    let each = |conv: &Conv2d| [conv.in_channels / conv.groups, conv.out_channels / conv.groups];
    let ([wide_ins, _], [ins, outs]) = (each(wide), each(narrow));
    let mut places = Vec::with_capacity(made.len() * ins * taps);
    for (row, out) in made.iter().enumerate() {
        for channel in &read[row / outs * ins..][..ins] {
            // Within the group; a stray channel is read as any of them.
            let within = channel % wide_ins;
            places.extend((0..taps).map(|tap| (out * wide_ins + within) * taps + tap));
        }
    }
    places
}
