//! How many pictures a second are trained on: `engine/tests/interop/training_speed.py` reads it.

use std::error::Error;
use std::time::Instant;

use shufflescope_engine::classify::demo;
use shufflescope_engine::design::{Batch, Design};
use shufflescope_engine::graph::{Shape, lower};
use shufflescope_engine::training::slim::at_width;
use shufflescope_engine::training::{Learner, Optimiser, Parameters, Targets, TrainError};
use shufflescope_engine::weights::seeded_input;
use shufflescope_engine::zoo;

use super::Settings;

/// `shapes-x0.5` is the demo's design with half of its stages' channels; anything else is a preset.
fn design(name: &str) -> Result<Design, Box<dyn Error>> {
    match name.strip_prefix("shapes-x") {
        Some(width) => Ok(at_width(&demo::design(), width.parse()?)),
        None => zoo::preset(name).ok_or_else(|| format!("there is no preset {name}").into()),
    }
}

/// Prints the pictures a second of whole steps (forward, backward, optimiser) on made-up pictures.
pub fn measure(name: &str, settings: &Settings) -> Result<(), Box<dyn Error>> {
    let design = design(name)?;
    let graph = lower(&design, Batch(1))?;
    let batch = settings.batch;
    let mut learner = Learner::new(&graph, Parameters::made_up(&graph, 1), batch, Optimiser::AdamW)?;
    let Shape { channels, height, width, .. } = graph.input_shape();
    let pictures = seeded_input(Shape::new(batch, channels, height, width), 1);
    let labels: Vec<usize> = (0..batch).map(|index| index % design.classes as usize).collect();
    let targets = Targets::of_labels(&labels, design.classes as usize, 0.05);
    for _ in 0..3 {
        learner.step(&pictures, &targets, 1e-3, 0.03)?;
    }
    let mut seconds: Vec<f64> = (0..settings.steps.clamp(1, 1000))
        .map(|_| {
            let begin = Instant::now();
            learner.step(&pictures, &targets, 1e-3, 0.03)?;
            Ok(begin.elapsed().as_secs_f64())
        })
        .collect::<Result<_, TrainError>>()?;
    seconds.sort_by(f64::total_cmp);
    println!("{:.2}", batch as f64 / seconds[seconds.len() / 2]);
    Ok(())
}
