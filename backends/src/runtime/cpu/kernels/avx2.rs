//! AVX2 with FMA: eight lanes, 16 registers.

#![expect(
    clippy::undocumented_unsafe_blocks,
    reason = "each method is a thin name for an instruction and hands on the contract of `Simd`"
)]

use std::arch::x86_64::{
    __m256, __m256i, _CMP_LT_OQ, _CMP_UNORD_Q, _MM_HINT_T0, _mm_prefetch, _mm256_add_ps, _mm256_alignr_epi8,
    _mm256_and_ps, _mm256_blendv_ps, _mm256_castpd_ps, _mm256_castps_pd, _mm256_castps_si256, _mm256_castsi256_ps,
    _mm256_cmp_ps, _mm256_div_ps, _mm256_fmadd_ps, _mm256_loadu_ps, _mm256_loadu_si256, _mm256_maskload_ps,
    _mm256_maskstore_ps, _mm256_max_ps, _mm256_min_ps, _mm256_mul_ps, _mm256_or_ps, _mm256_permute2f128_ps,
    _mm256_permute4x64_pd, _mm256_set1_ps, _mm256_shuffle_ps, _mm256_slli_epi32, _mm256_sqrt_ps, _mm256_storeu_ps,
    _mm256_sub_ps, _mm256_unpackhi_ps, _mm256_unpacklo_ps,
};

use super::simd::Simd;

#[derive(Clone, Copy, Debug)]
pub struct Avx2(__m256);

/// Eight ones and eight zeros: a window of eight starting at `8 - count` has `count` leading ones.
static LEADING: [i32; 16] = [-1, -1, -1, -1, -1, -1, -1, -1, 0, 0, 0, 0, 0, 0, 0, 0];

#[inline(always)]
unsafe fn first(count: usize) -> __m256i {
    // SAFETY: `count <= 8` by the trait's contract, so eight values from `8 - count` lie in the table.
    unsafe { _mm256_loadu_si256(LEADING.as_ptr().add(8 - count).cast()) }
}

impl Simd for Avx2 {
    const LANES: usize = 8;
    const TILE_ROWS: usize = 4;
    const TAILS: bool = false;

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
        Self(unsafe { _mm256_maskload_ps(from, first(count)) })
    }
    #[inline(always)]
    unsafe fn store_partial(self, to: *mut f32, count: usize) {
        unsafe { _mm256_maskstore_ps(to, first(count), self.0) }
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
        Self(unsafe { _mm256_blendv_ps(otherwise.0, then.0, _mm256_cmp_ps::<_CMP_LT_OQ>(a.0, b.0)) })
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
            // The last operand's NaN stays; lanes where one of the others is are made all ones, which is NaN too.
            let lost = _mm256_cmp_ps::<_CMP_UNORD_Q>(a.0, b.0);
            Self(_mm256_or_ps(_mm256_max_ps(_mm256_max_ps(a.0, b.0), c.0), lost))
        }
    }
    #[inline(always)]
    unsafe fn and(self, b: Self) -> Self {
        Self(unsafe { _mm256_and_ps(self.0, b.0) })
    }
    #[inline(always)]
    unsafe fn deinterleave(a: Self, b: Self) -> (Self, Self) {
        unsafe {
            // In pairs of 64 bits the shuffles give a0 b0 a1 b1; the permutation puts them in order.
            let even = _mm256_castps_pd(_mm256_shuffle_ps::<0b10_00_10_00>(a.0, b.0));
            let odd = _mm256_castps_pd(_mm256_shuffle_ps::<0b11_01_11_01>(a.0, b.0));
            (
                Self(_mm256_castpd_ps(_mm256_permute4x64_pd::<0b11_01_10_00>(even))),
                Self(_mm256_castpd_ps(_mm256_permute4x64_pd::<0b11_01_10_00>(odd))),
            )
        }
    }
    #[inline(always)]
    unsafe fn interleave(a: Self, b: Self) -> (Self, Self) {
        unsafe {
            // In halves of 128 bits: a0 b0 a1 b1 | a4 b4 a5 b5 and a2 b2 a3 b3 | a6 b6 a7 b7.
            let (outer, inner) = (_mm256_unpacklo_ps(a.0, b.0), _mm256_unpackhi_ps(a.0, b.0));
            (Self(_mm256_permute2f128_ps::<0x20>(outer, inner)), Self(_mm256_permute2f128_ps::<0x31>(outer, inner)))
        }
    }
    #[inline(always)]
    unsafe fn before(a: Self, b: Self, count: usize) -> Self {
        unsafe {
            // Halves of 128 bits: a.high, b.low. Then each half of the result straddles two of a.high, b.low, b.high.
            let middle = _mm256_castps_si256(_mm256_permute2f128_ps::<0x21>(a.0, b.0));
            let b = _mm256_castps_si256(b.0);
            Self(_mm256_castsi256_ps(match count {
                1 => _mm256_alignr_epi8::<12>(b, middle),
                2 => _mm256_alignr_epi8::<8>(b, middle),
                _ => _mm256_alignr_epi8::<4>(b, middle),
            }))
        }
    }
    #[inline(always)]
    unsafe fn after(a: Self, b: Self, count: usize) -> Self {
        unsafe {
            let middle = _mm256_castps_si256(_mm256_permute2f128_ps::<0x21>(a.0, b.0));
            let a = _mm256_castps_si256(a.0);
            Self(_mm256_castsi256_ps(match count {
                1 => _mm256_alignr_epi8::<4>(middle, a),
                2 => _mm256_alignr_epi8::<8>(middle, a),
                _ => _mm256_alignr_epi8::<12>(middle, a),
            }))
        }
    }
    #[inline(always)]
    unsafe fn prefetch(from: *const f32) {
        unsafe { _mm_prefetch::<_MM_HINT_T0>(from.cast()) }
    }
}
