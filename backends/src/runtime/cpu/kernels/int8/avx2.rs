//! 256 bits, eight words: AVX2 alone, and with the dot products of AVX-VNNI or of AVX-512.

#![expect(
    clippy::undocumented_unsafe_blocks,
    reason = "each method is a thin name for an instruction and hands on the contract of `Words`"
)]

use std::arch::x86_64::{
    __m256i, _MM_HINT_T0, _mm_cvtsi32_si128, _mm_loadu_si128, _mm_prefetch, _mm256_add_epi32, _mm256_add_ps,
    _mm256_adds_epi16, _mm256_and_si256, _mm256_blendv_epi8, _mm256_broadcastsi128_si256, _mm256_castsi256_ps,
    _mm256_cmpgt_epi32, _mm256_cvtepi32_ps, _mm256_cvtps_epi32, _mm256_dpbusd_avx_epi32, _mm256_dpbusd_epi32,
    _mm256_loadu_si256, _mm256_madd_epi16, _mm256_maskload_epi32, _mm256_maskstore_epi32, _mm256_max_epu8,
    _mm256_max_ps, _mm256_min_epu8, _mm256_min_ps, _mm256_mul_ps, _mm256_packs_epi32, _mm256_packus_epi16,
    _mm256_permute2x128_si256, _mm256_permute4x64_epi64, _mm256_set1_epi16, _mm256_set1_epi32, _mm256_set1_ps,
    _mm256_setr_epi32, _mm256_shuffle_epi8, _mm256_slli_epi16, _mm256_srai_epi16, _mm256_srl_epi32, _mm256_srli_epi16,
    _mm256_storeu_si256, _mm256_sub_epi32, _mm256_unpackhi_epi8, _mm256_unpackhi_epi16, _mm256_unpacklo_epi8,
    _mm256_unpacklo_epi16,
};
use std::marker::PhantomData;

use super::words::Words;

/// How products are made, and how many registers there are.
pub(crate) trait Dots: Copy {
    const QUADS: usize;
    const VECTORS: usize;
    const TAILS: bool;

    /// As [`Words::dot`].
    unsafe fn dot(bytes: __m256i, weights: __m256i, sums: __m256i) -> __m256i;
}

/// AVX2 alone: even and odd bytes as 16 bits, whose products and sums of two fit 32. (What multiplies bytes saturates.)
#[derive(Clone, Copy)]
pub(crate) struct Plain;

impl Dots for Plain {
    const QUADS: usize = 1;
    const VECTORS: usize = 2;
    const TAILS: bool = false;

    #[inline(always)]
    unsafe fn dot(bytes: __m256i, weights: __m256i, sums: __m256i) -> __m256i {
        unsafe {
            let even = _mm256_and_si256(bytes, _mm256_set1_epi16(255));
            let odd = _mm256_srli_epi16::<8>(bytes);
            let even = _mm256_madd_epi16(even, _mm256_srai_epi16::<8>(_mm256_slli_epi16::<8>(weights)));
            let odd = _mm256_madd_epi16(odd, _mm256_srai_epi16::<8>(weights));
            _mm256_add_epi32(sums, _mm256_add_epi32(even, odd))
        }
    }
}

/// AVX-VNNI: sixteen registers.
#[derive(Clone, Copy)]
pub(crate) struct Vnni;

impl Dots for Vnni {
    const QUADS: usize = 1;
    const VECTORS: usize = 3;
    const TAILS: bool = false;

    #[inline(always)]
    unsafe fn dot(bytes: __m256i, weights: __m256i, sums: __m256i) -> __m256i {
        unsafe { _mm256_dpbusd_avx_epi32(sums, bytes, weights) }
    }
}

/// AVX-512 VNNI and VL: 32 registers.
#[derive(Clone, Copy)]
pub(crate) struct VnniVl;

impl Dots for VnniVl {
    const QUADS: usize = 2;
    const VECTORS: usize = 3;
    const TAILS: bool = true;

    #[inline(always)]
    unsafe fn dot(bytes: __m256i, weights: __m256i, sums: __m256i) -> __m256i {
        unsafe { _mm256_dpbusd_epi32(sums, bytes, weights) }
    }
}

/// All ones in the first `count` lanes.
#[inline(always)]
unsafe fn first(count: usize) -> __m256i {
    unsafe {
        let lanes = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
        _mm256_cmpgt_epi32(_mm256_set1_epi32(count as i32), lanes)
    }
}

#[derive(Clone, Copy)]
pub(crate) struct Avx2<D>(__m256i, PhantomData<D>);

impl<D> Avx2<D> {
    #[inline(always)]
    fn of(register: __m256i) -> Self {
        Self(register, PhantomData)
    }
}

impl<D: Dots> Words for Avx2<D> {
    const LANES: usize = 8;
    const QUADS: usize = D::QUADS;
    const VECTORS: usize = D::VECTORS;
    const TAILS: bool = D::TAILS;

