//! What is searched for, and what was found.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::design::Design;
use crate::measure::MedianRange;
use crate::pareto::{Better, pareto_front};
use crate::units::{MultAdds, Nanos, Params};

/// What a design is to have much of. Neither says how accurate a network becomes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Capacity {
    /// Multiply-accumulates of a run.
    #[default]
    MultAdds,
    /// Learned parameters.
    Params,
}

/// The most capacity within a latency, and within bounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Goal {
    /// What the upper end of a measured latency's interval must not be above.
    #[serde(rename = "budget_ns")]
    pub budget: Nanos,
    /// Fewer mult-adds do not count.
    pub at_least_mult_adds: Option<MultAdds>,
    /// More parameters do not count.
    pub at_most_params: Option<Params>,
    /// What there is to be most of.
    pub most: Capacity,
}

/// A design that was measured.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Found {
    /// The design; its name is its own.
    pub design: Design,
    /// Multiply-accumulates of a run with the batch that was measured.
    pub mult_adds: MultAdds,
    /// Learned parameters.
    pub params: Params,
    /// What was predicted before it was measured.
    #[serde(rename = "predicted_ns")]
    pub predicted: Nanos,
    /// The measured latency: median, and where the median of all fresh runs lies, at the processor's usual clock as far as
    /// the canary tells.
    #[serde(flatten)]
    pub latency: MedianRange,
}

impl Capacity {
    /// Both, the usual one first.
    pub const ALL: [Self; 2] = [Self::MultAdds, Self::Params];

    /// The name used on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::MultAdds => "mult-adds",
            Self::Params => "params",
        }
    }

    /// This much of it.
    #[must_use]
    pub const fn of(self, mult_adds: MultAdds, params: Params) -> u64 {
        match self {
            Self::MultAdds => mult_adds.0,
            Self::Params => params.0,
        }
    }
}

impl fmt::Display for Capacity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl Goal {
    /// How far a design is outside the bounds, as a logarithm: 0 within them.
    pub(super) fn outside(&self, mult_adds: MultAdds, params: Params) -> f64 {
        let over = |larger: u64, smaller: u64| (larger.max(1) as f64 / smaller.max(1) as f64).ln().max(0.0);
        self.at_least_mult_adds.map_or(0.0, |least| over(least.0, mult_adds.0))
            + self.at_most_params.map_or(0.0, |most| over(params.0, most.0))
    }

    /// Whether a measured design is within the budget by the upper end of its interval, and within the bounds.
    #[must_use]
    pub fn is_met_by(&self, found: &Found) -> bool {
        found.latency.high <= self.budget && self.outside(found.mult_adds, found.params) <= 0.0
    }
}

/// Positions in `found` of the designs that meet the goal and that no other one beats in latency and capacity at once: the
/// fastest first, the one with the most capacity last.
#[must_use]
pub fn front(goal: &Goal, found: &[Found]) -> Vec<usize> {
    let kept: Vec<usize> = (0..found.len()).filter(|&at| goal.is_met_by(&found[at])).collect();
    let point = |&at: &usize| {
        let Found { mult_adds, params, latency, .. } = &found[at];
        (latency.median.as_f64(), goal.most.of(*mult_adds, *params) as f64)
    };
    let points: Vec<(f64, f64)> = kept.iter().map(point).collect();
    pareto_front(&points, [Better::Lower, Better::Higher]).into_iter().map(|at| kept[at]).collect()
}
