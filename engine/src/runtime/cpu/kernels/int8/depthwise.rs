//! Depthwise convolution and what is one with weights of its own: the mean over windows.

use super::super::arena::Arena;
use super::super::map::{Map, Split};
use super::super::unfit::{Unfit, ensure, ensure_equal, ensure_shape, ensure_whole, product};
use super::super::window::Phases;
use super::quant::{Bounds, Lookup, everywhere};
use super::table::WordTable;
use super::taps::{TOGETHER, TapsArgs};
use super::three::ThreeArgs;
use super::tile::Finish;
use crate::graph::Window;

/// What a depthwise convolution computes.
#[derive(Debug)]
pub struct DepthwiseSpec {
    pub input: Map,
    pub output: Map,
    pub window: Window,
    /// `[4 * words][taps]`; none where only their number is known.
    pub weights: Option<Vec<i8>>,
    /// For each channel, with those that fill up words, what its sum starts with and what it is multiplied by.
    pub bias: Vec<i32>,
    pub multipliers: Vec<f32>,
    /// The bytes for zero of the input and of the output.
    pub zeros: [u8; 2],
    pub bounds: Bounds,
    /// What becomes of each byte in the end, where that is more than bounds.
    pub lookup: Option<Box<Lookup>>,
}

/// A depthwise convolution ready to run.
#[derive(Debug)]
pub struct Depthwise {
    table: &'static WordTable,
    input: Map,
    output: Map,
    phases: Phases,
    /// The window's taps, filled up to fours; none where it is computed straight from the map.
    taps: Vec<usize>,
    /// `[words][fours of taps, or columns of three][4]`, a word of four weights each.
    weights: Vec<u32>,
    bias: Vec<i32>,
    multipliers: Vec<f32>,
    outside: u8,
    finish: Finish,
    lookup: Option<Box<Lookup>>,
    split: Split,
}

impl Depthwise {
    /// # Errors
    /// Where the operands contradict one another, or the scratch is more than can be addressed.
    pub fn new(table: &'static WordTable, spec: DepthwiseSpec, threads: usize) -> Result<Self, Unfit> {
        let DepthwiseSpec { input, output, window, weights, mut bias, multipliers, zeros, bounds, lookup } = spec;
        ensure_whole("the input", &input)?;
        ensure_shape("the output", &output, (input.batch(), input.channels, output.size))?;
        let phases = Phases::new(window, input.size, output.size)?;
        let count = phases.taps.len();
        let is_three = [1, 2].iter().any(|&stride| window == Window::square(3, stride));
        let mut taps = if is_three { Vec::new() } else { phases.taps.clone() };
        taps.resize(taps.len().next_multiple_of(TOGETHER), phases.taps[0]);
        let channels = product("the channels", &[input.channels, 4])?;
        ensure_equal("biases and multipliers", (bias.len(), multipliers.len()), (channels, channels))?;
        let size = product("the weights", &[channels, count])?;
        ensure(weights.as_ref().is_none_or(|weights| weights.len() == size), || "weights".into())?;
        let split = Split::new(input.rows.len(), 8.0 * output.pixels() as f64 * count as f64, threads);
        let pack = |weights: Vec<i8>| if is_three { pack_columns(&weights) } else { pack(&weights, count) };
        for (bias, weights) in bias.iter_mut().zip(weights.iter().flat_map(|weights| weights.chunks_exact(count))) {
            *bias = table.start_of(*bias, weights.iter().copied());
        }
        let weights = weights.map_or_else(Vec::new, pack);
        let (outside, finish) = (zeros[0], Finish { zero: zeros[1], bounds });
        Ok(Self { table, input, output, phases, taps, weights, bias, multipliers, outside, finish, lookup, split })
    }

    pub(super) fn input(&self) -> &Map {
        &self.input
    }

    pub(super) fn output(&self) -> &Map {
        &self.output
    }

    pub(super) fn scratch(&self) -> usize {
        if self.taps.is_empty() { 0 } else { self.phases.floats(self.output.size[0]) }
    }

    pub(super) fn items(&self) -> usize {
        self.split.items()
    }

    /// # Safety
    /// All rows lie in the arena; the input is complete; nobody else touches the output rows of `item` now; the scratch
    /// has room for [`scratch`](Self::scratch).
    pub(super) unsafe fn run(&self, item: usize, arena: &Arena, scratch: &mut Arena) {
        let outside = f32::from_bits(everywhere(self.outside));
        for row in self.split.range(item) {
            // SAFETY: the rows lie in the arena; phases are complete before they are read, in other memory than the
            // output; lists are as long as there are words.
            unsafe {
                let from = arena.base().add(self.input.rows[row] as usize).cast_const();
                let out = arena.base().cast::<u32>().add(self.output.rows[row] as usize);
                let word = row % self.input.channels;
                let (bias, multipliers) = (self.bias.as_ptr().add(4 * word), self.multipliers.as_ptr().add(4 * word));
                if self.taps.is_empty() {
                    (self.table.three)(&ThreeArgs {
                        input: self.input.size,
                        output: self.output.size,
                        strided: self.phases.window.stride[0] > 1,
                        outside: self.outside,
                        map: from.cast(),
                        weights: self.weights.as_ptr().add(word * 12),
                        bias,
                        multipliers,
                        finish: self.finish,
                        out,
                    });
                } else {
                    let map = std::slice::from_raw_parts(from, self.input.pixels());
                    let plane = scratch.as_mut_slice();
                    self.phases.deal(self.table.moves(), map, 0, self.output.size[0], outside, plane);
                    (self.table.taps)(&TapsArgs {
                        phases: &self.phases,
                        taps: &self.taps,
                        weights: self.weights.as_ptr().add(word * self.taps.len()),
                        bias,
                        multipliers,
                        finish: self.finish,
                        plane: plane.as_ptr().cast(),
                        out,
                    });
                }
                if let Some(lookup) = &self.lookup {
                    let made = std::slice::from_raw_parts_mut(out, self.output.pixels());
                    (self.table.look_up_in_place)(made, lookup);
                }
            }
        }
    }
}

/// `[word][fours of taps][channel]`, a word of four taps each, of `[channel][taps]`.
fn pack(weights: &[i8], taps: usize) -> Vec<u32> {
    let four = |channel: usize, first: usize| {
        let weight = |tap: usize| if tap < taps { weights[channel * taps + tap] } else { 0 };
        u32::from_le_bytes(std::array::from_fn(|at| weight(first + at).cast_unsigned()))
    };
    let words = weights.len() / taps / 4;
    (0..words)
        .flat_map(|word| (0..taps).step_by(TOGETHER).map(move |first| (word, first)))
        .flat_map(|(word, first)| (0..4).map(move |channel| (4 * word + channel, first)))
        .map(|(channel, first)| four(channel, first))
        .collect()
}

/// `[word][column][channel]`, a word of a column's three weights each, of `[channel][9]`.
fn pack_columns(weights: &[i8]) -> Vec<u32> {
    let column = |filter: &[i8], x: usize| {
        u32::from_le_bytes([filter[x], filter[3 + x], filter[6 + x], 0].map(i8::cast_unsigned))
    };
    let word = |filters: &[i8]| -> Vec<u32> {
        (0..3).flat_map(|x| filters.chunks_exact(9).map(move |filter| column(filter, x))).collect()
    };
    weights.chunks_exact(4 * 9).flat_map(word).collect()
}
