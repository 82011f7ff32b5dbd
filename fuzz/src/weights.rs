//! A file of weights: listed, compared with networks, and read where it fits one.

use std::sync::OnceLock;

use shufflescope_engine::design::Design;
use shufflescope_engine::graph::{Conv2d, Graph, GraphBuilder, Op, Shape, Window};
use shufflescope_engine::model::fitted;
use shufflescope_engine::weights::{Weights, WeightsFile, expected, load, save_safetensors};
use shufflescope_engine::zoo;

/// The network whose weights are in the seeds.
pub fn tiny() -> &'static Graph {
    static TINY: OnceLock<Graph> = OnceLock::new();
    TINY.get_or_init(|| {
        let mut builder = GraphBuilder::new("tiny", Shape::new(1, 3, 8, 8));
        let conv = Conv2d { in_channels: 3, out_channels: 4, window: Window::square(3, 1), groups: 1, bias: false };
        let layers = [
            ("stem.0", Op::Conv2d(conv)),
            ("stem.1", Op::BatchNorm { channels: 4, eps: 1e-5 }),
            ("pool", Op::GlobalAvgPool),
            ("fc", Op::Linear { in_features: 4, out_features: 5, bias: true }),
        ];
        let mut value = builder.input();
        for (path, op) in layers {
            value = builder.push(path, op, &[value]).expect("the layers fit each other");
        }
        builder.finish()
    })
}

/// A design with few layers, whose number of classes a file may change.
fn short() -> &'static Design {
    static SHORT: OnceLock<Design> = OnceLock::new();
    SHORT.get_or_init(|| {
        let mut design = zoo::preset("shufflenet-v2-x0.5").expect("a preset");
        design.stages.truncate(1);
        design.stages.iter_mut().for_each(|stage| stage.repeats = 1);
        design
    })
}

pub fn run(bytes: &[u8], ending: &str) {
    let file = super::file(bytes, ending);
    let Ok(mut weights) = WeightsFile::open(file.path()) else { return };
    let fits = weights.compare(tiny());
    let _ = fitted(&weights, short()).map_err(|error| error.to_string());
    let loaded = weights.load(tiny());
    if let Err(mismatch) = fits {
        assert!(loaded.is_err(), "it was read although {mismatch:?}");
        return;
    }
    // What the file lists may still not be there.
    let Ok(loaded) = loaded else { return };
    loaded.check(tiny()).expect("everything was read");
    assert_eq!(loaded.len(), expected(tiny()).len());
    let again = super::file(&[], ".safetensors");
    save_safetensors(&loaded, again.path()).expect("weights can be written");
    assert_eq!(bits(&load(again.path(), tiny()).expect("and read")), bits(&loaded));
}

/// Names and values; what is not a number is equal to itself here.
fn bits(weights: &Weights) -> Vec<(String, Vec<u32>)> {
    let bits = |values: &[f32]| values.iter().map(|value| value.to_bits()).collect();
    weights.iter().map(|(name, tensor)| (name.to_owned(), bits(&tensor.values))).collect()
}
