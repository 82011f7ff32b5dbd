//! Searching for designs that do the most within a latency: what was found, here and in earlier sessions, and the
//! published networks beside it.

mod command;
mod found;
mod landmarks;
mod table;
mod wish;

use shufflescope_engine::model::Model;
use shufflescope_engine::runtime::RunOptions;
use shufflescope_engine::search::Phase;
use shufflescope_engine::store::{Kept, Kind, RunContext};

pub use self::command::ExploreCommand;
pub use self::found::Exploration;
pub use self::landmarks::{Landmark, Landmarks, Own};
pub use self::table::{Column, Order, Row, csv, markdown, rows};
pub use self::wish::{BUDGETS, Begin, FAMILIES, Fields, Origin, Wish, Wrong, words};
use super::bench::{Outcome, SearchNews, Step, Task, Work};
use super::forecast::{Knowledge, Learning};
use super::keeper::{Asked, Keeper};
use super::shelf::Shelf;
use super::teach::Teach;
use crate::kernel_times::{kept_peaks, way};
use crate::worker::SearchJob;

/// The one name on the shelf.
const LAST: &str = "last";

/// See the module.
#[derive(Debug, Default)]
pub struct Explore {
    explorations: Shelf<Exploration>,
    running: Option<Running>,
    failure: Option<String>,
    landmarks: Option<Landmarks>,
    /// How the landmarks run that were asked for last, by which predictor, and with which version of what was taught.
    asked: Option<(RunOptions, Option<u64>, u64)>,
    /// Landmarks that are looked up.
    looked_up: Option<Asked<Landmarks>>,
    /// The network that was in hand before a point was opened.
    before: Option<Model>,
    version: u64,
}

#[derive(Debug)]
struct Running {
    machine: Option<String>,
    options: RunOptions,
    exploration: Exploration,
    phase: Phase,
    /// What it begins with, while the store looks up what is known.
    prepared: Option<Asked<SearchJob>>,
}

/// A search to be shown.
#[derive(Clone, Copy, Debug)]
pub enum Shown<'a> {
    /// It is in progress.
    SoFar(&'a Exploration),
    /// It is over, and whether it was made in the present way on this machine.
    Kept(&'a Kept<Exploration>, bool),
}

impl<'a> Shown<'a> {
    /// What was found.
    #[must_use]
    pub const fn exploration(self) -> &'a Exploration {
        match self {
            Self::SoFar(exploration) => exploration,
            Self::Kept(kept, _) => &kept.result,
        }
    }
}

impl Explore {
    /// Asks for the last search of earlier sessions, where that was not done yet, and for the published networks as they
    /// would run now.
    pub fn load(&mut self, options: &RunOptions, learning: &Learning, teach: &Teach, keeper: &Keeper) {
        self.explorations.ask(LAST, || keeper.load(Kind::Exploration, LAST));
        let (predictor, generation) = match learning.of(options) {
            Knowledge::Asked => return,
            Knowledge::Nothing => (None, None),
            Knowledge::Known(known, generation) => (Some(known.clone()), Some(generation)),
        };
        let of = Some((options.clone(), generation, teach.version()));
        if self.asked != of {
            self.asked = of;
            let (options, taught) = (options.clone(), teach.taught().to_vec());
            self.looked_up = Some(keeper.look_up(move |desk| {
                Landmarks::look_up(desk.store(), desk.machine().as_deref(), &options, predictor.as_deref(), &taught)
            }));
        }
    }

    /// The published networks are looked up anew when the tab is shown again: they may have been measured meanwhile.
    pub fn leave(&mut self) {
        self.asked = None;
    }

    /// Takes what the store has said.
    pub fn take_answers(&mut self) {
        self.version += u64::from(self.explorations.take_answers());
        if let Some(landmarks) = self.looked_up.as_ref().and_then(Asked::take) {
            (self.landmarks, self.looked_up) = (Some(landmarks), None);
            self.version += 1;
        }
    }

    /// What a worker is to be asked for, once the store has said what is known of the target; the search that was begun
    /// [goes on](Self::steps) with it.
    pub fn prepared(&mut self) -> Option<SearchJob> {
        let running = self.running.as_mut()?;
        let job = running.prepared.as_ref()?.take()?;
        running.prepared = None;
        Some(job)
    }

    /// Counts what could change what is shown.
    #[must_use]
    pub const fn version(&self) -> u64 {
        self.version
    }

    /// Why the last search broke off.
    #[must_use]
    pub fn failure(&self) -> Option<&str> {
        self.failure.as_deref()
    }

    /// Whether a search is in progress.
    #[must_use]
    pub const fn is_running(&self) -> bool {
        self.running.is_some()
    }

