//! What a network is said to need is what preparing and running it takes: counted by the allocator of this test's process.

#![allow(clippy::unwrap_used)] // Helpers of tests panic like tests.

#[path = "support/counting.rs"]
mod counting;

use counting::most_in;
use shufflescope_engine::clock::MonotonicClock;
use shufflescope_engine::design::{Batch, Design, InputSize};
use shufflescope_engine::device::{Device, DeviceId};
use shufflescope_engine::graph::{Graph, lower};
use shufflescope_engine::runtime::{Fusing, Isa, Marks, RunOptions, Runtime, needed_memory, prepare, prepare_apart};
use shufflescope_engine::units::Bytes;
use shufflescope_engine::weights::Weights;
use shufflescope_engine::zoo;

/// A preset, or a fixed network of the zoo; those for large images for small ones where their classifier reads them.
fn network(name: &str, batch: u32) -> Graph {
    match zoo::preset(name) {
        Some(design) if name.starts_with("resnet") => {
            lower(&Design { input: InputSize::square(96), ..design }, Batch(batch)).unwrap()
        }
        Some(design) => lower(&design, Batch(batch)).unwrap(),
        None => {
            let network = zoo::network(name).unwrap();
            let small = network.graph(InputSize::square(96), Batch(batch));
            small.or_else(|_| network.graph(network.input, Batch(batch))).unwrap()
        }
    }
}

/// Prepares and runs, and compares with what was said before: what does not fit. `times` is how much more may be said.
fn compare(name: &str, options: &RunOptions, fusing: Fusing, times: f64) -> Option<String> {
    const SMALL: u64 = 3 << 20;
    let graph = network(name, options.batch);
    let weights = Weights::seeded(&graph, 1);
    let device = Device::cpu();
    let said = needed_memory(&graph, (options, fusing), Bytes(u64::MAX)).0;
    let clock = MonotonicClock::new();
    let run = || {
        let mut executable = match fusing {
            Fusing::Full => prepare(&graph, &weights, &device, options).unwrap(),
            Fusing::Apart => prepare_apart(&graph, &weights, &device, options).unwrap(),
        };
        executable.run(&clock, Marks::None).unwrap();
        executable.run(&clock, Marks::None).unwrap();
        executable
    };
    let took = most_in(run).1 as u64;
    let asking = most_in(|| needed_memory(&graph, (options, fusing), Bytes(u64::MAX))).1 as u64;
    let line =
        format!("{name}, {options}, {fusing:?}: {} said, {} taken, {} to ask", Bytes(said), Bytes(took), Bytes(asking));
    let fits = took <= said && said as f64 <= times * took as f64 + SMALL as f64 && asking <= said;
    (!fits).then_some(line)
}

/// One test, since what is in use is one number for the whole process.
#[test]
fn a_network_takes_what_it_is_said_to_need() {
    let options = |runtime, threads, batch| RunOptions { runtime, ..RunOptions::new(DeviceId::Cpu, threads, batch) };
    // The first of everything: thread pools and the numbers of what this machine is.
    let warm = options(Runtime::Candle, 2, 1);
    prepare(
        &network("shufflenet-v2-x0.5", 1),
        &Weights::seeded(&network("shufflenet-v2-x0.5", 1), 1),
        &Device::cpu(),
        &warm,
    )
    .unwrap()
    .run(&MonotonicClock::new(), Marks::None)
    .unwrap();
    let mut wrong = Vec::new();
    for (name, threads, batch) in [
        ("shufflenet-v2-x1.0", 1, 1),
        ("shufflenet-v2-x1.0", 4, 4),
        ("shufflenet-v1-g3-x1.0", 2, 1),
        ("mobilenet-v2-x1.0", 2, 2),
        ("shufflenet-v2-x0.5-se", 3, 2),
        ("resnet-50", 2, 1),
        ("densenet-121", 1, 2),
        ("inception-v3", 2, 1),
        ("alexnet", 2, 1),
    ] {
        wrong.extend(compare(name, &options(Runtime::Tuned, threads, batch), Fusing::Full, 1.5));
    }
    let portable = RunOptions { instruction_set: Some(Isa::Portable), ..options(Runtime::Tuned, 2, 1) };
    wrong.extend(compare("shufflenet-v2-x1.0", &portable, Fusing::Full, 1.5));
    wrong.extend(compare("mobilenet-v2-x1.0", &options(Runtime::Tuned, 2, 1), Fusing::Apart, 1.5));
    for (name, batch) in [("shufflenet-v2-x1.0", 1), ("mobilenet-v2-x1.0", 2), ("resnet-50", 1)] {
        let how = options(Runtime::Candle, rayon::current_num_threads(), batch);
        wrong.extend(compare(name, &how, Fusing::Full, 3.0));
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}
