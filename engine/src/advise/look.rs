//! A design on paper and as it is predicted: what changes are held against.

use crate::cost::{CostTotals, total_cost};
use crate::design::{Batch, Design};
use crate::graph::{LoweringError, lower};
use crate::predict::{Prediction, Predictor};
use crate::runtime::{RunOptions, plan_without_weights};

/// What is known of a target, and how designs run there.
#[derive(Clone, Copy, Debug)]
pub(super) struct Target<'a> {
    pub predictor: &'a Predictor,
    pub options: &'a RunOptions,
}

/// See the module.
#[derive(Debug)]
pub(super) struct Look {
    pub cost: CostTotals,
    pub prediction: Prediction,
}

impl Target<'_> {
    /// `None` where nobody plans designs for the device beforehand.
    ///
    /// # Errors
    /// Where the design breaks a rule, or is too large for the batch.
    pub fn look(self, design: &Design) -> Result<Option<Look>, LoweringError> {
        let graph = lower(design, Batch(self.options.batch))?;
        let plan = plan_without_weights(&graph, self.options);
        let of = |plan| Look { cost: total_cost(&graph), prediction: self.predictor.predict(&graph, &plan) };
        Ok(plan.map(of))
    }
}
