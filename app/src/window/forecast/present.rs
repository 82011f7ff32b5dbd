//! The estimate of the present network.

use std::sync::Arc;

use shufflescope_engine::design::Fingerprint;
use shufflescope_engine::measure::Measurement;
use shufflescope_engine::predict::{Prediction, Predictor};
use shufflescope_engine::runtime::{RunOptions, plan_without_weights};
use shufflescope_engine::units::Nanos;

use super::learning::{Knowledge, Learning};
use crate::window::document::Document;

/// See the [module](super).
#[derive(Debug)]
pub struct Forecast {
    /// What is known of each way of running.
    pub learning: Learning,
    present: Option<Present>,
}

/// What was said of a network that runs so.
#[derive(Debug)]
struct Present {
    design: Fingerprint,
    options: RunOptions,
    said: Option<Said>,
}

#[derive(Debug)]
struct Said {
    prediction: Prediction,
    by: Arc<Predictor>,
    generation: u64,
}

/// What was predicted beside what was measured then.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Beside {
    /// The prediction.
    pub predicted: Nanos,
    /// The measured median.
    pub measured: Nanos,
    /// By how much more was measured: 0.017 is 1.7 %.
    pub off: f64,
    /// Whether the 90 % band holds it.
    pub is_held: bool,
}

impl Forecast {
    /// Nothing is said yet.
    #[must_use]
    pub const fn new(learning: Learning) -> Self {
        Self { learning, present: None }
    }

    /// Says what the document's network takes. What was said of a network before it was measured is not said better
    /// afterwards.
    pub fn settle(&mut self, document: &Document, is_measured: bool) {
        let options = document.valid_options();
        self.learning.want(&options);
        let valid = document.valid();
        let known = match self.learning.of(&options) {
            Knowledge::Known(known, generation) => Some((known, generation)),
            Knowledge::Asked | Knowledge::Nothing => None,
        };
        if let Some(Present { design, options: of, said }) = &self.present
            && *design == valid.fingerprint
            && *of == options
        {
            let is_newest = said.as_ref().map(|said| said.generation) == known.map(|(_, generation)| generation);
            if is_measured || is_newest {
                return;
            }
        }
        let said = known.and_then(|(by, generation)| {
            let plan = plan_without_weights(&valid.graph, &options)?;
            Some(Said { prediction: by.predict(&valid.graph, &plan), by: by.clone(), generation })
        });
        self.present = Some(Present { design: valid.fingerprint.clone(), options, said });
    }

    /// The estimate of the present network; `None` where nothing is known of how it runs.
    #[must_use]
    pub fn estimate(&self) -> Option<&Prediction> {
        self.said().map(|said| &said.prediction)
    }

    /// A number by which the estimate is told from those before it of the same network.
    #[must_use]
    pub fn generation(&self) -> Option<u64> {
        self.said().map(|said| said.generation)
    }

    /// What the estimate of this network was made of, where there was one; otherwise what one would be made of now.
    #[must_use]
    pub fn made_of(&self, design: &Fingerprint, options: &RunOptions) -> Option<Arc<Predictor>> {
        let present = self.present.as_ref().filter(|present| present.design == *design && present.options == *options);
        match present {
            Some(present) => present.said.as_ref().map(|said| said.by.clone()),
            None => self.learning.predictor(options).cloned(),
        }
    }

    /// The estimate beside the measurement that followed.
    #[must_use]
    pub fn beside(&self, measurement: &Measurement) -> Option<Beside> {
        let Prediction { predicted, low, high, .. } = *self.estimate()?;
        let measured = measurement.whole.median;
        let off = measured.as_f64() / predicted.as_f64().max(1.0) - 1.0;
        Some(Beside { predicted, measured, off, is_held: (low..=high).contains(&measured) })
    }

    fn said(&self) -> Option<&Said> {
        self.present.as_ref()?.said.as_ref()
    }
}
