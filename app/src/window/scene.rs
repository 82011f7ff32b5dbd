//! What the panels read: the window's state of this frame.

use std::path::Path;

use shufflescope_engine::store::Kept;

use super::advice::Adviser;
use super::bench::{Bench, Owner};
use super::calibration::Calibration;
use super::camera::{Camera, RecordedRun};
use super::compare::{Compare, Compared};
use super::document::Document;
use super::explore::Explore;
use super::files::Errand;
use super::forecast::Forecast;
use super::gpu_offer::Question;
use super::guard::Intent;
use super::lab::Lab;
use super::live::Live;
use super::notices::Notices;
use super::over::Over;
use super::past_runs::PastRuns;
use super::recent::Recent;
use super::surroundings::Surroundings;
use super::targets::Targets;
use super::teach::Teach;

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
    /// What the camera is taught.
    pub teach: &'a Teach,
    /// Devices and machine.
    pub surroundings: &'a Surroundings,
    /// The machines that can be measured on.
    pub targets: &'a Targets,
    /// The graphics card that is offered.
    pub gpu_question: Option<&'a Question>,
    /// Where the last export went.
    pub export_folder: Option<&'a Path>,
    /// What is being read and exported.
    pub errands: &'a [Errand],
    /// What a person should read.
    pub notices: &'a Notices,
    /// The files that were open lately.
    pub recent: &'a Recent,
    /// How large everything is written, as a factor.
    pub text_size: f32,
    /// What waits for an answer, for it would take unsaved work away.
    pub guard: Option<&'a Intent>,
    /// Whether a draft of the design outlives the window.
    pub keeps_draft: bool,
    /// What lies over the window.
    pub over: Option<Over>,
}

impl<'a> Scene<'a> {
    /// The last complete comparison, and whether it is of what is chosen now.
    #[must_use]
    pub fn last_comparison(self) -> Option<(&'a Kept<Compared>, bool)> {
        self.compare.last(self.machine(), &self.document.valid_options())
    }

    /// The recorded camera run of what is shown now.
    ///
    /// # Errors
    /// Why there is none.
    pub fn camera_run(self) -> Result<RecordedRun<'a>, &'static str> {
        RecordedRun::of(self.camera, self.document.valid(), &self.document.valid_options())
    }

    /// What the store calls the machine that is measured on, once it is known.
    #[must_use]
    pub fn machine(self) -> Option<&'a str> {
        self.surroundings.name_in_store()
    }

    /// Whose long measurement is in progress, or about to go on.
    #[must_use]
    pub fn bench_holder(self) -> Option<Owner> {
        self.bench.owner().or_else(|| self.calibration.options().map(|_| Owner::Calibration))
    }
}
