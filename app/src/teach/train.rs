//! Trains the whole network, and goes on where a killed training was.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::{Duration, Instant};

use shufflescope_engine::training::pictures::{Pictures, Split};
use shufflescope_engine::training::{Budget, Progress, Start, Taught, TrainError, TrainRequest, Trainer};
use shufflescope_engine::units::Nanos;

use super::job::{Curve, TeachJob, TeachNews};
use super::start::origin;

/// Time between two words about how far it is.
const SPACING: Duration = Duration::from_millis(200);

/// Most moments of the curves that are told; of more every second one is kept.
const MOST: usize = 240;

/// What is told on the way.
struct Told<'a> {
    from: String,
    curve: Vec<Curve>,
    /// A moment is noted at every so many words.
    every: usize,
    words: usize,
    at: Instant,
    is_stopped: &'a dyn Fn() -> bool,
    tell: &'a mut dyn FnMut(TeachNews),
}

impl Told<'_> {
    fn hear(&mut self, progress: &Progress) -> ControlFlow<()> {
        if (self.is_stopped)() {
            return ControlFlow::Break(());
        }
        if self.at.elapsed() >= SPACING {
            self.at = Instant::now();
            if self.words.is_multiple_of(self.every) {
                self.note(progress);
            }
            self.words += 1;
            let fraction = progress.step as f64 / progress.steps.max(1) as f64;
            let left = Some(Nanos(u64::try_from(progress.left.as_nanos()).unwrap_or(u64::MAX)));
            let (from, curve) = (self.from.clone(), self.curve.clone());
            (self.tell)(TeachNews::Teaching { from, fraction: fraction.min(1.0), left, curve });
        }
        ControlFlow::Continue(())
    }

    fn note(&mut self, progress: &Progress) {
        if !progress.loss.is_finite() {
            return;
        }
        self.curve.push(Curve {
            epochs: progress.epochs,
            loss: f64::from(progress.loss),
            accuracy: f64::from(progress.training_accuracy),
            held_out: progress.held_out.as_ref().map(|accuracy| accuracy.share()),
        });
        if self.curve.len() > MOST {
            let mut keeps = false;
            self.curve.retain(|_| {
                keeps = !keeps;
                keeps
            });
            self.every *= 2;
        }
    }
}

/// What was taught, what it started from, and the moments on the way.
pub(super) fn train(
    job: &TeachJob,
    seconds: u64,
    (pictures, split): (Pictures, Split),
    is_stopped: &dyn Fn() -> bool,
    tell: &mut dyn FnMut(TeachNews),
) -> anyhow::Result<(Taught, String, Vec<Curve>)> {
    let (from, words) = match origin(job) {
        Ok(origin) => (Start::Weights { design: Box::new(origin.design), weights: origin.weights }, origin.words),
        Err(_) => (Start::Nothing, "nothing: no trained weights fit".to_owned()),
    };
    let checkpoint = job.checkpoint();
    let classes = pictures.classes().to_vec();
    let request = TrainRequest {
        design: job.design.clone(),
        from,
        pictures: Arc::new(pictures),
        split,
        budget: Budget::Seconds(seconds as f64),
        seed: job.seed,
        threads: job.run.threads,
        checkpoint: Some(checkpoint.clone()),
        recipe: None,
    };
    let (at, curve) = (Instant::now(), vec![]);
    let mut told = Told { from: words.clone(), curve, every: 1, words: 0, at, is_stopped, tell };
    let trainer = match Trainer::new(request.clone()) {
        // Of other pictures or another design: nobody goes on with it.
        Err(TrainError::OtherCheckpoint { .. }) => {
            std::fs::remove_file(&checkpoint)?;
            Trainer::new(request)?
        }
        other => other?,
    };
    let trained = trainer.run(&mut |progress| told.hear(&progress))?;
    let curve = std::mem::take(&mut told.curve);
    // It has done its work.
    let _ = std::fs::remove_file(&checkpoint);
    Ok((trained.taught(&classes), words, curve))
}
