//! What is asked of a training, what it tells on the way and what comes of it.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::pictures::{DataError, Pictures, Split};
use super::{Accuracy, AccuracyError, CutError, CutReport, Taught, TeachError, Way};
use crate::design::Design;
use crate::graph::LoweringError;
use crate::weights::{Weights, WeightsError};

/// What the weights are when the training begins.
#[derive(Clone, Debug, Default)]
pub enum Start {
    /// Made up from the seed.
    #[default]
    Nothing,
    /// Those of a network of the same family: the same design, or a wider or deeper one, which is cut to fit. The classifier
    /// starts anew where there are other classes.
    Weights {
        /// What they are the weights of.
        design: Box<Design>,
        /// The weights.
        weights: Arc<Weights>,
    },
}

/// When to stop.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Budget {
    /// After so long, the measuring of accuracy included.
    Seconds(f64),
    /// When every picture that is trained on has been shown so many times.
    Epochs(f64),
}

/// How a network learns; what the trainer takes where nothing else is asked for depends on the start.
#[derive(Clone, Debug, PartialEq)]
pub struct Recipe {
    /// Pictures of a step.
    pub batch: usize,
    /// How parameters follow their gradients.
    pub optimiser: Optimiser,
    /// The highest learning rate.
    pub rate: f64,
    /// Share of the training during which the rate rises.
    pub warm_up: f64,
    /// What is taken off the weights of convolutions and linear layers, as a share of the rate.
    pub weight_decay: f64,
    /// Share of a label that is spread over all classes.
    pub smoothing: f32,
    /// What is done to pictures so that none is seen twice.
    pub augmentation: Augmentation,
}

/// How parameters follow their gradients.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Optimiser {
    /// Adam with weight decay apart from the gradients (Loshchilov and Hutter, ICLR 2019).
    AdamW,
    /// Stochastic gradient descent with Nesterov's momentum.
    Sgd {
        /// Share of the last step's direction that is kept.
        momentum: f32,
    },
}

/// What is done to pictures on their way into a batch, each by chance.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Augmentation {
    /// Whether half of the pictures are mirrored.
    pub flip: bool,
    /// The least share of a side that is cut out and enlarged.
    pub zoom: f32,
    /// The largest turn, in degrees.
    pub turn: f32,
    /// The largest change of brightness and contrast, as a share.
    pub light: f32,
    /// The largest turn of the hue, in degrees.
    pub hue: f32,
}

impl Augmentation {
    /// Pictures as they are.
    pub const NONE: Self = Self { flip: false, zoom: 1.0, turn: 0.0, light: 0.0, hue: 0.0 };
}

impl Default for Augmentation {
    fn default() -> Self {
        Self { flip: true, zoom: 0.75, turn: 8.0, light: 0.25, hue: 8.0 }
    }
}

impl Recipe {
    /// For weights that are made up.
    #[must_use]
    pub fn from_nothing() -> Self {
        Self {
            batch: 32,
            optimiser: Optimiser::AdamW,
            rate: 4e-3,
            warm_up: 0.05,
            weight_decay: 0.03,
            smoothing: 0.05,
            augmentation: Augmentation::default(),
        }
    }

    /// For weights that know something already.
    #[must_use]
    pub fn going_on() -> Self {
        Self { rate: 1.5e-3, ..Self::from_nothing() }
    }

    /// The usual one for this start.
    #[must_use]
    pub fn for_start(start: &Start) -> Self {
        match start {
            Start::Nothing => Self::from_nothing(),
            Start::Weights { .. } => Self::going_on(),
        }
    }
}

/// Everything that decides what a training gives.
#[derive(Clone, Debug)]
pub struct TrainRequest {
    /// What is trained; it gets as many classes as the pictures have.
    pub design: Design,
    /// What it starts from.
    pub from: Start,
    /// The pictures, cut to the design's input.
    pub pictures: Arc<Pictures>,
    /// Which of them are trained on and which are held out.
    pub split: Split,
    /// When to stop.
    pub budget: Budget,
    /// Decides everything that is left to chance.
    pub seed: u64,
    /// Threads of the processor.
    pub threads: usize,
    /// Where the state is kept from time to time; a training that finds its own there goes on from it.
    pub checkpoint: Option<PathBuf>,
    /// How it learns; the usual way for its start where absent.
    pub recipe: Option<Recipe>,
}

/// How far a training is.
#[derive(Clone, Debug, PartialEq)]
pub struct Progress {
    /// Steps done.
    pub step: usize,
    /// Steps that there will be: known where epochs are asked for, else from the pace so far.
    pub steps: usize,
    /// How often every picture has been shown.
    pub epochs: f64,
    /// Mean loss of the last steps.
    pub loss: f32,
    /// Share of the last steps' pictures, changed as they were, that were told right.
    pub training_accuracy: f32,
    /// The last measured accuracy on the held-out pictures.
    pub held_out: Option<Accuracy>,
    /// Pictures trained on a second.
    pub pictures_per_second: f64,
    /// Since the training began, or went on.
    pub elapsed: Duration,
    /// Until the result, as far as the pace so far tells.
    pub left: Duration,
    /// What is being done.
    pub phase: Phase,
}

