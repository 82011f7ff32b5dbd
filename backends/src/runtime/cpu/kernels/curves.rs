//! Smooth functions in vectors: what activations with an exponential are made of, for every instruction set.
//!
//! Exponentials are only taken of what is not positive, so that none overflows: `exp(x) = 2^n * exp(r)` with a whole `n` and
//! `|r| <= ln(2) / 2`, where a polynomial is near enough. Polynomials were fitted by least squares of the relative error in 64
//! bits; what remains of it is below half a unit in the last place of 32. Tests bound the whole error against 64 bits.
//!
//! What is not a number stays one, and an infinite value times what has fallen to zero is none, as in PyTorch.

use super::simd::Simd;

/// Below this, `exp` is smaller than the least normal number, and is zero here.
const LEAST: f32 = -87.336_54;

/// `a[0] + a[1] x + a[2] x^2 + ..`
///
/// # Safety
/// As [`Simd`].
#[inline(always)]
unsafe fn polynomial<V: Simd, const N: usize>(x: V, coefficients: &[f32; N]) -> V {
    // SAFETY: as the caller promises.
    unsafe {
        let mut sum = V::splat(coefficients[N - 1]);
        let mut at = N - 1;
        while at > 0 {
            at -= 1;
            sum = sum.mul_add(x, V::splat(coefficients[at]));
        }
        sum
    }
}

/// `2^n` and `exp(r) - 1`, where `x = n ln(2) + r`, for `LEAST <= x <= 0`.
///
/// # Safety
/// As [`Simd`].
#[inline(always)]
unsafe fn split<V: Simd>(x: V) -> (V, V) {
    // What is added to a small number leaves it, rounded and with the bias of exponents, in the last bits of the mantissa.
    const ROUND: f32 = 12_582_912.0 + 127.0;
    // ln(2) in two parts, of which the first has few bits: whole multiples of it are exact.
    const LN_2: [f32; 2] = [355.0 / 512.0, -2.121_944_4e-4];
    // SAFETY: as the caller promises.
    unsafe {
        let shifted = x.mul_add(V::splat(std::f32::consts::LOG2_E), V::splat(ROUND));
        let n = shifted.sub(V::splat(ROUND));
        let r = n.mul_add(V::splat(-LN_2[0]), x);
        let r = n.mul_add(V::splat(-LN_2[1]), r);
        let behind = [0.5, 0.166_666_67, 0.041_666_467, 0.008_333_298, 0.001_393_365_2, 0.000_198_992_87];
        let behind = polynomial(r, &behind);
        (shifted.power_of_two(), r.mul(r).mul_add(behind, r))
    }
}

/// `exp(x)` for `x <= 0`.
///
/// # Safety
/// As [`Simd`].
#[inline(always)]
unsafe fn exp<V: Simd>(x: V) -> V {
    // SAFETY: as the caller promises; the value comes last, so that NaN stays.
    unsafe {
        let least = V::splat(LEAST);
        let (power, more) = split(least.max(x));
        let value = more.mul_add(power, power);
        V::where_less(x, least, V::splat(0.0), value)
    }
}

/// `exp(x) - 1` for `x <= 0`, with all digits near zero.
///
/// # Safety
/// As [`Simd`].
#[inline(always)]
unsafe fn exp_less_one<V: Simd>(x: V) -> V {
    // SAFETY: as the caller promises.
    unsafe {
        let (power, more) = split(V::splat(LEAST).max(x));
        more.mul_add(power, power.sub(V::splat(1.0)))
    }
}

/// `-|x|`
///
/// # Safety
/// As [`Simd`].
#[inline(always)]
unsafe fn minus_abs<V: Simd>(x: V) -> V {
    // SAFETY: as the caller promises.
    unsafe { V::splat(0.0).sub(x.and(V::splat(f32::from_bits(0x7FFF_FFFF)))) }
}

/// `1 / (1 + exp(-x))`
///
/// # Safety
/// As [`Simd`].
#[inline(always)]
pub(super) unsafe fn sigmoid<V: Simd>(x: V) -> V {
    // SAFETY: as the caller promises.
    unsafe {
        let (one, small) = (V::splat(1.0), exp(minus_abs(x)));
        V::where_less(x, V::splat(0.0), small, one).div(one.add(small))
    }
}

