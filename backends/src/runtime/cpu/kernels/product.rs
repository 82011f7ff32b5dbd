//! What a matrix product's operands hold, and how they are multiplied.

use super::simd::Simd;

/// Multiplies words, lane by lane, and adds to sums in 32 bits.
pub(super) trait Product<V: Simd> {
    /// `sums` and what `weights` and `values` hold, multiplied.
    ///
    /// # Safety
    /// The CPU has the instruction set.
    unsafe fn add(weights: V, values: V, sums: V) -> V;
}

/// A word is a float.
#[derive(Clone, Copy, Debug)]
pub(super) struct Floats;

impl<V: Simd> Product<V> for Floats {
    #[inline(always)]
    unsafe fn add(weights: V, values: V, sums: V) -> V {
        // SAFETY: as the caller promises.
        unsafe { weights.mul_add(values, sums) }
    }
}

/// How two floats of 16 bits are held in a word: the first in its lower half.
pub(super) trait Halves {
    /// The word of two values.
    fn word(first: f32, second: f32) -> f32;
}

/// A word is two floats of 16 bits, of two rows that follow one another.
pub(super) trait Pairs<V: Simd>: Product<V> + Halves {
    /// The words of two rows.
    ///
    /// # Safety
    /// The CPU has the instruction set.
    unsafe fn pair(first: V, second: V) -> V;
}
