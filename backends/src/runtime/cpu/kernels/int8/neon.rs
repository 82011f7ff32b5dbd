//! Advanced SIMD of aarch64: four words, 32 registers; products of 16 bits, which every such processor has, and the dot
//! products that some have.

#![expect(
    clippy::undocumented_unsafe_blocks,
    reason = "each method is a thin name for a few instructions and hands on the contract of `Words`"
)]

use std::arch::aarch64::{
    int8x16_t, int16x8_t, int32x4_t, uint8x16_t, uint32x4_t, vaddq_f32, vaddq_s32, vandq_u32, vcombine_s16,
    vcombine_u8, vcvtnq_s32_f32, vcvtq_f32_s32, vdupq_n_f32, vdupq_n_s32, vdupq_n_u32, veorq_u32, vget_high_s8,
    vget_high_u8, vget_low_s8, vget_low_s16, vget_low_u8, vld1q_u8, vld1q_u32, vmaxnmq_f32, vmaxq_u8, vminnmq_f32,
    vminq_u8, vmovl_s8, vmovl_u8, vmull_high_s16, vmull_s16, vmulq_f32, vpaddq_s32, vqaddq_s16, vqmovn_s32,
    vqmovun_s16, vqtbl1q_u8, vreinterpretq_f32_u32, vreinterpretq_s8_u8, vreinterpretq_s8_u32, vreinterpretq_s16_u16,
    vreinterpretq_s16_u32, vreinterpretq_s32_u32, vreinterpretq_u8_u32, vreinterpretq_u16_u8, vreinterpretq_u32_s32,
    vreinterpretq_u32_u8, vreinterpretq_u32_u16, vshlq_u32, vst1q_u32, vsubq_u32, vzip1q_u8, vzip1q_u16, vzip2q_u8,
    vzip2q_u16,
};
use std::arch::asm;
use std::marker::PhantomData;

use super::words::Words;

/// How products are made.
pub(crate) trait Dots: Copy {
    /// As [`Words::QUADS`]: with three registers of pixels.
    const QUADS: usize;
    /// As [`Words::LESS`]: nothing, or 128.
    const LESS: u8;

    /// As [`Words::dot`].
    unsafe fn dot(bytes: uint8x16_t, weights: int8x16_t, sums: int32x4_t) -> int32x4_t;
}

/// As 16 bits.
#[derive(Clone, Copy)]
pub(crate) struct Plain;

impl Dots for Plain {
    const QUADS: usize = 1;
    const LESS: u8 = 0;

    #[inline(always)]
    unsafe fn dot(bytes: uint8x16_t, weights: int8x16_t, sums: int32x4_t) -> int32x4_t {
        unsafe {
            let low = (vreinterpretq_s16_u16(vmovl_u8(vget_low_u8(bytes))), vmovl_s8(vget_low_s8(weights)));
            let high = (vreinterpretq_s16_u16(vmovl_u8(vget_high_u8(bytes))), vmovl_s8(vget_high_s8(weights)));
            // Products of two words each, added in pairs twice: a sum per word.
            let pairs = |(bytes, weights): (int16x8_t, int16x8_t)| {
                vpaddq_s32(vmull_s16(vget_low_s16(bytes), vget_low_s16(weights)), vmull_high_s16(bytes, weights))
            };
            vaddq_s32(sums, vpaddq_s32(pairs(low), pairs(high)))
        }
    }
}

/// The dot product extension multiplies bytes of the same kind.
#[derive(Clone, Copy)]
pub(crate) struct Signed;

impl Dots for Signed {
    const QUADS: usize = 2;
    const LESS: u8 = 128;

    #[inline(always)]
    unsafe fn dot(bytes: uint8x16_t, weights: int8x16_t, sums: int32x4_t) -> int32x4_t {
        unsafe { sdot(sums, vreinterpretq_s8_u8(bytes), weights) }
    }
}

