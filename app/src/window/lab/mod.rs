//! The paper's experiments, its networks and sweeps of the present design, measured on this machine and kept.

mod networks;
mod sweep;

use std::collections::BTreeMap;
use std::sync::Arc;

use shufflescope_engine::design::{Design, InputSize};
use shufflescope_engine::experiment::{Experiment, ExperimentResult, MeasuredColumn, Scale};
use shufflescope_engine::measure::{Interleaved, MINIMUM_ROUNDS, NoiseFloor};
use shufflescope_engine::runtime::RunOptions;
use shufflescope_engine::store::{Kept, Kind, RunContext, Timestamp};
use shufflescope_engine::sweep::{PointResult, Sweep};

use super::bench::{Care, Outcome, Step, Task, Work};
use super::keeper::{Asked, Keeper};
use super::pacer::Pacer;
use super::shelf::Shelf;
use crate::later::Later;
use crate::worker::{ColumnChoice, Contest, TurnsJob};

pub use networks::{Input, Measured, Networks, figure_2_networks, resolution_networks, zoo_networks};
pub use sweep::{SweepPlan, SweepPoints, SweepTexts};

/// The one name on the shelves of networks and sweeps.
const ALL: &str = "all";

/// What can be measured.
#[derive(Clone, Debug, PartialEq)]
pub enum Run {
    /// These experiments at this scale.
    Experiments(Vec<Experiment>, Scale),
    /// These networks of the zoo.
    Networks(Vec<Input>),
    /// Every combination of these axes that is not finished yet, or all where all are.
    Sweep(Sweep),
}

/// See the module.
#[derive(Debug)]
pub struct Lab {
    care: Care,
    /// Woken when a summary is there.
    pacer: Pacer,
    experiments: Shelf<ExperimentResult>,
    networks: Shelf<Networks>,
    sweeps: Shelf<SweepPoints>,
    /// Columns measured so far of experiments in progress.
    progress: BTreeMap<(Experiment, Scale), InProgress>,
    /// A sweep of which the store is to say what is finished.
    planned: Option<Asked<SweepPlan>>,
    /// The options that the sweep in progress began with.
    sweep_of: Option<RunOptions>,
    failures: Vec<String>,
    version: u64,
}

#[derive(Debug)]
struct InProgress {
    options: RunOptions,
    /// What is known to look different without being so, once the store has said it.
    floor: Option<NoiseFloor>,
    columns: BTreeMap<usize, Vec<Arc<Interleaved>>>,
    finished: usize,
    /// Of the columns so far; it is made on a thread of its own.
    summary: Later<Option<ExperimentResult>>,
    so_far: Option<ExperimentResult>,
}

impl InProgress {
    /// Whether every column of this experiment has ended, one way or another.
    fn is_measured(&self, of: (Experiment, Scale)) -> bool {
        self.finished >= columns_of(of).count()
    }
}

