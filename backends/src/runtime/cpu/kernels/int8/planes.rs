//! Depthwise convolution of one word after another, wherever they lie.

use super::super::arena::Arena;
use super::super::map::Map;
use super::super::unfit::{Unfit, ensure, ensure_equal, ensure_whole, product};
use super::super::window::Phases;
use super::quant::{Bounds, Lookup, everywhere};
use super::table::WordTable;
use super::taps::{TOGETHER, TapsArgs};
use super::three::ThreeArgs;
use super::tile::Finish;
use crate::graph::Window;

/// What a depthwise convolution computes.
#[derive(Debug)]
pub struct PlanesSpec {
    /// `[height, width]` of the maps that it reads.
    pub size: [usize; 2],
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

/// A depthwise convolution, ready for one word after another.
#[derive(Debug)]
pub struct Planes {
    table: &'static WordTable,
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
}

impl Planes {
    /// # Errors
    /// Where the operands contradict one another, or the scratch is more than can be addressed.
    pub fn new(table: &'static WordTable, spec: PlanesSpec) -> Result<Self, Unfit> {
        let PlanesSpec { size, output, window, weights, mut bias, multipliers, zeros, bounds, lookup } = spec;
        ensure_whole("the output", &output)?;
        let phases = Phases::new(window, size, output.size)?;
        let count = phases.taps.len();
        let is_three = [1, 2].iter().any(|&stride| window == Window::square(3, stride));
        let mut taps = if is_three { Vec::new() } else { phases.taps.clone() };
        taps.resize(taps.len().next_multiple_of(TOGETHER), phases.taps[0]);
        let channels = product("the channels", &[output.channels, 4])?;
        ensure_equal("biases and multipliers", (bias.len(), multipliers.len()), (channels, channels))?;
        let room = product("the weights", &[channels, count])?;
        ensure(weights.as_ref().is_none_or(|weights| weights.len() == room), || "weights".into())?;
        let pack = |weights: Vec<i8>| if is_three { pack_columns(&weights) } else { pack(&weights, count) };
        for (bias, weights) in bias.iter_mut().zip(weights.iter().flat_map(|weights| weights.chunks_exact(count))) {
            *bias = table.start_of(*bias, weights.iter().copied());
        }
        let weights = weights.map_or_else(Vec::new, pack);
        let (outside, finish) = (zeros[0], Finish { zero: zeros[1], bounds });
        Ok(Self { table, output, phases, taps, weights, bias, multipliers, outside, finish, lookup })
    }

    /// `[height, width]` of the maps that it reads.
    pub(super) fn input(&self) -> [usize; 2] {
        self.phases.input
    }

    pub(super) fn output(&self) -> &Map {
        &self.output
    }

    /// Words of scratch.
    pub(super) fn scratch(&self) -> usize {
        if self.taps.is_empty() { 0 } else { self.phases.floats(self.output.size[0]) }
    }

    /// Multiply-adds (or as slow things) per word.
    pub(super) fn work(&self) -> f64 {
        8.0 * self.output.pixels() as f64 * self.phases.taps.len() as f64
    }

    /// Convolves the map at `from`, word `word` of an image, into row `row` of the output.
    ///
    /// # Safety
    /// `from` is valid for reads of the input's pixels, in other memory than `scratch` and the output's row; that lies in
    /// the arena, and nobody else touches it now. `scratch` has room for [`scratch`](Self::scratch).
    pub(super) unsafe fn convolve(
        &self,
        from: *const u32,
        (row, word): (usize, usize),
        arena: &Arena,
        scratch: &mut [f32],
    ) {
        // SAFETY: phases are complete before they are read; lists are as long as there are words.
        unsafe {
            let out = arena.base().cast::<u32>().add(self.output.rows[row] as usize);
            let (bias, multipliers) = (self.bias.as_ptr().add(4 * word), self.multipliers.as_ptr().add(4 * word));
            if self.taps.is_empty() {
                (self.table.three)(&ThreeArgs {
                    input: self.phases.input,
                    output: self.output.size,
                    strided: self.phases.window.stride[0] > 1,
                    outside: self.outside,
                    map: from,
                    weights: self.weights.as_ptr().add(word * 12),
                    bias,
                    multipliers,
                    finish: self.finish,
                    out,
                });
            } else {
                let [height, width] = self.phases.input;
                let map = std::slice::from_raw_parts(from.cast::<f32>(), height * width);
                let outside = f32::from_bits(everywhere(self.outside));
                self.phases.deal(self.table.moves(), map, 0, self.output.size[0], outside, scratch);
                (self.table.taps)(&TapsArgs {
                    phases: &self.phases,
                    taps: &self.taps,
                    weights: self.weights.as_ptr().add(word * self.taps.len()),
                    bias,
                    multipliers,
                    finish: self.finish,
                    plane: scratch.as_ptr().cast(),
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
