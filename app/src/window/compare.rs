//! A beside B: which networks, what they cost on paper, and what came of measuring them in turns.

mod compared;
mod running;

use std::sync::Arc;

use shufflescope_engine::cost::{CostTotals, total_cost};
use shufflescope_engine::design::{Batch, Fingerprint};
use shufflescope_engine::graph::Graph;
use shufflescope_engine::measure::{MINIMUM_ROUNDS, NoiseFloor};
use shufflescope_engine::model::{Model, NetworkChoice};
use shufflescope_engine::report::{LayerDifference, LayerSource};
use shufflescope_engine::runtime::RunOptions;
use shufflescope_engine::store::{Kept, Kind, RunContext};
use shufflescope_engine::zoo;

pub use self::compared::Compared;
use self::compared::Key;
use self::running::{Running, Taken};
use super::bench::{Care, Outcome, Side, Step, Task, Work};
use super::document::Document;
use super::keeper::Keeper;
use super::pacer::Pacer;
use super::shelf::Shelf;
use crate::worker::{Contest, Job, TurnsJob};

/// What stands on a side at the start where nothing is pinned.
const FIRST_A: &str = "mobilenet-v2-x1.0";

/// The one name on the shelf.
const LAST: &str = "pair";

/// Where the network of a side comes from.
#[derive(Clone, Debug, PartialEq)]
pub enum Choice {
    /// The design or network of the *Design* tab, whatever it is at the moment.
    Present,
    /// The pinned A, or a preset where nothing is pinned.
    Pinned,
    /// A preset or another network of the zoo.
    Zoo(&'static str),
    /// An opened file.
    Opened(Box<Model>),
}

/// Both networks on paper.
#[derive(Debug)]
pub struct OnPaper {
    key: Key,
    graphs: Arc<[Graph; 2]>,
    /// Their totals.
    pub totals: [CostTotals; 2],
    /// Layer by layer, without times.
    pub layers: LayerDifference,
}

/// See the module.
#[derive(Debug)]
pub struct Compare {
    choices: [Choice; 2],
    /// What the choices came to, and when that was last looked up.
    models: [Option<Model>; 2],
    looked_up: Option<(u64, RunOptions, [Choice; 2], Option<Fingerprint>)>,
    paper: Result<Box<OnPaper>, String>,
    care: Care,
    /// Woken when a summary is there.
    pacer: Pacer,
    running: Option<Running>,
    failure: Option<String>,
    shelf: Shelf<Compared>,
    version: u64,
}

impl Compare {
    /// A is what is pinned, B the present design.
    #[must_use]
    pub fn new(care: Care, pacer: Pacer) -> Self {
        Self {
            choices: [Choice::Pinned, Choice::Present],
            models: [None, None],
            looked_up: None,
            paper: Err("nothing is chosen yet".into()),
            care,
            pacer,
            running: None,
            failure: None,
            shelf: Shelf::default(),
            version: 0,
        }
    }

    /// Asks for the last comparison of earlier sessions, where that was not done yet.
    pub fn load(&mut self, keeper: &Keeper) {
        self.shelf.ask(LAST, || keeper.load(Kind::Comparison, LAST));
    }

    /// Takes what the store has said.
    pub fn take_answers(&mut self) {
        self.version += u64::from(self.shelf.take_answers());
    }

    /// Takes what comparisons with these options are known not to tell apart.
    pub fn set_floor(&mut self, options: &RunOptions, floor: Option<NoiseFloor>) {
        if let Some(running) = self.running.as_mut().filter(|running| running.taken.key.options == *options) {
            running.taken.floor = floor;
        }
    }

    /// What stands on a side.
    #[must_use]
    pub const fn choice(&self, side: Side) -> &Choice {
        &self.choices[side as usize]
    }

    /// Its network, where there is one.
    #[must_use]
    pub const fn model(&self, side: Side) -> Option<&Model> {
        self.models[side as usize].as_ref()
    }

    /// Puts another network on a side.
    pub fn choose(&mut self, side: Side, choice: Choice) {
        self.choices[side as usize] = choice;
    }

    /// Both networks on paper, or why not.
    ///
    /// # Errors
    /// What is wrong with one of them.
    pub fn paper(&self) -> Result<&OnPaper, &str> {
        self.paper.as_deref().map_err(String::as_str)
    }

    /// Counts what could change what is shown.
    #[must_use]
    pub const fn version(&self) -> u64 {
        self.version
    }

    /// Why the last comparison broke off.
    #[must_use]
    pub fn failure(&self) -> Option<&str> {
        self.failure.as_deref()
    }

    /// Whether one is in progress.
    #[must_use]
    pub const fn is_running(&self) -> bool {
        self.running.is_some()
    }

    /// Whether everything is measured and only the summary is missing.
    #[must_use]
    pub fn is_summarising(&self) -> bool {
        self.running.as_ref().is_some_and(Running::is_summarising)
    }

    /// The comparison in progress as far as its rounds go.
    #[must_use]
    pub fn so_far(&self) -> Option<&Compared> {
        self.running.as_ref()?.so_far.as_ref()
    }

    /// The last complete comparison, and whether it is of what is chosen now.
    #[must_use]
    pub fn last(&self, machine: Option<&str>, options: &RunOptions) -> Option<(&Kept<Compared>, bool)> {
        let kept = self.shelf.get(LAST, machine, options)?;
        let of_these = self.paper().is_ok_and(|paper| paper.key == kept.result.key);
        Some((kept, of_these && kept.is_of(machine, options)))
    }

