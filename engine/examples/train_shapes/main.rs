//! Trains the demo weights (`assets/weights/shapes.safetensors.gz`, packed) on pictures that it draws itself.
//!
//! ```text
//! cargo run --release -p shufflescope-engine --example train_shapes -- --steps 8000 --out shapes.safetensors
//! cargo run --release -p shufflescope-engine --example train_shapes -- --slim --minutes 30 --out slim.safetensors
//! cargo run --release -p shufflescope-engine --example train_shapes -- --sheet pictures.ppm
//! cargo run --release -p shufflescope-engine --example train_shapes -- --folder pictures --count 300
//! cargo run --release -p shufflescope-engine --example train_shapes -- --figures 300 --count 300 --seed 3
//! cargo run --release -p shufflescope-engine --example train_shapes -- --figures 60 --from demo --count 300 --seed 3
//! cargo run --release -p shufflescope-engine --example train_shapes -- --speed shapes-x0.5 --batch 32 --threads 2
//! ```
//!
//! Weights are written every minute, whole or not at all, so that an interrupted run can be used or gone on from
//! (`--from`). The same seed draws the same pictures in the same order; sums of floats may differ between machines.

#![allow(clippy::print_stdout, reason = "its log")]

mod draw;
mod evaluate;
mod figures;
mod pictures;
mod slim;
mod speed;

use std::error::Error;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use pictures::{Batch, HELD_OUT as HELD_OUT_FROM};
use shufflescope_engine::classify::demo;
use shufflescope_engine::design::{Batch as Images, Design};
use shufflescope_engine::graph::{Graph, lower};
use shufflescope_engine::training::{Learner, Optimiser, Parameters, Targets, schedule};
use shufflescope_engine::weights::{load, save_safetensors};

/// Share of a label that is spread over all classes.
const SMOOTHING: f32 = 0.05;

/// What is taken off weights, as a share of the rate.
const DECAY: f32 = 0.03;

/// Held-out pictures looked at after training.
const HELD_OUT: usize = 1008;

/// What the command line says.
#[derive(Debug)]
pub struct Settings {
    /// Over which the rate falls to nothing.
    steps: usize,
    /// Where to stop before that.
    until: usize,
    /// Over which the rate falls to nothing, in place of steps.
    minutes: Option<f64>,
    batch: usize,
    seed: u64,
    rate: f64,
    threads: usize,
    out: PathBuf,
    from: Option<PathBuf>,
    sheet: Option<PathBuf>,
    folder: Option<PathBuf>,
    /// Pictures of a class in the folder, or held out.
    count: usize,
    /// Whether all widths are trained.
    slim: bool,
    /// Weights whose widths are to be measured.
    evaluate: Option<PathBuf>,
    /// A network whose training is timed.
    speed: Option<String>,
    /// For how long to train on a folder's worth of drawings, for the tables.
    figures: Option<f64>,
}

impl Settings {
    fn parse() -> Result<Self, Box<dyn Error>> {
        let mut settings = Self {
            steps: 8000,
            until: usize::MAX,
            minutes: None,
            batch: 32,
            seed: 1,
            rate: 3e-3,
            threads: 2,
            out: "shapes.safetensors".into(),
            from: None,
            sheet: None,
            folder: None,
            count: 300,
            slim: false,
            evaluate: None,
            speed: None,
            figures: None,
        };
        let mut arguments = std::env::args().skip(1);
        while let Some(name) = arguments.next() {
            if name == "--slim" {
                settings.slim = true;
                continue;
            }
            let value = arguments.next().ok_or_else(|| format!("{name} needs a value"))?;
            match name.as_str() {
                "--steps" => settings.steps = value.parse()?,
                "--until" => settings.until = value.parse()?,
                "--minutes" => settings.minutes = Some(value.parse()?),
                "--batch" => settings.batch = value.parse()?,
                "--seed" => settings.seed = value.parse()?,
                "--rate" => settings.rate = value.parse()?,
                "--threads" => settings.threads = value.parse()?,
                "--out" => settings.out = value.into(),
                "--from" => settings.from = Some(value.into()),
                "--sheet" => settings.sheet = Some(value.into()),
                "--folder" => settings.folder = Some(value.into()),
                "--count" => settings.count = value.parse()?,
                "--evaluate" => settings.evaluate = Some(value.into()),
                "--speed" => settings.speed = Some(value),
                "--figures" => settings.figures = Some(value.parse()?),
                _ => return Err(format!("unknown option {name}").into()),
            }
        }
        Ok(settings)
    }

