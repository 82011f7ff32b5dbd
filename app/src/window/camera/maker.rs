//! Makes classifiers on a thread: reading weights and packing them can take a second, and a dragged width asks often.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Context;
use shufflescope_engine::classify::{Classifier, ClassifierOptions, Labels};
use shufflescope_engine::design::Batch;
use shufflescope_engine::measure::MonotonicClock;
use shufflescope_engine::model::Model;
use shufflescope_engine::runtime::RunOptions;
use shufflescope_engine::weights::Weights;

use super::fit::{Fit, Offer, Opened, Question, WeightsChoice};
use crate::camera::{Classifying, Mailbox, SharedClock, SmoothingSwitch};
use crate::explain;
use crate::window::pacer::Pacer;

/// How often the thread looks up whether there is nobody left to answer.
const LOOK_UP: Duration = Duration::from_secs(1);

/// What is wanted. A newer wish takes the place of one that was not begun.
#[derive(Clone, Debug)]
pub(super) struct Wish {
    pub(super) number: u64,
    pub(super) model: Model,
    pub(super) run: RunOptions,
    pub(super) choice: WeightsChoice,
    pub(super) labels: Option<PathBuf>,
    pub(super) folder: Option<PathBuf>,
    /// Whether a classifier is wanted, or only whether the weights would fit.
    pub(super) classifier: bool,
    pub(super) clock: Arc<MonotonicClock>,
    pub(super) smoothing: SmoothingSwitch,
}

/// What came of it.
#[derive(Debug)]
pub(super) struct Made {
    pub(super) number: u64,
    pub(super) fit: Fit,
    pub(super) offers: Vec<Offer>,
    /// Where one was wanted: it, or why there is none.
    pub(super) classifier: Option<Result<Classifying, String>>,
}

/// The thread and its two boxes.
#[derive(Debug)]
pub(super) struct Maker {
    wishes: Arc<Mailbox<Wish>>,
    made: Arc<Mutex<Option<Made>>>,
}

impl Maker {
    pub(super) fn new(pacer: Pacer) -> Self {
        let (wishes, made) = (Arc::new(Mailbox::<Wish>::default()), Arc::<Mutex<Option<Made>>>::default());
        let (inbox, outbox) = (Arc::clone(&wishes), Arc::clone(&made));
        std::thread::spawn(move || {
            loop {
                match inbox.take(LOOK_UP) {
                    Some(wish) => {
                        let answer = wish.carry_out();
                        let old = outbox.lock().unwrap_or_else(PoisonError::into_inner).replace(answer);
                        drop(old);
                        pacer.wake_now();
                    }
                    None if inbox.is_closed() => return,
                    None => {}
                }
            }
        });
        Self { wishes, made }
    }

    pub(super) fn wish(&self, wish: Wish) {
        self.wishes.put(wish);
    }

    /// The newest answer, once.
    pub(super) fn take(&self) -> Option<Made> {
        self.made.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl Drop for Maker {
    fn drop(&mut self) {
        self.wishes.close();
    }
}

impl Wish {
    fn carry_out(self) -> Made {
        let Self { model, choice, labels, folder, .. } = &self;
        let question = Question { model, choice, labels: labels.as_deref(), folder: folder.as_deref() };
        let offers = question.offers();
        let (fit, opened) = question.fit(&offers);
        let classifier = self.classifier.then(|| self.make(opened).map_err(|error| explain(&error)));
        Made { number: self.number, fit, offers, classifier }
    }

    fn make(&self, opened: Option<Opened>) -> anyhow::Result<Classifying> {
        // A camera gives one picture at a time.
        let run = RunOptions { batch: 1, ..self.run.clone() };
        let clock: SharedClock = self.clock.clone();
        if let Some(opened) = opened {
            let (classifier, options) = opened.classifier(&run)?;
            return Classifying::trained(classifier, &options, clock, self.smoothing.clone());
        }
        let graph = self.model.graph(Batch(1)).context("the network does not run on single pictures")?;
        // Nobody is told a label, so none have to fit.
        let options = ClassifierOptions { run, resize: None, labels: Some(Labels::numbers()) };
        let classifier = match self.model.has_weights() {
            true => Classifier::new(&graph, &*self.model.weights(&graph, None)?, &options)?,
            false => Classifier::new(&graph, &Weights::seeded(&graph, Weights::DEFAULT_SEED), &options)?,
        };
        Classifying::timing(classifier, &options, clock)
    }
}
