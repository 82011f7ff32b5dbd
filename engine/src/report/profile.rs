//! The profile: schema, machine, model, cost, measurement, findings. Its JSON is a contract with scripts elsewhere.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{CameraRun, ExportError};
use crate::cost::{ModelCost, model_cost};
use crate::design::Batch;
use crate::device::Machine;
use crate::graph::Graph;
use crate::guideline::{Finding, findings};
use crate::measure::Measurement;
use crate::model::{Model, ModelError};
use crate::training::Accuracy;

/// The version of the JSON form; grows when a reader of the old form would misread the new one.
pub const SCHEMA: u32 = 1;

/// A network, what it costs and, where it was measured, how long it takes on this machine.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Profile {
    /// [`SCHEMA`] of the program that wrote it.
    pub schema: u32,
    /// Where it was made.
    pub machine: Machine,
    /// The network: a design, or what else is costed and measured.
    pub design: Model,
    /// What it costs on paper.
    pub cost: ModelCost,
    /// What it costs on the device; absent where nothing was measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub measurement: Option<Measurement>,
    /// What the guidelines find.
    pub findings: Vec<Finding>,
    /// What the network takes behind a camera; absent where no run was recorded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub camera: Option<CameraRun>,
    /// The share of held-out pictures that the network tells right, with the data; absent where nobody has measured it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accuracy: Option<Accuracy>,
}

impl Profile {
    /// Costs and judges a model, with its measurement where there is one.
    ///
    /// # Errors
    /// Where the design breaks rules, or the network or file does not allow this batch or its input.
    pub fn new(model: impl Into<Model>, batch: Batch, measurement: Option<Measurement>) -> Result<Self, ModelError> {
        let model = model.into();
        let graph = model.graph(batch)?;
        Ok(Self::of_graph(model, &graph, measurement))
    }

    /// As [`new`](Self::new), for a graph already made of `model`.
    #[must_use]
    pub fn of_graph(model: impl Into<Model>, graph: &Graph, measurement: Option<Measurement>) -> Self {
        let model = model.into();
        let cost = model_cost(graph);
        let findings = findings(model.design(), graph, &cost, measurement.as_ref());
        let (schema, machine) = (SCHEMA, Machine::detect());
        Self { schema, machine, design: model, cost, measurement, findings, camera: None, accuracy: None }
    }

    /// The JSON form, indented, with a final newline.
    ///
    /// # Errors
    /// Where a number has no JSON form.
    pub fn to_json(&self) -> Result<String, ExportError> {
        Ok(serde_json::to_string_pretty(self)? + "\n")
    }
}