    #[inline(always)]
    unsafe fn splat(word: u32) -> Self {
        Self::of(unsafe { _mm256_set1_epi32(word as i32) })
    }
    #[inline(always)]
    unsafe fn load(from: *const u32) -> Self {
        Self::of(unsafe { _mm256_loadu_si256(from.cast()) })
    }
    #[inline(always)]
    unsafe fn load_first(from: *const u32, count: usize, rest: Self) -> Self {
        unsafe {
            let first = first(count);
            Self::of(_mm256_blendv_epi8(rest.0, _mm256_maskload_epi32(from.cast(), first), first))
        }
    }
    #[inline(always)]
    unsafe fn load_four(from: *const u32) -> Self {
        Self::of(unsafe { _mm256_broadcastsi128_si256(_mm_loadu_si128(from.cast())) })
    }
    #[inline(always)]
    unsafe fn store(self, to: *mut u32) {
        unsafe { _mm256_storeu_si256(to.cast(), self.0) }
    }
    #[inline(always)]
    unsafe fn store_partial(self, to: *mut u32, count: usize) {
        unsafe { _mm256_maskstore_epi32(to.cast(), first(count), self.0) }
    }
    #[inline(always)]
    unsafe fn dot(self, weights: Self, sums: Self) -> Self {
        Self::of(unsafe { D::dot(self.0, weights.0, sums.0) })
    }
    #[inline(always)]
    unsafe fn scaled(self, multipliers: Self) -> Self {
        let product = unsafe { _mm256_mul_ps(_mm256_cvtepi32_ps(self.0), _mm256_castsi256_ps(multipliers.0)) };
        Self::of(unsafe { _mm256_cvtps_epi32(product) })
    }
    #[inline(always)]
    unsafe fn byte_less(self, at: usize, zero: Self) -> Self {
        unsafe {
            let byte = _mm256_srl_epi32(self.0, _mm_cvtsi32_si128(8 * at as i32));
            Self::of(_mm256_sub_epi32(_mm256_and_si256(byte, _mm256_set1_epi32(255)), zero.0))
        }
    }
    #[inline(always)]
    unsafe fn added(self, of: Self, other: Self, other_of: Self) -> Self {
        unsafe {
            let product = |a: Self, b: Self| _mm256_mul_ps(_mm256_cvtepi32_ps(a.0), _mm256_castsi256_ps(b.0));
            let sum = _mm256_add_ps(product(self, of), product(other, other_of));
            // The end comes second: it is what becomes of no number.
            let sum = _mm256_min_ps(_mm256_max_ps(sum, _mm256_set1_ps(-512.0)), _mm256_set1_ps(512.0));
            Self::of(_mm256_cvtps_epi32(sum))
        }
    }
    #[inline(always)]
    unsafe fn narrow([a, b, c, d]: [Self; 4], zero: Self) -> Self {
        unsafe {
            let low = _mm256_adds_epi16(_mm256_packs_epi32(a.0, b.0), zero.0);
            let high = _mm256_adds_epi16(_mm256_packs_epi32(c.0, d.0), zero.0);
            Self::of(_mm256_packus_epi16(low, high))
        }
    }
    #[inline(always)]
    unsafe fn turned(self) -> Self {
        unsafe {
            let [a, b, c, d] = [0x0C08_0400, 0x0D09_0501, 0x0E0A_0602, 0x0F0B_0703];
            Self::of(_mm256_shuffle_epi8(self.0, _mm256_setr_epi32(a, b, c, d, a, b, c, d)))
        }
    }
    #[inline(always)]
    unsafe fn interleave([a, b, c, d]: [Self; 4]) -> [Self; 4] {
        unsafe {
            let (first, second) = (_mm256_unpacklo_epi8(a.0, b.0), _mm256_unpackhi_epi8(a.0, b.0));
            let (third, fourth) = (_mm256_unpacklo_epi8(c.0, d.0), _mm256_unpackhi_epi8(c.0, d.0));
            [
                Self::of(_mm256_unpacklo_epi16(first, third)),
                Self::of(_mm256_unpackhi_epi16(first, third)),
                Self::of(_mm256_unpacklo_epi16(second, fourth)),
                Self::of(_mm256_unpackhi_epi16(second, fourth)),
            ]
        }
    }
    #[inline(always)]
    unsafe fn groups_after(self, before: Self) -> Self {
        Self::of(unsafe { _mm256_permute2x128_si256::<0x21>(before.0, self.0) })
    }
    #[inline(always)]
    unsafe fn groups_until(self, behind: Self) -> Self {
        Self::of(unsafe { _mm256_permute2x128_si256::<0x21>(self.0, behind.0) })
    }
    #[inline(always)]
    unsafe fn even_pairs_first(self) -> Self {
        Self::of(unsafe { _mm256_permute4x64_epi64::<0b11_01_10_00>(self.0) })
    }
    #[inline(always)]
    unsafe fn prefetch(from: *const u32) {
        unsafe { _mm_prefetch::<_MM_HINT_T0>(from.cast()) }
    }
    #[inline(always)]
    unsafe fn larger(self, b: Self) -> Self {
        Self::of(unsafe { _mm256_max_epu8(self.0, b.0) })
    }
    #[inline(always)]
    unsafe fn smaller(self, b: Self) -> Self {
        Self::of(unsafe { _mm256_min_epu8(self.0, b.0) })
    }
}
