//! Weights in the order that kernels read them, with those of channels that only fill up words being zero.

use std::ops::Range;

use super::lanes::{Place, Reads, by_lane};
use super::layer::Sums;
use crate::runtime::cpu::kernels::int8::WordPanel;

/// Words read behind the last weight.
const SLACK: usize = 16;

/// What a matrix product reads and computes with.
#[derive(Debug)]
pub(super) struct PackedProduct {
    /// The words that panels read, panel by panel, as places in the list of the operand's words.
    pub inputs: Vec<usize>,
    pub panels: Vec<WordPanel>,
    /// `[panel][word][tap][channel]`, four weights each.
    pub weights: Option<Vec<u32>>,
    pub bias: Vec<i32>,
    pub multipliers: Vec<f32>,
}

/// The shape of a convolution's weights.
#[derive(Clone, Copy, Debug)]
pub(super) struct Filter {
    pub groups: usize,
    pub taps: usize,
}

/// A word of four weights: those of output channel `out` at `tap`, for the input channels of a word.
fn four(weights: &[i8], (out, tap): (usize, usize), channels: &[Option<usize>], group: &Group) -> u32 {
    let weight = |channel: Option<usize>| {
        let within = channel.and_then(|channel| channel.checked_sub(group.inputs.start));
        match within.filter(|&within| within < group.inputs.len()) {
            Some(within) => weights[(out * group.inputs.len() + within) * group.taps + tap],
            None => 0,
        }
    };
    u32::from_le_bytes(std::array::from_fn(|lane| weight(channels[lane]).cast_unsigned()))
}

struct Group {
    inputs: Range<usize>,
    taps: usize,
}

/// What a sum starts with: the bias, less what the byte for zero adds to it.
fn start(sums: &Sums, out: usize, depth: usize, zero: u8) -> i32 {
    let weights = sums.weights.as_deref().map_or(&[][..], |weights| &weights[out * depth..][..depth]);
    let sum: i32 = weights.iter().map(|&weight| i32::from(weight)).sum();
    sums.bias[out].wrapping_sub(sum.wrapping_mul(zero.into()))
}

/// `list` with zeros for channels that only fill up.
fn filled<T: Copy + Default>(outputs: &[Option<usize>], list: impl Fn(usize) -> T) -> Vec<T> {
    outputs.iter().map(|channel| channel.map_or_else(T::default, &list)).collect()
}

/// For a convolution of the channels in `reads`, whose output channels have `places` in `quads` words, in panels of at
/// most `rows` channels.
pub(super) fn product(
    sums: &Sums,
    filter: Filter,
    reads: &Reads,
    (places, quads): (&[Place], usize),
    (zero, rows): (u8, usize),
) -> PackedProduct {
    let (channels, outputs) = (reads.channels(), by_lane(places, quads));
    let Filter { groups, taps } = filter;
    let (in_width, out_width) = (reads.places.len() / groups, places.len() / groups);
    let mut made = PackedProduct {
        inputs: Vec::new(),
        panels: Vec::new(),
        weights: sums.weights.as_ref().map(|_| Vec::new()),
        bias: filled(&outputs, |out| start(sums, out, in_width * taps, zero)),
        multipliers: filled(&outputs, |out| sums.multipliers[out]),
    };
    // The groups of each word's channels: neighbouring ones.
    let groups_of = |quad: usize| {
        let mut of = outputs[4 * quad..][..4].iter().flatten().map(|out| out / out_width);
        let first = of.clone().next().unwrap_or(0);
        first..of.next_back().unwrap_or(first) + 1
    };
    let mut inputs_of = 0..0;
    let mut last = None;
    let mut at = 0;
    let mut room = 0;
    while at < quads {
        let groups = groups_of(at);
        let together = if rows >= 8 && at + 1 < quads && groups_of(at + 1) == groups { 2 } else { 1 };
        if last.as_ref() != Some(&groups) {
            let needed = groups.start * in_width..groups.end * in_width;
            let word =
                |word: &usize| channels[4 * word..][..4].iter().flatten().any(|channel| needed.contains(channel));
            let first = made.inputs.len();
            made.inputs.extend((0..reads.words.len()).filter(word));
            inputs_of = first..made.inputs.len();
            last = Some(groups);
        }
        let panel =
            WordPanel { quads: together, outputs: at, inputs: inputs_of.start, words: inputs_of.len(), weights: room };
        room += panel.words * taps * 4 * together;
        if let (Some(packed), Some(weights)) = (&mut made.weights, &sums.weights) {
            for &word in &made.inputs[inputs_of.clone()] {
                for tap in 0..taps {
                    packed.extend(outputs[4 * at..][..4 * together].iter().map(|out| {
                        let Some(out) = *out else { return 0 };
                        let first = out / out_width * in_width;
                        let group = Group { inputs: first..first + in_width, taps };
                        four(weights, (out, tap), &channels[4 * word..][..4], &group)
                    }));
                }
            }
        }
        made.panels.push(panel);
        at += together;
    }
    if let Some(packed) = &mut made.weights {
        packed.resize(room + SLACK, 0);
    }
    made
}

/// What a linear layer computes with.
#[derive(Debug)]
pub(super) struct PackedLinear {
    /// `[outputs][words]`, four weights each.
    pub weights: Option<Vec<u32>>,
    pub bias: Vec<i32>,
    pub multipliers: Vec<f32>,
}

/// For a linear layer of the channels in `reads`.
pub(super) fn linear(sums: &Sums, reads: &Reads, zero: u8) -> PackedLinear {
    let (channels, inputs) = (reads.channels(), reads.places.len());
    let row = |weights: &[i8], out: usize| -> Vec<u32> {
        let group = Group { inputs: 0..inputs, taps: 1 };
        channels.chunks_exact(4).map(|channels| four(weights, (out, 0), channels, &group)).collect()
    };
    let outputs = sums.bias.len();
    PackedLinear {
        weights: sums.weights.as_ref().map(|weights| (0..outputs).flat_map(|out| row(weights, out)).collect()),
        bias: (0..outputs).map(|out| start(sums, out, inputs, zero)).collect(),
        multipliers: sums.multipliers.clone(),
    }
}

/// What a depthwise convolution computes with.
#[derive(Debug)]
pub(super) struct PackedDepthwise {
    /// `[channel with those that fill up][taps]`
    pub weights: Option<Vec<i8>>,
    pub bias: Vec<i32>,
    pub multipliers: Vec<f32>,
}

/// For a depthwise convolution of `channels`, the one in each lane of its words.
pub(super) fn depthwise(sums: &Sums, taps: usize, channels: &[Option<usize>], zero: u8) -> PackedDepthwise {
    let spread = |weights: &Vec<i8>| {
        let filter = |channel: &Option<usize>| {
            channel.map_or_else(|| vec![0; taps], |channel| weights[channel * taps..][..taps].to_vec())
        };
        channels.iter().flat_map(filter).collect()
    };
    PackedDepthwise {
        weights: sums.weights.as_ref().map(spread),
        bias: filled(channels, |channel| start(sums, channel, taps, zero)),
        multipliers: filled(channels, |channel| sums.multipliers[channel]),
    }
}
