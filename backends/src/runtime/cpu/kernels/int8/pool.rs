//! Maxima and means, over windows and over whole maps.

use super::super::arena::Arena;
use super::super::map::{Map, Split};
use super::super::unfit::{Unfit, ensure_equal, ensure_shape, ensure_whole};
use super::super::window::Phases;
use super::quant::requantized;
use super::table::WordTable;
use super::taps::MostArgs;
use crate::graph::Window;

/// The largest byte under a window.
#[derive(Debug)]
pub struct Largest {
    table: &'static WordTable,
    input: Map,
    output: Map,
    phases: Phases,
    split: Split,
}

impl Largest {
    /// Over `window`, or over the whole map.
    ///
    /// # Errors
    /// Where the output is not what the window makes of the input.
    pub fn new(
        table: &'static WordTable,
        (input, output): (Map, Map),
        window: Option<Window>,
        threads: usize,
    ) -> Result<Self, Unfit> {
        ensure_whole("the input", &input)?;
        ensure_shape("the output", &output, (input.batch(), input.channels, output.size))?;
        let whole = Window { kernel: input.size, ..Window::inside(1, 1) };
        let phases = Phases::new(window.unwrap_or(whole), input.size, output.size)?;
        let work = input.pixels() as f64 + 4.0 * output.pixels() as f64 * phases.taps.len() as f64;
        let split = Split::new(input.rows.len(), work, threads);
        Ok(Self { table, input, output, phases, split })
    }

    pub(super) fn input(&self) -> &Map {
        &self.input
    }

    pub(super) fn output(&self) -> &Map {
        &self.output
    }

    pub(super) fn scratch(&self) -> usize {
        self.phases.floats(self.output.size[0])
    }

    pub(super) fn items(&self) -> usize {
        self.split.items()
    }

    /// # Safety
    /// All rows lie in the arena; the input is complete; nobody else touches the output rows of `item` now; the scratch
    /// has room for [`scratch`](Self::scratch).
    pub(super) unsafe fn run(&self, item: usize, arena: &Arena, scratch: &mut Arena) {
        for row in self.split.range(item) {
            // SAFETY: the rows lie in the arena; phases are complete before they are read, in other memory.
            unsafe {
                let from = arena.base().add(self.input.rows[row] as usize).cast_const();
                let map = std::slice::from_raw_parts(from, self.input.pixels());
                let plane = scratch.as_mut_slice();
                // Nothing is less than a byte of zero: padding never wins.
                self.phases.deal(self.table.moves(), map, 0, self.output.size[0], 0.0, plane);
                (self.table.most)(&MostArgs {
                    phases: &self.phases,
                    rows: self.output.size[0],
                    plane: plane.as_ptr().cast(),
                    out: arena.base().cast::<u32>().add(self.output.rows[row] as usize),
                });
            }
        }
    }
}

/// The mean over a window whose taps do not all count everywhere, or over the whole map.
#[derive(Debug)]
pub struct Average {
    table: &'static WordTable,
    input: Map,
    output: Map,
    window: Option<Window>,
    /// What the sum of each output pixel is multiplied by.
    multipliers: Vec<f32>,
    /// The bytes for zero of the input and of the output.
    zeros: [u8; 2],
    split: Split,
}

impl Average {
    /// Over `window`, or over the whole map.
    ///
    /// # Errors
    /// Where the output is not what the window makes of the input, or multipliers are not one for each of its pixels.
    pub fn new(
        table: &'static WordTable,
        (input, output): (Map, Map),
        window: Option<Window>,
        (multipliers, zeros): (Vec<f32>, [u8; 2]),
        threads: usize,
    ) -> Result<Self, Unfit> {
        ensure_whole("the input", &input)?;
        ensure_shape("the output", &output, (input.batch(), input.channels, output.size))?;
        let whole = Window { kernel: input.size, ..Window::inside(1, 1) };
        // As the window is checked there.
        Phases::new(window.unwrap_or(whole), input.size, output.size)?;
        ensure_equal("multipliers", multipliers.len(), output.pixels())?;
        let taps = window.unwrap_or(whole).taps() as f64;
        let split = Split::new(input.rows.len(), 16.0 * output.pixels() as f64 * taps, threads);
        Ok(Self { table, input, output, window, multipliers, zeros, split })
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
        for row in self.split.range(item) {
            // SAFETY: the rows lie in the arena, and nobody writes to the input's now.
            let (map, out) = unsafe {
                let base = arena.base().cast::<u32>();
                let map = base.add(self.input.rows[row] as usize).cast_const();
                let out =
                    std::slice::from_raw_parts_mut(base.add(self.output.rows[row] as usize), self.output.pixels());
                (std::slice::from_raw_parts(map, self.input.pixels()), out)
            };
            for (pixel, out) in out.iter_mut().enumerate() {
                let (totals, count) = self.totals(map, pixel);
                let zeros = count as i32 * i32::from(self.zeros[0]);
                let bytes = totals.map(|total| requantized(total - zeros, self.multipliers[pixel], self.zeros[1]));
                *out = u32::from_le_bytes(bytes);
            }
        }
    }

    /// The sums of the bytes under the window at an output pixel, and how many pixels of the map are.
    fn totals(&self, map: &[u32], pixel: usize) -> ([i32; 4], usize) {
        let Some(window) = self.window else {
            // SAFETY: the words are a slice.
            return (unsafe { (self.table.totals)(map.as_ptr(), map.len()) }, map.len());
        };
        let ([height, width], [_, out_width]) = (self.input.size, self.output.size);
        let at = [pixel / out_width, pixel % out_width];
        let place = |axis: usize, tap: usize, length: usize| {
            let place = at[axis] * window.stride[axis] + tap * window.dilation[axis];
            place.checked_sub(window.padding[axis]).filter(|&place| place < length)
        };
        let (mut totals, mut count) = ([0; 4], 0);
        for y in (0..window.kernel[0]).filter_map(|tap| place(0, tap, height)) {
            for x in (0..window.kernel[1]).filter_map(|tap| place(1, tap, width)) {
                let bytes = map[y * width + x].to_le_bytes();
                for (total, byte) in totals.iter_mut().zip(bytes) {
                    *total += i32::from(byte);
                }
                count += 1;
            }
        }
        (totals, count)
    }
}
