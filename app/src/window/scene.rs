//! What the panels read: the window's state of this frame, and what a person should be told.

use std::path::{Path, PathBuf};

use shufflescope_engine::store::Kept;

use super::advice::Adviser;
use super::bench::Bench;
use super::calibration::Calibration;
use super::camera::Camera;
use super::compare::{Compare, Compared};
use super::document::Document;
use super::explore::Explore;
use super::files::Errand;
use super::forecast::Forecast;
use super::gpu_offer::Question;
use super::lab::Lab;
use super::live::Live;
use super::past_runs::PastRuns;
use super::surroundings::Surroundings;

/// What panels read.
#[derive(Clone, Copy, Debug)]
pub struct Scene<'a> {
    /// The design and what follows from it.
    pub document: &'a Document,
    /// The measurement.
    pub live: &'a Live,
    /// What the network is predicted to take.
    pub forecast: &'a Forecast,
    /// What to change next.
    pub adviser: &'a Adviser,
    /// The measuring of what predictions rest on.
    pub calibration: &'a Calibration,
    /// The long measurements.
    pub bench: &'a Bench,
    /// The comparison.
    pub compare: &'a Compare,
    /// The lab's results.
    pub lab: &'a Lab,
    /// The search.
    pub explore: &'a Explore,
    /// Earlier runs of the network.
    pub past: &'a PastRuns,
    /// The camera.
    pub camera: &'a Camera,
    /// Devices and machine.
    pub surroundings: &'a Surroundings,
    /// The graphics card that is offered.
    pub gpu_question: Option<&'a Question>,
    /// Where the last export went.
    pub export_folder: Option<&'a Path>,
    /// What is being read and exported.
    pub errands: &'a [Errand],
}

impl<'a> Scene<'a> {
    /// The last complete comparison, and whether it is of what is chosen now.
    #[must_use]
    pub fn last_comparison(self) -> Option<(&'a Kept<Compared>, bool)> {
        self.compare.last(self.machine(), &self.document.valid_options())
    }

    /// The processor's name, once it is known.
    #[must_use]
    pub fn machine(self) -> Option<&'a str> {
        self.surroundings.machine().and_then(|machine| machine.cpu_model.as_deref())
    }
}

/// Something that a person should read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// The text, with the remedy where it is an error.
    pub text: String,
    /// Whether something went wrong.
    pub is_error: bool,
    /// A folder worth showing.
    pub folder: Option<PathBuf>,
}

impl Notice {
    /// Something that was done.
    pub(super) fn done(text: String) -> Self {
        Self { text, is_error: false, folder: None }
    }

    /// Something that went wrong.
    pub(super) fn error(text: String) -> Self {
        Self { text, is_error: true, folder: None }
    }
}
