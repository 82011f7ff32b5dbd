//! What every layer of a network in 8 bits makes, to be held against other programs.
//!
//! `int8_layers MODEL WEIGHTS INPUT FOLDER` runs a preset, a design (`.toml`) or an ONNX model, with the weights in the file
//! (`-` for an ONNX model's own), on the floats in INPUT, `[1, 3, height, width]`, and writes the values of each layer that
//! are rounded to bytes as floats to `FOLDER/N.f32`, N being its place. One JSON object per layer and line says `index`,
//! `path`, `shape`, and `scale` and `zero_point` where its values are bytes. Each layer is the result of a network that ends
//! there, with the weights and scales of the whole one. `engine/tests/interop/quantised.py` runs it.

#![allow(clippy::print_stdout, reason = "its result")]

#[path = "../tests/support/ends_at.rs"]
mod ends_at;

use std::error::Error;
use std::fs;
use std::path::Path;

use serde_json::json;
use shufflescope_engine::design::{Batch, Design};
use shufflescope_engine::model::{Model, ModelFile};
use shufflescope_engine::runtime::Fusing;
use shufflescope_engine::runtime::cpu::{Network, in_bytes, quantise};
use shufflescope_engine::zoo;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [model, weights, input, folder] = arguments.as_slice() else {
        return Err("usage: int8_layers MODEL WEIGHTS INPUT FOLDER".into());
    };
    let model = named(model)?;
    let graph = model.graph(Batch(1))?;
    let file = (weights != "-").then(|| Path::new(weights));
    let weights = quantise(&graph, &*model.weights(&graph, file)?, 1, None)?;
    let input = fs::read(input)?;
    let input: Vec<f32> = input.as_chunks().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect();
    if input.len() as u64 != graph.input_shape().elements().0 {
        return Err(format!("the input has {} values, the network reads {}", input.len(), graph.input_shape()).into());
    }
    fs::create_dir_all(folder)?;
    let bytes = in_bytes(&graph, &weights, 1)?;
    for (id, node) in graph.layers() {
        let scale = bytes.outputs.get(id.0).copied().flatten();
        if scale.is_none() && id != graph.output() {
            continue;
        }
        let mut network = Network::in_int8(&ends_at::ends_at(&graph, id)?, &weights, None, 1, Fusing::Full)?;
        let values: Vec<u8> = network.infer(&input)?.iter().flat_map(|value| value.to_le_bytes()).collect();
        fs::write(Path::new(folder).join(format!("{}.f32", id.0)), values)?;
        let shape = <[usize; 4]>::from(node.output);
        let mut line = json!({ "index": id.0, "path": node.path, "shape": shape });
        if let Some(scale) = scale {
            line["scale"] = json!(scale.scale);
            line["zero_point"] = json!(scale.zero_point);
        }
        println!("{line}");
    }
    Ok(())
}

fn named(word: &str) -> Result<Model, Box<dyn Error>> {
    let path = Path::new(word);
    if let Some(design) = zoo::preset(word) {
        return Ok(design.into());
    }
    if path.extension().is_some_and(|ending| ending == "toml") {
        return Ok(Design::read(path)?.into());
    }
    Ok(ModelFile::open(path)?.into())
}
