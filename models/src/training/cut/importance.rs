//! What channels contribute: how far their normalisations spread them, times the weights that read them.

use std::collections::BTreeMap;

use super::paths::{Channel, Paths};
use crate::graph::{Graph, Op};
use crate::weights::Weights;

/// The importance of every channel of `graph` that a layer reads.
pub(super) fn importance(graph: &Graph, paths: &Paths, weights: &Weights) -> BTreeMap<Channel, f64> {
    let mut spread: BTreeMap<Channel, (f64, f64)> = BTreeMap::new();
    let mut read: BTreeMap<Channel, f64> = BTreeMap::new();
    for (id, node) in graph.layers() {
        let Some(tensor) = weights.get(&format!("{}.weight", node.path)) else { continue };
        let channels = node.inputs.first().map_or(&[][..], |input| &paths.channels[input.0]);
        let squares = |values: &[f32]| values.iter().map(|value| f64::from(value * value)).sum::<f64>();
        match &node.op {
            Op::BatchNorm { .. } => {
                for (channel, scale) in paths.channels[id.0].iter().zip(&tensor.values) {
                    let (sum, count) = spread.entry(*channel).or_default();
                    *sum += f64::from(scale.abs());
                    *count += 1.0;
                }
            }
            Op::Conv2d(conv) if !conv.is_depthwise() => {
                let (ins, outs, taps) =
                    (conv.in_channels / conv.groups, conv.out_channels / conv.groups, conv.window.taps());
                for (row, values) in tensor.values.chunks(ins * taps).enumerate() {
                    for (channel, values) in channels.iter().skip(row / outs * ins).zip(values.chunks(taps)) {
                        *read.entry(*channel).or_default() += squares(values);
                    }
                }
            }
            Op::Linear { in_features, .. } => {
                for row in tensor.values.chunks(*in_features) {
                    for (channel, value) in channels.iter().zip(row) {
                        *read.entry(*channel).or_default() += squares(&[*value]);
                    }
                }
            }
            _ => {}
        }
    }
    let of = |(channel, read): (&Channel, &f64)| {
        let spread = spread.get(channel).map_or(1.0, |(sum, count)| sum / count);
        (*channel, spread * read.sqrt())
    };
    read.iter().map(of).collect()
}
