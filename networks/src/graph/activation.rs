//! Element-wise non-linearities: those that a design chooses from, and those of networks that come from elsewhere.

use std::fmt;
use std::str::FromStr;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use thiserror::Error;

use crate::design;

/// A constant that a layer computes with. It is equal to another one of the same bits, so that what has it can be a key.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Coefficient(u32);

impl Coefficient {
    /// The constant `value`.
    #[must_use]
    pub const fn new(value: f32) -> Self {
        Self(value.to_bits())
    }

    /// Its value.
    #[must_use]
    pub const fn get(self) -> f32 {
        f32::from_bits(self.0)
    }
}

impl From<f32> for Coefficient {
    fn from(value: f32) -> Self {
        Self::new(value)
    }
}

impl fmt::Debug for Coefficient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.get(), f)
    }
}

impl fmt::Display for Coefficient {
    /// As few digits as read back to the same value.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.get(), f)
    }
}

impl Serialize for Coefficient {
    /// As text: JSON has no infinities.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Coefficient {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map(Self::new).map_err(|_| D::Error::custom(format!("`{text}` is no number")))
    }
}

/// An element-wise non-linearity. What is not a number stays one, whichever it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Activation {
    /// `max(x, 0)`
    #[default]
    Relu,
    /// `min(max(x, 0), 6)`
    Relu6,
    /// `min(max(x, low), high)`; an infinite end is open.
    Clip {
        /// The least value.
        low: Coefficient,
        /// The greatest value.
        high: Coefficient,
    },
    /// `x`, or `slope * x` below zero.
    LeakyRelu {
        /// The slope below zero.
        slope: Coefficient,
    },
    /// `x`, or `alpha * (exp(x) - 1)` below zero.
    Elu {
        /// Minus the value that it falls to.
        alpha: Coefficient,
    },
    /// `min(max(alpha * x + beta, 0), 1)`
    HardSigmoid {
        /// The slope between the ends.
        alpha: Coefficient,
        /// The value at zero.
        beta: Coefficient,
    },
    /// `x * min(max(x + 3, 0), 6) / 6`
    HardSwish,
    /// `1 / (1 + exp(-x))`: the gate of squeeze-and-excitation.
    Sigmoid,
    /// `x / (1 + exp(-scale * x))`; [`SILU`](Self::SILU) with a scale of one.
    Swish {
        /// What the sigmoid's argument is multiplied by.
        scale: Coefficient,
    },
    /// The hyperbolic tangent.
    Tanh,
    /// `x / 2 * (1 + erf(x / sqrt(2)))`
    Gelu,
    /// [`Gelu`](Self::Gelu) by its approximation: `x / 2 * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 * x^3)))`.
    GeluTanh,
    /// `x * tanh(ln(1 + exp(x)))`
    Mish,
    /// `ln(1 + exp(x))`
    Softplus,
    /// No non-linearity at all.
    None,
}

impl Activation {
    /// `x * sigmoid(x)`
    pub const SILU: Self = Self::Swish { scale: Coefficient::new(1.0) };
    /// PyTorch's and the usual one: `min(max(x + 3, 0), 6) / 6`.
    pub const HARD_SIGMOID: Self =
        Self::HardSigmoid { alpha: Coefficient::new(1.0 / 6.0), beta: Coefficient::new(0.5) };

    /// Limits to `low ..= high`, by the name that it has where it has one.
    #[must_use]
    pub fn clip(low: f32, high: f32) -> Self {
        match (low, high) {
            (0.0, 6.0) => Self::Relu6,
            (0.0, f32::INFINITY) => Self::Relu,
            (f32::NEG_INFINITY, f32::INFINITY) => Self::None,
            _ => Self::Clip { low: low.into(), high: high.into() },
        }
    }

