//! Which network is to look at the frames, and what is known of it: whether its weights fit, and what keeps it from running.

use std::path::PathBuf;

use shufflescope_engine::classify::PreprocessingOptions;
use shufflescope_engine::design::Fingerprint;
use shufflescope_engine::runtime::RunOptions;

use crate::camera::{Fit, Generation, Offer, WeightsChoice, Wish};
use crate::window::document::Analysis;

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Network {
    pub(super) choice: WeightsChoice,
    pub(super) labels: Option<PathBuf>,
    pub(super) preprocessing: PreprocessingOptions,
    wanted: Option<Wanted>,
    generation: Generation,
    pub(super) fit: Option<Fit>,
    pub(super) offers: Vec<Offer>,
    /// Who measures on the device, while the network waits for them.
    pub(super) behind: Option<String>,
    /// Whether the network in hand runs.
    pub(super) is_ready: bool,
    /// Why the network in hand cannot be run.
    pub(super) problem: Option<String>,
}

/// What the last wish was for; anything that differs makes another.
#[derive(Clone, Debug, PartialEq)]
struct Wanted {
    network: Fingerprint,
    options: RunOptions,
    choice: WeightsChoice,
    labels: Option<PathBuf>,
    preprocessing: PreprocessingOptions,
    classifier: bool,
}

impl Network {
    /// Asks anew, also for the same: files may have changed, or the process that knew it is gone.
    pub(super) fn ask_again(&mut self) {
        self.wanted = None;
    }

    /// Whether `generation` is of the network in hand.
    pub(super) fn is_current(&self, generation: Generation) -> bool {
        self.wanted.is_some() && self.generation == generation
    }

    /// The network in hand, while it runs.
    pub(super) fn generation(&self) -> Option<Generation> {
        Some(self.generation).filter(|_| self.wanted.is_some() && self.is_ready)
    }

    /// Whether the last wish was for this network, run like this.
    pub(super) fn is_of(&self, network: &Fingerprint, options: &RunOptions) -> bool {
        self.wanted.as_ref().is_some_and(|wanted| (&wanted.network, &wanted.options) == (network, options))
    }

    /// The wish for this network, where it is another one than the last. `classifier` says whether it is to run.
    pub(super) fn wish(
        &mut self,
        network: &Analysis,
        options: &RunOptions,
        folder: Option<PathBuf>,
        classifier: bool,
    ) -> Option<Wish> {
        let wanted = Wanted {
            network: network.fingerprint.clone(),
            options: options.clone(),
            choice: self.choice.clone(),
            labels: self.labels.clone(),
            preprocessing: self.preprocessing,
            classifier,
        };
        if self.wanted.as_ref() == Some(&wanted) {
            return None;
        }
        self.generation.0 += 1;
        self.wanted = Some(wanted);
        // What the network before said is not this one's.
        (self.fit, self.behind, self.is_ready, self.problem) = (None, None, false, None);
        Some(Wish {
            generation: self.generation,
            model: network.model.clone(),
            run: options.clone(),
            choice: self.choice.clone(),
            labels: self.labels.clone(),
            preprocessing: self.preprocessing,
            folder,
            classifier,
        })
    }
}
