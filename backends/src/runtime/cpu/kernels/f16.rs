//! The 16-bit floats of 5 exponent bits: arithmetic in them where ARM has it, eight pixels to a vector of four words.
//!
//! Sums of [`TOGETHER`] products are made in 16 bits and added up in 32, so that a sum's error does not grow with its length.

#![expect(
    clippy::undocumented_unsafe_blocks,
    reason = "each function is a thin name for instructions, or enables features around a generic kernel and hands on its contract"
)]

use half::f16;

use super::Isa;
use super::epilogue::FinishArgs;
use super::halves::{HalfTable, WordArgs};
use super::matmul::TileArgs;
use super::portable::Portable;
use super::product::{Halves, Product};
use super::simd::Simd;
use super::table::{TileFn, tiles};
use crate::device::Precision;

/// Products that are added up in 16 bits.
const TOGETHER: usize = 32;

/// Two 16-bit floats of 5 exponent bits in a word.
#[derive(Clone, Copy, Debug)]
struct F16;

impl Halves for F16 {
    /// Each rounded to the nearest, to the even one of two.
    fn word(first: f32, second: f32) -> f32 {
        let bits = |value: f32| u32::from(f16::from_f32(value).to_bits());
        f32::from_bits(bits(first) | bits(second) << 16)
    }
}

/// What is in the lower and in the upper half of a word.
fn halves(word: f32) -> [f32; 2] {
    let bits = word.to_bits();
    [bits as u16, (bits >> 16) as u16].map(|half| f16::from_bits(half).to_f32())
}

/// A word is two floats of 16 bits, of two pixels of a row; sums are such words too, and weights hold one value twice.
trait Neighbours<V: Simd>: Product<V> + Halves {
    /// The words of twice as many values.
    ///
    /// # Safety
    /// The CPU has the instruction set.
    unsafe fn narrow(first: V, second: V) -> V;

    /// What [`narrow`](Self::narrow) undoes.
    ///
    /// # Safety
    /// The CPU has the instruction set.
    unsafe fn widen(words: V) -> (V, V);
}

/// Makes words of two pixels each; there are no tail pixels.
///
/// # Safety
/// As for [`pair`](super::halves::pair), but that twice as many values of each row are read, and each gives a row of words.
#[inline(always)]
unsafe fn narrow<V: Simd, P: Neighbours<V>>(args: &WordArgs) {
    // SAFETY: as the caller promises.
    unsafe {
        for row in 0..args.count {
            let (from, to) = (args.x.add(*args.rows.add(row) as usize), args.to.add(row * args.pitch));
            for at in (0..args.vectors).map(|vector| vector * V::LANES) {
                let (first, second) = (V::load(from.add(2 * at)), V::load(from.add(2 * at + V::LANES)));
                P::narrow(first, second).store(to.add(at));
            }
        }
    }
}

impl Product<Portable> for F16 {
    #[inline(always)]
    unsafe fn add(weights: Portable, values: Portable, sums: Portable) -> Portable {
        // Products of two such numbers are floats; in ones that are as long as this, the sum is nearly never rounded twice.
        let sum = |half: usize| {
            let product = weights.zip(values, |weight, value| halves(weight)[half] * halves(value)[half]);
            product.zip(sums, |product, sum| product + halves(sum)[half])
        };
        sum(0).zip(sum(1), Self::word)
    }
}

impl Neighbours<Portable> for F16 {
    #[inline(always)]
    unsafe fn narrow(first: Portable, second: Portable) -> Portable {
        let (evens, odds) = unsafe { Portable::deinterleave(first, second) };
        evens.zip(odds, Self::word)
    }

    #[inline(always)]
    unsafe fn widen(words: Portable) -> (Portable, Portable) {
        let [lower, upper] = [0, 1].map(|half| words.zip(words, |word, _| halves(word)[half]));
        unsafe { Portable::interleave(lower, upper) }
    }
}

/// The compiler's own names for these instructions are not stable.
#[cfg(target_arch = "aarch64")]
mod arm {
    use std::arch::aarch64::float32x4_t;
    use std::arch::asm;

    use super::super::neon::Neon;
    use super::{F16, Neighbours, Product};

    impl Product<Neon> for F16 {
        #[inline(always)]
        unsafe fn add(weights: Neon, values: Neon, sums: Neon) -> Neon {
            let mut sum: float32x4_t = sums.0;
            unsafe {
                asm!(
                    ".arch_extension fp16",
                    "fmla {sum:v}.8h, {weights:v}.8h, {values:v}.8h",
                    sum = inout(vreg) sum, weights = in(vreg) weights.0, values = in(vreg) values.0,
                    options(pure, nomem, nostack, preserves_flags)
                );
            }
            Neon(sum)
        }
    }

    impl Neighbours<Neon> for F16 {
        #[inline(always)]
        unsafe fn narrow(first: Neon, second: Neon) -> Neon {
            let words: float32x4_t;
            unsafe {
                asm!(
                    "fcvtn {words:v}.4h, {first:v}.4s",
                    "fcvtn2 {words:v}.8h, {second:v}.4s",
                    words = out(vreg) words, first = in(vreg) first.0, second = in(vreg) second.0,
                    options(pure, nomem, nostack, preserves_flags)
                );
            }
            Neon(words)
        }