    /// The name shown to people and used in files, without coefficients.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Relu => "relu",
            Self::Relu6 => "relu6",
            Self::Clip { .. } => "clip",
            Self::LeakyRelu { .. } => "leaky-relu",
            Self::Elu { .. } => "elu",
            Self::HardSigmoid { .. } => "hard-sigmoid",
            Self::HardSwish => "hard-swish",
            Self::Sigmoid => "sigmoid",
            Self::SILU => "silu",
            Self::Swish { .. } => "swish",
            Self::Tanh => "tanh",
            Self::Gelu => "gelu",
            Self::GeluTanh => "gelu-tanh",
            Self::Mish => "mish",
            Self::Softplus => "softplus",
            Self::None => "none",
        }
    }

    /// What it computes with, in the order of its fields; zeros where it has fewer.
    #[must_use]
    pub const fn coefficients(self) -> [Coefficient; 2] {
        const ZERO: Coefficient = Coefficient::new(0.0);
        match self {
            Self::Clip { low, high } => [low, high],
            Self::HardSigmoid { alpha, beta } => [alpha, beta],
            Self::LeakyRelu { slope: only } | Self::Elu { alpha: only } | Self::Swish { scale: only } => [only, ZERO],
            _ => [ZERO; 2],
        }
    }

    /// The same with other coefficients.
    #[must_use]
    pub const fn with(self, [first, second]: [Coefficient; 2]) -> Self {
        match self {
            Self::Clip { .. } => Self::Clip { low: first, high: second },
            Self::HardSigmoid { .. } => Self::HardSigmoid { alpha: first, beta: second },
            Self::LeakyRelu { .. } => Self::LeakyRelu { slope: first },
            Self::Elu { .. } => Self::Elu { alpha: first },
            Self::Swish { .. } => Self::Swish { scale: first },
            other => other,
        }
    }

    const fn count(self) -> usize {
        match self {
            Self::Clip { .. } | Self::HardSigmoid { .. } => 2,
            Self::LeakyRelu { .. } | Self::Elu { .. } | Self::Swish { .. } => 1,
            _ => 0,
        }
    }

    /// One of each kind, with coefficients that networks have.
    pub const EXAMPLES: [Self; 16] = {
        const fn of(value: f32) -> Coefficient {
            Coefficient::new(value)
        }
        [
            Self::None,
            Self::Relu,
            Self::Relu6,
            Self::Clip { low: of(-0.5), high: of(1.5) },
            Self::LeakyRelu { slope: of(0.1) },
            Self::Elu { alpha: of(0.75) },
            Self::HardSigmoid { alpha: of(0.2), beta: of(0.5) },
            Self::HardSwish,
            Self::Sigmoid,
            Self::SILU,
            Self::Swish { scale: of(1.702) },
            Self::Tanh,
            Self::Gelu,
            Self::GeluTanh,
            Self::Mish,
            Self::Softplus,
        ]
    };
}

impl From<design::Activation> for Activation {
    fn from(choice: design::Activation) -> Self {
        match choice {
            design::Activation::Relu => Self::Relu,
            design::Activation::Relu6 => Self::Relu6,
            design::Activation::HardSwish => Self::HardSwish,
            design::Activation::None => Self::None,
        }
    }
}

impl fmt::Display for Activation {
    /// The name and what it computes with: `relu`, `leaky-relu 0.1`, `clip 0 1`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = self.name().to_owned();
        let count = if *self == Self::SILU { 0 } else { self.count() };
        for coefficient in &self.coefficients()[..count] {
            text += &format!(" {coefficient}");
        }
        f.pad(&text)
    }
}

/// A text that is no activation.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("there is no activation `{0}`")]
pub struct NoActivation(String);

impl FromStr for Activation {
    type Err = NoActivation;

    /// Reads what [`Display`](fmt::Display) writes.
    fn from_str(text: &str) -> Result<Self, NoActivation> {
        let none = || NoActivation(text.to_owned());
        let mut words = text.split_whitespace();
        let name = words.next().ok_or_else(none)?;
        let found = Self::EXAMPLES.into_iter().find(|activation| activation.name() == name).ok_or_else(none)?;
        if found == Self::SILU {
            return if words.next().is_none() { Ok(found) } else { Err(none()) };
        }
        let mut coefficients = [Coefficient::new(0.0); 2];
        for coefficient in coefficients.iter_mut().take(found.count()) {
            let word = words.next().ok_or_else(none)?;
            *coefficient = word.parse().map(Coefficient::new).map_err(|_| none())?;
        }
        if words.next().is_some() { Err(none()) } else { Ok(found.with(coefficients)) }
    }
}

impl Serialize for Activation {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Activation {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_activation_reads_back_from_its_text() {
        let odd = [
            Activation::Clip { low: f32::NEG_INFINITY.into(), high: (1.0 / 3.0).into() },
            Activation::HARD_SIGMOID,
            Activation::LeakyRelu { slope: 1e-30.into() },
        ];
        for activation in Activation::EXAMPLES.into_iter().chain(odd) {
            assert_eq!(activation.to_string().parse(), Ok(activation));
            let json = serde_json::to_string(&activation).unwrap();
            assert_eq!(serde_json::from_str::<Activation>(&json).unwrap(), activation, "{json}");
        }
        assert_eq!(Activation::Clip { low: f32::NEG_INFINITY.into(), high: 2.0.into() }.to_string(), "clip -inf 2");
        // As kernels were stored before there were coefficients.
        for (text, activation) in [("none", Activation::None), ("hard-swish", Activation::HardSwish)] {
            assert_eq!(serde_json::from_str::<Activation>(&format!("\"{text}\"")).unwrap(), activation);
        }
        for text in ["", "relu 1", "clip 0", "clip 0 1 2", "clip a b", "selu", "silu 2"] {
            assert_eq!(text.parse::<Activation>(), Err(NoActivation(text.into())));
        }
    }

    #[test]
    fn limits_that_have_a_name_get_it() {
        assert_eq!(Activation::clip(0.0, 6.0), Activation::Relu6);
        assert_eq!(Activation::clip(0.0, f32::INFINITY), Activation::Relu);
        assert_eq!(Activation::clip(f32::NEG_INFINITY, f32::INFINITY), Activation::None);
        assert_eq!(Activation::clip(-1.0, 1.0).to_string(), "clip -1 1");
    }
}
