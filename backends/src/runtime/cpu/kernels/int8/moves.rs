//! Steps between kernels: the network's input as bytes, and channels brought into other words.

use super::super::arena::Arena;
use super::super::map::{Map, Split};
use super::super::unfit::{Unfit, ensure, ensure_equal, ensure_shape, ensure_whole};
use super::quant::Quant;
use super::table::WordTable;

/// Rows of floats as words of bytes, four channels each in their order.
#[derive(Debug)]
pub struct Quantize {
    table: &'static WordTable,
    input: Map,
    output: Map,
    quant: Quant,
    split: Split,
}

impl Quantize {
    /// # Errors
    /// Where the output has not a word for every four channels of the input.
    pub fn new(
        table: &'static WordTable,
        (input, output): (Map, Map),
        quant: Quant,
        threads: usize,
    ) -> Result<Self, Unfit> {
        ensure_whole("the input", &input)?;
        ensure_shape("the output", &output, (input.batch(), input.channels.div_ceil(4), input.size))?;
        let split = Split::new(output.rows.len(), 16.0 * input.pixels() as f64, threads);
        Ok(Self { table, input, output, quant, split })
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
    /// All rows lie in the arena; nobody writes to the input, nor else to the output rows of `item`, now.
    pub(super) unsafe fn run(&self, item: usize, arena: &Arena) {
        let pixels = self.input.pixels();
        for row in self.split.range(item) {
            let (image, word) = (row / self.output.channels, row % self.output.channels);
            let mut channels: [&[f32]; 4] = [&[]; 4];
            let rows = self.input.image(image).iter().skip(4 * word);
            let mut count = 0;
            for (channel, &row) in channels.iter_mut().zip(rows) {
                // SAFETY: the row lies in the arena, and nobody writes to it now.
                *channel = unsafe { std::slice::from_raw_parts(arena.base().add(row as usize).cast_const(), pixels) };
                count += 1;
            }
            // SAFETY: the output's row lies in the arena and belongs to this item; whoever has a table has a CPU for it.
            unsafe {
                let to = arena.base().cast::<u32>().add(self.output.rows[row] as usize);
                (self.table.quantize)(&channels[..count], self.quant, std::slice::from_raw_parts_mut(to, pixels));
            }
        }
    }
}

/// Channels brought into other words.
#[derive(Debug)]
pub struct Repack {
    table: &'static WordTable,
    input: Map,
    output: Map,
    /// For each channel of the output's words the input's word and the byte in it, if any.
    sources: Vec<Option<(usize, u8)>>,
    split: Split,
}

impl Repack {
    /// # Errors
    /// Where the output has not the input's images and pixels, or sources are not one for each of its bytes, in the input.
    pub fn new(
        table: &'static WordTable,
        (input, output): (Map, Map),
        sources: Vec<Option<(usize, u8)>>,
        threads: usize,
    ) -> Result<Self, Unfit> {
        ensure_whole("the input", &input)?;
        ensure_shape("the output", &output, (input.batch(), output.channels, input.size))?;
        ensure_equal("sources", sources.len(), output.channels.saturating_mul(4))?;
        let inside = |source: &Option<(usize, u8)>| source.is_none_or(|(word, lane)| word < input.channels && lane < 4);
        ensure(sources.iter().all(inside), || "a source is not in the input".into())?;
        let split = Split::new(output.rows.len(), 16.0 * input.pixels() as f64, threads);
        Ok(Self { table, input, output, sources, split })
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
    /// All rows lie in the arena; the input is complete; nobody else touches the output rows of `item` now.
    pub(super) unsafe fn run(&self, item: usize, arena: &Arena) {
        let (base, pixels) = (arena.base().cast::<u32>(), self.input.pixels());
        for row in self.split.range(item) {
            let (image, word) = (row / self.output.channels, row % self.output.channels);
            // SAFETY: the output's row lies in the arena and belongs to this item.
            let to = unsafe { std::slice::from_raw_parts_mut(base.add(self.output.rows[row] as usize), pixels) };
            to.fill(0);
            for (lane, source) in self.sources[4 * word..][..4].iter().enumerate() {
                let Some((from, from_lane)) = *source else { continue };
                // SAFETY: the input's row lies in the arena, is complete and no output's; whoever has a table has a CPU.
                unsafe {
                    let from = base.add(self.input.image(image)[from] as usize).cast_const();
                    (self.table.bring)(std::slice::from_raw_parts(from, pixels), from_lane, lane, to);
                }
            }
        }
    }
}
