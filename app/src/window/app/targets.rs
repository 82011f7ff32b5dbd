//! The list of targets: what a person asks of it, and measuring on another one from now on.

use shufflescope_engine::measure::InterleaveRules;

use super::App;
use crate::target::{Programs, Target};
use crate::window::advice::Adviser;
use crate::window::bench::Bench;
use crate::window::calibration::Calibration;
use crate::window::explore::Explore;
use crate::window::forecast::{Forecast, Learning};
use crate::window::live::Live;
use crate::window::notices::Notice;
use crate::window::pacer::Pacer;
use crate::window::past_runs::PastRuns;
use crate::window::settings::Change;
use crate::window::surroundings::Surroundings;
use crate::window::targets::{Manner, TargetCommand, Targets};
use crate::worker::Client;

impl App {
    /// The machines that can be measured on.
    #[must_use]
    pub const fn targets(&self) -> &Targets {
        &self.targets
    }

    pub(super) fn carry_out_target(&mut self, command: TargetCommand) {
        match command {
            TargetCommand::Add { address, program } => {
                if let Some(line) = self.targets.add(&address, &program) {
                    self.change_settings(Change::AddTarget(line));
                    self.targets.check_new();
                }
            }
            TargetCommand::Remove(target) => {
                if self.targets.remove(&target) {
                    self.change_settings(Change::ForgetTarget(target.to_string()));
                }
            }
            TargetCommand::Check(target) => self.targets.check(&target, false),
            TargetCommand::Copy(target) => self.targets.check(&target, true),
            TargetCommand::Tick(target) => self.targets.tick(&target),
            TargetCommand::Use(target) => self.use_target(target),
            TargetCommand::Measure => self.measure_side_by_side(),
            TargetCommand::Stop => self.targets.stop(),
        }
    }

    fn measure_side_by_side(&mut self) {
        if let Some(owner) = self.holder_of_bench() {
            return self.fail(owner.is_measuring().to_owned());
        }
        let rules = match self.care.processes {
            1 => self.care.rules,
            _ => InterleaveRules::in_processes(1),
        };
        let manner = Manner { protocol: self.care.protocol, rules };
        let options = self.document.valid_options();
        if let Err(reason) = self.targets.measure(&self.document.valid().model, &options, manner) {
            self.fail(format!("Not measured: {reason}."));
        }
    }

    /// Has everything but the camera run there from now on. What was measured elsewhere is no result of that machine: what
    /// is shown begins anew, and the store answers for the target.
    fn use_target(&mut self, target: Target) {
        if let Some(owner) = self.holder_of_bench() {
            return self.fail(owner.is_measuring().to_owned());
        }
        let Some(programs) = self.targets.programs(&target) else {
            return self.fail(format!("{target} has not answered: check it first."));
        };
        let place = self.targets.entry(&target).and_then(|entry| entry.place()).cloned();
        self.stop_search();
        let was_enabled = self.live.is_enabled();
        self.live = Live::new(client(&programs, &self.pacer));
        if !was_enabled {
            self.live.toggle();
        }
        self.bench = Bench::new(client(&programs, &self.pacer));
        self.forecast = Forecast::new(Learning::new(self.pacer.clone()));
        self.adviser = Adviser::new(self.care.clone(), self.pacer.clone());
        self.calibration = Calibration::new(self.pacer.clone());
        (self.past, self.explore) = (PastRuns::default(), Explore::default());
        (self.findings_of, self.noted_live) = ((u64::MAX, 0), 0);
        self.keeper.measure_at(place.as_ref().and_then(|place| place.name_in_store()));
        let mut options = self.document.options().clone();
        self.surroundings = match &place {
            Some(place) => {
                options.threads = options.threads.min(place.host.threads.max(1));
                Surroundings::of(place)
            }
            None => Surroundings::look(self.own_launcher.clone(), self.pacer.clone()),
        };
        self.document.set_options(options);
        let name = place.map_or_else(|| "this machine".to_owned(), |place| place.in_words());
        self.say(Notice::done(format!("Measuring on {name} from now on.")));
        self.targets.set_current(target);
    }
}

/// A client that wakes the window.
pub(super) fn client(programs: &Programs, pacer: &Pacer) -> Client {
    let wake = pacer.clone();
    Client::new(programs.clone(), "the window", move || wake.wake())
}