    /// Looks up what the choices mean now.
    pub fn settle(&mut self, document: &Document) {
        let options = document.valid_options();
        let pinned = document.pinned.as_ref().map(|pinned| pinned.model.fingerprint());
        let of = (document.revision(), options.clone(), self.choices.clone(), pinned);
        if self.looked_up.as_ref() == Some(&of) {
            return;
        }
        self.looked_up = Some(of);
        self.models = self.choices.each_ref().map(|choice| look_up(choice, document));
        self.paper = OnPaper::of(&self.models, &options).map(Box::new);
        self.version += 1;
    }

    /// What has to be measured.
    ///
    /// # Errors
    /// Why these networks cannot be compared.
    pub fn start(&mut self, machine: Option<&str>) -> Result<Vec<Step>, String> {
        let paper = self.paper.as_ref().map_err(Clone::clone)?;
        let [Some(a), Some(b)] = self.models.clone() else { return Err("choose two networks".into()) };
        let options = paper.key.options.clone();
        let Care { rules, processes, protocol, .. } = self.care.clone();
        let turns = TurnsJob {
            networks: Contest::Pair { a: Box::new(a.clone()), b: Box::new(b.clone()) },
            options: options.clone(),
            rules,
            processes,
        };
        let layers = |side, design: Model| Step {
            task: Task::LayersOf(side),
            name: format!("layers of {side:?}"),
            work: Work::Measure(Box::new(Job {
                design,
                options: options.clone(),
                protocol: protocol.on(options.device),
                weights: None,
                scatter: None,
            })),
        };
        let names = format!("{} and {} in turns", a.name(), b.name());
        let pair = Step { task: Task::Pair, name: names, work: Work::Turns(Box::new(turns)) };
        let taken = Taken::nothing(paper.key.clone(), paper.graphs.clone(), rules);
        self.running = Some(Running::new(machine, taken, &self.pacer));
        self.failure = None;
        self.version += 1;
        Ok(vec![pair, layers(Side::A, a), layers(Side::B, b)])
    }

    /// Gives the comparison in progress up.
    pub fn stop(&mut self) {
        self.running = None;
        self.version += 1;
    }

    /// Takes what came of a step, and has what is there so far summarised.
    pub fn take(&mut self, task: &Task, outcome: Outcome) {
        let Some(running) = &mut self.running else { return };
        self.version += 1;
        if let Outcome::Failed(message) = &outcome {
            self.failure = Some(message.clone());
        }
        running.take(task, outcome);
    }

    /// Takes a summary that is there. That of a complete comparison is kept, and how different A looked from its twin.
    pub fn poll(&mut self, keeper: &Keeper) {
        let Some(news) = self.running.as_mut().and_then(Running::poll) else { return };
        self.version += 1;
        self.failure = news.err().or(self.failure.take());
        let Some(running) = self.running.take_if(|running| running.is_over()) else { return };
        let Some(compared) = running.so_far else { return };
        let context = RunContext::new(running.machine.as_deref(), &running.taken.key.options);
        if let Some(floor) = compared.pair.noise_floor.filter(|_| compared.pair.comparison.rounds >= MINIMUM_ROUNDS) {
            keeper.note_floor(context.clone(), floor);
        }
        let kept = Kept::now(context, compared);
        keeper.keep(Kind::Comparison, LAST, kept.clone());
        self.shelf.put(LAST, kept);
    }
}

impl OnPaper {
    fn of([a, b]: &[Option<Model>; 2], options: &RunOptions) -> Result<Self, String> {
        let there = |side: &str, model| -> Result<_, String> {
            Option::ok_or_else(model, || format!("{side} is not there: choose another network"))
        };
        let (a, b): (&Model, &Model) = (there("A", a.as_ref())?, there("B", b.as_ref())?);
        let graph =
            |side: &str, model: &Model| model.graph(Batch(options.batch)).map_err(|error| format!("{side}: {error}"));
        let (graph_a, graph_b) = (graph("A", a)?, graph("B", b)?);
        let layers = LayerDifference::between(
            LayerSource { graph: &graph_a, breakdown: None },
            LayerSource { graph: &graph_b, breakdown: None },
        );
        Ok(Self {
            key: Key { a: a.fingerprint(), b: b.fingerprint(), options: options.clone() },
            totals: [total_cost(&graph_a), total_cost(&graph_b)],
            graphs: Arc::new([graph_a, graph_b]),
            layers,
        })
    }
}

fn look_up(choice: &Choice, document: &Document) -> Option<Model> {
    match choice {
        Choice::Present => Some(document.valid().model.clone()),
        Choice::Pinned => match &document.pinned {
            Some(pinned) => Some(pinned.model.clone()),
            None => of_zoo(FIRST_A),
        },
        Choice::Zoo(name) => of_zoo(name),
        Choice::Opened(model) => Some((**model).clone()),
    }
}

/// A network of the zoo at the input of its publication.
#[must_use]
pub fn of_zoo(name: &str) -> Option<Model> {
    if let Some(design) = zoo::preset(name) {
        return Some(Model::Design(design));
    }
    let network = zoo::network(name)?;
    Some(Model::Network(NetworkChoice { name: network.name.into(), input: network.input }))
}

/// Every name of the zoo.
pub fn zoo_names() -> impl Iterator<Item = &'static str> {
    let presets = zoo::presets().iter().map(|preset| preset.design.name.as_str());
    presets.chain(zoo::networks().iter().map(|network| network.name))
}

impl Choice {
    /// What it is, in a few words.
    #[must_use]
    pub fn about(&self, pinned: bool) -> &'static str {
        match self {
            Self::Present => "the present design",
            Self::Pinned if pinned => "the pinned network",
            Self::Pinned => "nothing is pinned: a preset",
            Self::Zoo(_) => "from the zoo",
            Self::Opened(_) => "from a file",
        }
    }
}

#[cfg(test)]
mod tests;
