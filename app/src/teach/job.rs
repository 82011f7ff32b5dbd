//! What a worker is asked to do with pictures, and what it tells.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use shufflescope_engine::classify::PreprocessingOptions;
use shufflescope_engine::design::Design;
use shufflescope_engine::runtime::RunOptions;
use shufflescope_engine::training::{Accuracy, Way};
use shufflescope_engine::units::Nanos;

use crate::camera::WeightsChoice;

/// Work for a worker.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "teach", rename_all = "kebab-case")]
pub enum TeachWork {
    /// Teaches a design.
    Teach(Box<TeachJob>),
    /// Takes a folder with one folder a class into a project.
    TakeIn(Box<TakeInJob>),
}

/// How a design is taught.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// A new last layer in closed form.
    AtOnce,
    /// The whole network, for about so long.
    Trained {
        /// Of training.
        seconds: u64,
    },
}

/// A design, pictures, and where to start from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TeachJob {
    /// What the data is called.
    pub name: String,
    /// The classes with their pictures.
    pub classes: Vec<ClassFiles>,
    /// The network.
    pub design: Design,
    /// Which trained weights to start from, where they fit.
    pub choice: WeightsChoice,
    /// Others to start from, cut to fit, where those do not.
    pub others: Vec<WeightsChoice>,
    /// Where downloads are.
    pub folder: Option<PathBuf>,
    /// What is done to pictures.
    pub preprocessing: PreprocessingOptions,
    /// Processor and threads.
    pub run: RunOptions,
    /// How.
    pub kind: Kind,
    /// Decides what is held out, and everything else that is left to chance.
    pub seed: u64,
    /// Where the weights go.
    pub output: PathBuf,
}

impl TeachJob {
    /// Where a training keeps its state: one that finds its own there, after a kill, goes on from it.
    #[must_use]
    pub fn checkpoint(&self) -> PathBuf {
        self.output.with_file_name("training.checkpoint")
    }
}

/// A class and its files.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClassFiles {
    /// What it is called.
    pub name: String,
    /// Its pictures, in the order in which they were taken.
    pub pictures: Vec<PictureFile>,
}

/// A picture's file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PictureFile {
    /// Where it is.
    pub path: PathBuf,
    /// Whether it is one of a camera's run.
    pub in_a_run: bool,
}

/// A folder to be taken into a project.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TakeInJob {
    /// The folder with one folder a class.
    pub folder: PathBuf,
    /// Where pictures of the project are.
    pub pictures: PathBuf,
    /// The number of the first one.
    pub first: u64,
    /// Most pictures that are taken of a class.
    pub most: usize,
}

/// How far a training was at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Curve {
    /// How often every picture was shown.
    pub epochs: f64,
    /// Mean loss on what is learnt from.
    pub loss: f64,
    /// Share told right of what is learnt from, changed as it was, from 0 to 1.
    pub accuracy: f64,
    /// Share told right of what is held out, where that was measured.
    pub held_out: Option<f64>,
}

/// What a worker tells of its work.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "told", rename_all = "kebab-case")]
pub enum TeachNews {
    /// Pictures are being read.
    Reading {
        /// So many.
        done: usize,
        /// Of so many.
        all: usize,
    },
    /// The network is being taught.
    Teaching {
        /// What it started from, in a few words.
        from: String,
        /// Done, from 0 to 1.
        fraction: f64,
        /// Time left, where that is known.
        left: Option<Nanos>,
        /// The moments so far, where it is a training.
        curve: Vec<Curve>,
    },
    /// It is taught.
    Taught(Box<TaughtFile>),
    /// The folder is taken in.
    TakenIn(TakenIn),
    /// It cannot be done: cause and remedy.
    Failed {
        /// In a sentence.
        message: String,
    },
}

/// Weights that were taught, in their file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TaughtFile {
    /// The file.
    pub path: PathBuf,
    /// The network, with as many classes as were taught.
    pub design: Design,
    /// How.
    pub way: Way,
    /// On held-out pictures.
    pub accuracy: Accuracy,
    /// What it started from, in a few words.
    pub from: String,
    /// How long all of it took.
    pub seconds: f64,
    /// The moments, where it was a training.
    pub curve: Vec<Curve>,
    /// Pictures that were left out, and why.
    pub broken: Vec<String>,
}

/// What was taken in.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TakenIn {
    /// The classes with the numbers of their pictures.
    pub classes: Vec<TakenClass>,
    /// Pictures that were left out, and why.
    pub broken: Vec<String>,
    /// Pictures beyond the most of a class.
    pub beyond: usize,
}

/// A class that was taken in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TakenClass {
    /// The folder's name.
    pub name: String,
    /// Numbers of its pictures.
    pub numbers: Vec<u64>,
}