/// `tanh(x)`
///
/// # Safety
/// As [`Simd`].
#[inline(always)]
pub(super) unsafe fn tanh<V: Simd>(x: V) -> V {
    // SAFETY: as the caller promises.
    unsafe {
        let less = exp_less_one(minus_abs(x).mul(V::splat(2.0)));
        let below = less.div(less.add(V::splat(2.0)));
        V::where_less(x, V::splat(0.0), below, V::splat(0.0).sub(below))
    }
}

/// `x`, or `alpha * (exp(x) - 1)` below zero.
///
/// # Safety
/// As [`Simd`].
#[inline(always)]
pub(super) unsafe fn elu<V: Simd>(x: V, alpha: f32) -> V {
    // SAFETY: as the caller promises.
    unsafe {
        let zero = V::splat(0.0);
        V::where_less(x, zero, V::splat(alpha).mul(exp_less_one(zero.min(x))), x)
    }
}

/// `x / 2 * (1 + erf(x / sqrt(2)))`: `x` times the share of a normal distribution that lies below it, which far from zero is
/// `exp(-x^2 / 2)` times a polynomial in `1 / (1 + 0.35 |x|)`.
///
/// # Safety
/// As [`Simd`].
#[inline(always)]
pub(super) unsafe fn gelu<V: Simd>(x: V) -> V {
    // SAFETY: as the caller promises.
    unsafe {
        let (zero, one, minus) = (V::splat(0.0), V::splat(1.0), minus_abs(x));
        let near = one.div(minus.mul_add(V::splat(-0.35), one));
        let tail = [
            0.139_620_51,
            0.139_878_75,
            0.119_701_38,
            0.106_060_24,
            -0.024_483_852,
            0.161_258_9,
            -0.257_607_28,
            0.144_916_53,
            -0.029_345_198,
        ];
        let tail = polynomial(near, &tail).mul(near);
        let bell = exp(minus.mul(V::splat(-0.5)).mul(minus));
        let beyond = tail.mul(bell);
        x.mul(V::where_less(x, zero, beyond, one.sub(beyond)))
    }
}

/// [`gelu`] by its approximation: `x * sigmoid(2 sqrt(2 / pi) (x + 0.044715 x^3))`.
///
/// # Safety
/// As [`Simd`].
#[inline(always)]
pub(super) unsafe fn gelu_tanh<V: Simd>(x: V) -> V {
    // SAFETY: as the caller promises.
    unsafe {
        let inner = x.mul(x).mul_add(V::splat(0.071_354_814), V::splat(1.595_769_2)).mul(x);
        x.mul(sigmoid(inner))
    }
}

/// `x * tanh(ln(1 + exp(x)))`: with `z = exp(x)`, `x (z^2 + 2 z) / (z^2 + 2 z + 2)`; above zero by `exp(-x)`.
///
/// # Safety
/// As [`Simd`].
#[inline(always)]
pub(super) unsafe fn mish<V: Simd>(x: V) -> V {
    // SAFETY: as the caller promises.
    unsafe {
        let (zero, one, two) = (V::splat(0.0), V::splat(1.0), V::splat(2.0));
        let z = exp(minus_abs(x));
        let twice = z.mul(two);
        let above = V::where_less(x, zero, z.mul_add(z, twice), one.add(twice));
        let below = above.add(V::where_less(x, zero, two, z.mul(twice)));
        x.mul(above.div(below))
    }
}

/// `ln(1 + exp(x))`: the larger of `x` and zero, and `ln(1 + z)` of `z = exp(-|x|)`.
///
/// # Safety
/// As [`Simd`].
#[inline(always)]
pub(super) unsafe fn softplus<V: Simd>(x: V) -> V {
    // SAFETY: as the caller promises.
    unsafe {
        let z = exp(minus_abs(x));
        let logarithm = [
            1.0,
            -0.499_998_9,
            0.333_296_66,
            -0.249_511_67,
            0.196_610_18,
            -0.152_632_74,
            0.105_329_506,
            -0.056_269_526,
            0.019_487_686,
            -0.003_164,
        ];
        polynomial(z, &logarithm).mul_add(z, V::splat(0.0).max(x))
    }
}