/// What a training does at the moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Changing weights.
    Learning,
    /// Averaging the statistics of normalisations with the weights as they are.
    Averaging,
    /// Measuring accuracy on the held-out pictures.
    Measuring,
}

/// A point of the curves.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Point {
    /// Steps done.
    pub step: usize,
    /// How often every picture has been shown.
    pub epochs: f64,
    /// Mean loss since the last point.
    pub loss: f32,
    /// Share of the pictures told right since the last point.
    pub training_accuracy: f32,
    /// On the held-out pictures, where it was measured here.
    pub held_out: Option<Accuracy>,
}

/// What a training gives.
#[derive(Clone, Debug)]
pub struct Trained {
    /// What was trained, with the pictures' number of classes.
    pub design: Design,
    /// Its weights.
    pub weights: Weights,
    /// Measured on the held-out pictures with these weights, by the engine's own runtime.
    pub accuracy: Accuracy,
    /// How often every picture was shown.
    pub epochs: f64,
    /// Steps done.
    pub steps: usize,
    /// How long it took, in all its parts where it went on from a checkpoint.
    pub seconds: f64,
    /// Pictures trained on a second, the measuring not counted.
    pub pictures_per_second: f64,
    /// The curves.
    pub history: Vec<Point>,
    /// What became of the weights that it started from.
    pub start: Option<CutReport>,
    /// Whether it was ended before its budget.
    pub cancelled: bool,
}

impl Trained {
    /// What is written and shown, with the names of the classes.
    #[must_use]
    pub fn taught(&self, classes: &[String]) -> Taught {
        Taught {
            design: self.design.clone(),
            weights: self.weights.clone(),
            classes: classes.to_vec(),
            accuracy: self.accuracy.clone(),
            way: Way::Trained,
            seconds: self.seconds,
            epochs: self.epochs.round().clamp(0.0, f64::from(u32::MAX)) as u32,
        }
    }
}

/// Why nothing was trained.
#[derive(Debug, Error)]
pub enum TrainError {
    /// The design breaks rules.
    #[error(transparent)]
    Design(#[from] LoweringError),
    /// The pictures are of another size than the design's input.
    #[error(
        "the pictures were cut to {pictures} pixels and the design reads {design}: read them for the design's input"
    )]
    Input {
        /// Theirs.
        pictures: crate::design::InputSize,
        /// The design's.
        design: crate::design::InputSize,
    },
    /// The pictures are not enough to learn from.
    #[error(transparent)]
    Data(#[from] DataError),
    /// Nothing was held out.
    #[error(transparent)]
    Accuracy(#[from] AccuracyError),
    /// The split names pictures that are not there, or none to learn from.
    #[error("the split does not belong to these pictures: it names {index} of {count}")]
    Split {
        /// The position named.
        index: usize,
        /// How many pictures there are.
        count: usize,
    },
    /// A layer that cannot be trained.
    #[error("layer `{layer}` ({op}): {reason}")]
    Layer {
        /// Its path.
        layer: String,
        /// What it computes.
        op: String,
        /// Why not, and what else can be done.
        reason: String,
    },
    /// A network so large that its values do not fit.
    #[error(
        "training this design with {batch} pictures at a time takes about {needed} of memory and {available} are free: take a \
         smaller input, a narrower design or fewer pictures at a time"
    )]
    Memory {
        /// Pictures of a step.
        batch: usize,
        /// What it takes.
        needed: crate::units::Bytes,
        /// What there is.
        available: crate::units::Bytes,
    },
    /// The weights to start from cannot be used.
    #[error("the weights to start from: {0}")]
    Start(#[from] CutError),
    /// The weights to start from are incomplete.
    #[error("the weights to start from: {0}")]
    Weights(#[from] WeightsError),
    /// The loss is no number any more.
    #[error("the training diverged at step {step} (the loss is not a number): take a lower learning rate than {rate}")]
    Diverged {
        /// The step.
        step: usize,
        /// The highest rate.
        rate: f64,
    },
    /// The checkpoint cannot be written.
    #[error("cannot write the checkpoint `{}`: {source}", .path.display())]
    Checkpoint {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// What lies in the checkpoint's place belongs to another training.
    #[error("`{}` {reason}: delete it, or name another file", .path.display())]
    OtherCheckpoint {
        /// The file.
        path: PathBuf,
        /// What it is.
        reason: String,
    },
    /// The threads cannot be started.
    #[error("the threads cannot be started: {0}")]
    Threads(String),
    /// The device cannot be had.
    #[error("{0}")]
    Device(String),
    /// The device failed.
    #[error(transparent)]
    Candle(#[from] candle_core::Error),
    /// The held-out pictures cannot be classified.
    #[error("the accuracy cannot be measured: {0}")]
    Measure(#[from] TeachError),
}
