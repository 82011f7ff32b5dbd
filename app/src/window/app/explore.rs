//! What the *Explore* tab asks for: searching, taking a point in hand, comparing it, saving what was found.

use shufflescope_engine::design::Edit;
use shufflescope_engine::model::Model;

use super::App;
use crate::window::bench::{Owner, Side};
use crate::window::compare::Choice;
use crate::window::explore::{ExploreCommand, Wish};
use crate::window::tab::Tab;
use crate::worker::SearchJob;

impl App {
    pub(super) fn carry_out_explore(&mut self, command: ExploreCommand, now: f64) {
        match command {
            ExploreCommand::Start(wish) => self.start_search(*wish),
            ExploreCommand::Open(model) => self.take_in_hand(*model, now),
            ExploreCommand::Compare(model) => self.compare_found(*model),
            ExploreCommand::Save(designs) => self.files.ask_to_save_all(designs),
        }
    }

    /// Opens a found design or a published network as a preset is opened: undo leads back, and it has no file.
    fn take_in_hand(&mut self, model: Model, now: f64) {
        self.explore.remember_in_hand(self.document.valid().model.clone());
        match model {
            Model::Design(design) => self.document.edit(&Edit::Replace(Box::new(design)), now, false),
            other => self.document.open_model(other, now),
        }
    }

    /// Shows a network beside the present one; the present one beside what was in hand before.
    fn compare_found(&mut self, model: Model) {
        let is_present = model.fingerprint() == self.document.valid().fingerprint;
        let (a, b) = match self.explore.before().filter(|_| is_present) {
            Some(before) => (Choice::Opened(Box::new(before.clone())), Choice::Present),
            None if is_present => (Choice::Pinned, Choice::Present),
            None => (Choice::Present, Choice::Opened(Box::new(model))),
        };
        self.compare.choose(Side::A, a);
        self.compare.choose(Side::B, b);
        self.tabs.shown = Tab::Compare;
    }

    fn start_search(&mut self, wish: Wish) {
        if let Some(owner) = self.holder_of_bench() {
            return self.fail(owner.is_measuring().into());
        }
        if !self.explore.is_running() {
            let (machine, options) = (self.machine(), self.document.valid_options());
            self.explore.start(wish, machine.as_deref(), &options, &self.keeper);
        }
    }

    /// Goes on with the search that was begun, now that the store has said what is known.
    pub(super) fn begin_search(&mut self, job: Box<SearchJob>) {
        let steps = self.explore.steps(job);
        if let Err(reason) = self.bench.add(Owner::Explore, steps) {
            self.stop_search();
            self.fail(reason.to_owned());
        }
    }

    /// Gives the search in progress up; what it has found is kept.
    pub(super) fn stop_search(&mut self) {
        self.bench.cancel(Owner::Explore);
        self.explore.stop(&self.keeper);
    }
}
