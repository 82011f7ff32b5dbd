//! A change that is tried: the design as it is and what the change makes of it, measured in turns.

use std::sync::Arc;

use shufflescope_engine::design::{Batch, Design, Edit, Fingerprint};
use shufflescope_engine::experiment::PairResult;
use shufflescope_engine::measure::{Comparison, InterleaveRules, Interleaved, NoiseFloor};
use shufflescope_engine::model::Model;
use shufflescope_engine::predict::Ratio;
use shufflescope_engine::runtime::RunOptions;

use super::applied::Promise;
use crate::later::Later;
use crate::window::bench::{Care, Outcome, Step, Task, Work};
use crate::window::pacer::Pacer;
use crate::worker::{Contest, Job, TurnsJob};

/// Trials whose results are remembered.
const MOST: usize = 256;

/// Which change of which design, run how.
#[derive(Clone, Debug, PartialEq)]
struct Key {
    design: Fingerprint,
    edit: Edit,
    options: RunOptions,
}

/// What came of a trial.
#[derive(Clone, Debug, PartialEq)]
pub struct Tried {
    key: Key,
    /// What the change is called.
    pub label: String,
    /// What was predicted, where it was.
    pub predicted: Option<Ratio>,
    /// What was measured, or why it was not.
    pub measured: Result<Comparison, String>,
}

/// A trial in progress.
#[derive(Debug)]
pub struct Trial {
    key: Key,
    /// What the change is called.
    pub label: String,
    predicted: Option<Ratio>,
    pair: Arc<[Model; 2]>,
    rules: InterleaveRules,
    floor: Option<NoiseFloor>,
    /// The last step is done.
    is_measured: bool,
    failure: Option<String>,
    summary: Later<Result<(Comparison, Option<NoiseFloor>), String>>,
}

/// The trial in progress, and what came of earlier ones.
#[derive(Debug)]
pub struct Trials {
    care: Care,
    pacer: Pacer,
    running: Option<Trial>,
    results: Vec<Tried>,
}

impl Trials {
    pub(super) const fn new(care: Care, pacer: Pacer) -> Self {
        Self { care, pacer, running: None, results: Vec::new() }
    }

    /// The trial in progress.
    #[must_use]
    pub const fn running(&self) -> Option<&Trial> {
        self.running.as_ref()
    }

    /// What came of trying this edit of this design.
    #[must_use]
    pub fn of(&self, design: &Fingerprint, edit: &Edit, options: &RunOptions) -> Option<&Tried> {
        let is_meant = |key: &Key| key.design == *design && key.edit == *edit && key.options == *options;
        self.results.iter().rev().find(|tried| is_meant(&tried.key))
    }

    /// What has to be measured to try an edit of `design`, of which something was promised: both in turns, and then the
    /// kernels of what it leads to, from which more can be predicted.
    ///
    /// # Errors
    /// Every rule that the edit breaks.
    pub fn start(
        &mut self,
        design: &Design,
        edit: &Edit,
        options: RunOptions,
        promise: Option<Promise>,
    ) -> Result<Vec<Step>, String> {
        let changed = design.apply(edit);
        changed.check().map_err(|errors| errors.to_string())?;
        let Care { rules, processes, protocol } = self.care.clone();
        let (label, predicted) = match promise {
            Some(Promise { label, predicted }) => (label, Some(predicted)),
            None => (edit.to_string(), None),
        };
        let (a, b) = (Model::from(design), Model::from(changed));
        let turns = TurnsJob {
            networks: Contest::Pair { a: Box::new(a.clone()), b: Box::new(b.clone()) },
            options: options.clone(),
            rules,
            processes,
        };
        let kernels = Job {
            design: b.clone(),
            options: options.clone(),
            protocol: protocol.on(options.device),
            weights: None,
            scatter: None,
        };
        let pacer = self.pacer.clone();
        self.running = Some(Trial {
            key: Key { design: design.fingerprint(), edit: edit.clone(), options },
            label: label.clone(),
            predicted,
            pair: Arc::new([a, b]),
            rules,
            floor: None,
            is_measured: false,
            failure: None,
            summary: Later::new(move || pacer.wake()),
        });
        Ok(vec![
            Step { task: Task::Try, name: label.clone(), work: Work::Turns(Box::new(turns)) },
            Step {
                task: Task::KernelsOfTry,
                name: format!("kernels of {label}"),
                work: Work::Measure(Box::new(kernels)),
            },
        ])
    }

    /// Takes what comparisons with these options are known not to tell apart.
    pub fn set_floor(&mut self, options: &RunOptions, floor: Option<NoiseFloor>) {
        if let Some(running) = self.running.as_mut().filter(|running| running.key.options == *options) {
            running.floor = floor;
        }
    }

    /// Gives the trial in progress up.
    pub fn stop(&mut self) {
        self.running = None;
    }

    /// Takes what came of a step; says whether there is any sense in the next one.
    pub fn take(&mut self, task: &Task, outcome: Outcome) -> bool {
        let Some(running) = &mut self.running else { return false };
        match (task, outcome) {
            (Task::Try, Outcome::Turns(rounds)) => running.summarise(rounds),
            (Task::Try, Outcome::Failed(reason)) => {
                running.failure = Some(reason);
                running.is_measured = true;
                return false;
            }
            // Without the kernels the verdict stands all the same.
            (Task::KernelsOfTry, Outcome::Measured(_) | Outcome::Failed(_)) => running.is_measured = true,
            _ => {}
        }
        true
    }

    /// Takes a result that is there; the noise floor seen, and how it ran, once the trial is over.
    pub fn poll(&mut self) -> Option<(RunOptions, Option<NoiseFloor>)> {
        let running = self.running.as_mut()?;
        let (measured, floor) = match (running.failure.take(), running.summary.take()) {
            (Some(reason), _) => (Err(reason), None),
            (None, Some(Ok(Ok((comparison, floor))))) => (Ok(comparison), floor),
            (None, Some(Ok(Err(reason)) | Err(reason))) => (Err(reason), None),
            (None, None) => return None,
        };
        let Trial { key, label, predicted, .. } = running;
        let (key, options) = (key.clone(), key.options.clone());
        self.results.retain(|old| old.key != key);
        if self.results.len() >= MOST {
            self.results.remove(0);
        }
        self.results.push(Tried { key, label: label.clone(), predicted: *predicted, measured });
        Some((options, floor))
    }

    /// Ends the trial whose last step is done and whose result was taken; how it ran.
    pub fn finish(&mut self) -> Option<RunOptions> {
        let is_over = |running: &mut Trial| running.is_measured && !running.summary.is_pending();
        self.running.take_if(is_over).map(|trial| trial.key.options)
    }
}

impl Trial {
    /// Whether it is of this edit of this design.
    #[must_use]
    pub fn is_of(&self, design: &Fingerprint, edit: &Edit) -> bool {
        self.key.design == *design && self.key.edit == *edit
    }

    fn summarise(&self, rounds: Vec<Arc<Interleaved>>) {
        let (pair, options) = (self.pair.clone(), self.key.options.clone());
        let (rules, floor) = (self.rules, self.floor);
        self.summary.start(move || {
            let graph = |model: &Model| model.graph(Batch(options.batch)).map_err(|error| error.to_string());
            let [a, b] = &*pair;
            let (a, b) = (graph(a)?, graph(b)?);
            let rounds: Vec<Interleaved> = rounds.into_iter().map(Arc::unwrap_or_clone).collect();
            let result =
                PairResult::new([&a, &b], &options, &rules, &rounds, floor).map_err(|error| error.to_string())?;
            Ok((result.comparison, result.noise_floor))
        });
    }
}
