//! One row per layer, for spreadsheets and data frames: exact counts, times in nanoseconds, unknown is empty.
//!
//! A kernel's time stands in the row of each of its layers; summed over distinct `kernel` values it is the breakdown's
//! sum. Where the layers were also measured apart, `apart_ns` is a layer's time as a kernel of its own, and
//! `kernel_share_ns` its part of the kernel's time in that proportion, which adds up to the same sum.
//! `kernel_clock` says whose clock the kernels' times are of: `host` or `device`.

use std::io::Write;

use super::{ExportError, Exporter, Format, LayerRow, Profile, layer_rows};
use crate::clock::ClockDomain;

/// Comma-separated values with a heading (RFC 4180, line ends `\n`).
#[derive(Clone, Copy, Debug)]
pub struct Csv;

/// The heading.
const COLUMNS: [&str; 20] = [
    "layer",
    "op",
    "kind",
    "batch",
    "channels",
    "height",
    "width",
    "mult_adds",
    "params",
    "memory_access_elements",
    "memory_access_bytes",
    "flop_per_byte",
    "kernel",
    "kernel_label",
    "kernel_median_ns",
    "kernel_low_ns",
    "kernel_high_ns",
    "apart_ns",
    "kernel_share_ns",
    "kernel_clock",
];

impl Exporter for Csv {
    fn format(&self) -> Format {
        Format::Csv
    }

    fn write(&self, profile: &Profile, to: &mut dyn Write) -> Result<(), ExportError> {
        writeln!(to, "{}", COLUMNS.join(","))?;
        let breakdown = profile.measurement.as_ref().and_then(|measurement| measurement.breakdown.as_ref());
        let clock = breakdown.map(|breakdown| breakdown.clock);
        for row in layer_rows(profile) {
            let cells = cells(&row, clock).map(|cell| quoted(&cell));
            writeln!(to, "{}", cells.join(","))?;
        }
        Ok(())
    }
}

fn cells(row: &LayerRow<'_>, clock: Option<ClockDomain>) -> [String; COLUMNS.len()] {
    let (cost, kernel) = (row.cost, row.kernel);
    let output = cost.output;
    let of_kernel = |value: fn(super::LayerKernel<'_>) -> String| kernel.map(value).unwrap_or_default();
    [
        cost.path.clone(),
        cost.op.clone(),
        cost.kind.name().into(),
        output.batch.to_string(),
        output.channels.to_string(),
        output.height.to_string(),
        output.width.to_string(),
        cost.mult_adds.0.to_string(),
        cost.params.0.to_string(),
        cost.memory_access.0.to_string(),
        cost.memory_access_bytes.0.to_string(),
        cost.arithmetic_intensity.map(|flop| flop.to_string()).unwrap_or_default(),
        of_kernel(|kernel| kernel.index.to_string()),
        of_kernel(|kernel| kernel.time.label.clone()),
        of_kernel(|kernel| kernel.time.median.0.to_string()),
        of_kernel(|kernel| kernel.time.low.0.to_string()),
        of_kernel(|kernel| kernel.time.high.0.to_string()),
        row.apart.and_then(|apart| apart.alone).map(|time| time.0.to_string()).unwrap_or_default(),
        row.apart.map(|apart| apart.share.0.to_string()).unwrap_or_default(),
        clock.filter(|_| kernel.is_some()).map(|clock| clock.name().into()).unwrap_or_default(),
    ]
}

/// A cell as RFC 4180 wants it.
#[must_use]
pub fn quoted(cell: &str) -> String {
    if cell.contains([',', '"', '\n', '\r']) { format!("\"{}\"", cell.replace('"', "\"\"")) } else { cell.into() }
}
