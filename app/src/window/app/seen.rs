//! What can be seen of the window's state from outside: tests look at it.

use super::App;
use crate::window::bench::Bench;
use crate::window::camera::Camera;
use crate::window::compare::Compare;
use crate::window::document::Document;
use crate::window::explore::Explore;
use crate::window::gpu_offer::GpuOffer;
use crate::window::guard::Intent;
use crate::window::lab::Lab;
use crate::window::live::Live;
use crate::window::notices::{Notice, Notices};
use crate::window::over::Over;
use crate::window::past_runs::PastRuns;
use crate::window::recent::Recent;
use crate::window::surroundings::Surroundings;
use crate::window::tab::Tab;
use crate::window::teach::Teach;

impl App {
    /// The network and what follows from it.
    #[must_use]
    pub const fn document(&self) -> &Document {
        &self.document
    }

    /// The measurement.
    #[must_use]
    pub const fn live(&self) -> &Live {
        &self.live
    }

    /// The long measurements.
    #[must_use]
    pub const fn bench(&self) -> &Bench {
        &self.bench
    }

    /// The comparison.
    #[must_use]
    pub const fn compare(&self) -> &Compare {
        &self.compare
    }

    /// The lab's results.
    #[must_use]
    pub const fn lab(&self) -> &Lab {
        &self.lab
    }

    /// The search.
    #[must_use]
    pub const fn explore(&self) -> &Explore {
        &self.explore
    }

    /// Earlier runs of the network.
    #[must_use]
    pub const fn past(&self) -> &PastRuns {
        &self.past
    }

    /// The camera.
    #[must_use]
    pub const fn camera(&self) -> &Camera {
        &self.camera
    }

    /// What the camera is taught.
    #[must_use]
    pub const fn teach(&self) -> &Teach {
        &self.teach
    }

    /// Devices and machine.
    #[must_use]
    pub const fn surroundings(&self) -> &Surroundings {
        &self.surroundings
    }

    /// The offer of a graphics card.
    #[must_use]
    pub const fn gpu_offer(&self) -> &GpuOffer {
        &self.gpu_offer
    }

    /// The tab shown.
    #[must_use]
    pub const fn tab(&self) -> Tab {
        self.tabs.shown
    }

    /// The newest message at the bottom.
    #[must_use]
    pub fn notice(&self) -> Option<&Notice> {
        self.notices.newest()
    }

    /// All messages.
    #[must_use]
    pub const fn notices(&self) -> &Notices {
        &self.notices
    }

    /// What waits for an answer, for it would take unsaved work away.
    #[must_use]
    pub const fn asks(&self) -> Option<&Intent> {
        self.guard.asks()
    }

    /// Whether something waits for the design to be saved.
    #[must_use]
    pub const fn waits_for_save(&self) -> bool {
        self.guard.waits_for_save()
    }

    /// What lies over the window.
    #[must_use]
    pub const fn over(&self) -> Option<Over> {
        self.over
    }

    /// The files that were open lately.
    #[must_use]
    pub const fn recent(&self) -> &Recent {
        &self.recent
    }

    /// How large everything is written, as a factor.
    #[must_use]
    pub const fn text_size(&self) -> f32 {
        self.text_size
    }
}
