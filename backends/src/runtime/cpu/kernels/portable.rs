//! Plain Rust: four lanes that the compiler maps to whatever vectors the build's baseline has.

#![expect(
    clippy::undocumented_unsafe_blocks,
    reason = "each method is a thin name for an instruction and hands on the contract of `Simd`"
)]

use super::simd::Simd;

const LANES: usize = 4;

#[derive(Clone, Copy, Debug)]
pub struct Portable([f32; LANES]);

impl Portable {
    #[inline(always)]
    pub(super) fn zip(self, b: Self, f: impl Fn(f32, f32) -> f32) -> Self {
        Self(std::array::from_fn(|lane| f(self.0[lane], b.0[lane])))
    }
}

impl Simd for Portable {
    const LANES: usize = LANES;
    const TILE_ROWS: usize = 4;
    const TAILS: bool = false;

    #[inline(always)]
    unsafe fn splat(x: f32) -> Self {
        Self([x; LANES])
    }
    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        Self(unsafe { from.cast::<[f32; LANES]>().read_unaligned() })
    }
    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        unsafe { to.cast::<[f32; LANES]>().write_unaligned(self.0) }
    }
    #[inline(always)]
    unsafe fn load_partial(from: *const f32, count: usize) -> Self {
        let mut lanes = [0.0; LANES];
        unsafe { std::ptr::copy_nonoverlapping(from, lanes.as_mut_ptr(), count) }
        Self(lanes)
    }
    #[inline(always)]
    unsafe fn store_partial(self, to: *mut f32, count: usize) {
        unsafe { std::ptr::copy_nonoverlapping(self.0.as_ptr(), to, count) }
    }
    #[inline(always)]
    unsafe fn mul_add(self, b: Self, c: Self) -> Self {
        Self(std::array::from_fn(|lane| self.0[lane] * b.0[lane] + c.0[lane]))
    }
    #[inline(always)]
    unsafe fn add(self, b: Self) -> Self {
        self.zip(b, |a, b| a + b)
    }
    #[inline(always)]
    unsafe fn sub(self, b: Self) -> Self {
        self.zip(b, |a, b| a - b)
    }
    #[inline(always)]
    unsafe fn mul(self, b: Self) -> Self {
        self.zip(b, |a, b| a * b)
    }
    #[inline(always)]
    unsafe fn div(self, b: Self) -> Self {
        self.zip(b, |a, b| a / b)
    }
    #[inline(always)]
    unsafe fn sqrt(self) -> Self {
        Self(self.0.map(f32::sqrt))
    }
    #[inline(always)]
    unsafe fn power_of_two(self) -> Self {
        Self(self.0.map(|x| f32::from_bits(x.to_bits() << 23)))
    }
    #[inline(always)]
    unsafe fn where_less(a: Self, b: Self, then: Self, otherwise: Self) -> Self {
        Self(std::array::from_fn(|lane| if a.0[lane] < b.0[lane] { then.0[lane] } else { otherwise.0[lane] }))
    }
    #[inline(always)]
    unsafe fn max(self, b: Self) -> Self {
        self.zip(b, |a, b| if a > b { a } else { b })
    }
    #[inline(always)]
    unsafe fn min(self, b: Self) -> Self {
        self.zip(b, |a, b| if a < b { a } else { b })
    }
    #[inline(always)]
    unsafe fn largest(a: Self, b: Self, c: Self) -> Self {
        let larger = |a: f32, b: f32| if a > b || a.is_nan() { a } else { b };
        a.zip(b, larger).zip(c, larger)
    }
    #[inline(always)]
    unsafe fn and(self, b: Self) -> Self {
        self.zip(b, |a, b| f32::from_bits(a.to_bits() & b.to_bits()))
    }
    #[inline(always)]
    unsafe fn deinterleave(a: Self, b: Self) -> (Self, Self) {
        let at = |index: usize| if index < LANES { a.0[index] } else { b.0[index - LANES] };
        (Self(std::array::from_fn(|lane| at(2 * lane))), Self(std::array::from_fn(|lane| at(2 * lane + 1))))
    }
    #[inline(always)]
    unsafe fn interleave(a: Self, b: Self) -> (Self, Self) {
        let ([a0, a1, a2, a3], [b0, b1, b2, b3]) = (a.0, b.0);
        (Self([a0, b0, a1, b1]), Self([a2, b2, a3, b3]))
    }
    #[inline(always)]
    unsafe fn before(a: Self, b: Self, count: usize) -> Self {
        let ([_, a1, a2, a3], [b0, b1, b2, _]) = (a.0, b.0);
        Self(match count {
            1 => [a3, b0, b1, b2],
            2 => [a2, a3, b0, b1],
            _ => [a1, a2, a3, b0],
        })
    }
    #[inline(always)]
    unsafe fn after(a: Self, b: Self, count: usize) -> Self {
        let ([_, a1, a2, a3], [b0, b1, b2, _]) = (a.0, b.0);
        Self(match count {
            1 => [a1, a2, a3, b0],
            2 => [a2, a3, b0, b1],
            _ => [a3, b0, b1, b2],
        })
    }
    #[inline(always)]
    unsafe fn prefetch(_from: *const f32) {}
}
