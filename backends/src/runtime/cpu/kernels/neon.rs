//! Advanced SIMD of aarch64: four lanes, 32 registers.

#![expect(
    clippy::undocumented_unsafe_blocks,
    reason = "each method is a thin name for an instruction and hands on the contract of `Simd`"
)]

use std::arch::aarch64::{
    float32x4_t, vaddq_f32, vandq_u32, vbslq_f32, vcltq_f32, vdivq_f32, vdupq_n_f32, vextq_f32, vfmaq_f32, vld1q_f32,
    vmaxq_f32, vminq_f32, vmulq_f32, vreinterpretq_f32_u32, vreinterpretq_u32_f32, vshlq_n_u32, vsqrtq_f32, vst1q_f32,
    vsubq_f32, vuzp1q_f32, vuzp2q_f32, vzip1q_f32, vzip2q_f32,
};

use super::simd::Simd;

#[derive(Clone, Copy, Debug)]
pub struct Neon(pub(super) float32x4_t);

impl Simd for Neon {
    const LANES: usize = 4;
    const TILE_ROWS: usize = 8;
    const TAILS: bool = true;

    #[inline(always)]
    unsafe fn splat(x: f32) -> Self {
        Self(unsafe { vdupq_n_f32(x) })
    }
    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        Self(unsafe { vld1q_f32(from) })
    }
    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        unsafe { vst1q_f32(to, self.0) }
    }
    #[inline(always)]
    unsafe fn load_partial(from: *const f32, count: usize) -> Self {
        let mut lanes = [0.0_f32; 4];
        unsafe {
            std::ptr::copy_nonoverlapping(from, lanes.as_mut_ptr(), count);
            Self::load(lanes.as_ptr())
        }
    }
    #[inline(always)]
    unsafe fn store_partial(self, to: *mut f32, count: usize) {
        let mut lanes = [0.0_f32; 4];
        unsafe {
            self.store(lanes.as_mut_ptr());
            std::ptr::copy_nonoverlapping(lanes.as_ptr(), to, count);
        }
    }
    #[inline(always)]
    unsafe fn mul_add(self, b: Self, c: Self) -> Self {
        Self(unsafe { vfmaq_f32(c.0, self.0, b.0) })
    }
    #[inline(always)]
    unsafe fn add(self, b: Self) -> Self {
        Self(unsafe { vaddq_f32(self.0, b.0) })
    }
    #[inline(always)]
    unsafe fn sub(self, b: Self) -> Self {
        Self(unsafe { vsubq_f32(self.0, b.0) })
    }
    #[inline(always)]
    unsafe fn mul(self, b: Self) -> Self {
        Self(unsafe { vmulq_f32(self.0, b.0) })
    }
    #[inline(always)]
    unsafe fn div(self, b: Self) -> Self {
        Self(unsafe { vdivq_f32(self.0, b.0) })
    }
    #[inline(always)]
    unsafe fn sqrt(self) -> Self {
        Self(unsafe { vsqrtq_f32(self.0) })
    }
    #[inline(always)]
    unsafe fn power_of_two(self) -> Self {
        Self(unsafe { vreinterpretq_f32_u32(vshlq_n_u32::<23>(vreinterpretq_u32_f32(self.0))) })
    }
    #[inline(always)]
    unsafe fn where_less(a: Self, b: Self, then: Self, otherwise: Self) -> Self {
        Self(unsafe { vbslq_f32(vcltq_f32(a.0, b.0), then.0, otherwise.0) })
    }
    #[inline(always)]
    unsafe fn max(self, b: Self) -> Self {
        Self(unsafe { vmaxq_f32(self.0, b.0) })
    }
    #[inline(always)]
    unsafe fn min(self, b: Self) -> Self {
        Self(unsafe { vminq_f32(self.0, b.0) })
    }
    #[inline(always)]
    unsafe fn largest(a: Self, b: Self, c: Self) -> Self {
        // NaN on either side stays.
        Self(unsafe { vmaxq_f32(vmaxq_f32(a.0, b.0), c.0) })
    }
    #[inline(always)]
    unsafe fn and(self, b: Self) -> Self {
        Self(unsafe { vreinterpretq_f32_u32(vandq_u32(vreinterpretq_u32_f32(self.0), vreinterpretq_u32_f32(b.0))) })
    }
    #[inline(always)]
    unsafe fn deinterleave(a: Self, b: Self) -> (Self, Self) {
        unsafe { (Self(vuzp1q_f32(a.0, b.0)), Self(vuzp2q_f32(a.0, b.0))) }
    }
    #[inline(always)]
    unsafe fn interleave(a: Self, b: Self) -> (Self, Self) {
        unsafe { (Self(vzip1q_f32(a.0, b.0)), Self(vzip2q_f32(a.0, b.0))) }
    }
    #[inline(always)]
    unsafe fn before(a: Self, b: Self, count: usize) -> Self {
        Self(unsafe {
            match count {
                1 => vextq_f32::<3>(a.0, b.0),
                2 => vextq_f32::<2>(a.0, b.0),
                _ => vextq_f32::<1>(a.0, b.0),
            }
        })
    }
    #[inline(always)]
    unsafe fn after(a: Self, b: Self, count: usize) -> Self {
        Self(unsafe {
            match count {
                1 => vextq_f32::<1>(a.0, b.0),
                2 => vextq_f32::<2>(a.0, b.0),
                _ => vextq_f32::<3>(a.0, b.0),
            }
        })
    }
    #[inline(always)]
    unsafe fn prefetch(_from: *const f32) {}
}
