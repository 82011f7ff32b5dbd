//! A Chrome trace: the kernels of one run, one after another, as <https://ui.perfetto.dev> and `chrome://tracing` show
//! them. Format: "Trace Event Format", complete events (`"ph": "X"`), times in microseconds.

use std::collections::HashMap;
use std::io::Write;

use serde_json::{Value, json};

use super::{ExportError, Exporter, Format, Profile};
use crate::cost::LayerCost;
use crate::measure::{Breakdown, KernelTime, Measurement};
use crate::units::{Bytes, MultAdds, Nanos, Params};

/// Kernels as slices, each as long as its median in the layer table, with what it costs as arguments.
#[derive(Clone, Copy, Debug)]
pub struct Trace;

impl Exporter for Trace {
    fn format(&self) -> Format {
        Format::Trace
    }

    fn write(&self, profile: &Profile, to: &mut dyn Write) -> Result<(), ExportError> {
        let measured = profile.measurement.as_ref().and_then(|measured| Some((measured, measured.breakdown.as_ref()?)));
        let Some((measurement, breakdown)) = measured else {
            return Err(ExportError::NotMeasured { format: Format::Trace, design: profile.design.name().into() });
        };
        serde_json::to_writer_pretty(&mut *to, &trace(profile, measurement, breakdown))?;
        Ok(writeln!(to)?)
    }
}

fn trace(profile: &Profile, measurement: &Measurement, breakdown: &Breakdown) -> Value {
    let costs: HashMap<&str, &LayerCost> =
        profile.cost.layers.iter().map(|layer| (layer.path.as_str(), layer)).collect();
    let name =
        |what: &str, name: String| json!({ "ph": "M", "pid": 1, "tid": 1, "name": what, "args": { "name": name } });
    let mut events = vec![
        name("process_name", format!("{} at {}", profile.design.name(), profile.design.input())),
        name("thread_name", format!("{} on {}", measurement.runtime, measurement.device)),
    ];
    let mut start = Nanos::ZERO;
    for kernel in &breakdown.kernels {
        events.push(slice(kernel, start, &costs));
        start += kernel.median;
    }
    json!({
        "displayTimeUnit": "ns",
        "traceEvents": events,
        "otherData": {
            "program": format!("ShuffleScope {}", profile.machine.version),
            "durations": "median of each kernel over the marked runs, laid end to end",
            "sum_ns": breakdown.sum,
            "marked_whole_ns": breakdown.marked_whole,
            "unaccounted_ns": breakdown.unaccounted,
            "unmarked_median_ns": measurement.whole.median,
            "threads": measurement.threads,
            "batch": measurement.batch,
        },
    })
}

fn slice(kernel: &KernelTime, start: Nanos, costs: &HashMap<&str, &LayerCost>) -> Value {
    let layers: Vec<&LayerCost> = kernel.layers.iter().filter_map(|path| costs.get(path.as_str()).copied()).collect();
    let mult_adds: MultAdds = layers.iter().map(|layer| layer.mult_adds).sum();
    let params: Params = layers.iter().map(|layer| layer.params).sum();
    let bytes = Bytes(layers.iter().fold(0, |sum, layer| sum.saturating_add(layer.memory_access_bytes.0)));
    let heaviest = layers.iter().max_by_key(|layer| (layer.mult_adds, layer.memory_access));
    json!({
        "ph": "X",
        "pid": 1,
        "tid": 1,
        "name": kernel.label,
        "cat": heaviest.map_or("unknown", |layer| layer.kind.name()),
        "ts": microseconds(start),
        "dur": microseconds(kernel.median),
        "args": {
            "layers": kernel.layers,
            "output": layers.last().map(|layer| layer.output.to_string()),
            "mult_adds": mult_adds,
            "params": params,
            "memory_access_bytes": bytes,
            "low_ns": kernel.low,
            "high_ns": kernel.high,
        },
    })
}

/// Exact to the nanosecond for anything shorter than a month.
fn microseconds(time: Nanos) -> f64 {
    time.as_f64() / 1e3
}
