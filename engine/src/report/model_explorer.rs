//! Node data for Google's Model Explorer: numbers laid over the nodes of a model that is open there.
//!
//! The layout is `GraphNodeData` of its `node_data_builder.py`: `results` by output tensor name, and a colour gradient
//! from the least to the largest. Our exported ONNX names tensors as the layers, so the keys fit that file.

use std::collections::BTreeMap;
use std::io::Write;

use serde_json::{Value, json};

use super::{ExportError, Exporter, Format, LayerApart, Profile, layer_rows};
use crate::units::Nanos;

/// One value per layer: microseconds of its kernel where measured (its part of them where the layers were measured
/// apart), otherwise mult-adds.
#[derive(Clone, Copy, Debug)]
pub struct ModelExplorer;

impl Exporter for ModelExplorer {
    fn format(&self) -> Format {
        Format::ModelExplorer
    }

    fn write(&self, profile: &Profile, to: &mut dyn Write) -> Result<(), ExportError> {
        let measured = profile.measurement.as_ref().is_some_and(|measurement| measurement.breakdown.is_some());
        let mut results: BTreeMap<&str, Value> = BTreeMap::new();
        for row in layer_rows(profile) {
            // A kernel's time stands at its first layer only, or is split, so that Model Explorer's sums over groups are
            // right.
            let value = match (row.apart, row.kernel) {
                (Some(LayerApart { share, .. }), _) if share > Nanos::ZERO => json!(share.as_f64() / 1e3),
                (None, Some(kernel)) if kernel.is_first => json!(kernel.time.median.as_f64() / 1e3),
                (None, None) if !measured => json!(row.cost.mult_adds),
                _ => continue,
            };
            results.insert(&row.cost.path, json!({ "value": value }));
        }
        let gradient = json!([{ "stop": 0, "bgColor": "#ffffff" }, { "stop": 1, "bgColor": "#e8590c" }]);
        serde_json::to_writer_pretty(&mut *to, &json!({ "results": results, "gradient": gradient }))?;
        Ok(writeln!(to)?)
    }
}
