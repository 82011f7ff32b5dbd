//! Memory for feature maps: 64-byte aligned floats that all threads of a run share.

use std::cell::UnsafeCell;

/// One cache line.
#[repr(align(64))]
#[derive(Clone, Copy)]
struct Line {
    _floats: [f32; Self::FLOATS],
}

impl Line {
    const FLOATS: usize = 16;
}

/// A fixed number of floats, zero at first. Kernels address them by offset; who may touch what and when is decided by
/// the program that holds the arena (see [`super::program`]).
pub struct Arena {
    lines: Box<[UnsafeCell<Line>]>,
}

// SAFETY: all access through `&Arena` goes through `base`, whose users promise not to race.
unsafe impl Sync for Arena {}

impl Arena {
    /// At least `floats` zeros.
    #[must_use]
    pub fn new(floats: usize) -> Self {
        let zero = || UnsafeCell::new(Line { _floats: [0.0; Line::FLOATS] });
        Self { lines: std::iter::repeat_with(zero).take(floats.div_ceil(Line::FLOATS)).collect() }
    }

    /// Floats that it holds.
    pub(super) fn len(&self) -> usize {
        self.lines.len() * Line::FLOATS
    }

    /// The first float. Writing through it is allowed to whoever knows that nobody else reads or writes there.
    pub(super) fn base(&self) -> *mut f32 {
        UnsafeCell::raw_get(self.lines.as_ptr()).cast()
    }

    /// All floats.
    pub(super) fn as_mut_slice(&mut self) -> &mut [f32] {
        // SAFETY: the lines are `len()` initialised floats in one allocation, and `&mut self` is the only access.
        unsafe { std::slice::from_raw_parts_mut(self.base(), self.len()) }
    }
}

impl std::fmt::Debug for Arena {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Arena").field("floats", &self.len()).finish_non_exhaustive()
    }
}
