//! A run of the tuned runtime allocates nothing, on any of its threads: counted by the allocator of this test's process.

#[path = "support/counting.rs"]
mod counting;

use std::sync::atomic::Ordering;

use counting::REQUESTS;
use shufflescope_engine::clock::MonotonicClock;
use shufflescope_engine::design::Batch;
use shufflescope_engine::device::Device;
use shufflescope_engine::graph::lower;
use shufflescope_engine::runtime::cpu::CpuExecutable;
use shufflescope_engine::runtime::{Executable, Marks};
use shufflescope_engine::weights::Weights;
use shufflescope_engine::zoo;

#[test]
fn a_run_allocates_nothing() {
    let clock = MonotonicClock::new();
    for name in ["shufflenet-v2-x0.5", "shufflenet-v1-g3-x1.0", "mobilenet-v2-x1.0", "shufflenet-v2-x0.5-se"] {
        let graph = lower(&zoo::preset(name).unwrap(), Batch(1)).unwrap();
        let weights = Weights::seeded(&graph, 1);
        let mut executable = CpuExecutable::prepare(&graph, &weights, &Device::cpu(), None, 2).unwrap();
        // Threads set up their own bookkeeping when they start, which a run does not wait for, and the first time they wait.
        std::thread::sleep(std::time::Duration::from_millis(50));
        for _ in 0..3 {
            executable.run(&clock, Marks::None).unwrap();
        }
        let before = REQUESTS.load(Ordering::SeqCst);
        for _ in 0..5 {
            executable.run(&clock, Marks::None).unwrap();
        }
        assert_eq!(REQUESTS.load(Ordering::SeqCst) - before, 0, "{name}");
    }
}
