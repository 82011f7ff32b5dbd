//! The design A that others are compared with.

use std::borrow::Cow;
use std::path::PathBuf;

use shufflescope_engine::cost::CostTotals;
use shufflescope_engine::measure::Spread;
use shufflescope_engine::model::Model;
use shufflescope_engine::report::Profile;

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
    /// The saved profile that all this comes from, where it does not come from this session.
    pub file: Option<PathBuf>,
}

impl Pinned {
    /// What a profile says of a design of this name.
    #[must_use]
    pub fn of_profile(profile: &Profile, name: String, file: PathBuf) -> Self {
        Self {
            name,
            model: profile.design.clone(),
            totals: profile.cost.total.clone(),
            latency: profile.measurement.as_ref().map(|measurement| (measurement.whole, measurement.batch)),
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
