//! Fully connected layers, also pointwise convolution of a single pixel.

use super::arena::{Arena, Packed};
use super::epilogue::Epilogue;
use super::halves::{HalfTable, LinearFns};
use super::map::{Map, Split};
use super::matvec::{PanelArgs, ROWS, TOGETHER};
use super::table::{Kernels, Table};
use super::unfit::{Unfit, ensure_equal, ensure_shape, ensure_whole, product};
use crate::runtime::parameters::Filters;

/// A fully connected layer with packed weights.
#[derive(Debug)]
pub struct Linear {
    table: &'static Table,
    /// Where it multiplies in 16 bits.
    halves: Option<(&'static HalfTable, LinearFns)>,
    input: Map,
    output: Map,
    /// `[panel][k][ROWS]`, the last panel filled up with zeros; in 16 bits words of two `k` each.
    pub(super) weights: Packed,
    /// `[panel][ROWS]`
    bias: Vec<f32>,
    epilogue: Epilogue,
    /// Groups of panels that are computed together, cut into items: a sum does not depend on the threads.
    split: Split,
}

impl Linear {
    /// `weights` are `[outputs][inputs]`.
    ///
    /// # Errors
    /// Where lengths do not fit, maps have more than one pixel, or the packed weights are more than can be addressed.
    pub fn new(
        Kernels { table, halves }: Kernels,
        (input, output): (Map, Map),
        weights: &Filters,
        bias: &[f32],
        epilogue: Epilogue,
        threads: usize,
    ) -> Result<Self, Unfit> {
        let (inputs, outputs) = (input.channels, output.channels);
        ensure_whole("the output", &output)?;
        ensure_shape("the input", &input, (output.batch(), inputs, [1, 1]))?;
        ensure_equal("the output's size", output.size, [1, 1])?;
        let size = product("the weights", &[inputs, outputs])?;
        ensure_equal("weights and biases", (weights.len(), bias.len()), (size, outputs))?;
        let panels = outputs.div_ceil(ROWS);
        let halves = halves.and_then(|halves| Some((halves, halves.linear?)));
        let depth = if halves.is_some() { inputs.div_ceil(2) } else { inputs };
        let room = product("the packed weights", &[panels, depth, ROWS, size_of::<f32>()])? / size_of::<f32>();
        let mut bias = bias.to_vec();
        bias.resize(panels * ROWS, 0.0);
        // Bound by memory: a weight costs about as much as four multiply-adds elsewhere.
        let groups = panels.div_ceil(TOGETHER);
        let split = Split::new(groups, 4.0 * (TOGETHER * ROWS) as f64 * inputs as f64, threads);
        let weights = weights.packed(room, |weights| match halves {
            Some((halves, _)) => pack(weights, inputs, panels, |inputs| word(halves, inputs), 2),
            None => pack(weights, inputs, panels, |inputs| inputs[0], 1),
        });
        Ok(Self { table, halves, input, output, weights, bias, epilogue, split })
    }

    /// Whether it multiplies in 16 bits.
    #[cfg(test)]
    pub fn is_in_words(&self) -> bool {
        self.halves.is_some()
    }

    pub(super) fn input(&self) -> &Map {
        &self.input
    }

    pub(super) fn output(&self) -> &Map {
        &self.output
    }

    pub(super) fn scratch(&self) -> usize {
        self.input.rows.len()
    }

    pub(super) fn items(&self) -> usize {
        self.split.items()
    }

    /// # Safety
    /// All rows lie in the arena; the input is complete; nobody else touches the outputs of `item` now; the scratch has
    /// room for [`scratch`](Self::scratch).
    pub(super) unsafe fn run(&self, item: usize, arena: &Arena, scratch: &mut Arena) {
        let inputs = self.input.channels;
        // SAFETY: rows lie in the arena and nobody writes to them now.
        let value = |row: &u32| unsafe { *arena.base().add(*row as usize) };
        let (depth, panel, panels_together) = match self.halves {
            Some((_, kernels)) => (inputs.div_ceil(2), kernels.panel, kernels.panels),
            None => (inputs, self.table.panel, self.table.panels),
        };
        let x = &mut scratch.as_mut_slice()[..self.input.batch() * depth];
        for (x, rows) in x.chunks_exact_mut(depth).zip(self.input.rows.chunks_exact(inputs)) {
            match self.halves {
                Some((halves, _)) => x.iter_mut().zip(rows.chunks(2)).for_each(|(x, rows)| {
                    *x = (halves.word)(value(&rows[0]), rows.get(1).map_or(0.0, value));
                }),
                None => x.iter_mut().zip(rows).for_each(|(x, row)| *x = value(row)),
            }
        }
        let panels = self.bias.len() / ROWS;
        for group in self.split.range(item) {
            let group = group * TOGETHER..panels.min((group + 1) * TOGETHER);
            let together = if group.len() == TOGETHER { TOGETHER } else { 1 };
            for first in group.step_by(together) {
                // SAFETY: the panels' weights lie in the arena, and nobody writes to them.
                let weights = unsafe {
                    let at = self.weights.base(arena).add(first * depth * ROWS);
                    std::slice::from_raw_parts(at, together * depth * ROWS)
                };
                let bias = &self.bias[first * ROWS..][..together * ROWS];
                for (image, x) in x.chunks_exact(depth).enumerate() {
                    let args = PanelArgs { x, weights, bias, epilogue: self.epilogue, finish: self.table.finish };
                    // SAFETY: the lengths are as the kernels ask; the outputs belong to this item.
                    unsafe {
                        if together == TOGETHER {
                            self.put(image, first, panels_together(&args).as_flattened(), arena);
                        } else {
                            self.put(image, first, &panel(&args), arena);
                        }
                    }
                }
            }
        }
    }

    /// Writes what the panels from `first` on gave, as far as there are outputs.
    ///
    /// # Safety
    /// As [`run`](Self::run); these outputs belong to its item.
    unsafe fn put(&self, image: usize, first: usize, sums: &[f32], arena: &Arena) {
        for (&row, &sum) in self.output.image(image).iter().skip(first * ROWS).zip(sums) {
            // SAFETY: the row lies in the arena, and nobody else touches it.
            unsafe { *arena.base().add(row as usize) = sum }
        }
    }
}

/// `[panel][k][ROWS]` of `[outputs][inputs]`, where a `k` is `word` of as many inputs as there are `together`, or what is left.
fn pack(weights: &[f32], inputs: usize, panels: usize, word: impl Fn(&[f32]) -> f32, together: usize) -> Vec<f32> {
    let depth = inputs.div_ceil(together);
    let mut packed = vec![0.0; panels * depth * ROWS];
    for (panel, packed) in packed.chunks_exact_mut((depth * ROWS).max(1)).enumerate() {
        for (row, weights) in weights.chunks_exact(inputs).skip(panel * ROWS).take(ROWS).enumerate() {
            for (weights, packed) in weights.chunks(together).zip(packed.chunks_exact_mut(ROWS)) {
                packed[row] = word(weights);
            }
        }
    }
    packed
}

fn word(halves: &HalfTable, inputs: &[f32]) -> f32 {
    (halves.word)(inputs[0], inputs.get(1).copied().unwrap_or(0.0))
}
