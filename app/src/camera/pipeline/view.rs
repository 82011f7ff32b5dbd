//! What a classifier is asked and answers, and a frame with its answer.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use shufflescope_engine::classify::Picture;
use shufflescope_engine::units::Nanos;

/// Says what is on a picture.
pub trait Classify: Send {
    /// The most probable classes of `picture`, and how long it took to find them.
    ///
    /// # Errors
    /// Where the picture cannot be classified; the next one is tried all the same.
    fn classify(&mut self, picture: &Picture) -> anyhow::Result<Outcome>;
}

/// What a classifier found, and the time of its two stages.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    /// The most probable classes, the best first; `None` from a network whose weights are not trained.
    pub top: Option<Vec<Prediction>>,
    /// From the picture to the network's input.
    pub resize: Nanos,
    /// From the network's input to the probabilities.
    pub infer: Nanos,
}

/// A class and how probable it is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Prediction {
    /// The class's name, or its number where there are no names.
    pub label: String,
    /// Which of the network's outputs it is.
    pub index: usize,
    /// From 0 to 1.
    pub probability: f32,
}

/// Which classifier made a prediction, as whoever gave it to [`Pipeline::set_classifier`](super::Pipeline::set_classifier) counts; 0 is the first one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Generation(pub u64);

/// A frame that is ready to be shown.
#[derive(Clone, Debug)]
pub struct View {
    /// The picture.
    pub picture: Arc<Picture>,
    /// What it is known to show: the synthetic scene's shape.
    pub shows: Option<&'static str>,
    /// How many frames the camera gave before it.
    pub number: u64,
    /// When it was captured, on the pipeline's clock.
    pub captured: Nanos,
    /// When it was published.
    pub published: Nanos,
    /// The classifier that was asked.
    pub generation: Generation,
    /// What it found, the best first; `None` without a classifier, or with one whose weights are not trained.
    pub top: Option<Result<Vec<Prediction>, String>>,
}
