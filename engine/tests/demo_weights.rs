//! The demo network recognises drawings that it has not seen, by the hand that it was trained on and by another.
//!
//! Run with `--nocapture` for the table of every class, which `assets/weights/README.md` quotes.

#![allow(clippy::unwrap_used, clippy::print_stdout)] // Helpers of tests panic and print like tests.

#[path = "../examples/train_shapes/draw/mod.rs"]
mod draw;
#[path = "demo_weights/second_hand/mod.rs"]
mod second_hand;
#[path = "demo_weights/teaching.rs"]
mod teaching;

use std::fmt::Write;

use candle_core::Tensor;
use shufflescope_engine::classify::demo;
use shufflescope_engine::clock::MonotonicClock;
use shufflescope_engine::design::{Batch, Design};
use shufflescope_engine::device::{Device, DeviceId};
use shufflescope_engine::graph::lower;
use shufflescope_engine::runtime::{Executable, RunOptions, prepare};
use shufflescope_engine::training::{demo_accuracy, demo_widths, slim};
use shufflescope_engine::weights::Weights;

/// Pictures of each set: so many that the few whose logits nearly tie, and may fall either way on another machine, do not
/// decide.
const PICTURES: usize = 2000;

/// The trainer does not draw pictures with these seeds.
const NOT_TRAINED_ON: u64 = 1 << 63;

/// Pixels of a side: the demo design's input.
const SIDE: usize = 96;

/// ImageNet's mean and deviation, by which torchvision's networks see.
const MEAN: [f32; 3] = [0.485, 0.456, 0.406];
const DEVIATION: [f32; 3] = [0.229, 0.224, 0.225];

struct Demo {
    executable: Box<dyn Executable + Send>,
    clock: MonotonicClock,
    labels: Vec<&'static str>,
}

impl Demo {
    fn new() -> Self {
        Self::of(&demo::design(), &demo::weights())
    }

    fn of(design: &Design, weights: &Weights) -> Self {
        let graph = lower(design, Batch(1)).unwrap();
        let options = RunOptions::new(DeviceId::Cpu, 1, 1);
        let executable = prepare(&graph, weights, &Device::cpu(), &options).unwrap();
        Self { executable, clock: MonotonicClock::new(), labels: demo::labels().collect() }
    }

    /// The class with the highest logit.
    fn classify(&mut self, rgb: &[u8]) -> usize {
        let normalised: Vec<f32> = (0..3)
            .flat_map(|channel| {
                let values = rgb.iter().skip(channel).step_by(3);
                values.map(move |&value| (f32::from(value) / 255.0 - MEAN[channel]) / DEVIATION[channel])
            })
            .collect();
        let input = Tensor::from_vec(normalised, (1, 3, SIDE, SIDE), &candle_core::Device::Cpu).unwrap();
        self.executable.set_input(&input).unwrap();
        let logits = self.executable.infer(&self.clock).unwrap();
        (0..logits.len()).max_by(|&a, &b| logits[a].total_cmp(&logits[b])).unwrap()
    }

    /// The share of pictures that are recognised, the classes taking turns; prints what was taken for what.
    fn accuracy(&mut self, title: &str, picture: impl Fn(usize, u64) -> Vec<u8>) -> f64 {
        let classes = self.labels.len();
        let mut found = vec![vec![0; classes]; classes];
        for number in 0..PICTURES {
            let shown = number % classes;
            found[shown][self.classify(&picture(shown, number as u64))] += 1;
        }
        let right: usize = (0..classes).map(|class| found[class][class]).sum();
        let mut table = format!("{title}: {right} of {PICTURES}\n");
        for (shown, row) in found.iter().enumerate() {
            let mut wrong: Vec<_> = (0..classes).filter(|&class| class != shown && row[class] > 0).collect();
            wrong.sort_by_key(|&class| std::cmp::Reverse(row[class]));
            let wrong: Vec<_> =
                wrong.iter().take(3).map(|&class| format!("{} {}", row[class], self.labels[class])).collect();
            let (right, all) = (row[shown], row.iter().sum::<usize>());
            writeln!(table, "| {} | {right} of {all} | {} |", self.labels[shown], wrong.join(", ")).unwrap();
        }
        println!("{table}");
        right as f64 / PICTURES as f64
    }
}

#[test]
fn drawings_of_the_hand_it_was_trained_on_are_recognised() {
    let mut demo = Demo::new();
    assert_eq!(demo.labels, draw::CLASSES, "the labels are the classes of the pictures, in their order");
    let accuracy = demo.accuracy("first hand", |class, number| draw::picture(class, SIDE, NOT_TRAINED_ON + number));
    assert!(accuracy >= 0.95, "{accuracy}");
}

#[test]
fn drawings_of_another_hand_are_recognised() {
    let mut demo = Demo::new();
    let labels = demo.labels.clone();
    let accuracy = demo.accuracy("second hand", |class, number| second_hand::picture(labels[class], number));
    assert!(accuracy >= 0.90, "{accuracy}");
}

#[test]
fn every_width_recognises_drawings_and_a_wider_one_no_fewer_of_them() {
    let (design, weights) = (demo::design(), demo::weights_of_every_width());
    let widths = demo_widths();
    let mut networks = widths.map(|width| {
        let (narrow, cut) = slim::cut((&design, &weights), width).unwrap();
        Demo::of(&narrow, &cut)
    });
    let classes = demo::labels().count();
    let mut right = [0_u64; 5];
    for number in 0..PICTURES {
        let shown = number % classes;
        let picture = draw::picture(shown, SIDE, NOT_TRAINED_ON + number as u64);
        for (right, network) in right.iter_mut().zip(&mut networks) {
            *right += u64::from(network.classify(&picture) == shown);
        }
    }
    println!("right of {PICTURES} at {widths:?}: {right:?}");
    assert!(right[0] as f64 >= 0.80 * PICTURES as f64 && right[4] as f64 >= 0.95 * PICTURES as f64, "{right:?}");
    assert!(right.is_sorted(), "{right:?}");
    for (width, right) in widths.into_iter().zip(right) {
        let told = demo_accuracy(width).unwrap();
        // A few pictures whose logits nearly tie may fall either way on another machine.
        assert!(told.held_out() == PICTURES as u64 && told.correct().abs_diff(right) <= 6, "{width}: {told} {right}");
    }
}

#[test]
fn a_picture_depends_on_its_seed_alone() {
    let differ = |a: &[u8], b: &[u8]| a.iter().zip(b).filter(|(a, b)| a != b).count();
    for class in 0..draw::CLASSES.len() {
        let picture = draw::picture(class, SIDE, 7);
        assert_eq!(picture.len(), 3 * SIDE * SIDE);
        assert_eq!(picture, draw::picture(class, SIDE, 7));
        assert!(differ(&picture, &draw::picture(class, SIDE, 8)) > SIDE * SIDE, "{}", draw::CLASSES[class]);
        let label = draw::CLASSES[class];
        assert_eq!(second_hand::picture(label, 7), second_hand::picture(label, 7));
        assert!(differ(&second_hand::picture(label, 7), &second_hand::picture(label, 8)) > SIDE * SIDE, "{label}");
    }
}
