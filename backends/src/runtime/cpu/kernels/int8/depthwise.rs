//! Depthwise convolution of a map in the arena, and what is one with weights of its own: the mean over windows.

use super::super::arena::Arena;
use super::super::map::{Map, Split};
use super::super::unfit::{Unfit, ensure_shape};
use super::planes::Planes;

/// A depthwise convolution ready to run.
#[derive(Debug)]
pub struct Depthwise {
    input: Map,
    planes: Planes,
    split: Split,
}

impl Depthwise {
    /// # Errors
    /// Where the input is not what the planes are made for, or does not have the output's images and words.
    pub fn new(input: Map, planes: Planes, threads: usize) -> Result<Self, Unfit> {
        let output = planes.output();
        ensure_shape("the depthwise input", &input, (output.batch(), output.channels, planes.input()))?;
        let split = Split::new(input.rows.len(), planes.work(), threads);
        Ok(Self { input, planes, split })
    }

    pub(super) fn input(&self) -> &Map {
        &self.input
    }

    pub(super) fn output(&self) -> &Map {
        self.planes.output()
    }

    pub(super) fn scratch(&self) -> usize {
        self.planes.scratch()
    }

    pub(super) fn items(&self) -> usize {
        self.split.items()
    }

    /// # Safety
    /// All rows lie in the arena; the input is complete; nobody else touches the output rows of `item` now; the scratch
    /// has room for [`scratch`](Self::scratch).
    pub(super) unsafe fn run(&self, item: usize, arena: &Arena, scratch: &mut Arena) {
        for row in self.split.range(item) {
            // SAFETY: the input's row lies in the arena, which is other memory than the scratch, and is none of the output's.
            unsafe {
                let from = arena.base().add(self.input.rows[row] as usize).cast_const();
                self.planes.convolve(from.cast(), (row, row % self.input.channels), arena, scratch.as_mut_slice());
            }
        }
    }
}
