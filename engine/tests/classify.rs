//! Preprocessing and logits of whole pictures are torchvision's.
//!
//! `classify/torchvision_classify.json` and the pictures in `assets/samples` were made by `classify/make_fixture.py`.

#![allow(clippy::unwrap_used)] // Helpers of tests panic like tests.

use std::path::{Path, PathBuf};

use serde::Deserialize;
use shufflescope_engine::classify::{
    Classifier, ClassifierOptions, Picture, Preprocessing, PreprocessingOptions, Preprocessor,
};
use shufflescope_engine::clock::MonotonicClock;
use shufflescope_engine::design::{Batch, InputSize};
use shufflescope_engine::device::DeviceId;
use shufflescope_engine::graph::lower;
use shufflescope_engine::runtime::{RunOptions, Runtime};
use shufflescope_engine::weights::Weights;
use shufflescope_engine::zoo;

#[derive(Deserialize)]
struct Fixture {
    design: String,
    seed: u64,
    step: usize,
    cases: Vec<Case>,
    wide: Vec<Wide>,
}

#[derive(Deserialize)]
struct Case {
    picture: String,
    resize: u32,
    crop: Vec<u8>,
    logits: Vec<f32>,
}

/// A crop for an input of 160x96 pixels.
#[derive(Deserialize)]
struct Wide {
    picture: String,
    crop: Vec<u8>,
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}

fn fixture() -> Fixture {
    let path = root().join("tests/classify/torchvision_classify.json");
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn picture(name: &str) -> Picture {
    let decoded = image::open(root().join("../assets/samples").join(name)).unwrap().into_rgb8();
    Picture::new(decoded.width(), decoded.height(), decoded.into_raw()).unwrap()
}

/// The share of bytes that differ from Pillow's, none by more than `most`.
fn share_of_other_bytes(crop: &[u8], step: usize, expected: &[u8], most: u8) -> f64 {
    let found: Vec<u8> = crop.iter().copied().step_by(step).collect();
    assert_eq!(found.len(), expected.len());
    let gaps: Vec<u8> = found.iter().zip(expected).map(|(a, b)| a.abs_diff(*b)).collect();
    assert!(gaps.iter().all(|gap| *gap <= most), "{gaps:?}");
    gaps.iter().filter(|gap| **gap > 0).count() as f64 / gaps.len() as f64
}

/// JPEG decoders agree to a level or two only.
fn tolerance(picture: &str) -> (u8, f64) {
    if picture.ends_with("jpg") { (3, 0.6) } else { (1, 0.02) }
}

#[test]
fn crops_are_those_of_torchvision_on_pillow_pictures() {
    let Fixture { cases, step, wide, .. } = fixture();
    let square = |case: &Case| Preprocessing::with_resize(InputSize::square(224), case.resize).unwrap();
    let squares = cases.iter().map(|case| (case.picture.clone(), square(case), &case.crop));
    let small = Preprocessing::new(InputSize { height: 96, width: 160 });
    let wides = wide.iter().map(|case| (case.picture.clone(), small, &case.crop));
    for (name, preprocessing, expected) in squares.chain(wides) {
        let mut preprocessor = Preprocessor::new(preprocessing);
        let crop = preprocessor.crop(&picture(&name)).unwrap();
        let (most, share) = tolerance(&name);
        let others = share_of_other_bytes(crop, step, expected, most);
        println!("{name} at {}: {:.1} % of bytes differ", preprocessing.resize(), 100.0 * others);
        assert!(others <= share, "{name}: {others}");
    }
}

/// The largest difference of two logits.
fn gap(a: &[f32], b: &[f32]) -> f32 {
    assert_eq!(a.len(), b.len());
    a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
}

#[test]
fn logits_of_pictures_are_those_of_torchvision_on_every_runtime() {
    let Fixture { design, seed, cases, .. } = fixture();
    let graph = lower(&zoo::preset(&design).unwrap(), Batch(1)).unwrap();
    let weights = Weights::seeded(&graph, seed);
    for runtime in Runtime::ALL {
        for case in &cases {
            let run = RunOptions { runtime, ..RunOptions::new(DeviceId::Cpu, 2, 1) };
            let options = ClassifierOptions {
                preprocessing: PreprocessingOptions { resize: Some(case.resize), ..PreprocessingOptions::default() },
                ..ClassifierOptions::new(run)
            };
            let mut classifier = Classifier::new(&graph, &weights, &options).unwrap();
            let answer = classifier.classify(&picture(&case.picture), &MonotonicClock::new()).unwrap();
            let largest = gap(&answer.logits, &case.logits);
            println!("{runtime}, {} at {}: {largest:.1e}", case.picture, case.resize);
            // The promise is 1e-2, JPEG decoders included; without them almost nothing is left.
            let tolerance = if case.picture.ends_with("jpg") { 1e-2 } else { 2e-4 };
            assert!(largest < tolerance, "{runtime}, {} at {}: {largest:e}", case.picture, case.resize);
            let expected = shufflescope_engine::classify::largest(&case.logits, 5);
            assert_eq!(answer.top(5).iter().map(|ranked| ranked.index).collect::<Vec<_>>(), expected);
        }
    }
}

#[test]
fn the_tolerance_tells_pictures_and_resizes_apart() {
    let Fixture { cases, .. } = fixture();
    for (index, case) in cases.iter().enumerate() {
        for other in &cases[..index] {
            assert!(gap(&case.logits, &other.logits) > 3e-2, "{} at {}", case.picture, case.resize);
        }
    }
}
