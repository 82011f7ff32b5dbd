//! What a training of so many seconds gives on drawings: the tables of `assets/weights/README.md`.

use std::error::Error;
use std::ops::ControlFlow;
use std::sync::Arc;

use shufflescope_engine::classify::{Picture, Preprocessing, demo};
use shufflescope_engine::training::pictures::{HoldOut, Pictures, Taken};
use shufflescope_engine::training::{Budget, Start, TrainRequest, Trainer, demo_at};

use super::draw::{self, CLASSES};
use super::pictures::SIDE;
use super::{HELD_OUT_FROM, Settings};

/// Of these pictures a class: four fifths are trained on, the rest is held out.
const HOLD_OUT: f64 = 0.2;

/// Trains half of the demo's width on `--count` drawings of every class for `--seconds`, once for every seed up to `--seed`,
/// from nothing or with `--from demo` from the demo's weights; a row for each.
pub fn print(seconds: f64, settings: &Settings) -> Result<(), Box<dyn Error>> {
    let design = demo_at::design(0.5);
    let all = (settings.count as f64 / (1.0 - HOLD_OUT)).round() as usize;
    println!("| start | seconds | threads | seed | epochs | pictures/s | held out |");
    println!("|---|---:|---:|---:|---:|---:|---|");
    for seed in 1..=settings.seed {
        let pictures = drawings(all, seed)?;
        let split = pictures.split(HoldOut { share: HOLD_OUT, seed })?;
        let from = match &settings.from {
            Some(_) => {
                let (design, weights) = demo_at::start(&design);
                Start::Weights { design: Box::new(design), weights: Arc::new(weights) }
            }
            None => Start::Nothing,
        };
        let start = if settings.from.is_some() { "the demo's weights" } else { "nothing" };
        let trainer = Trainer::new(TrainRequest {
            design: design.clone(),
            from,
            pictures: Arc::new(pictures),
            split,
            budget: Budget::Seconds(seconds),
            seed,
            threads: settings.threads,
            checkpoint: None,
            recipe: None,
        })?;
        let trained = trainer.run(&mut |_| ControlFlow::Continue(()))?;
        println!(
            "| {start} | {:.0} | {} | {seed} | {:.1} | {:.0} | {} of {}: {} |",
            trained.seconds,
            settings.threads,
            trained.epochs,
            trained.pictures_per_second,
            trained.accuracy.correct(),
            trained.accuracy.held_out(),
            trained.accuracy
        );
    }
    Ok(())
}

/// So many drawings of every class, which the demo's own training never saw.
fn drawings(count: usize, seed: u64) -> Result<Pictures, Box<dyn Error>> {
    let input = demo::design().input;
    let mut pictures = Pictures::new("drawings", Preprocessing::with_resize(input, SIDE as u32)?);
    for (class, name) in CLASSES.iter().enumerate() {
        pictures.add_class(*name)?;
        for number in 0..count {
            let number = (seed << 32) + (number * CLASSES.len() + class) as u64;
            let drawn = draw::picture(class, SIDE, HELD_OUT_FROM + number);
            pictures.add(class, &Picture::new(SIDE as u32, SIDE as u32, drawn)?, Taken::Alone)?;
        }
    }
    Ok(pictures)
}
