//! How measurements are named in tables and headings.

use shufflescope_engine::device::DeviceId;
use shufflescope_engine::measure::{KernelTime, Measurement};
use shufflescope_engine::runtime::{Isa, KernelCode, Precision, Runtime};

/// `tuned (avx512) on cpu, 2 threads`.
pub(super) fn where_it_ran(measurement: &Measurement) -> String {
    let how = (measurement.runtime, measurement.instruction_set, measurement.precision);
    let code = match measurement.kernel_code {
        Some(KernelCode::Compiled) => ", kernels compiled by NVRTC",
        Some(KernelCode::Beforehand) => ", kernels made beforehand",
        None => "",
    };
    way_of_running(how, measurement.device, measurement.threads) + code
}

/// As [`where_it_ran`], of what every kind of result tells.
pub(super) fn way_of_running(
    (runtime, kernels, precision): (Runtime, Option<Isa>, Precision),
    device: DeviceId,
    threads: usize,
) -> String {
    let kernels = kernels.map(|set| format!(" ({set})")).unwrap_or_default();
    let plural = if threads == 1 { "" } else { "s" };
    format!("{runtime}{kernels} on {device}{}, {threads} thread{plural}", precision.remark())
}

/// The first and the last layer of a kernel.
pub(super) fn layers_of(kernel: &KernelTime) -> String {
    match kernel.layers.as_slice() {
        [only] => only.clone(),
        [first, .., last] => format!("{first} .. {last}"),
        [] => String::new(),
    }
}