/// The 8-bit matrix multiplication extension multiplies unsigned bytes and signed ones.
#[derive(Clone, Copy)]
pub(crate) struct Mixed;

impl Dots for Mixed {
    const QUADS: usize = 2;
    const LESS: u8 = 0;

    #[inline(always)]
    unsafe fn dot(bytes: uint8x16_t, weights: int8x16_t, sums: int32x4_t) -> int32x4_t {
        unsafe { usdot(sums, bytes, weights) }
    }
}

// The standard library's names for both instructions are not stable.

/// # Safety
/// The CPU has the extension.
#[target_feature(enable = "neon,dotprod")]
#[inline]
unsafe fn sdot(mut sums: int32x4_t, a: int8x16_t, b: int8x16_t) -> int32x4_t {
    unsafe {
        asm!(
            "sdot {sums:v}.4s, {a:v}.16b, {b:v}.16b",
            sums = inout(vreg) sums,
            a = in(vreg) a,
            b = in(vreg) b,
            options(pure, nomem, nostack, preserves_flags)
        );
    }
    sums
}

/// # Safety
/// The CPU has the extension.
#[target_feature(enable = "neon,i8mm")]
#[inline]
unsafe fn usdot(mut sums: int32x4_t, a: uint8x16_t, b: int8x16_t) -> int32x4_t {
    unsafe {
        asm!(
            "usdot {sums:v}.4s, {a:v}.16b, {b:v}.16b",
            sums = inout(vreg) sums,
            a = in(vreg) a,
            b = in(vreg) b,
            options(pure, nomem, nostack, preserves_flags)
        );
    }
    sums
}

#[derive(Clone, Copy)]
pub(crate) struct Neon<D>(uint32x4_t, PhantomData<D>);

impl<D> Neon<D> {
    #[inline(always)]
    fn of(register: uint32x4_t) -> Self {
        Self(register, PhantomData)
    }
}

impl<D: Dots> Words for Neon<D> {
    const LANES: usize = 4;
    const QUADS: usize = D::QUADS;
    const VECTORS: usize = 3;
    const TAILS: bool = false;
    const LESS: u8 = D::LESS;

