//! Which network is to look at a camera's frames: whether its weights fit, and the classifier made of it.

use std::path::PathBuf;

use anyhow::Context;
use serde::{Deserialize, Serialize};
use shufflescope_engine::classify::{Classifier, ClassifierOptions, Labels, PreprocessingOptions};
use shufflescope_engine::design::Batch;
use shufflescope_engine::model::Model;
use shufflescope_engine::runtime::{RunOptions, check_memory};
use shufflescope_engine::weights::Weights;

use super::fit::{Fit, Offer, Opened, Question};
use super::{Classifying, Generation, SharedClock, SmoothingSwitch, WeightsChoice};
use crate::open_device::classifier_options;

/// What is wanted. A newer wish takes the place of one that was not begun.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Wish {
    /// Names the wish, and what its network answers; larger is newer.
    pub generation: Generation,
    /// The network; a file is read from the same path.
    pub model: Model,
    /// Device, runtime and threads.
    pub run: RunOptions,
    /// Which weights.
    pub choice: WeightsChoice,
    /// Names for the classes of a person's own weights.
    pub labels: Option<PathBuf>,
    /// What is done to pictures before the network sees them.
    #[serde(default, skip_serializing_if = "PreprocessingOptions::is_usual")]
    pub preprocessing: PreprocessingOptions,
    /// Where downloads go.
    pub folder: Option<PathBuf>,
    /// Whether a classifier is wanted, or only whether the weights would fit.
    pub classifier: bool,
}

impl Wish {
    /// Whether the weights fit, what else could be had, and the weights themselves.
    pub(crate) fn look(&self) -> (Fit, Vec<Offer>, Option<Opened>) {
        let Self { model, choice, labels, preprocessing, folder, .. } = self;
        let (labels, folder) = (labels.as_deref(), folder.as_deref());
        let question = Question { model, choice, labels, preprocessing: *preprocessing, folder };
        let offers = question.offers();
        let (fit, opened) = question.fit(&offers);
        (fit, offers, opened)
    }

    /// The network with the weights that fit, or with made-up ones for its time alone.
    pub(crate) fn classifier(
        &self,
        opened: Option<Opened>,
        clock: SharedClock,
        smoothing: SmoothingSwitch,
    ) -> anyhow::Result<Classifying> {
        // A camera gives one picture at a time.
        let run = RunOptions { batch: 1, ..self.run.clone() };
        if let Some(opened) = opened {
            let (classifier, options) = opened.classifier(&run)?;
            return Classifying::trained(classifier, &options, clock, smoothing);
        }
        let graph = self.model.graph(Batch(1)).context("the network does not run on single pictures")?;
        check_memory(&graph, &run)?;
        // Nobody is told a label, so none have to fit.
        let options = ClassifierOptions {
            labels: Some(Labels::numbers()),
            preprocessing: self.preprocessing,
            ..classifier_options(run)
        };
        let classifier = match self.model.has_weights() {
            true => Classifier::new(&graph, &*self.model.weights(&graph, None)?, &options)?,
            false => Classifier::new(&graph, &Weights::seeded(&graph, Weights::DEFAULT_SEED), &options)?,
        };
        Classifying::timing(classifier, &options, clock)
    }
}
