//! Fully connected layers, also pointwise convolution of a single pixel.

use super::super::arena::{Arena, Packed};
use super::super::map::{Map, Split};
use super::super::unfit::{Unfit, ensure, ensure_equal, ensure_shape, ensure_whole, product};
use super::quant::{Bounds, Lookup, requantized};
use super::table::WordTable;
use super::taps::{LINEAR, SumsArgs};

/// What becomes of the sums.
#[derive(Clone, Debug)]
pub enum Sink {
    /// Floats, each in a row of its own: the network's result.
    Floats,
    /// Bytes.
    Bytes {
        /// The byte for zero.
        zero: u8,
        /// The least and the greatest.
        bounds: Bounds,
        /// What becomes of each in the end, where that is more than bounds.
        lookup: Option<Box<Lookup>>,
    },
}

/// What a fully connected layer computes.
#[derive(Debug)]
pub struct LinearSpec {
    /// Rows of single words.
    pub input: Map,
    /// Rows of single floats, one for each channel, or of single words, one for four.
    pub output: Map,
    /// `[outputs][input words]`, a word of four weights each; none where only their number is known.
    pub weights: Option<Vec<u32>>,
    /// For each output, what its sum starts with and what it is multiplied by.
    pub bias: Vec<i32>,
    pub multipliers: Vec<f32>,
    pub sink: Sink,
}

/// A fully connected layer ready to run.
#[derive(Debug)]
pub struct Linear {
    table: &'static WordTable,
    input: Map,
    output: Map,
    /// `[panel][k][outputs of a panel]`, the last panel filled up with zeros.
    pub(super) weights: Packed,
    bias: Vec<i32>,
    multipliers: Vec<f32>,
    sink: Sink,
    split: Split,
}

impl Linear {
    /// # Errors
    /// Where lengths do not fit, maps have more than one pixel, or the packed weights are more than can be addressed.
    pub fn new(table: &'static WordTable, spec: LinearSpec, threads: usize) -> Result<Self, Unfit> {
        let LinearSpec { input, output, weights, mut bias, mut multipliers, sink } = spec;
        let (inputs, outputs) = (input.channels, bias.len());
        ensure_whole("the output", &output)?;
        ensure_shape("the input", &input, (output.batch(), inputs, [1, 1]))?;
        ensure_equal("the output's size", output.size, [1, 1])?;
        let rows = if matches!(sink, Sink::Floats) { outputs } else { outputs.div_ceil(4) };
        ensure_equal("outputs and multipliers", (output.channels, multipliers.len()), (rows, outputs))?;
        let size = product("the weights", &[inputs, outputs])?;
        ensure(weights.as_ref().is_none_or(|weights| weights.len() == size), || "weights".into())?;
        let panel = LINEAR * table.lanes;
        let panels = outputs.div_ceil(panel);
        let room = product("the packed weights", &[panels, inputs, panel, size_of::<u32>()])? / size_of::<u32>();
        for (bias, weights) in bias.iter_mut().zip(weights.iter().flat_map(|weights| weights.chunks_exact(inputs))) {
            *bias = table.start(*bias, weights.iter());
        }
        bias.resize(panels * panel, 0);
        multipliers.resize(panels * panel, 0.0);
        // Bound by memory: a word costs about as much as four products elsewhere.
        let split = Split::new(panels, 4.0 * panel as f64 * inputs as f64, threads);
        let pack = |weights: Vec<u32>| Packed::of_words(pack(&weights, inputs, (panels, panel)));
        let weights = weights.map_or_else(|| Packed::unknown(room), pack);
        Ok(Self { table, input, output, weights, bias, multipliers, sink, split })
    }

    pub(super) fn input(&self) -> &Map {
        &self.input
    }

    pub(super) fn output(&self) -> &Map {
        &self.output
    }

    fn panel(&self) -> usize {
        LINEAR * self.table.lanes
    }

    /// Words of scratch: the input's, then a panel's sums.
    pub(super) fn scratch(&self) -> usize {
        self.input.rows.len() + self.panel()
    }

    pub(super) fn items(&self) -> usize {
        self.split.items()
    }

    /// # Safety
    /// All rows lie in the arena; the input is complete; nobody else touches the outputs of `item` now; the scratch has
    /// room for [`scratch`](Self::scratch).
    pub(super) unsafe fn run(&self, item: usize, arena: &Arena, scratch: &mut Arena) {
        let (inputs, panel) = (self.input.channels, self.panel());
        let base = arena.base().cast::<u32>();
        // SAFETY: the scratch has room for both, one behind the other, and nobody else uses it now.
        let (x, sums) = unsafe {
            let words = scratch.base().cast::<u32>();
            let x = std::slice::from_raw_parts_mut(words, self.input.rows.len());
            (x, std::slice::from_raw_parts_mut(words.add(self.input.rows.len()).cast::<i32>(), panel))
        };
        for (x, &row) in x.iter_mut().zip(&self.input.rows) {
            // SAFETY: the row lies in the arena and nobody writes to it now.
            *x = unsafe { *base.add(row as usize) };
        }
        for at in self.split.range(item) {
            // SAFETY: the panel's weights lie in the arena, and nobody writes to them.
            let weights = unsafe { self.weights.base(arena).cast::<u32>().add(at * inputs * panel) };
            for (image, x) in x.chunks_exact(inputs).enumerate() {
                sums.copy_from_slice(&self.bias[at * panel..][..panel]);
                // SAFETY: the lengths are as the kernel asks.
                unsafe { (self.table.sums)(&SumsArgs { x, weights, sums: sums.as_mut_ptr() }) };
                let multipliers = &self.multipliers[at * panel..][..panel];
                let rows = self.output.image(image);
                match &self.sink {
                    Sink::Floats => {
                        let values = sums.iter().zip(multipliers).map(|(&sum, multiplier)| sum as f32 * multiplier);
                        for (&row, value) in rows.iter().skip(at * panel).zip(values) {
                            // SAFETY: the row lies in the arena and belongs to this item.
                            unsafe { *arena.base().add(row as usize) = value };
                        }
                    }
                    Sink::Bytes { zero, bounds, lookup } => {
                        let fours = sums.as_chunks::<4>().0.iter().zip(multipliers.as_chunks::<4>().0);
                        for (&row, (sums, multipliers)) in rows.iter().skip(at * panel / 4).zip(fours) {
                            let byte = |lane: usize| {
                                let byte = bounds.of(requantized(sums[lane], multipliers[lane], *zero));
                                lookup.as_ref().map_or(byte, |lookup| lookup.0[usize::from(byte)])
                            };
                            let word = u32::from_le_bytes(std::array::from_fn(byte));
                            // SAFETY: the row lies in the arena and belongs to this item.
                            unsafe { *base.add(row as usize) = word };
                        }
                    }
                }
            }
        }
    }
}

/// `[panel][k][outputs of a panel]` of `[outputs][inputs]`.
fn pack(weights: &[u32], inputs: usize, (panels, panel): (usize, usize)) -> Vec<u32> {
    let mut packed = vec![0; panels * inputs * panel];
    for (at, packed) in packed.chunks_exact_mut((inputs * panel).max(1)).enumerate() {
        for (row, weights) in weights.chunks_exact(inputs).skip(at * panel).take(panel).enumerate() {
            for (&weight, packed) in weights.iter().zip(packed.chunks_exact_mut(panel)) {
                packed[row] = weight;
            }
        }
    }
    packed
}
