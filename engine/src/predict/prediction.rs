//! What a prediction says.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::runtime::KernelSpec;
use crate::store::Estimate;
use crate::units::Nanos;

/// What a design will take, with a band that nine of ten designs keep. Its JSON form is a contract.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Prediction {
    /// The median of a run.
    #[serde(rename = "predicted_ns")]
    pub predicted: Nanos,
    /// Lower end of the 90 % band.
    #[serde(rename = "low_ns")]
    pub low: Nanos,
    /// Upper end of the 90 % band.
    #[serde(rename = "high_ns")]
    pub high: Nanos,
    /// Share of the time that is in kernels which were measured themselves.
    pub known_share: f64,
    /// The kernels in launch order.
    pub kernels: Vec<KernelPrediction>,
    /// What the band rests on; what a comparison with another prediction needs.
    #[serde(skip)]
    pub(super) parts: Vec<Part>,
    #[serde(skip)]
    pub(super) common: f64,
    #[serde(skip)]
    pub(super) reach: f64,
}

/// A kernel of a prediction.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct KernelPrediction {
    /// Paths of the layers that it computes.
    pub layers: Vec<String>,
    /// What it will take.
    #[serde(rename = "predicted_ns")]
    pub predicted: Nanos,
    /// How that is known.
    pub source: Source,
}

/// How a kernel's time is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Source {
    /// This very kernel was measured on the target.
    Measured,
    /// Kernels of its kind were, or of one that differs in window and activation alone.
    Interpolated,
    /// From what the target takes per launch, mult-add and byte in kernels of other kinds.
    Roofline,
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Measured => "measured",
            Self::Interpolated => "interpolated",
            Self::Roofline => "roofline",
        })
    }
}

/// All launches of one spec in a network.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Part {
    pub spec: KernelSpec,
    pub source: Source,
    /// Index of the kind; those that no kernel was measured of share the last one.
    pub kind: usize,
    /// Share of the network's time.
    pub share: f64,
    /// Standard deviation of the logarithm.
    pub sd: f64,
}

/// What a design will take over what another one will, with a 90 % band.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ratio {
    /// The ratio.
    pub ratio: f64,
    /// Lower end of the band.
    pub low: f64,
    /// Upper end of the band.
    pub high: f64,
}

impl Prediction {
    /// What is remembered of it beside the measurement that follows.
    #[must_use]
    pub const fn estimate(&self) -> Estimate {
        Estimate { predicted: self.predicted, low: self.low, high: self.high }
    }

    /// How unsure the kernels are that were not measured themselves, as a standard deviation of the whole.
    #[must_use]
    pub fn unknown(&self) -> f64 {
        variance(self.parts.iter().map(|part| (part, part.share))).sqrt()
    }

    /// Of the time in kernels that `before` has not: the share in those that were measured themselves. One where both are
    /// made of the same kernels.
    #[must_use]
    pub fn known_of_what_changed(&self, before: &Self) -> f64 {
        let is_new = |part: &&Part| before.parts.iter().all(|other| other.spec != part.spec);
        let (mut known, mut all) = (0.0, 0.0);
        for part in self.parts.iter().filter(is_new) {
            all += part.share;
            if part.source == Source::Measured {
                known += part.share;
            }
        }
        if all > 0.0 { known / all } else { 1.0 }
    }

    /// What this design will take over `before`. Whatever both have in common is as wrong in both and says nothing against
    /// the ratio.
    #[must_use]
    pub fn over(&self, before: &Self) -> Ratio {
        let ratio = self.predicted.as_f64().max(1.0) / before.predicted.as_f64().max(1.0);
        let mut changes: Vec<(&Part, f64)> = self.parts.iter().map(|part| (part, part.share)).collect();
        for part in &before.parts {
            match changes.iter_mut().find(|(other, _)| other.spec == part.spec) {
                Some((_, change)) => *change -= part.share,
                None => changes.push((part, -part.share)),
            }
        }
        let moved: f64 = changes.iter().map(|(_, change)| change.abs()).sum::<f64>().min(2.0) / 2.0;
        let variance = variance(changes.into_iter()) + (self.common * moved).powi(2);
        let reach = self.reach * variance.sqrt();
        Ratio { ratio, low: ratio * (-reach).exp(), high: ratio * reach.exp() }
    }
}

/// Variance of a sum with these shares. Measured kernels err each for itself, what one model says of several errs together.
pub(super) fn variance<'a>(parts: impl Iterator<Item = (&'a Part, f64)>) -> f64 {
    let mut alone = 0.0;
    let mut together: Vec<(usize, f64)> = Vec::new();
    for (part, share) in parts {
        let error = share * part.sd;
        match part.source {
            Source::Measured => alone += error * error,
            Source::Interpolated | Source::Roofline => match together.iter_mut().find(|(kind, _)| *kind == part.kind) {
                Some((_, sum)) => *sum += error,
                None => together.push((part.kind, error)),
            },
        }
    }
    alone + together.iter().map(|(_, sum)| sum * sum).sum::<f64>()
}
