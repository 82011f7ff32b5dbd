//! The 16-bit floats of 8 exponent bits: which instruction sets multiply them, and their kernels.

#![expect(
    clippy::undocumented_unsafe_blocks,
    reason = "each function is a thin name for instructions, or enables features around a generic kernel and hands on its contract"
)]

use half::bf16;

use super::Isa;
use super::halves::{self, HalfTable, LinearFns, WordArgs};
use super::matmul::{self, TileArgs};
use super::matvec::{self, PanelArgs};

use super::portable::Portable;
use super::product::{Halves, Pairs, Product};
use super::table::{TileFn, tiles};
use crate::device::Precision;

/// Two 16-bit floats of 8 exponent bits in a word.
#[derive(Clone, Copy, Debug)]
struct Bf16;

impl Halves for Bf16 {
    /// Each rounded to the nearest, to the even one of two.
    fn word(first: f32, second: f32) -> f32 {
        let bits = |value: f32| u32::from(bf16::from_f32(value).to_bits());
        f32::from_bits(bits(first) | bits(second) << 16)
    }
}

/// What is in the lower half of a word.
fn lower(word: f32) -> f32 {
    f32::from_bits(word.to_bits() << 16)
}

/// What is in the upper half of a word.
fn upper(word: f32) -> f32 {
    f32::from_bits(word.to_bits() & 0xffff_0000)
}

impl Product<Portable> for Bf16 {
    #[inline(always)]
    unsafe fn add(weights: Portable, values: Portable, sums: Portable) -> Portable {
        // Each product is one of two numbers of 8 bits, which 32 bits hold.
        let product = |half: fn(f32) -> f32| weights.zip(values, |weight, value| half(weight) * half(value));
        sums.zip(product(lower), |sum, lower| sum + lower).zip(product(upper), |sum, upper| sum + upper)
    }
}

impl Pairs<Portable> for Bf16 {
    #[inline(always)]
    unsafe fn pair(first: Portable, second: Portable) -> Portable {
        first.zip(second, Self::word)
    }
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::x86_64::{
        __m256, __m256bh, __m256i, __m512, __m512bh, __m512i, _mm256_castsi256_ps, _mm256_cvtne2ps_pbh,
        _mm256_dpbf16_ps, _mm256_permutexvar_epi16, _mm512_castsi512_ps, _mm512_cvtne2ps_pbh, _mm512_dpbf16_ps,
        _mm512_permutexvar_epi16,
    };
    use std::mem::transmute;

    use super::super::avx512::Avx512;
    use super::super::avx512vl::Avx512Vl;
    use super::{Bf16, Pairs, Product};

    /// Where each value of words comes from, of the values of one row followed by those of the other.
    const fn woven<const VALUES: usize>() -> [u16; VALUES] {
        let mut from = [0; VALUES];
        let mut at = 0;
        while at < VALUES {
            from[at] = (at / 2 + at % 2 * (VALUES / 2)) as u16;
            at += 1;
        }
        from
    }

    impl Product<Avx512> for Bf16 {
        #[inline(always)]
        unsafe fn add(weights: Avx512, values: Avx512, sums: Avx512) -> Avx512 {
            unsafe {
                let [weights, values] =
                    [transmute::<__m512, __m512bh>(weights.0), transmute::<__m512, __m512bh>(values.0)];
                Avx512(_mm512_dpbf16_ps(sums.0, weights, values))
            }
        }
    }

    impl Pairs<Avx512> for Bf16 {
        #[inline(always)]
        unsafe fn pair(first: Avx512, second: Avx512) -> Avx512 {
            const FROM: [u16; 32] = woven();
            unsafe {
                let values = transmute::<__m512bh, __m512i>(_mm512_cvtne2ps_pbh(second.0, first.0));
                let from = transmute::<[u16; 32], __m512i>(FROM);
                Avx512(_mm512_castsi512_ps(_mm512_permutexvar_epi16(from, values)))
            }
        }
    }

    impl Product<Avx512Vl> for Bf16 {
        #[inline(always)]
        unsafe fn add(weights: Avx512Vl, values: Avx512Vl, sums: Avx512Vl) -> Avx512Vl {
            unsafe {
                let [weights, values] =
                    [transmute::<__m256, __m256bh>(weights.0), transmute::<__m256, __m256bh>(values.0)];
                Avx512Vl(_mm256_dpbf16_ps(sums.0, weights, values))
            }
        }
    }

    impl Pairs<Avx512Vl> for Bf16 {
        #[inline(always)]
        unsafe fn pair(first: Avx512Vl, second: Avx512Vl) -> Avx512Vl {
            const FROM: [u16; 16] = woven();
            unsafe {
                let values = transmute::<__m256bh, __m256i>(_mm256_cvtne2ps_pbh(second.0, first.0));
                let from = transmute::<[u16; 16], __m256i>(FROM);
                Avx512Vl(_mm256_castsi256_ps(_mm256_permutexvar_epi16(from, values)))
            }
        }
    }
}

