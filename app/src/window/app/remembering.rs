//! What the store remembers: asked for when it is shown, noted when it is finished.

use std::sync::Arc;

use shufflescope_engine::measure::Measurement;
use shufflescope_engine::runtime::RunOptions;
use shufflescope_engine::store::RunContext;

use super::App;
use crate::window::bench::{Outcome, Owner, Step, Task, Work};
use crate::window::keeper::{Answer, KernelTimes};
use crate::window::lab::SweepPlan;
use crate::window::tab::Tab;
use crate::window::view::View;

impl App {
    /// Takes what the store said.
    pub(super) fn take_answers(&mut self) {
        for answer in self.keeper.poll() {
            match answer {
                Answer::Floor(context, floor) => {
                    self.compare.set_floor(&context.options, floor);
                    self.lab.set_floor(&context.options, floor);
                    self.adviser.trials.set_floor(&context.options, floor);
                }
                Answer::Scatter(design, context, scatter) => self.live.remember(&design, &context.options, scatter),
                Answer::History(design, rows) => self.past.fill(design, rows),
                Answer::KernelTimes(way, known) => {
                    let known = known.unwrap_or_else(|error| {
                        self.fail(format!("Nothing is predicted from earlier measurements. {error}."));
                        KernelTimes::default()
                    });
                    let ceilings = self.live.ceilings().get(way.device, way.threads);
                    self.forecast.learning.fill(&way, known, ceilings);
                }
                Answer::KernelsNoted(way) => self.forecast.learning.noted(&way),
                Answer::Trouble(text) => self.fail(text),
            }
        }
        self.compare.take_answers();
        self.lab.take_answers();
        self.explore.take_answers();
        if let Some(plan) = self.lab.planned() {
            self.begin_sweep(plan);
        }
        if let Some(job) = self.explore.prepared() {
            self.begin_search(Box::new(job));
        }
    }

    /// Asks for what the tab shown has to show.
    pub(super) fn look_up_what_is_shown(&mut self) {
        if self.tabs.shown != Tab::Explore {
            self.explore.leave();
        }
        match self.tabs.shown {
            Tab::Compare => self.compare.load(&self.keeper),
            Tab::Lab => self.lab.load(self.tabs.lab.scale, &self.keeper),
            Tab::Explore => {
                let options = self.document.valid_options();
                self.explore.load(&options, &self.forecast.learning, &self.teach, &self.keeper);
            }
            Tab::Design | Tab::Camera => {}
        }
        let is_shown = self.tabs.shown == Tab::Design && self.tabs.views.shown == View::History;
        self.past.look_up(is_shown.then_some(&self.document.valid().fingerprint), &self.keeper);
    }

    /// Asks what comparisons as the window runs now are known not to tell apart; the answer comes long before the first
    /// rounds.
    pub(super) fn ask_for_floor(&self) {
        self.keeper.floor(self.context(self.document.valid_options()));
    }

    /// Running so on this machine.
    pub(super) fn context(&self, options: RunOptions) -> RunContext {
        RunContext::new(self.machine().as_deref(), &options)
    }

    /// Asks how runs of what is about to be measured differ; the answer comes before the edit has settled.
    pub(super) fn ask_for_scatter(&mut self) {
        if let Some(key) = self.live.wants_to_know_scatter() {
            self.keeper.scatter(key.design.clone(), key.options.clone());
        }
    }

    /// Makes the live result a row, once it is final.
    pub(super) fn note_live_result(&mut self) {
        if self.noted_live == self.live.version() {
            return;
        }
        self.noted_live = self.live.version();
        if let Some(measurement) = self.live.finished() {
            let valid = self.document.valid();
            let made_of = self.forecast.made_of(&valid.fingerprint, &measurement.key().options);
            self.past.note(&valid.model, measurement, made_of, &self.keeper);
        }
    }

    /// Makes what a tab has measured a row and remembers its kernels; its samples go with that, for the tab wants none.
    pub(super) fn note_result_of(&mut self, step: &Step, outcome: &mut Outcome) {
        if let (Work::Measure(job) | Work::TakeApart(job), Outcome::Measured(measurement)) = (&step.work, outcome) {
            let processes = std::mem::take(&mut measurement.processes);
            let whole = Arc::new(Measurement { processes, ..(**measurement).clone() });
            let made_of = self.forecast.made_of(&job.design.fingerprint(), &job.options);
            match step.task {
                // These are nobody's designs.
                Task::Calibrate | Task::KernelsOfTry => self.keeper.note_kernels(&job.design, whole, made_of),
                _ => self.past.note(&job.design, whole, made_of, &self.keeper),
            }
        }
    }

    fn begin_sweep(&mut self, plan: SweepPlan) {
        // Asked for twice in a moment: once is enough.
        if self.bench.pending().any(|step| matches!(step.task, Task::Point(_))) {
            return;
        }
        let machine = self.machine();
        let steps = self.lab.begin_sweep(plan, machine.as_deref(), &self.keeper);
        if let Err(reason) = self.bench.add(Owner::Lab, steps) {
            self.fail(reason.to_owned());
        }
    }
}
