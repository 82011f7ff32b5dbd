//! What is predicted and advised: settling what is asked, trying and making changes, measuring what it rests on.

use shufflescope_engine::design::Edit;

use super::App;
use crate::window::advice::{Adviser, Depth};
use crate::window::bench::{Outcome, Owner, Task};
use crate::window::calibration::Calibration;
use crate::window::forecast::Forecast;
use crate::window::tab::Tab;
use crate::window::view::View;

impl App {
    /// What the network is predicted to take.
    #[must_use]
    pub const fn forecast(&self) -> &Forecast {
        &self.forecast
    }

    /// What to change next.
    #[must_use]
    pub const fn adviser(&self) -> &Adviser {
        &self.adviser
    }

    /// The measuring of what predictions rest on.
    #[must_use]
    pub const fn calibration(&self) -> &Calibration {
        &self.calibration
    }

    /// Says what the present network takes, and asks what could be changed about it.
    pub(super) fn foresee(&mut self) {
        self.forecast.settle(&self.document, self.live.finished().is_some());
        let is_shown = self.tabs.shown == Tab::Design && self.tabs.views.shown == View::Advice;
        let depth = if is_shown { Depth::Everything } else { Depth::Remedies };
        self.adviser.settle(&self.document, &self.forecast.learning, depth);
    }

    /// Takes what was learned and worked out, and looks anew at what is known where that disturbs nobody.
    pub(super) fn learn(&mut self) {
        let is_calibrating = self.calibration.options().is_some();
        let is_calm = is_calibrating || !(self.live.is_measuring() || self.bench.is_busy());
        self.forecast.learning.advance(&self.keeper, is_calm);
        self.adviser.poll();
        self.foresee();
    }

    /// Changes the design; where that was advised, what was promised is remembered.
    pub(super) fn edit(&mut self, edit: &Edit, now: f64) {
        let promise = self.adviser.promise(edit);
        let of = &self.document.valid().fingerprint;
        let before =
            self.live.current().filter(|measured| measured.design == *of).map(|measured| measured.whole.median);
        self.document.edit(edit, now, self.held);
        if let Some(promise) = promise {
            let after = self.document.valid().fingerprint.clone();
            self.adviser.applications.note(promise, before, after, self.document.valid_options());
        }
    }

    /// Measures what an edit would bring.
    pub(super) fn try_change(&mut self, edit: &Edit) {
        if let Some(owner) = self.holder_of_bench() {
            return self.fail(owner.is_measuring().to_owned());
        }
        let Some(design) = self.document.valid().model.design() else { return };
        let promise = self.adviser.promise(edit);
        match self.adviser.trials.start(design, edit, self.document.valid_options(), promise) {
            Ok(steps) => {
                self.ask_for_floor();
                if let Err(reason) = self.bench.add(Owner::Advice, steps) {
                    self.fail(reason.to_owned());
                }
            }
            Err(reason) => self.fail(format!("Not tried: {reason}")),
        }
    }

    pub(super) fn take_trial(&mut self, task: &Task, outcome: Outcome) {
        if !self.adviser.trials.take(task, outcome) {
            self.bench.cancel(Owner::Advice);
        }
    }

    /// Takes the verdict on a trial, and learns from its kernels.
    pub(super) fn poll_trial(&mut self) {
        let Some((options, floor)) = self.adviser.trials.poll() else {
            if let Some(options) = self.adviser.trials.finish() {
                self.forecast.learning.look_anew(&options);
            }
            return;
        };
        if let Some(floor) = floor {
            self.keeper.note_floor(self.context(options), floor);
        }
    }

    /// Measures what predictions rest on.
    pub(super) fn calibrate(&mut self) {
        if let Some(owner) = self.holder_of_bench() {
            return self.fail(owner.is_measuring().to_owned());
        }
        let options = self.document.valid_options();
        let known = self.forecast.learning.predictor(&options).map_or(0, |known| known.networks());
        self.calibration.start(options, known);
    }

    /// Has the next design measured, once it is drawn.
    pub(super) fn go_on_calibrating(&mut self) {
        let Some(options) = self.calibration.options().cloned() else { return };
        let is_own = self.bench.owner() == Some(Owner::Calibration);
        let pending = if is_own { self.bench.pending().count() } else { 0 };
        let step = self.calibration.advance(pending, self.forecast.learning.predictor(&options));
        if let Some(Err(reason)) = step.map(|step| self.bench.add(Owner::Calibration, [step])) {
            self.calibration.stop();
            self.fail(reason.to_owned());
        }
        if self.calibration.options().is_none() {
            self.forecast.learning.look_anew(&options);
        }
    }

    pub(super) fn take_calibrated(&mut self, outcome: &Outcome) {
        let options = self.calibration.options().cloned();
        if !self.calibration.take(outcome) {
            self.bench.cancel(Owner::Calibration);
            options.iter().for_each(|options| self.forecast.learning.look_anew(options));
        }
    }

    /// Stops measuring what predictions rest on; what was measured is learned from.
    pub(super) fn stop_calibrating(&mut self) {
        if let Some(options) = self.calibration.options().cloned() {
            self.calibration.stop();
            self.forecast.learning.look_anew(&options);
        }
    }

    /// Whether something long is measured, or its next step is about to be.
    pub(super) fn is_bench_taken(&self) -> bool {
        self.holder_of_bench().is_some()
    }

    /// Whose long measurement is in progress, or about to go on.
    pub(super) fn holder_of_bench(&self) -> Option<Owner> {
        let calibrates = self.calibration.options().map(|_| Owner::Calibration);
        self.bench.owner().or(calibrates)
    }
}
