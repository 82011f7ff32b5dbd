//! Functions of one number, as nodes apply them to every element.

/// A function of one number.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::model_file::onnx) enum Function {
    Relu,
    Sigmoid,
    /// `min(max(alpha * x + beta, 0), 1)`
    HardSigmoid(f64, f64),
    HardSwish,
    /// `x * sigmoid(scale * x)`
    Swish(f64),
    /// `x`, below zero times this.
    Leaky(f64),
    /// `x`, below zero this times `exp(x) - 1`.
    Elu(f64),
    Gelu,
    /// GELU's approximation by `tanh`.
    GeluTanh,
    /// `x * tanh(softplus(x))`
    Mish,
    /// Not below the first, not above the second.
    Clip(f64, f64),
    Tanh,
    Softplus,
    Erf,
    Exp,
    Log,
    Sqrt,
    Reciprocal,
    Neg,
    Abs,
}

impl Function {
    pub(in crate::model_file::onnx) fn of(self, x: f64) -> f64 {
        match self {
            Self::Relu => x.max(0.0),
            Self::Sigmoid => sigmoid(x),
            Self::HardSigmoid(alpha, beta) => (alpha * x + beta).clamp(0.0, 1.0),
            Self::HardSwish => x * (x / 6.0 + 0.5).clamp(0.0, 1.0),
            Self::Swish(scale) => x * sigmoid(scale * x),
            Self::Leaky(slope) => {
                if x < 0.0 {
                    slope * x
                } else {
                    x
                }
            }
            Self::Elu(alpha) => {
                if x < 0.0 {
                    alpha * x.exp_m1()
                } else {
                    x
                }
            }
            Self::Gelu => 0.5 * x * (1.0 + erf(x * std::f64::consts::FRAC_1_SQRT_2)),
            Self::GeluTanh => {
                let inner = (2.0 / std::f64::consts::PI).sqrt() * (x + 0.044_715 * x.powi(3));
                0.5 * x * (1.0 + inner.tanh())
            }
            Self::Mish => x * softplus(x).tanh(),
            Self::Clip(low, high) => x.max(low).min(high),
            Self::Tanh => x.tanh(),
            Self::Softplus => softplus(x),
            Self::Erf => erf(x),
            Self::Exp => x.exp(),
            Self::Log => x.ln(),
            Self::Sqrt => x.sqrt(),
            Self::Reciprocal => 1.0 / x,
            Self::Neg => -x,
            Self::Abs => x.abs(),
        }
    }
}

fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

/// `ln(1 + exp(x))` without overflow.
fn softplus(x: f64) -> f64 {
    x.max(0.0) + (-x.abs()).exp().ln_1p()
}

/// The error function, to 1.5e-7 (Abramowitz and Stegun, 7.1.26).
fn erf(x: f64) -> f64 {
    let t = 1.0 / (1.0 + 0.327_591_1 * x.abs());
    let polynomial = [1.061_405_429, -1.453_152_027, 1.421_413_741, -0.284_496_736, 0.254_829_592];
    let sum = polynomial.iter().fold(0.0, |sum, coefficient| sum * t + coefficient);
    (1.0 - sum * t * (-x * x).exp()).copysign(x)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn functions_have_their_published_values() {
        // From PyTorch 2.
        for (function, x, expected) in [
            (Function::Gelu, 1.0, 0.841_345),
            (Function::GeluTanh, 1.0, 0.841_192),
            (Function::Gelu, -2.0, -0.045_500),
            (Function::Mish, -1.0, -0.303_401),
            (Function::Mish, 100.0, 100.0),
            (Function::Swish(1.0), 1.0, 0.731_059),
            (Function::HardSwish, -1.0, -0.333_333),
            (Function::HardSigmoid(0.2, 0.5), 1.0, 0.7),
            (Function::Elu(1.0), -1.0, -0.632_121),
            (Function::Leaky(0.01), -2.0, -0.02),
            (Function::Softplus, 0.0, std::f64::consts::LN_2),
            (Function::Erf, 0.5, 0.520_500),
        ] {
            let found = function.of(x);
            assert!((found - expected).abs() < 2e-6, "{function:?} of {x}: {found}");
        }
    }
}
