//! What is kept of one finished point.

use serde::{Deserialize, Serialize};

use super::{Combination, Point};
use crate::cost::total_cost;
use crate::design::{Batch, Design};
use crate::graph::{LoweringError, lower};
use crate::measure::{Measurement, Spread, Warning};
use crate::runtime::Isa;
use crate::units::{Elements, MultAdds, Params};

/// A point's cost and latency. Its JSON form is a contract: unknown is `null`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PointResult {
    /// Where it stands on the axes.
    pub at: Combination,
    /// The design that ran, so that it can be opened.
    pub design: Design,
    /// Multiply-accumulates of one image.
    pub mult_adds: MultAdds,
    /// Learned parameters.
    pub params: Params,
    /// Elements read and written for one image.
    pub memory_access: Elements,
    /// Time of a run of the whole batch.
    pub latency: Spread,
    /// Images per second at the median.
    pub images_per_second: f64,
    /// CPU threads used, as the runtime reports them.
    pub threads: usize,
    /// Instruction set of the kernels, where the runtime tells it.
    pub instruction_set: Option<Isa>,
    /// Reasons to doubt the latency.
    pub warnings: Vec<Warning>,
}

impl PointResult {
    /// The threads that ran and, where those were more, the ones asked for: `4 of 8`.
    #[must_use]
    pub fn threads_of_asked(&self) -> String {
        let (used, asked) = (self.threads, self.at.threads);
        if used == asked { used.to_string() } else { format!("{used} of {asked}") }
    }

    /// Costs a point and takes over what was measured of it.
    ///
    /// # Errors
    /// Where the design breaks rules; those of [`Sweep::points`](super::Sweep::points) do not.
    pub fn new(point: &Point, measurement: &Measurement) -> Result<Self, LoweringError> {
        let total = total_cost(&lower(&point.design, Batch(1))?);
        let latency = measurement.whole;
        Ok(Self {
            at: point.at,
            design: point.design.clone(),
            mult_adds: total.mult_adds,
            params: total.params,
            memory_access: total.memory_access,
            latency,
            images_per_second: f64::from(measurement.batch) / latency.median.as_secs_f64().max(1e-9),
            threads: measurement.threads,
            instruction_set: measurement.instruction_set,
            warnings: measurement.warnings.clone(),
        })
    }
}
