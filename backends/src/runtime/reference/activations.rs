//! What every activation means, in 64 bits.

use std::f64::consts::{FRAC_1_SQRT_2, FRAC_2_PI, PI};

use crate::graph::Activation;

/// The activation's formula. An infinite value times what has fallen to zero is no number, as in PyTorch.
pub(in crate::runtime) fn activate(activation: Activation, value: f64) -> f64 {
    let sigmoid = |value: f64| 1.0 / (1.0 + (-value).exp());
    let [first, second] = activation.coefficients().map(|coefficient| f64::from(coefficient.get()));
    match activation {
        Activation::Relu => clamped(value, 0.0, f64::INFINITY),
        Activation::Relu6 => clamped(value, 0.0, 6.0),
        Activation::Clip { .. } => clamped(value, first, second),
        Activation::LeakyRelu { .. } if value < 0.0 => first * value,
        Activation::Elu { .. } if value < 0.0 => first * value.exp_m1(),
        Activation::LeakyRelu { .. } | Activation::Elu { .. } | Activation::None => value,
        Activation::HardSigmoid { .. } => clamped(first * value + second, 0.0, 1.0),
        Activation::HardSwish => value * clamped(value + 3.0, 0.0, 6.0) / 6.0,
        Activation::Sigmoid => sigmoid(value),
        Activation::Swish { .. } => value * sigmoid(first * value),
        Activation::Tanh => value.tanh(),
        Activation::Gelu => value * normal_below(value),
        // Half of one and the hyperbolic tangent is the sigmoid of twice as much.
        Activation::GeluTanh => value * sigmoid(2.0 * FRAC_2_PI.sqrt() * (value + 0.044_715 * value.powi(3))),
        Activation::Mish => value * softplus(value).tanh(),
        Activation::Softplus => softplus(value),
    }
}

fn clamped(value: f64, low: f64, high: f64) -> f64 {
    // Neither `f64::max`, which loses NaN, nor `f64::clamp`, which may panic.
    let value = if value < low { low } else { value };
    if value > high { high } else { value }
}

/// `ln(1 + exp(x))`
fn softplus(value: f64) -> f64 {
    (-value.abs()).exp().ln_1p() + value.max(0.0)
}

/// The share of a standard normal distribution that lies below `value`.
fn normal_below(value: f64) -> f64 {
    let beyond = 0.5 * erfc(value.abs() * FRAC_1_SQRT_2);
    if value < 0.0 { beyond } else { 1.0 - beyond }
}

/// The complementary error function of what is not negative (Abramowitz and Stegun, 7.1.6 and 7.1.14).
fn erfc(value: f64) -> f64 {
    let bell = (-value * value).exp();
    if value < 2.5 {
        let (mut sum, mut term) = (value, value);
        for n in 1..60 {
            term *= 2.0 * value * value / f64::from(2 * n + 1);
            sum += term;
        }
        1.0 - 2.0 / PI.sqrt() * bell * sum
    } else {
        let fraction = (1..120).rev().fold(value, |below, n| value + 0.5 * f64::from(n) / below);
        bell / (PI.sqrt() * fraction)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(activation: Activation) -> [f64; 5] {
        [-4.0, -1.0, 0.0, 1.0, 9.0].map(|value| activate(activation, value))
    }

    #[test]
    fn activations_follow_their_formulas() {
        assert_eq!(all(Activation::Relu), [0.0, 0.0, 0.0, 1.0, 9.0]);
        assert_eq!(all(Activation::Relu6), [0.0, 0.0, 0.0, 1.0, 6.0]);
        assert_eq!(all(Activation::clip(-2.0, 0.5)), [-2.0, -1.0, 0.0, 0.5, 0.5]);
        assert_eq!(all(Activation::LeakyRelu { slope: 0.25.into() }), [-1.0, -0.25, 0.0, 1.0, 9.0]);
        assert_eq!(all(Activation::HardSigmoid { alpha: 0.25.into(), beta: 0.5.into() }), [0.0, 0.25, 0.5, 0.75, 1.0]);
        assert_eq!(all(Activation::HardSwish), [0.0, -1.0 / 3.0, 0.0, 2.0 / 3.0, 9.0]);
        assert_eq!(all(Activation::Sigmoid)[2], 0.5);
        assert_eq!(all(Activation::None), [-4.0, -1.0, 0.0, 1.0, 9.0]);
    }

    /// Values from Python's `math`, which has `erf` and `log1p`.
    #[test]
    fn smooth_activations_have_the_values_that_their_formulas_give_elsewhere() {
        for (activation, expected) in [
            (Activation::SILU, [-0.268_941_421_369_995_1, 1.761_594_155_955_764_9]),
            (Activation::Tanh, [-0.761_594_155_955_764_9, 0.964_027_580_075_816_9]),
            (Activation::Gelu, [-0.158_655_253_931_457_05, 1.954_499_736_103_641_6]),
            (Activation::GeluTanh, [-0.158_808_009_391_721_3, 1.954_597_694_087_775]),
            (Activation::Mish, [-0.303_401_461_374_108_95, 1.943_958_959_533_994_6]),
            (Activation::Softplus, [0.313_261_687_518_222_84, 2.126_928_011_042_972_5]),
            (Activation::Elu { alpha: 1.0.into() }, [-0.632_120_558_828_557_7, 2.0]),
        ] {
            for (value, expected) in [-1.0, 2.0].into_iter().zip(expected) {
                let found = activate(activation, value);
                assert!((found - expected).abs() < 1e-8, "{activation} of {value}: {found}, not {expected}");
            }
        }
        // Far below: 1 - erf has no digits left there, and erfc(2.5) is published.
        assert!((erfc(2.5) / 4.069_520_174_449_589e-4 - 1.0).abs() < 1e-12);
        let (series, fraction) = (erfc(2.5_f64.next_down()), erfc(2.5));
        assert!((series / fraction - 1.0).abs() < 1e-11, "{series} {fraction}");
    }

    #[test]
    fn what_is_not_a_number_stays_one_and_an_infinite_value_times_zero_is_none() {
        for activation in Activation::EXAMPLES {
            assert!(activate(activation, f64::NAN).is_nan(), "{activation}");
        }
        for activation in
            [Activation::HardSwish, Activation::SILU, Activation::Gelu, Activation::GeluTanh, Activation::Mish]
        {
            assert!(activate(activation, f64::NEG_INFINITY).is_nan(), "{activation}");
            assert_eq!(activate(activation, f64::INFINITY), f64::INFINITY, "{activation}");
        }
    }
}
