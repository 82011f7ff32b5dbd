//! Trains the demo weights (`assets/weights/shapes.safetensors`) on pictures that it draws itself.
//!
//! ```text
//! RAYON_NUM_THREADS=1 cargo run -p shufflescope-engine --example train_shapes -- --steps 8000 --out shapes.safetensors
//! cargo run -p shufflescope-engine --example train_shapes -- --sheet pictures.ppm
//! ```
//!
//! Weights are written every minute, whole or not at all, so that an interrupted run can be used or gone on from
//! (`--from`). The same seed draws the same pictures in the same order; sums of floats may differ between machines.

#![allow(clippy::print_stdout, reason = "its log")]

mod draw;
mod evaluate;
mod network;
mod operations;
mod pictures;

use std::error::Error;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use candle_core::{D, Device, Tensor};
use candle_nn::{AdamW, Optimizer, ParamsAdamW};
use network::{Mode, Network};
use pictures::Batch;
use shufflescope_engine::design::{Batch as Images, Design};
use shufflescope_engine::graph::{Graph, lower};
use shufflescope_engine::weights::{load, save_safetensors};

/// Threads of this program's own operations. Candle's spin while they wait for each other, which on a busy machine costs
/// more than it brings: `RAYON_NUM_THREADS=1` leaves Candle with one and does not concern these.
const THREADS: usize = 2;

/// Share of a label that is spread over all classes.
const SMOOTHING: f64 = 0.05;

/// What the command line says.
struct Settings {
    /// Over which the rate falls to nothing.
    steps: usize,
    /// Where to stop before that.
    until: usize,
    batch: usize,
    seed: u64,
    rate: f64,
    out: PathBuf,
    from: Option<PathBuf>,
    sheet: Option<PathBuf>,
}

impl Settings {
    fn parse() -> Result<Self, Box<dyn Error>> {
        let mut settings = Self {
            steps: 8000,
            until: usize::MAX,
            batch: 32,
            seed: 1,
            rate: 3e-3,
            out: "shapes.safetensors".into(),
            from: None,
            sheet: None,
        };
        let mut arguments = std::env::args().skip(1);
        while let Some(name) = arguments.next() {
            let value = arguments.next().ok_or_else(|| format!("{name} needs a value"))?;
            match name.as_str() {
                "--steps" => settings.steps = value.parse()?,
                "--until" => settings.until = value.parse()?,
                "--batch" => settings.batch = value.parse()?,
                "--seed" => settings.seed = value.parse()?,
                "--rate" => settings.rate = value.parse()?,
                "--out" => settings.out = value.into(),
                "--from" => settings.from = Some(value.into()),
                "--sheet" => settings.sheet = Some(value.into()),
                _ => return Err(format!("unknown option {name}").into()),
            }
        }
        Ok(settings)
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let settings = Settings::parse()?;
    if let Some(path) = &settings.sheet {
        return Ok(std::fs::write(path, pictures::sheet(settings.seed))?);
    }
    rayon::ThreadPoolBuilder::new().num_threads(THREADS).build_global()?;
    let design = Design::read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../assets/designs/shapes.toml"))?;
    let graph = lower(&design, Images(1))?;
    let mut network = match &settings.from {
        Some(path) => Network::from_weights(graph.clone(), &load(path, &graph)?)?,
        None => Network::new(graph.clone(), settings.seed)?,
    };
    train(&mut network, &settings)?;
    save(&mut network, &graph, &settings.out)?;
    println!("{}", evaluate::held_out(&graph, &network.weights()?)?);
    Ok(())
}

fn train(network: &mut Network, settings: &Settings) -> Result<(), Box<dyn Error>> {
    let batches = pictures::produce(settings.seed, settings.batch, settings.steps);
    let parameters = ParamsAdamW { lr: 0.0, weight_decay: 0.03, ..ParamsAdamW::default() };
    let mut optimiser = AdamW::new(network.variables(), parameters)?;
    let (start, mut saved, mut log) = (Instant::now(), Instant::now(), Log::default());
    for (step, batch) in batches.iter().enumerate().take(settings.until) {
        optimiser.set_learning_rate(settings.rate * schedule(step, settings.steps));
        let logits = network.forward(batch.tensor()?, batch.len(), Mode::Train)?.t()?;
        let loss = loss(&logits, &batch)?;
        optimiser.backward_step(&loss)?;
        log.add(loss.to_scalar()?, batch.share_right(&logits)?);
        if (step + 1) % 100 == 0 {
            let images = (step + 1) * batch.len();
            let rate = images as f64 / start.elapsed().as_secs_f64();
            println!("step {} of {}: {} ({rate:.0} pictures/s)", step + 1, settings.steps, log.take());
        }
        if saved.elapsed() > Duration::from_secs(60) {
            saved = Instant::now();
            save_safetensors(&network.weights()?, &settings.out)?;
        }
    }
    println!("trained for {:.0} s", start.elapsed().as_secs_f64());
    Ok(())
}

/// Share of the highest rate: a short rise, then half a cosine down to nothing.
fn schedule(step: usize, steps: usize) -> f64 {
    let (done, rise) = (step as f64 / steps as f64, 0.03);
    if done < rise {
        (done / rise).max(0.01)
    } else {
        0.5 + 0.5 * (std::f64::consts::PI * (done - rise) / (1.0 - rise)).cos()
    }
}

/// Cross entropy of `[batch, classes]` logits with smoothed labels.
fn loss(logits: &Tensor, batch: &Batch) -> candle_core::Result<Tensor> {
    let logarithms = candle_nn::ops::log_softmax(&logits.contiguous()?, D::Minus1)?;
    let labels = Tensor::from_vec(batch.labels(), (batch.len(), 1), &Device::Cpu)?;
    let right = (logarithms.gather(&labels, 1)?.mean_all()? * (SMOOTHING - 1.0))?;
    right - (logarithms.mean_all()? * SMOOTHING)?
}

/// Writes the weights once the engine's runtime has given the trainer's own logits with them.
fn save(network: &mut Network, graph: &Graph, path: &Path) -> Result<(), Box<dyn Error>> {
    let weights = network.weights()?;
    let batch = Batch::held_out(0, 16);
    let ours = network.forward(batch.tensor()?, batch.len(), Mode::Evaluate)?.t()?.flatten_all()?.to_vec1::<f32>()?;
    let engines = evaluate::logits(graph, &weights, &batch)?;
    let gap = |(ours, engines): (&f32, &f32)| (ours - engines).abs();
    if engines.len() != ours.len() || !ours.iter().zip(&engines).all(|pair| gap(pair) < 1e-3) {
        return Err("the engine does not compute what was trained".into());
    }
    let most = ours.iter().zip(&engines).map(gap).fold(0.0, f32::max);
    println!("the engine's logits differ from the trainer's by at most {most:.1e}");
    Ok(save_safetensors(&weights, path)?)
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
