//! Pooling of maps in the arena, channel by channel.

use super::arena::Arena;
use super::map::{Map, Split};
use super::pooling::{PoolArgs, Pooling};
use super::table::Table;
use super::unfit::{Unfit, ensure_shape, ensure_whole};
use super::window::{Phases, SLACK};
use crate::graph::Window;

/// Pooling over a window or, without one, over the whole map.
#[derive(Debug)]
pub struct Reduce {
    table: &'static Table,
    input: Map,
    output: Map,
    pooling: Pooling,
    window: Option<Phases>,
    /// One over the taps that count, of each row and each column.
    shares: [Vec<f32>; 2],
    split: Split,
}

impl Reduce {
    /// # Errors
    /// Where the output is not what the window, or the pooling of the whole map, makes of the input.
    pub fn new(
        table: &'static Table,
        input: Map,
        output: Map,
        (pooling, window): (Pooling, Option<Window>),
        threads: usize,
    ) -> Result<Self, Unfit> {
        ensure_whole("the input", &input)?;
        let size = if window.is_some() { output.size } else { [1, 1] };
        ensure_shape("the output", &output, (input.batch(), input.channels, size))?;
        let shares = match (&window, pooling) {
            (Some(window), Pooling::Mean) => {
                [0, 1].map(|axis| vec![1.0 / window.kernel[axis] as f32; output.size[axis]])
            }
            (Some(window), Pooling::MeanCounted(counted)) => [0, 1].map(|axis| {
                let taps = |at| window.counted_taps(axis, input.size[axis], counted, at).max(1);
                (0..output.size[axis]).map(|at| 1.0 / taps(at) as f32).collect()
            }),
            (Some(_), Pooling::Max) | (None, _) => [Vec::new(), Vec::new()],
        };
        let [rows, mut columns] = shares;
        columns.resize(columns.len() + SLACK, 0.0);
        let window = window.map(|window| Phases::new(window, input.size, output.size)).transpose()?;
        let taps = window.as_ref().map_or(1.0, |phases| 4.0 * phases.taps.len() as f64);
        let work = input.pixels() as f64 + output.pixels() as f64 * taps;
        let split = Split::new(input.rows.len(), work, threads);
        Ok(Self { table, input, output, pooling, window, shares: [rows, columns], split })
    }

    pub(super) fn input(&self) -> &Map {
        &self.input
    }

    pub(super) fn output(&self) -> &Map {
        &self.output
    }

    pub(super) fn scratch(&self) -> usize {
        self.window.as_ref().map_or(0, |phases| phases.floats(self.output.size[0]))
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
                    None if self.pooling == Pooling::Max => *out = (self.table.most)(from, pixels),
                    None => *out = (self.table.sum)(from, pixels) / pixels as f32,
                    Some(phases) => {
                        let map = std::slice::from_raw_parts(from.cast_const(), pixels);
                        let plane = scratch.as_mut_slice();
                        phases.deal(self.table, map, 0, self.output.size[0], self.pooling.outside(), plane);
                        let shares = [self.shares[0].as_slice(), self.shares[1].as_slice()];
                        let plane = plane.as_ptr();
                        (self.table.pool)(&PoolArgs { pooling: self.pooling, phases, shares, plane, out });
                    }
                }
            }
        }
    }
}
