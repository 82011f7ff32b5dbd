//! What one change to a design would bring on a target.

use serde::Serialize;

use super::outlook::Outlook;
use super::staircase::FreeChannels;
use crate::design::Edit;
use crate::guideline::{Change, Guideline};
use crate::predict::Ratio;

/// A change of latency up to this costs nothing.
const NOTHING: f64 = 0.005;

/// A change, and what it would bring. Its JSON form is a contract.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Advice {
    /// What to call it.
    pub label: String,
    /// The change.
    pub edit: Edit,
    /// Latency with it over latency without.
    pub predicted_ratio: f64,
    /// Lower end of the ratio's 90 % band.
    pub low: f64,
    /// Upper end of the ratio's 90 % band.
    pub high: f64,
    /// Multiply-accumulates before and after.
    pub mult_adds: Change,
    /// Parameters before and after.
    pub params: Change,
    /// Memory access before and after, in elements.
    pub memory_access: Change,
    /// The guideline whose remedy this is.
    pub guideline: Option<Guideline>,
    /// The channels that cost nothing on this target, where it takes them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub free_channels: Option<FreeChannels>,
}

impl Advice {
    /// Latency with it over latency without, with its band.
    #[must_use]
    pub const fn ratio(&self) -> Ratio {
        Ratio { ratio: self.predicted_ratio, low: self.low, high: self.high }
    }

    /// Whether it makes the design faster.
    #[must_use]
    pub fn outlook(&self) -> Outlook {
        Outlook::of(self.ratio())
    }

    /// Whether it brings mult-adds in the same time.
    #[must_use]
    pub const fn costs_nothing(&self) -> bool {
        self.mult_adds.after > self.mult_adds.before && self.predicted_ratio <= 1.0 + NOTHING
    }

    /// How much more of its mult-adds the design does in the same time, as a logarithm, at the upper end of the band: what
    /// the advice is sorted by. A change that buys time for few mult-adds is as good as one that buys mult-adds for little
    /// time, and one of which little is known comes last. What that does to a network's accuracy nobody knows.
    #[must_use]
    pub fn gain(&self) -> f64 {
        let of = |change: Change| (change.after.max(1) as f64 / change.before.max(1) as f64).ln();
        of(self.mult_adds) - self.high.max(1e-9).ln()
    }
}
