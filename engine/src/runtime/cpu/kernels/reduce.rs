//! Pooling of maps in the arena, channel by channel.

use super::arena::Arena;
use super::map::{Map, Split};
use super::pooling::{PoolArgs, Pooling};
use super::table::Table;
use super::unfit::{Unfit, ensure_shape, ensure_whole};
use super::window::Phases;
use crate::graph::Window;

/// Pooling over a window or, without one, the mean over the whole map.
#[derive(Debug)]
pub struct Reduce {
    table: &'static Table,
    input: Map,
    output: Map,
    window: Option<(Pooling, Phases)>,
    split: Split,
}

impl Reduce {
    /// # Errors
    /// Where the output is not what the window, or the mean over the map, makes of the input.
    pub fn new(
        table: &'static Table,
        input: Map,
        output: Map,
        window: Option<(Pooling, Window)>,
        threads: usize,
    ) -> Result<Self, Unfit> {
        ensure_whole("the input", &input)?;
        let size = if window.is_some() { output.size } else { [1, 1] };
        ensure_shape("the output", &output, (input.batch(), input.channels, size))?;
        let window = match window {
            Some((pooling, window)) => Some((pooling, Phases::new(window, input.size, output.size)?)),
            None => None,
        };
        let taps = window.as_ref().map_or(1.0, |(_, phases)| 4.0 * phases.taps.len() as f64);
        let work = input.pixels() as f64 + output.pixels() as f64 * taps;
        let split = Split::new(input.rows.len(), work, threads);
        Ok(Self { table, input, output, window, split })
    }

    pub(super) fn input(&self) -> &Map {
        &self.input
    }

    pub(super) fn output(&self) -> &Map {
        &self.output
    }

    pub(super) fn scratch(&self) -> usize {
        self.window.as_ref().map_or(0, |(_, phases)| phases.floats(self.output.size[0]))
    }

    pub(super) fn items(&self) -> usize {
        self.split.items()
    }

    /// # Safety
    /// All rows lie in the arena; the input is complete; nobody else touches the output rows of `item` now; the scratch
    /// has room for [`scratch`](Self::scratch).
    pub(super) unsafe fn run(&self, item: usize, arena: &Arena, scratch: &mut Arena) {
        let pixels = self.input.pixels();
        for row in self.split.range(item) {
            // SAFETY: the rows lie in the arena; phases are complete before they are read.
            unsafe {
                let from = arena.base().add(self.input.rows[row] as usize);
                let out = arena.base().add(self.output.rows[row] as usize);
                match &self.window {
                    None => *out = (self.table.sum)(from, pixels) / pixels as f32,
                    Some((pooling, phases)) => {
                        let map = std::slice::from_raw_parts(from.cast_const(), pixels);
                        let plane = scratch.as_mut_slice();
                        phases.deal(self.table, map, 0, self.output.size[0], pooling.outside(), plane);
                        (self.table.pool)(&PoolArgs { pooling: *pooling, phases, plane: plane.as_ptr(), out });
                    }
                }
            }
        }
    }
}
