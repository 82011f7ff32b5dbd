//! All widths of the demo network at once.

use std::error::Error;
use std::path::Path;
use std::time::{Duration, Instant};

use shufflescope_engine::classify::demo;
use shufflescope_engine::design::Batch as Images;
use shufflescope_engine::graph::lower;
use shufflescope_engine::training::slim::{SlimLearner, cut, grid, is_slimmable, sorted};
use shufflescope_engine::training::{Optimiser, Targets, schedule};
use shufflescope_engine::weights::{Weights, save_safetensors};

use super::pictures;
use super::{DECAY, SMOOTHING, Settings, evaluate as found};

/// Widths that the window shows.
const SHOWN: [f64; 5] = [0.25, 0.375, 0.5, 0.75, 1.0];

/// Batches whose statistics are averaged before weights are written.
const AVERAGED: u64 = 30;

/// Trains until the rate is nothing; writes weights of all widths every minute.
pub fn train(settings: &Settings) -> Result<(), Box<dyn Error>> {
    let design = demo::design();
    let weights = match &settings.from {
        Some(path) => read(path)?,
        None => demo::weights_of_every_width(),
    };
    let weights = if is_slimmable(&weights) { weights } else { sorted((&design, &weights))? };
    let mut learner = SlimLearner::new((&design, &weights), settings.batch, Optimiser::AdamW)?;
    let steps = if settings.minutes.is_some() { usize::MAX / 4 } else { settings.steps };
    let batches = pictures::produce(settings.seed, settings.batch, steps);
    let (start, mut saved) = (Instant::now(), Instant::now());
    let mut log = [0.0_f32; 3];
    let mut logged = 0.0_f32;
    for (step, batch) in batches.iter().enumerate().take(settings.until) {
        let done = settings.done(step, start);
        if done >= 1.0 {
            break;
        }
        let rate = (settings.rate * schedule(done, 0.03)) as f32;
        let targets = Targets::of_labels(&batch.labels(), design.classes as usize, SMOOTHING);
        // The narrowest, and two others in turn.
        let others = learner.narrower() - 1;
        let between = [1 + step * 5 % others, 1 + (step * 7 + 3) % others];
        let losses = learner.step(&batch.values(), &targets, &[0, between[0], between[1]], (rate, DECAY));
        for (log, loss) in log.iter_mut().zip(&losses) {
            *log += loss;
        }
        logged += 1.0;
        if (step + 1) % 100 == 0 {
            let pace = ((step + 1) * batch.len()) as f64 / start.elapsed().as_secs_f64();
            let [whole, narrow, other] = log.map(|sum| sum / logged);
            (log, logged) = ([0.0; 3], 0.0);
            let share = 100.0 * done;
            println!(
                "step {} ({share:.0} %): loss {whole:.3}, narrowest {narrow:.3}, other {other:.3} ({pace:.0} pictures/s)",
                step + 1
            );
        }
        if saved.elapsed() > Duration::from_secs(60) {
            saved = Instant::now();
            save_safetensors(&learner.weights(), &settings.out)?;
        }
    }
    println!("trained for {:.0} s", start.elapsed().as_secs_f64());
    average(&mut learner, settings);
    save_safetensors(&learner.weights(), &settings.out)?;
    evaluate(&settings.out, 2000)
}

fn average(learner: &mut SlimLearner, settings: &Settings) {
    for batch in pictures::produce(settings.seed + 1, settings.batch, AVERAGED as usize).iter() {
        learner.average(&batch.values());
    }
}

/// Weights with everything that is in their file.
fn read(path: &Path) -> Result<Weights, Box<dyn Error>> {
    Ok(demo::read(&std::fs::read(path)?)?)
}

/// Prints how many pictures that were not trained on each width tells right.
pub fn evaluate(path: &Path, count: usize) -> Result<(), Box<dyn Error>> {
    let (design, weights) = (demo::design(), read(path)?);
    if !is_slimmable(&weights) {
        return Err("these weights are of one width".into());
    }
    println!("{}: {} bytes, {} widths", path.display(), std::fs::metadata(path)?.len(), grid().len());
    for width in SHOWN {
        let (narrow, cut) = cut((&design, &weights), width)?;
        let confusion = found::held_out(&lower(&narrow, Images(1))?, &cut, count)?;
        println!(
            "| {width} | {} of {count} | {:.1} % |",
            confusion.right(),
            100.0 * confusion.right() as f64 / count as f64
        );
    }
    Ok(())
}
