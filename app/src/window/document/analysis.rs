//! A valid network and everything that follows from it without measuring.

use shufflescope_engine::cost::{ModelCost, model_cost};
use shufflescope_engine::design::{Batch, Fingerprint};
use shufflescope_engine::graph::{Graph, Liveness};
use shufflescope_engine::guideline::{Finding, findings};
use shufflescope_engine::model::{Model, ModelError};

/// A valid network and everything that follows from it without measuring.
#[derive(Debug)]
pub struct Analysis {
    /// The network.
    pub model: Model,
    /// Its fingerprint.
    pub fingerprint: Fingerprint,
    /// Its layers.
    pub graph: Graph,
    /// What they cost on paper.
    pub cost: ModelCost,
    /// Activation memory over the run.
    pub liveness: Liveness,
    /// What the guidelines say; with shares of the time where a current measurement is there.
    pub findings: Vec<Finding>,
}

impl Analysis {
    /// Derives everything.
    ///
    /// # Errors
    /// Every rule that the design or the batch breaks; why a fixed network does not allow this batch or its input.
    pub fn of(model: impl Into<Model>, batch: u32) -> Result<Self, ModelError> {
        let model = model.into();
        let graph = model.graph(Batch(batch))?;
        let cost = model_cost(&graph);
        let findings = findings(model.design(), &graph, &cost, None);
        let liveness = Liveness::of(&graph);
        Ok(Self { fingerprint: model.fingerprint(), model, graph, cost, liveness, findings })
    }
}