        #[inline(always)]
        unsafe fn widen(words: Neon) -> (Neon, Neon) {
            let (first, second): (float32x4_t, float32x4_t);
            unsafe {
                asm!(
                    "fcvtl {first:v}.4s, {words:v}.4h",
                    "fcvtl2 {second:v}.4s, {words:v}.8h",
                    words = in(vreg) words.0, first = out(vreg) first, second = out(vreg) second,
                    options(pure, nomem, nostack, preserves_flags)
                );
            }
            (Neon(first), Neon(second))
        }
    }
}

/// `ROWS` output channels times `VECTORS` vectors of words.
///
/// # Safety
/// As [`matmul::tile`](super::matmul::tile), of words: `x + x_rows[k]` is valid for reads of `VECTORS * LANES` of them, each of
/// two pixels, and `last` counts pixels. There is no tail pixel.
#[inline(always)]
unsafe fn tile<V: Simd, P: Neighbours<V>, const ROWS: usize, const VECTORS: usize>(args: &TileArgs) {
    // SAFETY: as the caller promises; whole vectors are read of `x`, but of the others only the tile's pixels.
    unsafe {
        let mut totals = [[[V::splat(0.0); 2]; VECTORS]; ROWS];
        for (row, totals) in totals.iter_mut().enumerate() {
            *totals = [[V::splat(*args.bias.add(row)); 2]; VECTORS];
        }
        let mut weights = args.weights;
        let mut first = 0;
        while first < args.depth {
            let end = args.depth.min(first + TOGETHER);
            let mut sums = [[V::splat(0.0); VECTORS]; ROWS];
            for k in first..end {
                let x = args.x.add(*args.x_rows.add(k) as usize);
                let mut words = [V::splat(0.0); VECTORS];
                for (vector, words) in words.iter_mut().enumerate() {
                    *words = V::load(x.add(vector * V::LANES));
                }
                for (row, sums) in sums.iter_mut().enumerate() {
                    let weight = V::splat(*weights.add(row));
                    for (sum, &words) in sums.iter_mut().zip(&words) {
                        *sum = P::add(weight, words, *sum);
                    }
                }
                weights = weights.add(ROWS);
            }
            for (totals, sums) in totals.iter_mut().zip(&sums) {
                for (total, &sum) in totals.iter_mut().zip(sums) {
                    let (lower, upper) = P::widen(sum);
                    *total = [total[0].add(lower), total[1].add(upper)];
                }
            }
            first = end;
        }
        let pixels = (VECTORS - 1) * 2 * V::LANES + args.last;
        for (row, totals) in totals.iter().enumerate() {
            let to = args.y.add(*args.y_rows.add(row) as usize);
            for (vector, &total) in totals.as_flattened().iter().enumerate() {
                let at = vector * V::LANES;
                let count = pixels.saturating_sub(at).min(V::LANES);
                if count == 0 {
                    break;
                }
                let mut value = total;
                if !args.residual_rows.is_null() {
                    let from = args.residual.add(*args.residual_rows.add(row) as usize + at);
                    value = value.add(V::load_partial(from, count));
                }
                let value = args.epilogue.quick(value);
                value.store_partial(to.add(at), count);
            }
        }
        if !args.epilogue.is_quick() {
            let (base, rows, epilogue) = (args.y, args.y_rows, args.epilogue);
            (args.finish)(&FinishArgs { base, rows, count: ROWS, pixels, epilogue });
        }
    }
}

macro_rules! kernels {
    ($isa:expr, $vector:ty $(, $features:literal)?) => {{
        type Vector = $vector;
        $(#[target_feature(enable = $features)])?
        unsafe fn sized<const R: usize, const V: usize, const T: bool>(args: &TileArgs) {
            unsafe { tile::<Vector, F16, R, V>(args) }
        }
        $(#[target_feature(enable = $features)])?
        unsafe fn words(args: &WordArgs) {
            unsafe { narrow::<Vector, F16>(args) }
        }
        HalfTable {
            isa: $isa,
            precision: Precision::F16,
            rows: 1,
            pixels: 2,
            word: F16::word,
            tiles: tiles!(sized),
            words,
            linear: None,
        }
    }};
}

/// Plain code that imitates it: to test what others do, and far too slow to tell anything of a network.
#[cfg(test)]
static PORTABLE: HalfTable = kernels!(Isa::Portable, Portable);
#[cfg(target_arch = "aarch64")]
static NEON: HalfTable = kernels!(Isa::Neon, super::neon::Neon, "neon");

impl HalfTable {
    /// The products of `isa` in f16; `None` where it or this machine has none: whoever holds a table may call its kernels as
    /// far as the CPU is concerned.
    pub fn f16(isa: Isa) -> Option<&'static Self> {
        match isa {
            #[cfg(test)]
            Isa::Portable => Some(&PORTABLE),
            #[cfg(target_arch = "aarch64")]
            Isa::Neon if Precision::has_f16() => Some(&NEON),
            _ => None,
        }
    }
}
