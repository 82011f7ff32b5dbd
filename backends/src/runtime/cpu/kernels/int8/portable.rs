//! Plain Rust: four words that the compiler maps to whatever vectors the build's baseline has.

#![expect(
    clippy::undocumented_unsafe_blocks,
    reason = "each method does what `Words` says, with the pointers that it says"
)]

use super::quant::nearest;
use super::words::Words;

const LANES: usize = 4;

#[derive(Clone, Copy)]
pub(crate) struct Portable([u32; LANES]);

impl Portable {
    #[inline(always)]
    fn bytes(self) -> [[u8; 4]; LANES] {
        self.0.map(u32::to_le_bytes)
    }

    #[inline(always)]
    fn of_bytes(byte: impl Fn(usize, usize) -> u8) -> Self {
        Self(std::array::from_fn(|lane| u32::from_le_bytes(std::array::from_fn(|at| byte(lane, at)))))
    }
}

impl Words for Portable {
    const LANES: usize = LANES;
    const QUADS: usize = 1;
    const VECTORS: usize = 2;
    const TAILS: bool = false;

    #[inline(always)]
    unsafe fn splat(word: u32) -> Self {
        Self([word; LANES])
    }
    #[inline(always)]
    unsafe fn load(from: *const u32) -> Self {
        Self(unsafe { from.cast::<[u32; LANES]>().read_unaligned() })
    }
    #[inline(always)]
    unsafe fn load_first(from: *const u32, count: usize, rest: Self) -> Self {
        let mut lanes = rest.0;
        unsafe { std::ptr::copy_nonoverlapping(from, lanes.as_mut_ptr(), count) }
        Self(lanes)
    }
    #[inline(always)]
    unsafe fn load_four(from: *const u32) -> Self {
        unsafe { Self::load(from) }
    }
    #[inline(always)]
    unsafe fn store(self, to: *mut u32) {
        unsafe { to.cast::<[u32; LANES]>().write_unaligned(self.0) }
    }
    #[inline(always)]
    unsafe fn store_partial(self, to: *mut u32, count: usize) {
        unsafe { std::ptr::copy_nonoverlapping(self.0.as_ptr(), to, count) }
    }
    #[inline(always)]
    unsafe fn dot(self, weights: Self, sums: Self) -> Self {
        let (mut sums, weights) = (sums.0, weights.0);
        for (lane, sum) in sums.iter_mut().enumerate() {
            // Shifts of whole words, which vectors have, and no bytes.
            for at in [0, 8, 16, 24] {
                let value = (self.0[lane] >> at & 255) as i32;
                let weight = (weights[lane] << (24 - at)) as i32 >> 24;
                *sum = (*sum).wrapping_add(value.wrapping_mul(weight) as u32);
            }
        }
        Self(sums)
    }
    #[inline(always)]
    unsafe fn scaled(self, multipliers: Self) -> Self {
        let scaled = |lane: usize| self.0[lane] as i32 as f32 * f32::from_bits(multipliers.0[lane]);
        // Beyond 512 either way a byte ends all the same.
        Self(std::array::from_fn(|lane| nearest(scaled(lane)) as u32))
    }
    #[inline(always)]
    unsafe fn byte_less(self, at: usize, zero: Self) -> Self {
        Self(std::array::from_fn(|lane| (self.0[lane] >> (8 * at) & 255).wrapping_sub(zero.0[lane])))
    }
    #[inline(always)]
    unsafe fn added(self, of: Self, other: Self, other_of: Self) -> Self {
        let product = |a: Self, b: Self, lane: usize| a.0[lane] as i32 as f32 * f32::from_bits(b.0[lane]);
        Self(std::array::from_fn(|lane| nearest(product(self, of, lane) + product(other, other_of, lane)) as u32))
    }
    #[inline(always)]
    unsafe fn narrow(sums: [Self; 4], zero: Self) -> Self {
        let zero = (zero.0[0] & 0xFFFF) as i32;
        Self::of_bytes(|lane, at| (sums[lane].0[at] as i32).saturating_add(zero).clamp(0, 255) as u8)
    }
    #[inline(always)]
    unsafe fn turned(self) -> Self {
        let bytes = self.bytes();
        Self::of_bytes(|lane, at| bytes[at][lane])
    }
    #[inline(always)]
    unsafe fn interleave(rows: [Self; 4]) -> [Self; 4] {
        let bytes = rows.map(Self::bytes);
        std::array::from_fn(|pixel| Self::of_bytes(|channel, row| bytes[row][pixel][channel]))
    }
    #[inline(always)]
    unsafe fn groups_after(self, before: Self) -> Self {
        before
    }
    #[inline(always)]
    unsafe fn groups_until(self, behind: Self) -> Self {
        behind
    }
    #[inline(always)]
    unsafe fn even_pairs_first(self) -> Self {
        self
    }
    #[inline(always)]
    unsafe fn larger(self, b: Self) -> Self {
        let (a, b) = (self.bytes(), b.bytes());
        Self::of_bytes(|lane, at| a[lane][at].max(b[lane][at]))
    }
    #[inline(always)]
    unsafe fn smaller(self, b: Self) -> Self {
        let (a, b) = (self.bytes(), b.bytes());
        Self::of_bytes(|lane, at| a[lane][at].min(b[lane][at]))
    }
}
