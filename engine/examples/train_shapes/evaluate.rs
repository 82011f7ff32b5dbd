//! What the engine's own runtime makes of pictures that were not trained on.

use std::error::Error;
use std::fmt;

use candle_core::Tensor;
use shufflescope_engine::clock::MonotonicClock;
use shufflescope_engine::device::{Device, DeviceId};
use shufflescope_engine::graph::Graph;
use shufflescope_engine::runtime::{RunOptions, prepare};
use shufflescope_engine::weights::Weights;

use super::draw::CLASSES;
use super::pictures::{Batch, SIDE};

/// Counts of pictures by class shown and class found.
pub struct Confusion([[usize; CLASSES.len()]; CLASSES.len()]);

/// Logits of the tuned runtime, one picture after another.
pub fn logits(graph: &Graph, weights: &Weights, batch: &Batch) -> Result<Vec<f32>, Box<dyn Error>> {
    let mut executable = prepare(graph, weights, &Device::cpu(), &RunOptions::new(DeviceId::Cpu, 1, 1))?;
    let (clock, mut logits) = (MonotonicClock::new(), Vec::new());
    for picture in batch.normalised() {
        executable.set_input(&Tensor::from_vec(picture, (1, 3, SIDE, SIDE), &candle_core::Device::Cpu)?)?;
        logits.extend(executable.infer(&clock)?);
    }
    Ok(logits)
}

/// Classifies so many pictures that were not trained on.
pub fn held_out(graph: &Graph, weights: &Weights, count: usize) -> Result<Confusion, Box<dyn Error>> {
    let mut confusion = Confusion([[0; CLASSES.len()]; CLASSES.len()]);
    let batch = Batch::held_out(0, count);
    let logits = logits(graph, weights, &batch)?;
    for (logits, shown) in logits.chunks(CLASSES.len()).zip(batch.labels()) {
        let best = logits.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1));
        confusion.0[shown][best.map_or(0, |(index, _)| index)] += 1;
    }
    Ok(confusion)
}

impl Confusion {
    /// How many were told right.
    pub fn right(&self) -> usize {
        (0..CLASSES.len()).map(|class| self.0[class][class]).sum()
    }
}

impl fmt::Display for Confusion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let all: usize = self.0.iter().flatten().sum();
        let right = self.right();
        writeln!(f, "{right} of {all} held-out pictures right: {:.1} %", 100.0 * right as f64 / all as f64)?;
        for (class, row) in self.0.iter().enumerate() {
            write!(f, "{:>10}: {} of {}", CLASSES[class], row[class], row.iter().sum::<usize>())?;
            let mut wrong: Vec<_> = row.iter().enumerate().filter(|&(found, &n)| found != class && n > 0).collect();
            wrong.sort_by_key(|&(_, &n)| std::cmp::Reverse(n));
            for (found, n) in wrong.iter().take(4) {
                write!(f, ", {n} {}", CLASSES[*found])?;
            }
            writeln!(f)?;
        }
        Ok(())
    }
}
