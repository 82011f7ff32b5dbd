//! A run on a GPU leaves nothing behind on the host. `wgpu` takes memory while it encodes, submits and waits, and gives it
//! back; our own part of a run takes none.

#![allow(clippy::unwrap_used, reason = "tests and their helpers")]

#[path = "support/counting.rs"]
mod counting;

use counting::in_use;
use shufflescope_engine::clock::MonotonicClock;
use shufflescope_engine::design::{Batch, Edit, InputSize};
use shufflescope_engine::device::{Device, DeviceId};
use shufflescope_engine::graph::lower;
use shufflescope_engine::runtime::{Marks, RunOptions, prepare};
use shufflescope_engine::weights::Weights;
use shufflescope_engine::zoo;

/// The software GPU, where the machine has one.
fn software() -> Option<Device> {
    Device::open(&DeviceId::SoftwareGpu).inspect_err(|error| eprintln!("skipped: {error}")).ok()
}

#[test]
fn a_run_leaves_nothing_behind() {
    let Some(device) = software() else { return };
    let options = RunOptions::new(DeviceId::SoftwareGpu, 1, 1);
    for name in ["shufflenet-v2-x0.5", "mobilenet-v2-x1.0"] {
        let small = Edit::Input(InputSize { height: 32, width: 32 });
        let graph = lower(&zoo::preset(name).unwrap().apply(&small), Batch(1)).unwrap();
        let mut executable = prepare(&graph, &Weights::seeded(&graph, 1), &device, &options).unwrap();
        let clock = MonotonicClock::new();
        let mut runs = |count: usize| {
            for _ in 0..count {
                executable.run(&clock, Marks::None).unwrap();
            }
            in_use()
        };
        let before = runs(20);
        let after = runs(40);
        assert!(after <= before, "{name}: 40 runs left {} bytes behind", after - before);
    }
}
