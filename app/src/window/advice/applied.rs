//! A change that was made: what was predicted of it beside what was measured then.

use shufflescope_engine::design::Fingerprint;
use shufflescope_engine::measure::Measurement;
use shufflescope_engine::predict::Ratio;
use shufflescope_engine::runtime::RunOptions;
use shufflescope_engine::units::Nanos;

/// Changes that are remembered; undo leads back to them.
const MOST: usize = 64;

/// What was said of a change before it was made or tried.
#[derive(Clone, Debug, PartialEq)]
pub struct Promise {
    /// What the change is called.
    pub label: String,
    /// The predicted latency with it over that without.
    pub predicted: Ratio,
}

/// See the module.
#[derive(Clone, Debug, PartialEq)]
pub struct Applied {
    /// What it is called.
    pub label: String,
    /// The predicted latency with it over that without.
    pub predicted: Ratio,
    /// What the design took before, where that was measured.
    before: Option<Nanos>,
    after: Fingerprint,
    options: RunOptions,
}

impl Applied {
    /// The measured latency with it over that without: both measured alone, one after the other.
    #[must_use]
    pub fn measured(&self, now: Option<&Measurement>) -> Option<f64> {
        let (before, now) = (self.before?, now.filter(|now| now.design == self.after)?);
        Some(now.whole.median.as_f64() / before.as_f64().max(1.0))
    }
}

/// All changes that were made by advice, the latest last.
#[derive(Debug, Default)]
pub struct Applications(Vec<Applied>);

impl Applications {
    /// Remembers that the design became `after` by what was promised; where it was measured before that, it took `before`.
    pub fn note(&mut self, promise: Promise, before: Option<Nanos>, after: Fingerprint, options: RunOptions) {
        if self.0.len() >= MOST {
            self.0.remove(0);
        }
        let Promise { label, predicted } = promise;
        self.0.push(Applied { label, predicted, before, after, options });
    }

    /// The change that led to this design.
    #[must_use]
    pub fn that_led_to(&self, design: &Fingerprint, options: &RunOptions) -> Option<&Applied> {
        self.0.iter().rev().find(|applied| applied.after == *design && applied.options == *options)
    }
}