    #[inline(always)]
    unsafe fn splat(word: u32) -> Self {
        Self::of(unsafe { vdupq_n_u32(word) })
    }
    #[inline(always)]
    unsafe fn load(from: *const u32) -> Self {
        Self::of(unsafe { vld1q_u32(from) })
    }
    #[inline(always)]
    unsafe fn load_first(from: *const u32, count: usize, rest: Self) -> Self {
        let mut words = [0; 4];
        unsafe {
            vst1q_u32(words.as_mut_ptr(), rest.0);
            std::ptr::copy_nonoverlapping(from, words.as_mut_ptr(), count);
            Self::of(vld1q_u32(words.as_ptr()))
        }
    }
    #[inline(always)]
    unsafe fn load_four(from: *const u32) -> Self {
        Self::of(unsafe { vld1q_u32(from) })
    }
    #[inline(always)]
    unsafe fn store(self, to: *mut u32) {
        unsafe { vst1q_u32(to, self.0) }
    }
    #[inline(always)]
    unsafe fn store_partial(self, to: *mut u32, count: usize) {
        let mut words = [0; 4];
        unsafe {
            vst1q_u32(words.as_mut_ptr(), self.0);
            std::ptr::copy_nonoverlapping(words.as_ptr(), to, count);
        }
    }
    #[inline(always)]
    unsafe fn ready(self) -> Self {
        if D::LESS == 0 { self } else { unsafe { Self::of(veorq_u32(self.0, vdupq_n_u32(0x8080_8080))) } }
    }
    #[inline(always)]
    unsafe fn dot(self, weights: Self, sums: Self) -> Self {
        unsafe {
            let (bytes, weights) = (vreinterpretq_u8_u32(self.0), vreinterpretq_s8_u32(weights.0));
            Self::of(vreinterpretq_u32_s32(D::dot(bytes, weights, vreinterpretq_s32_u32(sums.0))))
        }
    }
    #[inline(always)]
    unsafe fn scaled(self, multipliers: Self) -> Self {
        unsafe {
            let values = vcvtq_f32_s32(vreinterpretq_s32_u32(self.0));
            let scaled = vmulq_f32(values, vreinterpretq_f32_u32(multipliers.0));
            Self::of(vreinterpretq_u32_s32(vcvtnq_s32_f32(scaled)))
        }
    }
    #[inline(always)]
    unsafe fn byte_less(self, at: usize, zero: Self) -> Self {
        unsafe {
            let byte = vandq_u32(vshlq_u32(self.0, vdupq_n_s32(-8 * at as i32)), vdupq_n_u32(255));
            Self::of(vsubq_u32(byte, zero.0))
        }
    }
    #[inline(always)]
    unsafe fn added(self, of: Self, other: Self, other_of: Self) -> Self {
        unsafe {
            let product =
                |a: Self, b: Self| vmulq_f32(vcvtq_f32_s32(vreinterpretq_s32_u32(a.0)), vreinterpretq_f32_u32(b.0));
            let sum = vaddq_f32(product(self, of), product(other, other_of));
            // These two prefer numbers to what is none.
            let sum = vminnmq_f32(vmaxnmq_f32(sum, vdupq_n_f32(-512.0)), vdupq_n_f32(512.0));
            Self::of(vreinterpretq_u32_s32(vcvtnq_s32_f32(sum)))
        }
    }
    #[inline(always)]
    unsafe fn narrow([a, b, c, d]: [Self; 4], zero: Self) -> Self {
        unsafe {
            let zero = vreinterpretq_s16_u32(zero.0);
            let halves = |a: Self, b: Self| {
                let (a, b) = (vreinterpretq_s32_u32(a.0), vreinterpretq_s32_u32(b.0));
                vqmovun_s16(vqaddq_s16(vcombine_s16(vqmovn_s32(a), vqmovn_s32(b)), zero))
            };
            Self::of(vreinterpretq_u32_u8(vcombine_u8(halves(a, b), halves(c, d))))
        }
    }
    #[inline(always)]
    unsafe fn turned(self) -> Self {
        const PLACES: [u8; 16] = [0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15];
        unsafe { Self::of(vreinterpretq_u32_u8(vqtbl1q_u8(vreinterpretq_u8_u32(self.0), vld1q_u8(PLACES.as_ptr())))) }
    }
    #[inline(always)]
    unsafe fn interleave(rows: [Self; 4]) -> [Self; 4] {
        unsafe {
            let [a, b, c, d] = rows.map(|row| vreinterpretq_u8_u32(row.0));
            let (first, second) = (vreinterpretq_u16_u8(vzip1q_u8(a, b)), vreinterpretq_u16_u8(vzip2q_u8(a, b)));
            let (third, fourth) = (vreinterpretq_u16_u8(vzip1q_u8(c, d)), vreinterpretq_u16_u8(vzip2q_u8(c, d)));
            [
                Self::of(vreinterpretq_u32_u16(vzip1q_u16(first, third))),
                Self::of(vreinterpretq_u32_u16(vzip2q_u16(first, third))),
                Self::of(vreinterpretq_u32_u16(vzip1q_u16(second, fourth))),
                Self::of(vreinterpretq_u32_u16(vzip2q_u16(second, fourth))),
            ]
        }
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
        unsafe { Self::of(vreinterpretq_u32_u8(vmaxq_u8(vreinterpretq_u8_u32(self.0), vreinterpretq_u8_u32(b.0)))) }
    }
    #[inline(always)]
    unsafe fn smaller(self, b: Self) -> Self {
        unsafe { Self::of(vreinterpretq_u32_u8(vminq_u8(vreinterpretq_u8_u32(self.0), vreinterpretq_u8_u32(b.0)))) }
    }
}