    /// The published networks, once they are looked up.
    #[must_use]
    pub fn landmarks(&self, options: &RunOptions) -> Option<&Landmarks> {
        self.landmarks.as_ref().filter(|landmarks| landmarks.options == *options)
    }

    /// The search in progress, or the last one.
    #[must_use]
    pub fn shown(&self, machine: Option<&str>, options: &RunOptions) -> Option<Shown<'_>> {
        if let Some(running) = &self.running {
            return Some(Shown::SoFar(&running.exploration));
        }
        let kept = self.explorations.get(LAST, machine, options)?;
        Some(Shown::Kept(kept, kept.is_of(machine, options)))
    }
}

impl Explore {
    /// What was in hand before a point was taken in hand.
    #[must_use]
    pub const fn before(&self) -> Option<&Model> {
        self.before.as_ref()
    }

    /// Remembers what is in hand, before a point takes its place.
    pub fn remember_in_hand(&mut self, model: Model) {
        self.before = Some(model);
    }

    /// Begins a search; it [goes on](Self::steps) when the store has said what is known of the target. One that was made
    /// before in the same way is gone on with.
    pub fn start(&mut self, wish: Wish, machine: Option<&str>, options: &RunOptions, keeper: &Keeper) {
        let last = self.explorations.get(LAST, machine, options).filter(|kept| kept.is_of(machine, options));
        let found = last.filter(|last| last.result.wish.is_continued_by(&wish)).map(|last| last.result.found.clone());
        let exploration = Exploration { found: found.unwrap_or_default(), ..Exploration::begun(wish) };
        let prepared = Some(prepare(exploration.job(options), keeper));
        let (machine, options) = (machine.map(str::to_owned), options.clone());
        self.running = Some(Running { machine, options, exploration, phase: Phase::Looking, prepared });
        self.failure = None;
        self.version += 1;
    }

    /// What has to be measured for the search that was begun; nothing where it was given up meanwhile.
    #[must_use]
    pub fn steps(&self, job: Box<SearchJob>) -> Vec<Step> {
        let running = self.running.as_ref().filter(|running| running.options == job.options);
        let step = |running: &Running| {
            let name = format!("search for {}", running.exploration.wish);
            Step { task: Task::Search, name, work: Work::Search(job.into()) }
        };
        running.map(step).into_iter().collect()
    }

    /// Takes what came of a search: kernels and designs are kept as they come.
    pub fn take(&mut self, outcome: Outcome, keeper: &Keeper) {
        let Some(running) = &mut self.running else { return };
        self.version += 1;
        match outcome {
            Outcome::Searching(news) => running.take(*news, keeper),
            Outcome::Searched => {
                running.exploration.is_partial = false;
                self.stop(keeper);
            }
            Outcome::Failed(reason) => {
                self.failure = Some(reason);
                self.stop(keeper);
            }
            Outcome::SoFar(_) | Outcome::Turns(_) | Outcome::Measured(_) => {}
        }
    }

    /// What the search in progress is at.
    #[must_use]
    pub fn phase(&self) -> Option<Phase> {
        self.running.as_ref().map(|running| running.phase)
    }

    /// Ends the search in progress; what was found is the last search from now on.
    pub fn stop(&mut self, keeper: &Keeper) {
        let Some(running) = self.running.take() else { return };
        self.version += 1;
        if let Some(kept) = running.kept() {
            keeper.keep(Kind::Exploration, LAST, kept.clone());
            self.explorations.put(LAST, kept);
        }
    }
}

/// Has what is known of the target looked up for a search.
fn prepare(job: SearchJob, keeper: &Keeper) -> Asked<SearchJob> {
    keeper.look_up(move |desk| {
        let context = |options: &RunOptions| RunContext::new(desk.machine().as_deref(), options);
        let runs = desk.store().kernel_runs(&context(&job.options))?;
        let peaks = kept_peaks(desk.store(), &context(&way(&job.options)))?;
        Ok(SearchJob { peaks, ..job.with_known(runs) })
    })
}

impl Running {
    fn take(&mut self, news: SearchNews, keeper: &Keeper) {
        let SearchNews { standing, found, kernels } = news;
        (self.exploration.evaluated, self.phase) = (standing.evaluated, standing.phase);
        if !kernels.is_empty() {
            keeper.note_kernel_runs(&RunContext::new(self.machine.as_deref(), &self.options), kernels);
        }
        if !found.is_empty() {
            self.exploration.add(found);
            if let Some(kept) = self.kept() {
                keeper.keep(Kind::Exploration, LAST, kept);
            }
        }
    }

    /// What is kept of it; nothing where nothing was found.
    fn kept(&self) -> Option<Kept<Exploration>> {
        let context = RunContext::new(self.machine.as_deref(), &self.options);
        (!self.exploration.found.is_empty()).then(|| Kept::now(context, self.exploration.clone()))
    }
}

#[cfg(test)]
mod tests;