/// What is known about an experiment.
#[derive(Clone, Copy, Debug)]
pub enum Known<'a> {
    /// It is being measured, and this is the result so far.
    SoFar(&'a ExperimentResult),
    /// It is finished; and whether it was taken in the present way on this machine.
    Kept(&'a Kept<ExperimentResult>, bool),
}

impl Lab {
    /// Nothing is measured yet.
    #[must_use]
    pub fn new(care: Care, pacer: Pacer) -> Self {
        Self {
            care,
            pacer,
            experiments: Shelf::default(),
            networks: Shelf::default(),
            sweeps: Shelf::default(),
            progress: BTreeMap::new(),
            planned: None,
            sweep_of: None,
            failures: Vec::new(),
            version: 0,
        }
    }

    /// Asks for what earlier sessions have kept of the experiments at this scale, the networks and the sweep, where that
    /// was not done yet.
    pub fn load(&mut self, scale: Scale, keeper: &Keeper) {
        for of in Experiment::ALL.map(|experiment| name((experiment, scale))) {
            self.experiments.ask(&of, || keeper.load(Kind::Experiment, &of));
        }
        self.networks.ask(ALL, || keeper.load(Kind::Networks, ALL));
        self.sweeps.ask(ALL, || keeper.look_up(|desk| SweepPoints::load(desk.store(), ALL)));
    }

    /// Takes what the store has said.
    pub fn take_answers(&mut self) {
        let news = [self.experiments.take_answers(), self.networks.take_answers(), self.sweeps.take_answers()];
        self.version += u64::from(news.contains(&true));
    }

    /// The sweep that was asked for last, once the store has said what is finished of it; it is to be
    /// [begun](Self::begin_sweep).
    pub fn planned(&mut self) -> Option<SweepPlan> {
        let plan = self.planned.as_ref()?.take()?;
        self.planned = None;
        Some(plan)
    }

    /// Takes what comparisons with these options are known not to tell apart.
    pub fn set_floor(&mut self, options: &RunOptions, floor: Option<NoiseFloor>) {
        for progress in self.progress.values_mut().filter(|progress| progress.options == *options) {
            progress.floor = floor;
        }
    }

    /// Counts what could change what is shown.
    #[must_use]
    pub const fn version(&self) -> u64 {
        self.version
    }

    /// What could not be measured in the last run.
    #[must_use]
    pub fn failures(&self) -> &[String] {
        &self.failures
    }

    /// What is known about an experiment.
    #[must_use]
    pub fn experiment(
        &self,
        of: (Experiment, Scale),
        machine: Option<&str>,
        options: &RunOptions,
    ) -> Option<Known<'_>> {
        if let Some(so_far) = self.progress.get(&of).and_then(|progress| progress.so_far.as_ref()) {
            return Some(Known::SoFar(so_far));
        }
        let kept = self.experiments.get(&name(of), machine, options)?;
        Some(Known::Kept(kept, kept.is_of(machine, options)))
    }

    /// An experiment as the paper prints it, with nothing measured. Not for every frame: it lowers every network.
    #[must_use]
    pub fn printed(&self, of: (Experiment, Scale), options: &RunOptions) -> Option<ExperimentResult> {
        ExperimentResult::published(of.0, of.1, options, &self.care.rules).ok()
    }

    /// The networks measured, and whether in the present way on this machine.
    #[must_use]
    pub fn networks(&self, machine: Option<&str>, options: &RunOptions) -> Option<(&Kept<Networks>, bool)> {
        let kept = self.networks.get(ALL, machine, options)?;
        Some((kept, kept.is_of(machine, options)))
    }

    /// The points of sweeps, and whether the last one began with the present options on this machine.
    #[must_use]
    pub fn sweep(&self, machine: Option<&str>, options: &RunOptions) -> Option<(&Kept<SweepPoints>, bool)> {
        let kept = self.sweeps.get(ALL, machine, options)?;
        Some((kept, kept.is_of(machine, options)))
    }

    /// What has to be measured for a run of this design with these options; of a sweep that is known only after the store
    /// has said what is finished already, and then it is [planned](Self::planned).
    ///
    /// # Errors
    /// Why there is nothing to measure.
    pub fn start(
        &mut self,
        run: &Run,
        design: Option<&Design>,
        options: &RunOptions,
        keeper: &Keeper,
    ) -> Result<Vec<Step>, String> {
        self.version += 1;
        match run {
            Run::Experiments(experiments, scale) => {
                Ok(experiments.iter().flat_map(|&of| self.start_experiment((of, *scale), options)).collect())
            }
            Run::Networks(inputs) => Ok(inputs.iter().filter_map(|input| input.step(&self.care, options)).collect()),
            Run::Sweep(sweep) => {
                let base = design.ok_or("a sweep needs a design: this network has no widths and groups to change")?;
                let mut plan = SweepPlan::new(sweep, base, &self.care, options)?;
                self.planned = Some(keeper.look_up(move |desk| {
                    plan.look_up(desk.store(), desk.machine().as_deref())?;
                    Ok(plan)
                }));
                Ok(Vec::new())
            }
        }
    }

    /// What has to be measured of a sweep.
    pub fn begin_sweep(&mut self, plan: SweepPlan, machine: Option<&str>, keeper: &Keeper) -> Vec<Step> {
        let (points, options, steps) = plan.begin(&self.care);
        let kept = Kept::now(RunContext::new(machine, &options), points);
        keeper.keep(Kind::Sweep, ALL, kept.clone());
        self.sweeps.put(ALL, kept);
        self.sweep_of = Some(options);
        self.version += 1;
        steps
    }

    /// Forgets the failures of the last run.
    pub fn clear_failures(&mut self) {
        self.failures.clear();
    }

    /// Whether an experiment is in progress.
    #[must_use]
    pub fn is_measuring(&self) -> bool {
        !self.progress.is_empty()
    }

    /// Whether everything of an experiment is measured and only its summary is missing.
    #[must_use]
    pub fn is_summarising(&self) -> bool {
        self.progress.iter().any(|(of, progress)| progress.is_measured(*of) && progress.summary.is_pending())
    }

    /// Gives up what is in progress; finished results stay, also where only their summary is missing.
    pub fn stop(&mut self) {
        self.progress.retain(|of, progress| progress.is_measured(*of));
        self.version += 1;
    }

    /// Takes what came of a step. What is finished is kept; of an experiment as soon as it is [summarised](Self::poll).
    pub fn take(&mut self, step: &Step, outcome: Outcome, machine: Option<&str>, keeper: &Keeper) {
        self.version += 1;
        if let Outcome::Failed(why) = &outcome {
            self.failures.push(format!("{}: {why}", step.name));
        }
        match (&step.task, &step.work) {
            (Task::Column(choice), Work::Turns(job)) => {
                self.take_column(*choice, job, outcome);
            }
            (Task::Network(network, input), Work::Measure(job) | Work::TakeApart(job)) => {
                let own = self.networks.own(ALL, machine, &job.options);
                let mut networks = own.map(|kept| kept.result.clone()).unwrap_or_default();
                networks.take(network, *input, outcome);
                let kept = Kept::now(RunContext::new(machine, &job.options), networks);
                keeper.keep(Kind::Networks, ALL, kept.clone());
                self.networks.put(ALL, kept);
            }
            (Task::Point(point), _) => {
                let (Outcome::Measured(measurement), Some(options)) = (outcome, &self.sweep_of) else { return };
                let Ok(result) = PointResult::new(point, &measurement) else { return };
                let key = sweep::key(point, &self.care);
                keeper.keep(Kind::Point, &key, Kept::now(RunContext::new(machine, &point.options), result.clone()));
                if let Some(sweep) = self.sweeps.own(ALL, machine, options) {
                    sweep.finished = Timestamp::now();
                    sweep.result.take(key, result);
                }
            }
            _ => {}
        }
    }

    fn start_experiment(&mut self, of: (Experiment, Scale), options: &RunOptions) -> Vec<Step> {
        let (columns, pacer) = (BTreeMap::new(), self.pacer.clone());
        let summary = Later::new(move || pacer.wake());
        let fresh = InProgress { options: options.clone(), floor: None, columns, finished: 0, summary, so_far: None };
        self.progress.insert(of, fresh);
        let step = |choice: ColumnChoice| {
            let job = TurnsJob {
                networks: Contest::Column(choice),
                options: options.clone(),
                rules: self.care.rules,
                processes: self.care.processes,
            };
            let name = choice.column().map_or_else(String::new, |column| column.key());
            Step { task: Task::Column(choice), name, work: Work::Turns(Box::new(job)) }
        };
        columns_of(of).map(step).collect()
    }

    /// Takes what came of a column, and has the columns so far summarised.
    fn take_column(&mut self, choice: ColumnChoice, job: &TurnsJob, outcome: Outcome) {
        let of = (choice.experiment, choice.scale);
        let in_progress = self.progress.get_mut(&of).filter(|progress| progress.options == job.options);
        let Some(progress) = in_progress else { return };
        progress.finished += usize::from(!matches!(outcome, Outcome::SoFar(_)));
        if let Outcome::SoFar(rounds) | Outcome::Turns(rounds) = outcome {
            progress.columns.insert(choice.index, rounds);
        }
        let (columns, stored_floor) = (progress.columns.clone(), progress.floor);
        let (options, rules) = (job.options.clone(), job.rules);
        progress.summary.start(move || {
            let measured: Vec<MeasuredColumn> = columns_of(of)
                .filter_map(|choice| {
                    // What is not measured yet stands there as the paper prints it.
                    let not_yet = MeasuredColumn::not_yet(choice.column()?);
                    let Some(rounds) = columns.get(&choice.index) else { return Some(not_yet) };
                    let processes = rounds.iter().map(|rounds| (**rounds).clone()).collect();
                    Some(MeasuredColumn { processes, stored_floor, ..not_yet })
                })
                .collect();
            ExperimentResult::new(of.0, &options, &rules, &measured).ok()
        });
    }

    /// Takes the summaries that are there, and keeps those of whole experiments.
    pub fn poll(&mut self, machine: Option<&str>, keeper: &Keeper) {
        for (of, progress) in &mut self.progress {
            let Some(summary) = progress.summary.take() else { continue };
            self.version += 1;
            progress.so_far = summary.unwrap_or_else(|reason| {
                self.failures.push(format!("{} cannot be summarised: {reason}", name(*of)));
                None
            });
        }
        let is_over = |of: &(Experiment, Scale), progress: &mut InProgress| {
            progress.is_measured(*of) && !progress.summary.is_pending()
        };
        let over: Vec<_> = self.progress.extract_if(.., is_over).collect();
        for (of, InProgress { options, columns, so_far, .. }) in over {
            // A column that failed leaves no whole result; what was kept before stands.
            let Some(result) = so_far.filter(|_| columns.len() == columns_of(of).count()) else { continue };
            let context = RunContext::new(machine, &options);
            for column in result.columns.iter().filter(|column| column.rounds >= MINIMUM_ROUNDS) {
                column.noise_floor.into_iter().for_each(|floor| keeper.note_floor(context.clone(), floor));
            }
            let (of, kept) = (name(of), Kept::now(context, result));
            keeper.keep(Kind::Experiment, &of, kept.clone());
            self.experiments.put(&of, kept);
        }
    }
}

fn columns_of((experiment, scale): (Experiment, Scale)) -> impl Iterator<Item = ColumnChoice> {
    ColumnChoice::all(experiment, scale)
}

fn name((experiment, scale): (Experiment, Scale)) -> String {
    format!("{experiment} {scale}")
}

/// A square input.
pub(super) const fn square(side: u32) -> InputSize {
    InputSize { height: side, width: side }
}

#[cfg(test)]
mod tests;
