//! The engine's classifier in the pipeline: with trained weights it says what is on a frame, with any others only how
//! long it takes.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::Context;
use rayon::{ThreadPool, ThreadPoolBuilder};
use shufflescope_engine::classify::{Classifier, ClassifierOptions, Picture, Smoothing, largest};
use shufflescope_engine::runtime::Runtime;
use shufflescope_engine::units::Nanos;

use super::{Classify, Outcome, Prediction, SharedClock};

/// What an answer is averaged over: long enough to calm it, short enough to follow a hand.
const CALM: Nanos = Nanos::from_millis(400);

/// Classes that are told.
const TOP: usize = 5;

/// Whether answers are averaged over time; switched while frames pass.
#[derive(Clone, Debug)]
pub struct SmoothingSwitch(Arc<AtomicBool>);

impl SmoothingSwitch {
    /// A switch that is on or off.
    #[must_use]
    pub fn new(on: bool) -> Self {
        Self(Arc::new(AtomicBool::new(on)))
    }

    /// Switches, from the next frame on.
    pub fn set(&self, on: bool) {
        self.0.store(on, Ordering::Relaxed);
    }

    /// Whether it is on.
    #[must_use]
    pub fn is_on(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// A network that answers for the frames of a camera.
pub struct Classifying {
    classifier: Classifier,
    clock: SharedClock,
    /// Candle's operations run on the pool they are called from, the tuned runtime on its own.
    pool: Option<ThreadPool>,
    /// `None` where the weights are not trained: what the network says then means nothing and is not passed on.
    answers: Option<(Smoothing, SmoothingSwitch)>,
}

impl Classifying {
    /// A network with trained weights.
    ///
    /// # Errors
    /// Where the system has no threads left.
    pub fn trained(
        classifier: Classifier,
        options: &ClassifierOptions,
        clock: SharedClock,
        smoothing: SmoothingSwitch,
    ) -> anyhow::Result<Self> {
        let answers = Some((Smoothing::new(None), smoothing));
        Ok(Self { answers, ..Self::timing(classifier, options, clock)? })
    }

    /// A network with weights that were not trained, for its time alone.
    ///
    /// # Errors
    /// As [`trained`](Self::trained).
    pub fn timing(classifier: Classifier, options: &ClassifierOptions, clock: SharedClock) -> anyhow::Result<Self> {
        let run = &options.run;
        let pool = match run.runtime {
            Runtime::Candle => Some(
                ThreadPoolBuilder::new().num_threads(run.threads).build().context("the threads cannot be started")?,
            ),
            Runtime::Tuned => None,
        };
        Ok(Self { classifier, clock, pool, answers: None })
    }
}

impl std::fmt::Debug for Classifying {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Classifying").field("classifier", &self.classifier).finish_non_exhaustive()
    }
}

impl Classify for Classifying {
    fn classify(&mut self, picture: &Picture) -> anyhow::Result<Outcome> {
        let Self { classifier, clock, pool, answers } = self;
        let mut classify = || classifier.classify(picture, &**clock);
        let answer = match pool {
            Some(pool) => pool.install(classify)?,
            None => classify()?,
        };
        let (resize, infer) = (answer.times.resize, answer.times.infer);
        let Some((smoothing, switch)) = answers else { return Ok(Outcome { top: None, resize, infer }) };
        smoothing.set_time_constant(switch.is_on().then_some(CALM));
        let probabilities = smoothing.update(&answer, clock.now());
        let prediction = |index: usize| Prediction {
            label: classifier.labels().name(index).into_owned(),
            index,
            probability: probabilities.get(index).copied().unwrap_or_default(),
        };
        let top = largest(probabilities, TOP).into_iter().map(prediction).collect();
        Ok(Outcome { top: Some(top), resize, infer })
    }
}
