//! The cost of a whole network.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::layer::{Costing, Counts, LayerCost, intensity};
use crate::graph::{Graph, Liveness};
use crate::units::{Bytes, Elements, MultAdds, Params};

/// What a network costs on paper, layer by layer and in total.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ModelCost {
    /// Sums and peaks.
    pub total: CostTotals,
    /// Every layer in execution order.
    pub layers: Vec<LayerCost>,
}

/// Totals over all layers, for the whole batch.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CostTotals {
    /// Multiply-accumulates.
    pub mult_adds: MultAdds,
    /// Learned parameters.
    pub params: Params,
    /// Elements read and written by all layers.
    pub memory_access: Elements,
    /// The same in bytes of 32-bit floats.
    pub memory_access_bytes: Bytes,
    /// FLOP per byte of the whole network.
    pub arithmetic_intensity: Option<f64>,
    /// Most bytes of activations alive at once.
    pub peak_activation_bytes: Bytes,
    /// The layer during which they are.
    pub peak_activation_layer: String,
}

/// Costs every layer of `graph`.
#[must_use]
pub fn model_cost(graph: &Graph) -> ModelCost {
    let costing = Costing::of(graph);
    let layers = graph.layers().map(|layer| costing.layer(layer)).collect();
    ModelCost { total: total_cost(graph), layers }
}

/// The totals alone: what comparing many variants of a design needs.
#[must_use]
pub fn total_cost(graph: &Graph) -> CostTotals {
    let (costing, mut sum) = (Costing::of(graph), Counts::default());
    for layer in graph.layers() {
        let layer = costing.counts(layer);
        sum.mult_adds += layer.mult_adds;
        sum.params += layer.params;
        sum.memory_access += layer.memory_access;
    }
    let Counts { mult_adds, params, memory_access } = sum;
    let (peak, at) = Liveness::of(graph).peak();
    CostTotals {
        mult_adds,
        params,
        memory_access,
        memory_access_bytes: memory_access.bytes_f32(),
        arithmetic_intensity: intensity(mult_adds, memory_access.bytes_f32()),
        peak_activation_bytes: Elements(peak).bytes_f32(),
        peak_activation_layer: graph.node(at).path.clone(),
    }
}
