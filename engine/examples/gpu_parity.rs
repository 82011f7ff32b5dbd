//! What a device computes beside what the CPU computes: every network of the zoo at its own input, random seeded weights.
//!
//! `gpu_parity DEVICE [PRECISION [BATCH [NAME...]]]` prints one JSON object per network and line: the largest difference
//! of two logits and the largest logit of the CPU's runtime, which the tests hold against the naive reference and against
//! torchvision. It goes on after a network that fails; the exit code is 1 where one failed or is beyond the limit.
//! `engine/benches/gpu/run.sh` runs it where a GPU is at hand.

#![allow(clippy::print_stdout, reason = "its result")]

use std::error::Error;
use std::num::NonZero;
use std::process::ExitCode;
use std::thread::available_parallelism;

use candle_core::Tensor;
use serde_json::json;
use shufflescope_engine::clock::MonotonicClock;
use shufflescope_engine::design::Batch;
use shufflescope_engine::device::{Device, DeviceId};
use shufflescope_engine::graph::{Graph, lower};
use shufflescope_engine::runtime::{Marks, Precision, RunOptions, prepare};
use shufflescope_engine::weights::{Weights, seeded_input};
use shufflescope_engine::zoo;

const SEED: u64 = 5;

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let device: DeviceId = arguments.next().ok_or("usage: gpu_parity DEVICE [PRECISION [BATCH [NAME...]]]")?.parse()?;
    let precision = arguments.next().map_or(Ok(Precision::F32), |text| text.parse())?;
    let batch = Batch(arguments.next().map_or(Ok(1), |text| text.parse())?);
    let only: Vec<String> = arguments.collect();
    let device = Device::open(&device)?;
    let threads = available_parallelism().map_or(1, NonZero::get);
    let here = RunOptions::new(DeviceId::Cpu, threads, batch.0);
    let there = options(device.id(), precision, threads, batch);
    let mut all_agree = true;
    for name in names().filter(|name| only.is_empty() || only.iter().any(|wanted| wanted == name)) {
        let compared = compare(name, batch, [(&Device::cpu(), &here), (&device, &there)]);
        let agrees = matches!(&compared, Ok((error, largest)) if *error <= limit(device.id(), precision) * largest);
        all_agree &= agrees;
        let mut line = json!({
            "kind": "parity", "network": name, "device": device.id(), "precision": precision, "batch": batch.0,
            "agrees": agrees,
        });
        match compared {
            Ok((error, largest)) => {
                line["error"] = json!(error);
                line["largest"] = json!(largest);
                line["relative"] = json!(error / largest);
            }
            Err(problem) => line["failed"] = json!(problem.to_string()),
        }
        println!("{line}");
    }
    Ok(if all_agree { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// How to run on the device that is looked at.
fn options(device: DeviceId, precision: Precision, threads: usize, batch: Batch) -> RunOptions {
    RunOptions { precision, ..RunOptions::new(device, threads, batch.0) }
}

/// How much of the largest logit two logits may differ by.
const fn limit(device: DeviceId, precision: Precision) -> f64 {
    match (precision, device) {
        // None computes in 8 bits.
        (Precision::F32 | Precision::Bf16 | Precision::Int8, _) => 1e-4,
        // Products on tensor cores.
        (Precision::Tf32 | Precision::F16, DeviceId::Cuda(_)) => 1e-2,
        (Precision::Tf32 | Precision::F16, _) => 2e-3,
    }
}

fn names() -> impl Iterator<Item = &'static str> {
    let presets = zoo::presets().iter().map(|preset| preset.design.name.as_str());
    presets.chain(zoo::networks().iter().map(|network| network.name))
}

fn graph(name: &str, batch: Batch) -> Result<Graph, Box<dyn Error>> {
    if let Some(network) = zoo::network(name) {
        return Ok(network.graph(network.input, batch)?);
    }
    Ok(lower(&zoo::preset(name).ok_or("it is not in the zoo")?, batch)?)
}

/// The largest difference of two logits, and the largest of the first device's.
fn compare(name: &str, batch: Batch, on: [(&Device, &RunOptions); 2]) -> Result<(f64, f64), Box<dyn Error>> {
    let graph = graph(name, batch)?;
    let weights = Weights::seeded(&graph, SEED);
    let shape: [usize; 4] = graph.input_shape().into();
    let input = Tensor::from_vec(seeded_input(graph.input_shape(), SEED), &shape, &candle_core::Device::Cpu)?;
    let [expected, found] = on.map(|(device, options)| logits(&graph, &weights, &input, device, options));
    let (expected, found) = (expected?, found?);
    if expected.len() != found.len() {
        return Err(format!("{} logits instead of {}", found.len(), expected.len()).into());
    }
    // What is not a number is as wrong as can be; `f64::max` would drop it.
    let most = |most: f64, value: f64| if value.is_nan() { f64::INFINITY } else { most.max(value) };
    let error = expected.iter().zip(&found).map(|(a, b)| f64::from((a - b).abs())).fold(0.0, most);
    Ok((error, expected.iter().map(|logit| f64::from(logit.abs())).fold(0.0, most)))
}

fn logits(
    graph: &Graph,
    weights: &Weights,
    input: &Tensor,
    device: &Device,
    options: &RunOptions,
) -> Result<Vec<f32>, Box<dyn Error>> {
    let mut executable = prepare(graph, weights, device, options)?;
    executable.set_input(input)?;
    executable.run(&MonotonicClock::new(), Marks::None)?;
    Ok(executable.logits()?.flatten_all()?.to_vec1()?)
}