    /// Share of the training that is done.
    fn done(&self, step: usize, since: Instant) -> f64 {
        match self.minutes {
            Some(minutes) => since.elapsed().as_secs_f64() / (60.0 * minutes),
            None => step as f64 / self.steps as f64,
        }
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let settings = Settings::parse()?;
    if let Some(path) = &settings.sheet {
        return Ok(std::fs::write(path, pictures::sheet(settings.seed))?);
    }
    if let Some(folder) = &settings.folder {
        return pictures::write_folder(folder, settings.count, settings.seed);
    }
    if let Some(seconds) = settings.figures {
        return figures::print(seconds, &settings);
    }
    rayon::ThreadPoolBuilder::new().num_threads(settings.threads).build_global()?;
    if let Some(network) = &settings.speed {
        return speed::measure(network, &settings);
    }
    if let Some(path) = &settings.evaluate {
        return slim::evaluate(path, settings.count);
    }
    if settings.slim {
        return slim::train(&settings);
    }
    let design = demo::design();
    let graph = lower(&design, Images(1))?;
    let parameters = match &settings.from {
        Some(path) => Parameters::from_weights(&graph, &load(path, &graph)?)?,
        None => Parameters::made_up(&graph, settings.seed),
    };
    let mut learner = Learner::new(&graph, parameters, settings.batch, Optimiser::AdamW)?;
    train(&mut learner, &design, &settings)?;
    save(&mut learner, &graph, &settings.out)?;
    println!("{}", evaluate::held_out(&graph, &learner.parameters.weights(), HELD_OUT)?);
    Ok(())
}

fn train(learner: &mut Learner, design: &Design, settings: &Settings) -> Result<(), Box<dyn Error>> {
    let batches = pictures::produce(settings.seed, settings.batch, settings.steps);
    let (start, mut saved, mut log) = (Instant::now(), Instant::now(), Log::default());
    for (step, batch) in batches.iter().enumerate().take(settings.until) {
        let done = settings.done(step, start);
        if done >= 1.0 {
            break;
        }
        let rate = (settings.rate * schedule(done, 0.03)) as f32;
        let targets = Targets::of_labels(&batch.labels(), design.classes as usize, SMOOTHING);
        let found = learner.step(&batch.values(), &targets, rate, DECAY)?;
        log.add(found.loss, found.right as f32 / batch.len() as f32);
        if (step + 1) % 100 == 0 {
            let images = (step + 1) * batch.len();
            let rate = images as f64 / start.elapsed().as_secs_f64();
            println!("step {} of {}: {} ({rate:.0} pictures/s)", step + 1, settings.steps, log.take());
        }
        if saved.elapsed() > Duration::from_secs(60) {
            saved = Instant::now();
            save_safetensors(&learner.parameters.weights(), &settings.out)?;
        }
    }
    println!("trained for {:.0} s", start.elapsed().as_secs_f64());
    Ok(())
}

/// Writes the weights once the engine's runtime has given the trainer's own logits with them.
fn save(learner: &mut Learner, graph: &Graph, path: &Path) -> Result<(), Box<dyn Error>> {
    let batch = Batch::held_out(0, learner.batch());
    // With these pictures' own statistics both compute the same.
    let mut checked = learner.parameters.clone();
    let ours = learner.logits(&batch.values())?;
    checked.running = learner.statistics(&batch.values())?.to_vec();
    let engines = evaluate::logits(graph, &checked.weights(), &batch)?;
    let classes = ours.len() / batch.len();
    let gap = |index: usize| (ours[index % classes * batch.len() + index / classes] - engines[index]).abs();
    let most = (0..ours.len().min(engines.len())).map(gap).fold(0.0, f32::max);
    if engines.len() != ours.len() || most > 1e-3 {
        return Err(format!("the engine does not compute what was trained: {most}").into());
    }
    println!("the engine's logits differ from the trainer's by at most {most:.1e}");
    Ok(save_safetensors(&learner.parameters.weights(), path)?)
}

/// Means since the last line of the log.
#[derive(Default)]
struct Log {
    loss: f32,
    right: f32,
    steps: f32,
}

impl Log {
    fn add(&mut self, loss: f32, right: f32) {
        *self = Self { loss: self.loss + loss, right: self.right + right, steps: self.steps + 1.0 };
    }

    fn take(&mut self) -> String {
        let Self { loss, right, steps } = std::mem::take(self);
        format!("loss {:.3}, {:.1} % right", loss / steps, 100.0 * right / steps)
    }
}
