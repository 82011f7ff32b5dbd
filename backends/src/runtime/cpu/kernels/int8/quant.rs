//! The arithmetic of 8 bits, to the last bit.
//!
//! A byte `q` of a map stands for `(q - zero) * scale` ([`Quant`], one for a map and whatever shares its rows). A weight
//! `w` of output channel `o`, in -127 ..= 127, stands for `w * scale[o]`. With that
//!
//! - a convolution or linear layer computes `sum = bias + Σ (q - zero) * w` in 32-bit integers, its padding being bytes of
//!   `zero`, and stores [`requantized`]`(sum, multiplier[o], zero')`, `zero'` being the output's,
//! - the last linear layer stores the float `sum as f32 * multiplier[o]`,
//! - a mean sums `q - zero` and requantises; a maximum is that of the bytes,
//! - a sum of maps is [`nearest`]`((a - zero_a) as f32 * m_a + (b - zero_b) as f32 * m_b) + zero'`, each operation rounded
//!   to 32 bits (also where it is computed with the convolution whose bytes `a` are), a product `requantized((a - zero_a) * (b - zero_b), m, zero')`,
//! - an activation is a [`Lookup`] of 256 bytes, whichever it is.
//!
//! A sum of maps has no definition that others share to the last bit. ONNX Runtime's `QLinearAdd` (1.32) computes, with AVX2,
//! `a * m_a + (b * m_b + (zero' - (zero_a * m_a + zero_b * m_b)))` with each product and sum rounded once; with SSE2 the same,
//! each rounded apart and added in another order; on ARM in integers. Each differs now and then, where a sum lies close to
//! the middle of two steps, from the others and from the operators in floats that it stands for, and so does this one.
//!
//! A layer whose sums could leave 32 bits, or whose products with the multiplier could, is not made (see
//! `runtime::cpu::int8::layer`), so that it does not matter how they would wrap.

/// How bytes stand for numbers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Quant {
    /// What one step of a byte is.
    pub scale: f32,
    /// The byte that stands for zero.
    pub zero: u8,
}

impl Quant {
    /// The least and the largest scale: products and quotients of three are numbers that 32 bits hold.
    const SCALES: [f64; 2] = [1.0 / (1_u64 << 40) as f64, (1_u64 << 40) as f64];

    /// For numbers of `low ..= high`, and zero; `None` where they are too large or not numbers.
    #[must_use]
    pub fn of(low: f32, high: f32) -> Option<Self> {
        let (low, high) = (f64::from(low).min(0.0), f64::from(high).max(0.0));
        let scale = (high - low) / 255.0;
        if !scale.is_finite() || scale > Self::SCALES[1] {
            return None;
        }
        let scale = if scale == 0.0 { 1.0 } else { scale.max(Self::SCALES[0]) } as f32;
        let zero = (-low / f64::from(scale)).round_ties_even().clamp(0.0, 255.0);
        Some(Self { scale, zero: zero as u8 })
    }

    /// What a byte stands for.
    #[must_use]
    pub fn value(self, byte: u8) -> f32 {
        (i32::from(byte) - i32::from(self.zero)) as f32 * self.scale
    }

    /// The byte that stands for a number best.
    #[must_use]
    pub fn byte(self, value: f32) -> u8 {
        saturated(nearest(value * self.inverse()) + i32::from(self.zero))
    }

    /// What a number is multiplied by to count steps.
    #[must_use]
    pub fn inverse(self) -> f32 {
        1.0 / self.scale
    }
}

/// A word with this byte in all four places.
pub(super) const fn everywhere(byte: u8) -> u32 {
    u32::from_le_bytes([byte; 4])
}

/// The nearest whole number, the even one of two; beyond -512 ..= 512 that end, and so for what is not a number the lower.
#[inline(always)]
#[must_use]
pub fn nearest(value: f32) -> i32 {
    // In a float of this size the last bit counts ones, so that adding it rounds: in every instruction set alike, and
    // without a call.
    const ONES: f32 = 12_582_912.0;
    let value = if value > -512.0 { value } else { -512.0 };
    let value = if value < 512.0 { value } else { 512.0 };
    (value + ONES).to_bits().wrapping_sub(ONES.to_bits()) as i32
}

