//! The design A that others are compared with.

use std::borrow::Cow;
use std::path::PathBuf;
use std::sync::Arc;

use shufflescope_engine::cost::CostTotals;
use shufflescope_engine::measure::{Measurement, Spread};
use shufflescope_engine::model::Model;
use shufflescope_engine::predict::Prediction;
use shufflescope_engine::report::Profile;

use super::analysis::Analysis;
use crate::window::layer_times::LayerTimes;

/// The design A that others are compared with.
#[derive(Clone, Debug)]
pub struct Pinned {
    /// Its name.
    pub name: String,
    /// The network.
    pub model: Model,
    /// Its cost.
    pub totals: CostTotals,
    /// Its latency, where it was current when it was pinned, and the images of one run.
    pub latency: Option<(Spread, u32)>,
    /// Its layers; `None` where they cannot be made out any more.
    pub network: Option<Arc<PinnedNetwork>>,
    /// The saved profile that all this comes from, where it does not come from this session.
    pub file: Option<PathBuf>,
}

/// A layer by layer.
#[derive(Debug)]
pub struct PinnedNetwork {
    /// Its layers and what they cost.
    pub analysis: Analysis,
    /// What was measured of it, where that was current when it was pinned.
    pub measurement: Option<Measurement>,
    /// What is known of its layers' times.
    pub times: Option<LayerTimes>,
}

impl PinnedNetwork {
    fn of(
        model: &Model,
        batch: u32,
        measurement: Option<Measurement>,
        prediction: Option<&Prediction>,
    ) -> Option<Arc<Self>> {
        let analysis = Analysis::of(model.clone(), batch).ok()?;
        let measured = measurement.as_ref().and_then(LayerTimes::measured);
        let times = measured.or_else(|| prediction.map(LayerTimes::predicted));
        Some(Arc::new(Self { analysis, measurement, times }))
    }
}

impl Pinned {
    /// The present network with its current measurement, or what is predicted of it.
    #[must_use]
    pub fn of_present(
        valid: &Analysis,
        batch: u32,
        measurement: Option<&Measurement>,
        prediction: Option<&Prediction>,
    ) -> Self {
        Self {
            name: valid.model.name().into(),
            model: valid.model.clone(),
            totals: valid.cost.total.clone(),
            latency: measurement.map(|measurement| (measurement.whole, batch)),
            network: PinnedNetwork::of(&valid.model, batch, measurement.cloned(), prediction),
            file: None,
        }
    }

    /// What a profile says of a design of this name.
    #[must_use]
    pub fn of_profile(profile: &Profile, name: String, file: PathBuf) -> Self {
        let measurement = profile.measurement.as_ref();
        let images = profile.cost.layers.first().and_then(|layer| u32::try_from(layer.output.batch).ok());
        let batch = measurement.map(|measurement| measurement.batch).or(images).unwrap_or(1);
        Self {
            name,
            model: profile.design.clone(),
            totals: profile.cost.total.clone(),
            latency: measurement.map(|measurement| (measurement.whole, measurement.batch)),
            network: PinnedNetwork::of(&profile.design, batch, measurement.cloned(), None),
            file: Some(file),
        }
    }

    /// The name of the saved profile's file.
    #[must_use]
    pub fn file_name(&self) -> Option<Cow<'_, str>> {
        self.file.as_ref().map(|file| file.file_name().unwrap_or(file.as_os_str()).to_string_lossy())
    }

    /// What it is, in a few words.
    #[must_use]
    pub fn about(&self) -> String {
        match (self.file_name(), self.latency) {
            (None, _) => self.name.clone(),
            (Some(file), Some(_)) => format!("{}; its latency comes from the file {file}", self.name),
            (Some(file), None) => format!("{}; the file {file} holds no latency", self.name),
        }
    }
}
