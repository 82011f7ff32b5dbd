//! The paper's experiments, its networks and sweeps of the present design, measured on this machine and kept.

mod networks;
mod sweep;

use std::collections::BTreeMap;
use std::path::Path;

use shufflescope_engine::design::{Design, InputSize};
use shufflescope_engine::experiment::{Experiment, ExperimentResult, MeasuredColumn, Scale};
use shufflescope_engine::measure::{Interleaved, NoiseFloor};
use shufflescope_engine::runtime::RunOptions;
use shufflescope_engine::sweep::Sweep;

use super::bench::{Care, Outcome, Step, Task, Work};
use super::kept::{Kept, Shelf, Write};
use crate::worker::{ColumnChoice, Contest, TurnsJob};

pub use networks::{Input, Measured, Networks, figure_2_networks, resolution_networks, zoo_networks};
pub use sweep::{SweepPoints, SweepTexts};

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
    experiments: Shelf<ExperimentResult>,
    networks: Shelf<Networks>,
    sweeps: Shelf<SweepPoints>,
    /// Columns measured so far of experiments in progress.
    progress: BTreeMap<(Experiment, Scale), InProgress>,
    /// The options that the sweep in progress began with.
    sweep_of: Option<RunOptions>,
    failures: Vec<String>,
    version: u64,
}

#[derive(Debug)]
struct InProgress {
    options: RunOptions,
    /// What is known to look different without being so.
    floor: Option<NoiseFloor>,
    columns: BTreeMap<usize, Vec<Interleaved>>,
    finished: usize,
    so_far: Option<ExperimentResult>,
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
    /// What earlier sessions have kept.
    #[must_use]
    pub fn new(data_folder: Option<&Path>, care: Care) -> Self {
        Self {
            care,
            experiments: Shelf::open(data_folder, "experiments"),
            networks: Shelf::open(data_folder, "networks"),
            sweeps: Shelf::open(data_folder, "sweeps"),
            progress: BTreeMap::new(),
            sweep_of: None,
            failures: Vec::new(),
            version: 0,
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

    /// What has to be measured for a run of this design with these options.
    ///
    /// # Errors
    /// Why there is nothing to measure.
    pub fn start(
        &mut self,
        run: &Run,
        design: Option<&Design>,
        options: &RunOptions,
        machine: Option<&str>,
        floor: Option<NoiseFloor>,
    ) -> Result<Vec<Step>, String> {
        self.version += 1;
        match run {
            Run::Experiments(experiments, scale) => {
                Ok(experiments.iter().flat_map(|&of| self.start_experiment((of, *scale), options, floor)).collect())
            }
            Run::Networks(inputs) => Ok(inputs.iter().filter_map(|input| input.step(&self.care, options)).collect()),
            Run::Sweep(sweep) => {
                let base = design.ok_or("a sweep needs a design: this network has no widths and groups to change")?;
                let mut points = self.own_sweep(options, machine).unwrap_or_default();
                let steps = points.start(sweep, base, &self.care, options)?;
                self.sweep_of = Some(options.clone());
                let _ = self.sweeps.put(ALL, Kept::now(machine.map(str::to_owned), options.clone(), points));
                Ok(steps)
            }
        }
    }

    /// Forgets the failures of the last run.
    pub fn clear_failures(&mut self) {
        self.failures.clear();
    }

    /// Gives up what is in progress; finished results stay.
    pub fn stop(&mut self) {
        self.progress.clear();
        self.version += 1;
    }

    /// Takes what came of a step; what is to be kept comes back as a file.
    pub fn take(&mut self, step: &Step, outcome: Outcome, machine: Option<&str>) -> Option<Write> {
        self.version += 1;
        if let Outcome::Failed(why) = &outcome {
            self.failures.push(format!("{}: {why}", step.name));
        }
        match (&step.task, &step.work) {
            (Task::Column(choice), Work::Turns(job)) => self.take_column(*choice, job, outcome, machine),
            (Task::Network(network, input), Work::Measure(job) | Work::TakeApart(job)) => {
                let mut networks = self.own_networks(&job.options, machine).unwrap_or_default();
                networks.take(network, *input, outcome);
                let kept = Kept::now(machine.map(str::to_owned), job.options.clone(), networks);
                self.networks.put(ALL, kept)
            }
            (Task::Point(point), _) => {
                let Outcome::Measured(measurement) = outcome else { return None };
                let options = self.sweep_of.clone()?;
                let mut points = self.own_sweep(&options, machine).unwrap_or_default();
                points.take(point, &measurement, &self.care);
                self.sweeps.put(ALL, Kept::now(machine.map(str::to_owned), options, points))
            }
            _ => None,
        }
    }

    fn own_networks(&self, options: &RunOptions, machine: Option<&str>) -> Option<Networks> {
        self.networks(machine, options).filter(|(_, own)| *own).map(|(kept, _)| kept.result.clone())
    }

    fn own_sweep(&self, options: &RunOptions, machine: Option<&str>) -> Option<SweepPoints> {
        self.sweep(machine, options).filter(|(_, own)| *own).map(|(kept, _)| kept.result.clone())
    }

    fn start_experiment(
        &mut self,
        of: (Experiment, Scale),
        options: &RunOptions,
        floor: Option<NoiseFloor>,
    ) -> Vec<Step> {
        let (experiment, scale) = of;
        let fresh = InProgress { options: options.clone(), floor, columns: BTreeMap::new(), finished: 0, so_far: None };
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
        ColumnChoice::all(experiment, scale).map(step).collect()
    }

    fn take_column(
        &mut self,
        choice: ColumnChoice,
        job: &TurnsJob,
        outcome: Outcome,
        machine: Option<&str>,
    ) -> Option<Write> {
        let of = (choice.experiment, choice.scale);
        let progress = self.progress.get_mut(&of).filter(|progress| progress.options == job.options)?;
        let is_over = !matches!(outcome, Outcome::SoFar(_));
        if let Outcome::SoFar(rounds) | Outcome::Turns(rounds) = outcome {
            progress.columns.insert(choice.index, rounds);
        }
        progress.finished += usize::from(is_over);
        let measured: Vec<MeasuredColumn> = ColumnChoice::all(choice.experiment, choice.scale)
            .filter_map(|choice| {
                let processes = progress.columns.get(&choice.index)?.clone();
                Some(MeasuredColumn { column: choice.column()?, processes, stored_floor: progress.floor })
            })
            .collect();
        progress.so_far = ExperimentResult::new(choice.experiment, &job.options, &job.rules, &measured).ok();
        let all = ColumnChoice::all(choice.experiment, choice.scale).count();
        if progress.finished < all {
            return None;
        }
        let done = self.progress.remove(&of)?;
        // A column that failed leaves no whole result; what was kept before stands.
        let result = done.so_far.filter(|_| done.columns.len() == all)?;
        self.experiments.put(&name(of), Kept::now(machine.map(str::to_owned), job.options.clone(), result))
    }
}

fn name((experiment, scale): (Experiment, Scale)) -> String {
    format!("{experiment} {scale}")
}

/// A square input.
pub(super) const fn square(side: u32) -> InputSize {
    InputSize { height: side, width: side }
}
