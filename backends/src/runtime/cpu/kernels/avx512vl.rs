//! AVX-512 VL: the 32 registers of AVX-512 with eight lanes each, for CPUs that clock down for, or have half the
//! multiply-add units at, full width.

#![expect(
    clippy::undocumented_unsafe_blocks,
    reason = "each method is a thin name for an instruction and hands on the contract of `Simd`"
)]

use std::arch::x86_64::{
    __m256, __m256i, _CMP_LT_OQ, _CMP_UNORD_Q, _MM_HINT_T0, _mm_prefetch, _mm256_add_ps, _mm256_alignr_epi32,
    _mm256_and_ps, _mm256_castps_si256, _mm256_castsi256_ps, _mm256_cmp_ps_mask, _mm256_div_ps, _mm256_fmadd_ps,
    _mm256_loadu_ps, _mm256_mask_add_ps, _mm256_mask_blend_ps, _mm256_mask_storeu_ps, _mm256_maskz_loadu_ps,
    _mm256_max_ps, _mm256_min_ps, _mm256_mul_ps, _mm256_permutex2var_ps, _mm256_set_epi32, _mm256_set1_ps,
    _mm256_slli_epi32, _mm256_sqrt_ps, _mm256_storeu_ps, _mm256_sub_ps,
};

use super::simd::Simd;

#[derive(Clone, Copy, Debug)]
pub struct Avx512Vl(pub(super) __m256);

fn first(count: usize) -> u8 {
    ((1_u32 << count) - 1) as u8
}

impl Simd for Avx512Vl {
    const LANES: usize = 8;
    const TILE_ROWS: usize = 8;
    const TAILS: bool = true;

    #[inline(always)]
    unsafe fn splat(x: f32) -> Self {
        Self(unsafe { _mm256_set1_ps(x) })
    }
    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        Self(unsafe { _mm256_loadu_ps(from) })
    }
    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        unsafe { _mm256_storeu_ps(to, self.0) }
    }
    #[inline(always)]
    unsafe fn load_partial(from: *const f32, count: usize) -> Self {
        Self(unsafe { _mm256_maskz_loadu_ps(first(count), from) })
    }
    #[inline(always)]
    unsafe fn store_partial(self, to: *mut f32, count: usize) {
        unsafe { _mm256_mask_storeu_ps(to, first(count), self.0) }
    }
    #[inline(always)]
    unsafe fn mul_add(self, b: Self, c: Self) -> Self {
        Self(unsafe { _mm256_fmadd_ps(self.0, b.0, c.0) })
    }
    #[inline(always)]
    unsafe fn add(self, b: Self) -> Self {
        Self(unsafe { _mm256_add_ps(self.0, b.0) })
    }
    #[inline(always)]
    unsafe fn sub(self, b: Self) -> Self {
        Self(unsafe { _mm256_sub_ps(self.0, b.0) })
    }
    #[inline(always)]
    unsafe fn mul(self, b: Self) -> Self {
        Self(unsafe { _mm256_mul_ps(self.0, b.0) })
    }
    #[inline(always)]
    unsafe fn div(self, b: Self) -> Self {
        Self(unsafe { _mm256_div_ps(self.0, b.0) })
    }
    #[inline(always)]
    unsafe fn sqrt(self) -> Self {
        Self(unsafe { _mm256_sqrt_ps(self.0) })
    }
    #[inline(always)]
    unsafe fn power_of_two(self) -> Self {
        Self(unsafe { _mm256_castsi256_ps(_mm256_slli_epi32::<23>(_mm256_castps_si256(self.0))) })
    }
    #[inline(always)]
    unsafe fn where_less(a: Self, b: Self, then: Self, otherwise: Self) -> Self {
        Self(unsafe { _mm256_mask_blend_ps(_mm256_cmp_ps_mask::<_CMP_LT_OQ>(a.0, b.0), otherwise.0, then.0) })
    }
    #[inline(always)]
    unsafe fn max(self, b: Self) -> Self {
        Self(unsafe { _mm256_max_ps(self.0, b.0) })
    }
    #[inline(always)]
    unsafe fn min(self, b: Self) -> Self {
        Self(unsafe { _mm256_min_ps(self.0, b.0) })
    }
    #[inline(always)]
    unsafe fn largest(a: Self, b: Self, c: Self) -> Self {
        unsafe {
            // The last operand's NaN stays; where one of the others is, their sum is.
            let lost = _mm256_cmp_ps_mask::<_CMP_UNORD_Q>(a.0, b.0);
            Self(_mm256_mask_add_ps(_mm256_max_ps(_mm256_max_ps(a.0, b.0), c.0), lost, a.0, b.0))
        }
    }
    #[inline(always)]
    unsafe fn and(self, b: Self) -> Self {
        Self(unsafe { _mm256_and_ps(self.0, b.0) })
    }
    #[inline(always)]
    unsafe fn deinterleave(a: Self, b: Self) -> (Self, Self) {
        unsafe {
            let even: __m256i = _mm256_set_epi32(14, 12, 10, 8, 6, 4, 2, 0);
            let odd: __m256i = _mm256_set_epi32(15, 13, 11, 9, 7, 5, 3, 1);
            (Self(_mm256_permutex2var_ps(a.0, even, b.0)), Self(_mm256_permutex2var_ps(a.0, odd, b.0)))
        }
    }
    #[inline(always)]
    unsafe fn interleave(a: Self, b: Self) -> (Self, Self) {
        unsafe {
            let low: __m256i = _mm256_set_epi32(11, 3, 10, 2, 9, 1, 8, 0);
            let high: __m256i = _mm256_set_epi32(15, 7, 14, 6, 13, 5, 12, 4);
            (Self(_mm256_permutex2var_ps(a.0, low, b.0)), Self(_mm256_permutex2var_ps(a.0, high, b.0)))
        }
    }
    #[inline(always)]
    unsafe fn before(a: Self, b: Self, count: usize) -> Self {
        unsafe {
            let (lo, hi) = (_mm256_castps_si256(a.0), _mm256_castps_si256(b.0));
            Self(_mm256_castsi256_ps(match count {
                1 => _mm256_alignr_epi32::<7>(hi, lo),
                2 => _mm256_alignr_epi32::<6>(hi, lo),
                _ => _mm256_alignr_epi32::<5>(hi, lo),
            }))
        }
    }
    #[inline(always)]
    unsafe fn after(a: Self, b: Self, count: usize) -> Self {
        unsafe {
            let (lo, hi) = (_mm256_castps_si256(a.0), _mm256_castps_si256(b.0));
            Self(_mm256_castsi256_ps(match count {
                1 => _mm256_alignr_epi32::<1>(hi, lo),
                2 => _mm256_alignr_epi32::<2>(hi, lo),
                _ => _mm256_alignr_epi32::<3>(hi, lo),
            }))
        }
    }
    #[inline(always)]
    unsafe fn prefetch(from: *const f32) {
        unsafe { _mm_prefetch::<_MM_HINT_T0>(from.cast()) }
    }
}
