//! What a worker is doing with the pictures.

use std::time::{Duration, Instant};

use shufflescope_engine::units::Nanos;

use crate::teach::{Curve, Kind, TeachNews, TeachWork};

/// See the module.
#[derive(Debug)]
pub struct Running {
    work: TeachWork,
    /// Whether the worker has it: before, everything is being written that it is to read.
    pub(super) is_sent: bool,
    /// Whether it was asked to stop with what it has.
    is_stopping: bool,
    started: Instant,
    words: String,
    fraction: Option<f32>,
    left: Option<Nanos>,
    curve: Vec<Curve>,
}

impl Running {
    pub(super) fn new(work: TeachWork) -> Self {
        let (words, started) = ("Saving the pictures".to_owned(), Instant::now());
        Self { work, is_sent: false, is_stopping: false, started, words, fraction: None, left: None, curve: vec![] }
    }

    /// What is done.
    #[must_use]
    pub const fn work(&self) -> &TeachWork {
        &self.work
    }

    /// Whether it can be asked to stop with what it has: a training can, once.
    #[must_use]
    pub fn can_stop(&self) -> bool {
        let is_training = matches!(&self.work, TeachWork::Teach(job) if matches!(job.kind, Kind::Trained { .. }));
        is_training && self.is_sent && !self.is_stopping && !self.curve.is_empty()
    }

    pub(super) fn stop(&mut self) {
        self.is_stopping = true;
        self.words = "Stopping: the best so far is measured and kept".into();
    }

    /// What it is at, in a few words.
    #[must_use]
    pub fn words(&self) -> &str {
        &self.words
    }

    /// Done, from 0 to 1, where that is known.
    #[must_use]
    pub const fn fraction(&self) -> Option<f32> {
        self.fraction
    }

    /// How long it takes already.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    /// Time left, where that is known.
    #[must_use]
    pub const fn left(&self) -> Option<Nanos> {
        self.left
    }

    /// The moments of a training so far.
    #[must_use]
    pub fn curve(&self) -> &[Curve] {
        &self.curve
    }

    /// Takes a word of the worker.
    pub(super) fn take(&mut self, news: &TeachNews) {
        match news {
            TeachNews::Reading { done, all } => {
                self.words = format!("Reading pictures, {done} of {all}");
                self.fraction = Some(*done as f32 / (*all).max(1) as f32);
            }
            TeachNews::Teaching { from, fraction, left, curve } => {
                if !self.is_stopping {
                    self.words = format!("Teaching, from {from}");
                }
                (self.fraction, self.left) = (Some(*fraction as f32), *left);
                self.curve.clone_from(curve);
            }
            TeachNews::Taught(_) | TeachNews::TakenIn(_) | TeachNews::Failed { .. } => {}
        }
    }
}
