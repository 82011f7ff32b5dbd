//! AVX-512 with VNNI: sixteen words, 32 registers.

#![expect(
    clippy::undocumented_unsafe_blocks,
    reason = "each method is a thin name for an instruction and hands on the contract of `Words`"
)]

use std::arch::x86_64::{
    __m512i, _MM_HINT_T0, _mm_cvtsi32_si128, _mm_loadu_si128, _mm_prefetch, _mm512_add_ps, _mm512_adds_epi16,
    _mm512_alignr_epi32, _mm512_and_si512, _mm512_broadcast_i32x4, _mm512_castsi512_ps, _mm512_cvtepi32_ps,
    _mm512_cvtps_epi32, _mm512_dpbusd_epi32, _mm512_loadu_si512, _mm512_mask_loadu_epi32, _mm512_mask_storeu_epi32,
    _mm512_max_epu8, _mm512_max_ps, _mm512_min_epu8, _mm512_min_ps, _mm512_mul_ps, _mm512_packs_epi32,
    _mm512_packus_epi16, _mm512_permutexvar_epi64, _mm512_set1_epi32, _mm512_set1_ps, _mm512_setr_epi32,
    _mm512_setr_epi64, _mm512_shuffle_epi8, _mm512_srl_epi32, _mm512_storeu_si512, _mm512_sub_epi32,
    _mm512_unpackhi_epi8, _mm512_unpackhi_epi16, _mm512_unpacklo_epi8, _mm512_unpacklo_epi16,
};

use super::words::Words;

#[derive(Clone, Copy)]
pub(crate) struct Avx512(__m512i);

impl Words for Avx512 {
    const LANES: usize = 16;
    const QUADS: usize = 2;
    const VECTORS: usize = 3;
    const TAILS: bool = true;

    #[inline(always)]
    unsafe fn splat(word: u32) -> Self {
        Self(unsafe { _mm512_set1_epi32(word as i32) })
    }
    #[inline(always)]
    unsafe fn load(from: *const u32) -> Self {
        Self(unsafe { _mm512_loadu_si512(from.cast()) })
    }
    #[inline(always)]
    unsafe fn load_first(from: *const u32, count: usize, rest: Self) -> Self {
        Self(unsafe { _mm512_mask_loadu_epi32(rest.0, ((1_u32 << count) - 1) as u16, from.cast()) })
    }
    #[inline(always)]
    unsafe fn load_four(from: *const u32) -> Self {
        Self(unsafe { _mm512_broadcast_i32x4(_mm_loadu_si128(from.cast())) })
    }
    #[inline(always)]
    unsafe fn store(self, to: *mut u32) {
        unsafe { _mm512_storeu_si512(to.cast(), self.0) }
    }
    #[inline(always)]
    unsafe fn store_partial(self, to: *mut u32, count: usize) {
        unsafe { _mm512_mask_storeu_epi32(to.cast(), ((1_u32 << count) - 1) as u16, self.0) }
    }
    #[inline(always)]
    unsafe fn dot(self, weights: Self, sums: Self) -> Self {
        Self(unsafe { _mm512_dpbusd_epi32(sums.0, self.0, weights.0) })
    }
    #[inline(always)]
    unsafe fn scaled(self, multipliers: Self) -> Self {
        unsafe {
            Self(_mm512_cvtps_epi32(_mm512_mul_ps(_mm512_cvtepi32_ps(self.0), _mm512_castsi512_ps(multipliers.0))))
        }
    }
    #[inline(always)]
    unsafe fn byte_less(self, at: usize, zero: Self) -> Self {
        unsafe {
            let byte = _mm512_srl_epi32(self.0, _mm_cvtsi32_si128(8 * at as i32));
            Self(_mm512_sub_epi32(_mm512_and_si512(byte, _mm512_set1_epi32(255)), zero.0))
        }
    }
    #[inline(always)]
    unsafe fn added(self, of: Self, other: Self, other_of: Self) -> Self {
        unsafe {
            let product = |a: Self, b: Self| _mm512_mul_ps(_mm512_cvtepi32_ps(a.0), _mm512_castsi512_ps(b.0));
            let sum = _mm512_add_ps(product(self, of), product(other, other_of));
            // The end comes second: it is what becomes of no number.
            let sum = _mm512_min_ps(_mm512_max_ps(sum, _mm512_set1_ps(-512.0)), _mm512_set1_ps(512.0));
            Self(_mm512_cvtps_epi32(sum))
        }
    }
    #[inline(always)]
    unsafe fn narrow([a, b, c, d]: [Self; 4], zero: Self) -> Self {
        unsafe {
            let low = _mm512_adds_epi16(_mm512_packs_epi32(a.0, b.0), zero.0);
            let high = _mm512_adds_epi16(_mm512_packs_epi32(c.0, d.0), zero.0);
            Self(_mm512_packus_epi16(low, high))
        }
    }
    #[inline(always)]
    unsafe fn turned(self) -> Self {
        unsafe {
            let [a, b, c, d] = [0x0C08_0400, 0x0D09_0501, 0x0E0A_0602, 0x0F0B_0703];
            let places = _mm512_setr_epi32(a, b, c, d, a, b, c, d, a, b, c, d, a, b, c, d);
            Self(_mm512_shuffle_epi8(self.0, places))
        }
    }
    #[inline(always)]
    unsafe fn interleave([a, b, c, d]: [Self; 4]) -> [Self; 4] {
        unsafe {
            let (first, second) = (_mm512_unpacklo_epi8(a.0, b.0), _mm512_unpackhi_epi8(a.0, b.0));
            let (third, fourth) = (_mm512_unpacklo_epi8(c.0, d.0), _mm512_unpackhi_epi8(c.0, d.0));
            [
                Self(_mm512_unpacklo_epi16(first, third)),
                Self(_mm512_unpackhi_epi16(first, third)),
                Self(_mm512_unpacklo_epi16(second, fourth)),
                Self(_mm512_unpackhi_epi16(second, fourth)),
            ]
        }
    }
    #[inline(always)]
    unsafe fn groups_after(self, before: Self) -> Self {
        Self(unsafe { _mm512_alignr_epi32::<12>(self.0, before.0) })
    }
    #[inline(always)]
    unsafe fn groups_until(self, behind: Self) -> Self {
        Self(unsafe { _mm512_alignr_epi32::<4>(behind.0, self.0) })
    }
    #[inline(always)]
    unsafe fn even_pairs_first(self) -> Self {
        Self(unsafe { _mm512_permutexvar_epi64(_mm512_setr_epi64(0, 2, 4, 6, 1, 3, 5, 7), self.0) })
    }
    #[inline(always)]
    unsafe fn prefetch(from: *const u32) {
        unsafe { _mm_prefetch::<_MM_HINT_T0>(from.cast()) }
    }
    #[inline(always)]
    unsafe fn larger(self, b: Self) -> Self {
        Self(unsafe { _mm512_max_epu8(self.0, b.0) })
    }
    #[inline(always)]
    unsafe fn smaller(self, b: Self) -> Self {
        Self(unsafe { _mm512_min_epu8(self.0, b.0) })
    }
}
