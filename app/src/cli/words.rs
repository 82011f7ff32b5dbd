//! How measurements are named in tables and headings.

use shufflescope_engine::measure::{KernelTime, Measurement};

/// `tuned (avx512) on cpu, 2 threads`.
pub(super) fn where_it_ran(measurement: &Measurement) -> String {
    let Measurement { runtime, device, threads, .. } = measurement;
    let kernels = measurement.instruction_set.map(|set| format!(" ({set})")).unwrap_or_default();
    format!("{runtime}{kernels} on {device}, {threads} thread{}", if *threads == 1 { "" } else { "s" })
}

/// The first and the last layer of a kernel.
pub(super) fn layers_of(kernel: &KernelTime) -> String {
    match kernel.layers.as_slice() {
        [only] => only.clone(),
        [first, .., last] => format!("{first} .. {last}"),
        [] => String::new(),
    }
}
