//! What *Compare*, *Lab* and *Explore* measure: starting, stopping, keeping and exporting it.

use std::time::{Duration, Instant};

use eframe::egui;

use super::App;
use crate::export::ResultForm;
use crate::window::bench::{Outcome, Owner, Task};
use crate::window::lab::Run;
use crate::window::tab::Tab;

/// How long a window that closes waits for the summary of what is measured.
const SUMMARY: Duration = Duration::from_secs(3);

/// Seconds between two looks at a worker that says nothing.
const LOOK_AGAIN: f32 = 0.25;

impl App {
    /// Hands what came in to those who asked for it.
    pub(super) fn work_at_bench(&mut self, ctx: &egui::Context) {
        let machine = self.machine();
        for (step, mut outcome) in self.bench.advance() {
            self.note_result_of(&step, &mut outcome);
            match step.task {
                Task::Column(_) | Task::Network(..) | Task::Point(_) => {
                    self.lab.take(&step, outcome, machine.as_deref(), &self.keeper);
                    continue;
                }
                Task::Try | Task::KernelsOfTry => {
                    self.take_trial(&step.task, outcome);
                    continue;
                }
                Task::Calibrate => {
                    self.take_calibrated(&outcome);
                    continue;
                }
                Task::Search => {
                    self.explore.take(outcome, &self.keeper);
                    continue;
                }
                Task::Pair | Task::LayersOf(_) => {}
            }
            let failed = matches!((&step.task, &outcome), (Task::Pair, Outcome::Failed(_)));
            self.compare.take(&step.task, outcome);
            if failed {
                // Without a verdict nobody waits for the layers.
                self.stop_run(Owner::Compare);
            }
        }
        self.compare.poll(&self.keeper);
        self.lab.poll(machine.as_deref(), &self.keeper);
        self.poll_trial();
        self.go_on_calibrating();
        if self.is_bench_taken() {
            ctx.request_repaint_after_secs(LOOK_AGAIN);
        }
    }

    /// Takes the summaries of what is measured: minutes of measuring are not lost to a window that closes in the last second.
    pub(super) fn finish_summaries(&mut self) {
        let (machine, start) = (self.machine(), Instant::now());
        loop {
            self.compare.poll(&self.keeper);
            self.lab.poll(machine.as_deref(), &self.keeper);
            let is_waited_for = self.compare.is_summarising() || self.lab.is_summarising();
            if !is_waited_for || start.elapsed() > SUMMARY {
                return;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Stops what the tab shown measures, or else the live measurement.
    pub(super) fn cancel(&mut self) {
        let owner = match self.tabs.shown {
            Tab::Compare => Some(Owner::Compare),
            Tab::Lab => Some(Owner::Lab),
            Tab::Explore => Some(Owner::Explore),
            Tab::Design if self.calibration.options().is_some() => Some(Owner::Calibration),
            Tab::Design => Some(Owner::Advice),
            Tab::Camera if self.teach.running().is_some() => return self.teach.cancel(),
            Tab::Camera => None,
        };
        match owner {
            Some(owner @ Owner::Calibration) => self.stop_run(owner),
            Some(owner) if self.bench.owner() == Some(owner) => self.stop_run(owner),
            _ => self.live.cancel(),
        }
    }

    pub(super) fn stop_run(&mut self, owner: Owner) {
        self.bench.cancel(owner);
        match owner {
            Owner::Compare => self.compare.stop(),
            Owner::Lab => self.lab.stop(),
            Owner::Explore => self.stop_search(),
            Owner::Advice => self.adviser.trials.stop(),
            Owner::Calibration => self.stop_calibrating(),
        }
    }

    pub(super) fn start_compare(&mut self) {
        if self.is_bench_taken() || self.compare.is_running() {
            return;
        }
        self.compare.settle(&self.document);
        let started = self.compare.start(self.machine().as_deref());
        match started {
            Ok(steps) => {
                self.ask_for_floor();
                if let Err(reason) = self.bench.add(Owner::Compare, steps) {
                    self.fail(reason.to_owned());
                }
            }
            Err(reason) => self.fail_in(Tab::Compare, format!("Not compared: {reason}")),
        }
    }

    pub(super) fn run_lab(&mut self, run: &Run) {
        match self.bench.owner() {
            Some(Owner::Lab) => {}
            Some(owner) => return self.fail(owner.is_measuring().to_owned()),
            None => self.lab.clear_failures(),
        }
        let (options, design) = (self.document.valid_options(), self.document.valid().model.design());
        match self.lab.start(run, design, &options, &self.keeper) {
            Ok(steps) => {
                self.ask_for_floor();
                if let Err(reason) = self.bench.add(Owner::Lab, steps) {
                    self.fail(reason.to_owned());
                }
            }
            Err(reason) => self.fail_in(Tab::Lab, format!("Not measured: {reason}.")),
        }
    }

    pub(super) fn export_comparison(&mut self, form: ResultForm) {
        let Some((kept, _)) = self.compare.last(self.machine().as_deref(), &self.document.valid_options()) else {
            return;
        };
        let text = kept.result.text(form, &kept.about());
        let name = format!("{}-against-{}", kept.result.pair.b.name, kept.result.pair.a.name);
        self.files.ask_to_write(&name, form.ending(), text.into_bytes());
    }

    /// What the store calls the machine that is measured on, once it is known.
    pub(super) fn machine(&self) -> Option<String> {
        self.surroundings.name_in_store().map(str::to_owned)
    }
}
