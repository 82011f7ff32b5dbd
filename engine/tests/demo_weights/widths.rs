//! The demo network at the widths that are marked on the slider: the committed table is what the weights give.
//!
//! `SHUFFLESCOPE_WRITE_WIDTHS=1 cargo test -p shufflescope-engine --test demo_weights widths` writes the table anew.

use std::ops::ControlFlow;

use super::{NOT_TRAINED_ON, PICTURES, SIDE, draw};
use shufflescope_engine::classify::{Picture, Preprocessing, PreprocessingOptions, demo};
use shufflescope_engine::design::Batch;
use shufflescope_engine::device::DeviceId;
use shufflescope_engine::graph::lower;
use shufflescope_engine::runtime::RunOptions;
use shufflescope_engine::training::pictures::{Pictures, Taken};
use shufflescope_engine::training::{demo_widths, slim, told_right};

const TABLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../assets/weights/shapes-widths.json");

/// Pictures whose logits nearly tie may fall either way on another machine.
const TIES: u64 = 6;

/// As many as the other tests look at, by the hand that was trained on, with seeds that were not.
fn pictures() -> Pictures {
    let whole = PreprocessingOptions { resize: Some(SIDE as u32), ..PreprocessingOptions::default() };
    let mut pictures = Pictures::new("drawn shapes", Preprocessing::with(demo::design().input, &whole).unwrap());
    for class in draw::CLASSES {
        pictures.add_class(class).unwrap();
    }
    for number in 0..PICTURES {
        let class = number % draw::CLASSES.len();
        let rgb = draw::picture(class, SIDE, NOT_TRAINED_ON + number as u64);
        pictures.add(class, &Picture::new(SIDE as u32, SIDE as u32, rgb).unwrap(), Taken::Alone).unwrap();
    }
    pictures
}

#[test]
fn the_widths_of_the_table_are_as_accurate_as_it_says() {
    if !slim::is_slimmable(&demo::weights()) {
        assert!(demo_widths::accuracies().is_empty(), "a table without its weights");
        return;
    }
    let (pictures, run) = (pictures(), RunOptions::new(DeviceId::Cpu, 2, 1));
    let all: Vec<usize> = (0..PICTURES).collect();
    let measured: Vec<(f64, u64)> = [0.25, 0.375, 0.5, 0.75, 1.0]
        .into_iter()
        .map(|width| {
            let graph = lower(&demo_widths::design_at(width), Batch(1)).unwrap();
            let weights = demo_widths::weights_at(width).unwrap();
            let right = told_right(&graph, &weights, &pictures, &all, &run, &mut |_| ControlFlow::Continue(()));
            (width, right.unwrap())
        })
        .collect();
    println!("{measured:?} of {PICTURES}");
    if std::env::var_os("SHUFFLESCOPE_WRITE_WIDTHS").is_some() {
        let row = |(width, correct): &(f64, u64)| {
            format!("    {{ \"width\": {width}, \"correct\": {correct}, \"held_out\": {PICTURES} }}")
        };
        let rows: Vec<String> = measured.iter().map(row).collect();
        std::fs::write(TABLE, format!("{{\n  \"widths\": [\n{}\n  ]\n}}\n", rows.join(",\n"))).unwrap();
        return;
    }
    let table = demo_widths::accuracies();
    assert_eq!(table.len(), measured.len());
    for ((width, accuracy), (measured_at, correct)) in table.iter().zip(&measured) {
        assert_eq!(width, measured_at);
        assert_eq!(accuracy.held_out(), PICTURES as u64);
        assert!(accuracy.correct().abs_diff(*correct) <= TIES, "{width}: {accuracy} and {correct} right");
    }
}
