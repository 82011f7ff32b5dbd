//! Normalisation over channels: of each pixel, or of each value by its neighbours.

use super::across::{AcrossArgs, LayerArgs, LocalArgs};
use super::arena::Arena;
use super::map::{Map, Split};
use super::table::Table;
use super::unfit::{Unfit, ensure_equal, ensure_shape, ensure_whole};
use crate::graph::LocalNorm;

/// Pixels that are normalised together: few enough that their channels stay near, whole vectors of any instruction set.
const TOGETHER: usize = 64;

/// What values are normalised by.
#[derive(Clone, Debug)]
pub enum Norm {
    /// By mean and variance of all channels.
    Layer {
        /// What each channel is multiplied by afterwards.
        scale: Vec<f32>,
        /// What is added to it.
        shift: Vec<f32>,
        /// What is added to the variance.
        eps: f32,
    },
    /// By the squares of neighbouring channels.
    Local(LocalNorm),
}

/// A normalisation over channels.
#[derive(Debug)]
pub struct ChannelNorm {
    table: &'static Table,
    input: Map,
    output: Map,
    norm: Norm,
    split: Split,
}

impl ChannelNorm {
    /// # Errors
    /// Where the maps' shapes or the lengths of scales and shifts do not fit.
    pub fn new(table: &'static Table, (input, output): (Map, Map), norm: Norm, threads: usize) -> Result<Self, Unfit> {
        ensure_whole("the input", &input)?;
        ensure_shape("the output", &output, (input.batch(), input.channels, input.size))?;
        let each = match &norm {
            Norm::Layer { scale, shift, .. } => {
                ensure_equal("scales and shifts", (scale.len(), shift.len()), (input.channels, input.channels))?;
                3
            }
            Norm::Local(norm) => norm.size.saturating_add(8),
        };
        let strips = input.pixels().div_ceil(TOGETHER);
        let work = 4.0 * (TOGETHER * input.channels) as f64 * each as f64;
        // Every strip has a row of its own: there are no more than can be addressed.
        let split = Split::new(input.batch() * strips, work, threads);
        Ok(Self { table, input, output, norm, split })
    }

    pub(super) fn input(&self) -> &Map {
        &self.input
    }

    pub(super) fn output(&self) -> &Map {
        &self.output
    }

    pub(super) fn items(&self) -> usize {
        self.split.items()
    }

    /// # Safety
    /// All rows lie in the arena, those of the output overlap none of the input's; the input is complete; nobody else
    /// touches the output's pixels of `item` now.
    pub(super) unsafe fn run(&self, item: usize, arena: &Arena) {
        let pixels = self.input.pixels();
        let strips = pixels.div_ceil(TOGETHER);
        for strip in self.split.range(item) {
            let (image, start) = (strip / strips, strip % strips * TOGETHER);
            let rows = AcrossArgs {
                base: arena.base(),
                from: self.input.image(image),
                to: self.output.image(image),
                start,
                end: pixels.min(start + TOGETHER),
            };
            // SAFETY: the rows lie in the arena and have these pixels; there are as many of the output.
            unsafe {
                match &self.norm {
                    Norm::Layer { scale, shift, eps } => {
                        (self.table.layer_norm)(&LayerArgs { rows, scale, shift, eps: *eps });
                    }
                    Norm::Local(norm) => (self.table.local_norm)(&LocalArgs {
                        rows,
                        before: norm.size.saturating_sub(1) / 2,
                        behind: norm.size / 2,
                        alpha: norm.alpha.get() / norm.size.max(1) as f32,
                        beta: norm.beta.get(),
                        offset: norm.offset.get(),
                    }),
                }
            }
        }
    }
}