#[inline(always)]
fn saturated(value: i32) -> u8 {
    value.clamp(0, 255) as u8
}

/// The byte of a sum: `nearest(sum * multiplier) + zero`, within bytes.
#[inline(always)]
#[must_use]
pub fn requantized(sum: i32, multiplier: f32, zero: u8) -> u8 {
    saturated(nearest(sum as f32 * multiplier) + i32::from(zero))
}

/// The least and the greatest byte that a layer stores: its activation, where that only limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// The least.
    pub low: u8,
    /// The greatest.
    pub high: u8,
}

impl Bounds {
    /// All bytes.
    pub const NONE: Self = Self { low: 0, high: 255 };

    /// The byte within.
    #[inline(always)]
    #[must_use]
    pub fn of(self, byte: u8) -> u8 {
        byte.max(self.low).min(self.high)
    }
}

/// What becomes of each byte.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lookup(pub [u8; 256]);

impl Lookup {
    /// `function` of what bytes of `from` stand for, as bytes of `to`.
    #[must_use]
    pub fn of(from: Quant, to: Quant, function: impl Fn(f32) -> f32) -> Self {
        Self(std::array::from_fn(|byte| to.byte(function(from.value(byte as u8)))))
    }

    /// The bounds that it is, if it is no more than that.
    #[must_use]
    pub fn as_bounds(&self) -> Option<Bounds> {
        let bounds = Bounds { low: self.0[0], high: self.0[255] };
        let same = self.0.iter().enumerate().all(|(byte, &made)| made == bounds.of(byte as u8));
        same.then_some(bounds)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_rounded_to_the_nearest_even_and_end_at_the_ends() {
        let halves = [-2.5, -1.5, -0.5, 0.5, 1.5, 2.5, 254.5, 255.5];
        assert_eq!(halves.map(nearest), [-2, -2, 0, 0, 2, 2, 254, 256]);
        for step in -4096..4096 {
            let value = step as f32 / 7.0;
            assert_eq!(nearest(value), value.clamp(-512.0, 512.0).round_ties_even() as i32, "{value}");
        }
        let odd = [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, f32::MAX, -0.0, f32::MIN_POSITIVE];
        assert_eq!(odd.map(nearest), [-512, 512, -512, 512, 0, 0]);
        assert_eq!([i32::MIN, -1, 0, 1, i32::MAX].map(|sum| requantized(sum, 1.0, 7)), [0, 6, 7, 8, 255]);
    }

    #[test]
    fn a_range_always_holds_zero_and_a_byte_stands_for_the_number_that_it_is_made_of() {
        for (low, high) in [(-1.0, 3.0), (0.5, 6.0), (-7.0, -2.0), (0.0, 0.0), (-1e-30, 1e-20), (-3e10, 1e12)] {
            let quant = Quant::of(low, high).unwrap();
            assert_eq!((quant.value(quant.zero), quant.byte(0.0)), (0.0, quant.zero));
            for byte in 0..=255 {
                assert_eq!(quant.byte(quant.value(byte)), byte, "{low} {high}");
            }
        }
        assert_eq!(Quant::of(0.0, 6.0).unwrap().zero, 0);
        assert_eq!(Quant::of(-6.0, 0.0).unwrap().zero, 255);
        for (low, high) in [(f32::NAN, f32::NAN), (0.0, f32::INFINITY), (-1e38, 1e38)] {
            let quant = Quant::of(low, high);
            assert!(quant.is_none() || low.is_nan(), "{quant:?}");
        }
    }

    #[test]
    fn a_lookup_that_only_limits_says_so() {
        let quant = Quant::of(-2.0, 2.0).unwrap();
        let relu = Lookup::of(quant, quant, |value| value.max(0.0));
        assert_eq!(relu.as_bounds(), Some(Bounds { low: quant.zero, high: 255 }));
        assert_eq!(Lookup::of(quant, quant, |value| value).as_bounds(), Some(Bounds::NONE));
        assert_eq!(Lookup::of(quant, quant, |value| -value).as_bounds(), None);
        assert_eq!(Lookup::of(quant, quant, f32::abs).as_bounds(), None);
    }
}
