//! AVX-512: sixteen lanes, 32 registers.

#![expect(
    clippy::undocumented_unsafe_blocks,
    reason = "each method is a thin name for an instruction and hands on the contract of `Simd`"
)]

use std::arch::x86_64::{
    __m512, _CMP_LT_OQ, _CMP_UNORD_Q, _MM_HINT_T0, _mm_prefetch, _mm256_loadu_ps, _mm512_add_ps, _mm512_alignr_epi32,
    _mm512_and_ps, _mm512_castps_si512, _mm512_castsi512_ps, _mm512_cmp_ps_mask, _mm512_div_ps, _mm512_fmadd_ps,
    _mm512_loadu_ps, _mm512_mask_add_ps, _mm512_mask_blend_ps, _mm512_mask_storeu_ps, _mm512_maskz_loadu_ps,
    _mm512_max_ps, _mm512_min_ps, _mm512_mul_ps, _mm512_permutex2var_ps, _mm512_set_epi32, _mm512_set1_ps,
    _mm512_slli_epi32, _mm512_sqrt_ps, _mm512_storeu_ps, _mm512_sub_ps, _mm512_zextps256_ps512,
};

use super::simd::Simd;

#[derive(Clone, Copy, Debug)]
pub struct Avx512(pub(super) __m512);

fn first(count: usize) -> u16 {
    ((1_u32 << count) - 1) as u16
}

impl Simd for Avx512 {
    const LANES: usize = 16;
    const TILE_ROWS: usize = 8;
    const TAILS: bool = true;

    #[inline(always)]
    unsafe fn splat(x: f32) -> Self {
        Self(unsafe { _mm512_set1_ps(x) })
    }
    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        Self(unsafe { _mm512_loadu_ps(from) })
    }
    #[inline(always)]
    unsafe fn load_panel(from: *const f32) -> Self {
        // Half a vector: a whole one would cross a cache line every other time.
        Self(unsafe { _mm512_zextps256_ps512(_mm256_loadu_ps(from)) })
    }
    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        unsafe { _mm512_storeu_ps(to, self.0) }
    }
    #[inline(always)]
    unsafe fn load_partial(from: *const f32, count: usize) -> Self {
        Self(unsafe { _mm512_maskz_loadu_ps(first(count), from) })
    }
    #[inline(always)]
    unsafe fn store_partial(self, to: *mut f32, count: usize) {
        unsafe { _mm512_mask_storeu_ps(to, first(count), self.0) }
    }
    #[inline(always)]
    unsafe fn mul_add(self, b: Self, c: Self) -> Self {
        Self(unsafe { _mm512_fmadd_ps(self.0, b.0, c.0) })
    }
    #[inline(always)]
    unsafe fn add(self, b: Self) -> Self {
        Self(unsafe { _mm512_add_ps(self.0, b.0) })
    }
    #[inline(always)]
    unsafe fn sub(self, b: Self) -> Self {
        Self(unsafe { _mm512_sub_ps(self.0, b.0) })
    }
    #[inline(always)]
    unsafe fn mul(self, b: Self) -> Self {
        Self(unsafe { _mm512_mul_ps(self.0, b.0) })
    }
    #[inline(always)]
    unsafe fn div(self, b: Self) -> Self {
        Self(unsafe { _mm512_div_ps(self.0, b.0) })
    }
    #[inline(always)]
    unsafe fn sqrt(self) -> Self {
        Self(unsafe { _mm512_sqrt_ps(self.0) })
    }
    #[inline(always)]
    unsafe fn power_of_two(self) -> Self {
        Self(unsafe { _mm512_castsi512_ps(_mm512_slli_epi32::<23>(_mm512_castps_si512(self.0))) })
    }
    #[inline(always)]
    unsafe fn where_less(a: Self, b: Self, then: Self, otherwise: Self) -> Self {
        Self(unsafe { _mm512_mask_blend_ps(_mm512_cmp_ps_mask::<_CMP_LT_OQ>(a.0, b.0), otherwise.0, then.0) })
    }
    #[inline(always)]
    unsafe fn max(self, b: Self) -> Self {
        Self(unsafe { _mm512_max_ps(self.0, b.0) })
    }
    #[inline(always)]
    unsafe fn min(self, b: Self) -> Self {
        Self(unsafe { _mm512_min_ps(self.0, b.0) })
    }
    #[inline(always)]
    unsafe fn largest(a: Self, b: Self, c: Self) -> Self {
        unsafe {
            // The last operand's NaN stays; where one of the others is, their sum is.
            let lost = _mm512_cmp_ps_mask::<_CMP_UNORD_Q>(a.0, b.0);
            Self(_mm512_mask_add_ps(_mm512_max_ps(_mm512_max_ps(a.0, b.0), c.0), lost, a.0, b.0))
        }
    }
    #[inline(always)]
    unsafe fn and(self, b: Self) -> Self {
        Self(unsafe { _mm512_and_ps(self.0, b.0) })
    }
    #[inline(always)]
    unsafe fn deinterleave(a: Self, b: Self) -> (Self, Self) {
        unsafe {
            let even = _mm512_set_epi32(30, 28, 26, 24, 22, 20, 18, 16, 14, 12, 10, 8, 6, 4, 2, 0);
            let odd = _mm512_set_epi32(31, 29, 27, 25, 23, 21, 19, 17, 15, 13, 11, 9, 7, 5, 3, 1);
            (Self(_mm512_permutex2var_ps(a.0, even, b.0)), Self(_mm512_permutex2var_ps(a.0, odd, b.0)))
        }
    }
    #[inline(always)]
    unsafe fn interleave(a: Self, b: Self) -> (Self, Self) {
        unsafe {
            let low = _mm512_set_epi32(23, 7, 22, 6, 21, 5, 20, 4, 19, 3, 18, 2, 17, 1, 16, 0);
            let high = _mm512_set_epi32(31, 15, 30, 14, 29, 13, 28, 12, 27, 11, 26, 10, 25, 9, 24, 8);
            (Self(_mm512_permutex2var_ps(a.0, low, b.0)), Self(_mm512_permutex2var_ps(a.0, high, b.0)))
        }
    }
    #[inline(always)]
    unsafe fn before(a: Self, b: Self, count: usize) -> Self {
        unsafe {
            let (lo, hi) = (_mm512_castps_si512(a.0), _mm512_castps_si512(b.0));
            Self(_mm512_castsi512_ps(match count {
                1 => _mm512_alignr_epi32::<15>(hi, lo),
                2 => _mm512_alignr_epi32::<14>(hi, lo),
                _ => _mm512_alignr_epi32::<13>(hi, lo),
            }))
        }
    }
    #[inline(always)]
    unsafe fn after(a: Self, b: Self, count: usize) -> Self {
        unsafe {
            let (lo, hi) = (_mm512_castps_si512(a.0), _mm512_castps_si512(b.0));
            Self(_mm512_castsi512_ps(match count {
                1 => _mm512_alignr_epi32::<1>(hi, lo),
                2 => _mm512_alignr_epi32::<2>(hi, lo),
                _ => _mm512_alignr_epi32::<3>(hi, lo),
            }))
        }
    }
    #[inline(always)]
    unsafe fn prefetch(from: *const f32) {
        unsafe { _mm_prefetch::<_MM_HINT_T0>(from.cast()) }
    }
}
