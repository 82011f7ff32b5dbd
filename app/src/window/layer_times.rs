//! What is known of the time of each layer of a network: measured, predicted, or nothing.

use std::collections::HashMap;

use shufflescope_engine::measure::{Measurement, SPLIT_LABEL};
use shufflescope_engine::predict::Prediction;
use shufflescope_engine::units::Nanos;

/// How times of layers are known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimeSource {
    /// A fused kernel's time is split among its layers, as they were measured apart.
    Split,
    /// A fused kernel's time is its first layer's.
    Filed,
    /// Nothing was measured of this network; a fused kernel's time is its first layer's.
    Predicted,
}

/// Times by layer, and the whole that shares are of.
#[derive(Clone, Debug)]
pub struct LayerTimes {
    times: HashMap<String, Nanos>,
    /// The marked whole, or what is predicted of a run.
    pub whole: Nanos,
    /// How they are known.
    pub source: TimeSource,
}

impl LayerTimes {
    /// What a measurement says; `None` where it timed no kernel.
    #[must_use]
    pub fn measured(measurement: &Measurement) -> Option<Self> {
        let breakdown = measurement.breakdown.as_ref()?;
        let whole = breakdown.marked_whole;
        if let Some(times) = measurement.layer_times() {
            return Some(Self { times, whole, source: TimeSource::Split });
        }
        let kernels = breakdown.kernels.iter();
        let times = kernels.filter_map(|kernel| Some((kernel.layers.first()?.clone(), kernel.median))).collect();
        Some(Self { times, whole, source: TimeSource::Filed })
    }

    /// What a prediction says.
    #[must_use]
    pub fn predicted(prediction: &Prediction) -> Self {
        let kernels = prediction.kernels.iter();
        let times = kernels.filter_map(|kernel| Some((kernel.layers.first()?.clone(), kernel.predicted))).collect();
        Self { times, whole: prediction.predicted, source: TimeSource::Predicted }
    }

    /// A layer's time; 0 where it runs in another layer's kernel.
    #[must_use]
    pub fn of(&self, path: &str) -> Nanos {
        self.times.get(path).copied().unwrap_or_default()
    }

    /// Whether nothing was measured.
    #[must_use]
    pub fn is_predicted(&self) -> bool {
        self.source == TimeSource::Predicted
    }

    /// How a time is known, to stand behind it.
    #[must_use]
    pub fn how(&self) -> String {
        match self.source {
            TimeSource::Split => format!("measured, {SPLIT_LABEL}"),
            TimeSource::Filed => "measured, a fused kernel's time at its first layer".into(),
            TimeSource::Predicted => "predicted, not measured".into(),
        }
    }
}
