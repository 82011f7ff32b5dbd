//! A Chrome trace: the kernels of one run, one after another, as <https://ui.perfetto.dev> and `chrome://tracing` show
//! them, and where the layers were also measured apart each kernel's layers on a track of their own. Format: "Trace Event Format", complete events (`"ph": "X"`), times in microseconds.

use std::collections::HashMap;
use std::io::Write;

use serde_json::{Value, json};

use super::{ExportError, Exporter, Format, Profile};
use crate::clock::ClockDomain;
use crate::cost::LayerCost;
use crate::measure::{Breakdown, KernelSplit, KernelTime, Measurement, SPLIT_LABEL};
use crate::units::{Bytes, MultAdds, Nanos, Params};

/// The tracks of kernels, and of layers.
const KERNELS: u32 = 1;
const LAYERS: u32 = 2;

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
    let name = |what: &str, track: u32, name: String| json!({ "ph": "M", "pid": 1, "tid": track, "name": what, "args": { "name": name } });
    let mut events = vec![
        name("process_name", KERNELS, format!("{} at {}", profile.design.name(), profile.design.input())),
        name("thread_name", KERNELS, kernels_track(measurement, breakdown)),
    ];
    let split = measurement.split();
    if split.is_some() {
        events.push(name("thread_name", LAYERS, format!("layers ({SPLIT_LABEL})")));
    }
    let mut start = Nanos::ZERO;
    for (index, kernel) in breakdown.kernels.iter().enumerate() {
        events.push(slice(kernel, start, &costs));
        if let Some(split) = split.as_ref().and_then(|split| split.kernels.get(index)) {
            events.extend(layers(split, start, measurement, &costs));
        }
        start += kernel.median;
    }
    json!({
        "displayTimeUnit": "ns",
        "traceEvents": events,
        "otherData": {
            "program": format!("ShuffleScope {}", profile.machine.version),
            "durations": "median of each kernel over the marked runs, laid end to end",
            "clock": breakdown.clock,
            "device_time_median_ns": measurement.device_time.map(|device| device.median),
            "enqueue_median_ns": measurement.enqueue.map(|enqueue| enqueue.median),
            "transfer_median_ns": measurement.transfer.map(|transfer| transfer.median),
            "sum_ns": breakdown.sum,
            "marked_whole_ns": breakdown.marked_whole,
            "unaccounted_ns": breakdown.unaccounted,
            "apart_whole_ns": measurement.apart.as_ref().map(|apart| apart.whole),
            "unmarked_median_ns": measurement.whole.median,
            "threads": measurement.threads,
            "batch": measurement.batch,
        },
    })
}

/// `tuned on gpu:0 (device clock)`; on the host's clock nothing needs to be said.
fn kernels_track(measurement: &Measurement, breakdown: &Breakdown) -> String {
    let clock = match breakdown.clock {
        ClockDomain::Host => "",
        ClockDomain::Device => " (device clock)",
    };
    format!("{} on {}{}{clock}", measurement.runtime, measurement.device, measurement.precision.remark())
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
        "tid": KERNELS,
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

/// The layers of a kernel that starts at `start`, one after another, each as long as its part of the kernel's time.
fn layers<'a>(
    split: &'a KernelSplit,
    mut start: Nanos,
    measurement: &'a Measurement,
    costs: &'a HashMap<&str, &LayerCost>,
) -> impl Iterator<Item = Value> + 'a {
    split.layers.iter().filter(|layer| layer.median > Nanos::ZERO).map(move |layer| {
        let cost = costs.get(layer.path.as_str());
        let event = json!({
            "ph": "X",
            "pid": 1,
            "tid": LAYERS,
            "name": layer.path,
            "cat": cost.map_or("unknown", |cost| cost.kind.name()),
            "ts": microseconds(start),
            "dur": microseconds(layer.median),
            "args": {
                "op": cost.map(|cost| cost.op.as_str()),
                "apart_ns": measurement.apart.as_ref().and_then(|apart| apart.layer(&layer.path)),
            },
        });
        start += layer.median;
        event
    })
}

/// Exact to the nanosecond for anything shorter than a month.
fn microseconds(time: Nanos) -> f64 {
    time.as_f64() / 1e3
}
