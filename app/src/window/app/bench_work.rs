//! What *Compare* and *Lab* measure: starting, stopping, keeping and exporting it.

use eframe::egui;
use shufflescope_engine::measure::{MINIMUM_ROUNDS, NoiseFloor};
use shufflescope_engine::runtime::RunOptions;

use super::App;
use crate::window::bench::{Outcome, Owner, Task};
use crate::window::export::ResultForm;
use crate::window::lab::{Known, Run};
use crate::window::tab::Tab;

/// Seconds between two looks at a worker that says nothing.
const LOOK_AGAIN: f32 = 0.2;

impl App {
    /// Hands what came in to those who asked for it.
    pub(super) fn work_at_bench(&mut self, ctx: &egui::Context) {
        for (step, outcome) in self.bench.advance() {
            let machine = self.machine();
            if matches!(step.task, Task::Column(_) | Task::Network(..) | Task::Point(_)) {
                if let Some(write) = self.lab.take(&step, outcome, machine.as_deref()) {
                    self.files.keep_result(write);
                    self.note_floors_of(&step.task);
                }
                continue;
            }
            let failed = matches!((&step.task, &outcome), (Task::Pair, Outcome::Failed(_)));
            let write = self.compare.take(&step.task, outcome);
            if failed {
                // Without a verdict nobody waits for the layers.
                self.stop_run(Owner::Compare);
            }
            if let Some(write) = write {
                self.files.keep_result(write);
                self.note_floors_of(&step.task);
            }
        }
        if self.bench.is_busy() {
            ctx.request_repaint_after_secs(LOOK_AGAIN);
        }
    }

    /// Remembers how different a network looked from its twin in what has just been finished.
    fn note_floors_of(&mut self, task: &Task) {
        let (machine, options) = (self.machine(), self.document.valid_options());
        let machine = machine.as_deref();
        let seen: Vec<(RunOptions, NoiseFloor)> = match task {
            Task::Column(choice) => {
                let known = self.lab.experiment((choice.experiment, choice.scale), machine, &options);
                let Some(Known::Kept(kept, _)) = known else { return };
                let enough = kept.result.columns.iter().filter(|column| column.rounds >= MINIMUM_ROUNDS);
                enough.filter_map(|column| Some((kept.options.clone(), column.noise_floor?))).collect()
            }
            Task::LayersOf(_) => {
                let Some((kept, _)) = self.compare.last(machine, &options) else { return };
                let pair = &kept.result.pair;
                let enough = pair.comparison.rounds >= MINIMUM_ROUNDS;
                pair.noise_floor.filter(|_| enough).map(|floor| (kept.options.clone(), floor)).into_iter().collect()
            }
            _ => return,
        };
        for (options, floor) in seen {
            if let Some(write) = self.floors.note(machine, &options, floor) {
                self.files.keep_result(write);
            }
        }
    }

    /// Stops what the tab shown measures, or else the live measurement.
    pub(super) fn cancel(&mut self) {
        let owner = match self.tabs.shown {
            Tab::Compare => Some(Owner::Compare),
            Tab::Lab => Some(Owner::Lab),
            Tab::Design | Tab::Camera => None,
        };
        match owner {
            Some(owner) if self.bench.owner() == Some(owner) => self.stop_run(owner),
            _ => self.live.cancel(),
        }
    }

    pub(super) fn stop_run(&mut self, owner: Owner) {
        self.bench.cancel(owner);
        match owner {
            Owner::Compare => self.compare.stop(),
            Owner::Lab => self.lab.stop(),
        }
    }

    pub(super) fn start_compare(&mut self) {
        if self.bench.is_busy() {
            return;
        }
        self.compare.settle(&self.document);
        let machine = self.machine();
        let floor = self.floors.get(machine.as_deref(), &self.document.valid_options());
        let started = self.compare.start(machine.as_deref(), floor);
        match started {
            Ok(steps) => {
                if let Err(reason) = self.bench.add(Owner::Compare, steps) {
                    self.fail(reason.to_owned());
                }
            }
            Err(reason) => self.fail(format!("Not compared: {reason}")),
        }
    }

    pub(super) fn run_lab(&mut self, run: &Run) {
        match self.bench.owner() {
            Some(Owner::Compare) => return self.fail("Compare is measuring: wait for it or cancel it.".into()),
            Some(Owner::Lab) => {}
            None => self.lab.clear_failures(),
        }
        let (options, machine) = (self.document.valid_options(), self.machine());
        let design = self.document.valid().model.design();
        let floor = self.floors.get(machine.as_deref(), &options);
        match self.lab.start(run, design, &options, machine.as_deref(), floor) {
            Ok(steps) => {
                if let Err(reason) = self.bench.add(Owner::Lab, steps) {
                    self.fail(reason.to_owned());
                }
            }
            Err(reason) => self.fail(format!("Not measured: {reason}.")),
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

    /// The processor's name, once it is known.
    pub(super) fn machine(&self) -> Option<String> {
        self.surroundings.machine().and_then(|machine| machine.cpu_model.clone())
    }
}