/// The compiler's own names for these instructions are not stable.
#[cfg(target_arch = "aarch64")]
mod arm {
    use std::arch::aarch64::float32x4_t;
    use std::arch::asm;

    use super::super::neon::Neon;
    use super::{Bf16, Pairs, Product};

    impl Product<Neon> for Bf16 {
        #[inline(always)]
        unsafe fn add(weights: Neon, values: Neon, sums: Neon) -> Neon {
            let mut sum: float32x4_t = sums.0;
            unsafe {
                asm!(
                    ".arch_extension bf16",
                    "bfdot {sum:v}.4s, {weights:v}.8h, {values:v}.8h",
                    sum = inout(vreg) sum, weights = in(vreg) weights.0, values = in(vreg) values.0,
                    options(pure, nomem, nostack, preserves_flags)
                );
            }
            Neon(sum)
        }
    }

    impl Pairs<Neon> for Bf16 {
        #[inline(always)]
        unsafe fn pair(first: Neon, second: Neon) -> Neon {
            let words: float32x4_t;
            unsafe {
                asm!(
                    ".arch_extension bf16",
                    "bfcvtn {words:v}.4h, {first:v}.4s",
                    "bfcvtn {other:v}.4h, {second:v}.4s",
                    "zip1 {words:v}.8h, {words:v}.8h, {other:v}.8h",
                    words = out(vreg) words, other = out(vreg) _, first = in(vreg) first.0, second = in(vreg) second.0,
                    options(pure, nomem, nostack, preserves_flags)
                );
            }
            Neon(words)
        }
    }
}

macro_rules! kernels {
    ($isa:expr, $vector:ty $(, $features:literal)?) => {{
        type Vector = $vector;
        $(#[target_feature(enable = $features)])?
        unsafe fn tile<const R: usize, const V: usize, const T: bool>(args: &TileArgs) {
            unsafe { matmul::tile::<Vector, Bf16, R, V, T>(args) }
        }
        $(#[target_feature(enable = $features)])?
        unsafe fn words(args: &WordArgs) {
            unsafe { halves::pair::<Vector, Bf16>(args) }
        }
        $(#[target_feature(enable = $features)])?
        unsafe fn panel(args: &PanelArgs<'_>) -> [f32; matvec::ROWS] {
            unsafe { matvec::panel::<Vector, Bf16>(args) }
        }
        $(#[target_feature(enable = $features)])?
        unsafe fn panels(args: &PanelArgs<'_>) -> [[f32; matvec::ROWS]; matvec::TOGETHER] {
            unsafe { matvec::panels::<Vector, Bf16>(args) }
        }
        HalfTable {
            isa: $isa,
            precision: Precision::Bf16,
            rows: 2,
            pixels: 1,
            word: Bf16::word,
            tiles: tiles!(tile),
            words,
            linear: Some(LinearFns { panel, panels }),
        }
    }};
}

/// Plain code that imitates it: to test what others do, and far too slow to tell anything of a network.
#[cfg(test)]
static PORTABLE: HalfTable = kernels!(Isa::Portable, Portable);
#[cfg(target_arch = "aarch64")]
static NEON: HalfTable = kernels!(Isa::Neon, super::neon::Neon, "neon");
#[cfg(target_arch = "x86_64")]
static AVX512VL: HalfTable =
    kernels!(Isa::Avx512Vl, super::avx512vl::Avx512Vl, "avx512bf16,avx512bw,avx512f,avx512dq,avx512vl,avx2,fma");
#[cfg(target_arch = "x86_64")]
static AVX512: HalfTable =
    kernels!(Isa::Avx512, super::avx512::Avx512, "avx512bf16,avx512bw,avx512f,avx512dq,avx512vl,avx2,fma");

impl HalfTable {
    /// The products of `isa` in bf16; `None` where it or this machine has none: whoever holds a table may call its kernels as
    /// far as the CPU is concerned.
    pub fn bf16(isa: Isa) -> Option<&'static Self> {
        let has = isa.available() && Precision::has_bf16();
        match isa {
            #[cfg(test)]
            Isa::Portable => Some(&PORTABLE),
            #[cfg(target_arch = "aarch64")]
            Isa::Neon if has => Some(&NEON),
            #[cfg(target_arch = "x86_64")]
            Isa::Avx512Vl if has => Some(&AVX512VL),
            #[cfg(target_arch = "x86_64")]
            Isa::Avx512 if has => Some(&AVX512),
            _ => None,
        }
    }
}
