//! Five things that the demo network was never shown are told apart after thirty pictures of each.
//!
//! Run with `--nocapture` for the table that `assets/weights/README.md` quotes.

use std::ops::ControlFlow;

use super::{SIDE, draw};
use shufflescope_engine::classify::{Picture, Preprocessing, PreprocessingOptions, demo};
use shufflescope_engine::design::Batch;
use shufflescope_engine::device::DeviceId;
use shufflescope_engine::graph::lower;
use shufflescope_engine::runtime::RunOptions;
use shufflescope_engine::training::pictures::{HoldOut, Pictures, Taken};
use shufflescope_engine::training::{AtOnceRequest, teach_at_once, told_right};

/// Pictures of each thing to learn from, and to test on.
const SHOWN: usize = 30;
const TESTED: usize = 200;

fn pictures(name: &str, each: usize, seed: u64) -> Pictures {
    // The drawings have the input's size: nothing is cut off.
    let whole = PreprocessingOptions { resize: Some(SIDE as u32), ..PreprocessingOptions::default() };
    let mut pictures = Pictures::new(name, Preprocessing::with(demo::design().input, &whole).unwrap());
    for (index, thing) in draw::UNKNOWN.into_iter().enumerate() {
        pictures.add_class(thing).unwrap();
        for number in 0..each {
            let seed = seed + (number * draw::UNKNOWN.len() + index) as u64;
            let rgb = draw::unknown_picture(index, SIDE, seed);
            let picture = Picture::new(SIDE as u32, SIDE as u32, rgb).unwrap();
            pictures.add(index, &picture, Taken::Alone).unwrap();
        }
    }
    pictures
}

#[test]
fn five_new_classes_are_taught_at_once_from_thirty_pictures_each() {
    let (design, weights) = (demo::design(), demo::weights());
    let run = RunOptions::new(DeviceId::Cpu, 2, 1);
    let tested = pictures("tested", TESTED, 1 << 40);
    let all: Vec<usize> = (0..tested.samples().len()).collect();
    let mut shares = vec![];
    for seed in 0..3 {
        let shown = pictures("shown", SHOWN, seed << 20);
        let split = shown.split(HoldOut { seed, ..HoldOut::default() }).unwrap();
        let request = AtOnceRequest { design: &design, weights: &weights, pictures: &shown, split: &split, run: &run };
        let taught = teach_at_once(request, &mut |_| ControlFlow::Continue(())).unwrap();
        let graph = lower(&taught.design, Batch(1)).unwrap();
        let right =
            told_right(&graph, &taught.weights, &tested, &all, &run, &mut |_| ControlFlow::Continue(())).unwrap();
        let share = right as f64 / all.len() as f64;
        println!(
            "| {seed} | {} | {right} of {} ({:.1} %) | {:.2} s |",
            taught.accuracy,
            all.len(),
            100.0 * share,
            taught.seconds
        );
        shares.push(share);
    }
    assert!(shares.iter().all(|share| *share >= 0.85), "{shares:?}");
}
