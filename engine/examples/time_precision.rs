//! Times a network in fewer bits and in 32 on the processor, in turns, and says what the fewer bits do to the logits.
//!
//! `cargo run --release -p shufflescope-engine --example time_precision -- [PRECISION [NAME [THREADS [ROUNDS]]]]` prints one
//! line of JSON: the median of each in nanoseconds, their ratio, and how the logits differ on made-up inputs that no range was
//! taken from. With `kernels` behind that the median of each kernel in fewer bits follows, one a line.

#![allow(clippy::print_stdout, reason = "its result")]

use std::error::Error;

use shufflescope_engine::clock::{Clock, MonotonicClock};
use shufflescope_engine::design::Batch;
use shufflescope_engine::device::{Device, DeviceId, Precision};
use shufflescope_engine::measure::{Sorted, precision_effect};
use shufflescope_engine::model::Model;
use shufflescope_engine::runtime::{Executable, Marks, RunOptions, prepare};
use shufflescope_engine::units::Nanos;
use shufflescope_engine::weights::Weights;
use shufflescope_engine::zoo::{network, preset};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let precision: Precision = arguments.next().map_or(Ok(Precision::Int8), |text| text.parse())?;
    let name = arguments.next().unwrap_or_else(|| "shufflenet-v2-x1.0".into());
    let threads = arguments.next().map_or(Ok(1), |text| text.parse())?;
    let rounds: usize = arguments.next().map_or(Ok(400), |text| text.parse())?;
    let model: Model = match (preset(&name), network(&name)) {
        (Some(design), _) => design.into(),
        (None, Some(network)) => network.into(),
        (None, None) => return Err(format!("there is no `{name}`").into()),
    };
    let graph = model.graph(Batch(1))?;
    let weights = Weights::seeded(&graph, 1);
    let in_floats = RunOptions::new(DeviceId::Cpu, threads, 1);
    let in_less = RunOptions { precision, ..in_floats.clone() };
    let prepared = |options| prepare(&graph, &weights, &Device::cpu(), options);
    let mut both = [prepared(&in_floats)?, prepared(&in_less)?];
    let clock = MonotonicClock::new();
    let mut times: [Vec<Nanos>; 2] = Default::default();
    for round in 0..rounds {
        for (executable, times) in both.iter_mut().zip(&mut times) {
            let start = clock.now();
            executable.run(&clock, Marks::None)?;
            if round >= rounds / 10 {
                times.push(clock.now().since(start));
            }
        }
    }
    let [floats, less] = times.map(|times| Sorted::new(&times).median().unwrap_or_default());
    let effect = precision_effect(&mut *both[1], (&graph, &weights), &in_less, &clock)?;
    let ratio = less.as_f64() / floats.as_f64();
    let effect = serde_json::to_value(effect)?;
    let line =
        serde_json::json!({ "f32_ns": floats, "ns": less, "precision": precision, "ratio": ratio, "effect": effect });
    println!("{line}");
    if arguments.next().as_deref() == Some("kernels") {
        print_kernels(&mut *both[1], &clock, rounds)?;
    }
    Ok(())
}

fn print_kernels(executable: &mut dyn Executable, clock: &dyn Clock, rounds: usize) -> Result<(), Box<dyn Error>> {
    let kernels = executable.plan().kernels.clone();
    let mut times = vec![Vec::new(); kernels.len()];
    let mut marks = Vec::new();
    for _ in 0..rounds {
        executable.run(clock, Marks::Kernels(&mut marks))?;
        times.iter_mut().zip(&marks).for_each(|(times, &mark)| times.push(mark));
    }
    for (kernel, times) in kernels.iter().zip(&times) {
        let median = Sorted::new(times).median().unwrap_or_default();
        let spec = kernel.spec.as_ref().map_or_else(String::new, ToString::to_string);
        println!("{median:>12} {spec}");
    }
    Ok(())
}
