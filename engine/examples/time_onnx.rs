//! Times an ONNX classification model on the tuned runtime: for races against engines that read the same file.
//!
//! `cargo run --release -p shufflescope-engine --example time_onnx -- model.onnx [THREADS [INPUT]]` prints `median_ns` and
//! the number of samples as JSON; with an input (32-bit floats, nothing else) nothing is timed, and `logits` is what the
//! model gives for it. `engine/tests/interop/models_people_have.py` compares it with ONNX Runtime.

#![allow(clippy::print_stdout, reason = "its result")]

use std::error::Error;
use std::ops::ControlFlow;
use std::path::Path;

use candle_core::Tensor;
use shufflescope_engine::clock::MonotonicClock;
use shufflescope_engine::device::{Device, DeviceId};
use shufflescope_engine::measure::{ArithmeticCanary, Instruments, Protocol, Sorted, SystemWatch, sample};
use shufflescope_engine::model_file::onnx::import;
use shufflescope_engine::runtime::{RunOptions, prepare};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let path = arguments.next().ok_or("usage: time_onnx MODEL.onnx [THREADS [INPUT]]")?;
    let threads = arguments.next().map_or(Ok(1), |text| text.parse())?;
    let model = import(Path::new(&path))?;
    let shape = model.input_shape();
    let graph = model.graph_for(1, [shape.height, shape.width])?;
    let options = RunOptions::new(DeviceId::Cpu, threads, 1);
    let mut executable = prepare(&graph, model.weights(), &Device::cpu(), &options)?;
    if let Some(input) = arguments.next() {
        let bytes = std::fs::read(input)?;
        let values: Vec<f32> = bytes.as_chunks::<4>().0.iter().map(|&word| f32::from_le_bytes(word)).collect();
        let shape: [usize; 4] = graph.input_shape().into();
        executable.set_input(&Tensor::from_slice(&values, &shape, &candle_core::Device::Cpu)?)?;
        println!("{}", serde_json::json!({ "logits": executable.infer(&MonotonicClock::new())? }));
        return Ok(());
    }
    let (clock, mut canary) = (MonotonicClock::new(), ArithmeticCanary::new());
    let instruments = Instruments { clock: &clock, canary: &mut canary, watch: &mut SystemWatch::default() };
    let samples = sample(&mut *executable, &Protocol::live(), instruments, &mut |_| ControlFlow::Continue(()))?;
    let median = Sorted::new(&samples.whole).median().ok_or("no samples")?;
    println!("{}", serde_json::json!({ "median_ns": median, "samples": samples.whole.len() }));
    Ok(())
}
