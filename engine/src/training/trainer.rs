//! Pictures and a design become weights.

use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use super::checkpoint::{State, load, save};
use super::cut::{CutReport, cut};
use super::feed::Feed;
use super::learner::{Averaged, Learner};
use super::optimiser::schedule;
use super::parameters::Parameters;
use super::pictures::Pictures;
use super::request::{Budget, Phase, Point, Progress, Recipe, Start, TrainError, TrainRequest, Trained};
use super::{Accuracy, TeachError, identity, told_right};
use crate::design::{Batch, Design, Edit};
use crate::device::DeviceId;
use crate::graph::{Graph, lower};
use crate::runtime::RunOptions;
use crate::weights::Weights;

/// Batches whose statistics inference normalises with, at the end.
const AVERAGED: usize = 30;
/// How often the state is kept at most, and how many times as long as writing it takes.
const KEEP: Duration = Duration::from_secs(10);
const WRITING: u32 = 50;
/// How often progress is told.
const TELL: Duration = Duration::from_millis(50);
/// Share of the training between two points of the curves.
const POINT: f64 = 0.02;
/// Share of the training between two measurements on the held-out pictures, and how many of them at most.
const MEASURE: f64 = 0.1;
const MEASURED: usize = 400;

/// A training that is ready to run: its design, start and pictures fit each other.
#[derive(Debug)]
pub struct Trainer {
    request: TrainRequest,
    recipe: Recipe,
    design: Design,
    graph: Graph,
    learner: Learner,
    feed: Feed,
    start: Option<CutReport>,
    pool: rayon::ThreadPool,
    state: State,
    /// What an earlier run took.
    before: f64,
    /// Steps after which a test ends it.
    #[cfg(test)]
    stop_after: Option<usize>,
}

impl Trainer {
    /// Makes everything ready; where there is a checkpoint of this training, from it.
    ///
    /// # Errors
    /// Where the pictures are too few or not cut to the design's input, the start does not fit, a layer cannot be trained, the
    /// memory does not suffice or the checkpoint is another training's.
    pub fn new(request: TrainRequest) -> Result<Self, TrainError> {
        let pictures = &request.pictures;
        pictures.check()?;
        let design = request.design.apply(&Edit::Classes(u32::try_from(pictures.classes().len()).unwrap_or(u32::MAX)));
        if pictures.input() != design.input {
            return Err(TrainError::Input { pictures: pictures.input(), design: design.input });
        }
        check_split(&request)?;
        let graph = lower(&design, Batch(1))?;
        let recipe = request.recipe.clone().unwrap_or_else(|| Recipe::for_start(&request.from));
        let (parameters, start) = match &request.from {
            Start::Nothing => (Parameters::made_up(&graph, request.seed), None),
            Start::Weights { design: from, weights } => {
                let (weights, report) = cut((from, weights), &design)?;
                (Parameters::from_weights(&graph, &weights)?, Some(report))
            }
        };
        let batch = recipe.batch.max(2);
        let mut learner = Learner::new(&graph, parameters, batch, recipe.optimiser)?;
        let training = identity::of(&request, &recipe, &design);
        let kept = match &request.checkpoint {
            Some(path) => load(path, &mut learner, &training)?,
            None => None,
        };
        let state = kept.unwrap_or_else(|| State::new(training));
        let feed =
            Feed::new(pictures.clone(), request.split.training.clone(), (batch, request.seed), recipe.augmentation);
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(request.threads.max(1))
            .thread_name(|index| format!("training-{index}"))
            .build()
            .map_err(|error| TrainError::Threads(error.to_string()))?;
        let before = state.seconds;
        Ok(Self {
            request,
            recipe,
            design,
            graph,
            learner,
            feed,
            start,
            pool,
            state,
            before,
            #[cfg(test)]
            stop_after: None,
        })
    }

    /// What is trained, with the pictures' number of classes.
    #[must_use]
    pub const fn design(&self) -> &Design {
        &self.design
    }

    /// Steps that an earlier run did, where this one goes on from its checkpoint.
    #[must_use]
    pub const fn steps_before(&self) -> usize {
        self.state.step
    }

    /// What became of the weights that it starts from.
    #[must_use]
    pub const fn start(&self) -> Option<&CutReport> {
        self.start.as_ref()
    }

    /// Trains until the budget is used up, or `tell`, which hears of the progress some times a second, ends it. Either way the
    /// statistics are averaged and the accuracy is measured; ended early, the checkpoint stays.
    ///
    /// # Errors
    /// Where the loss is no number any more, the checkpoint cannot be written or the runtime fails.
    pub fn run(mut self, tell: &mut dyn FnMut(Progress) -> ControlFlow<()>) -> Result<Trained, TrainError> {
        let mut run = Run::start(&self);
        let mut cancelled = false;
        while !cancelled && !run.is_over(&self) {
            let done = run.done(&self);
            let rate = (self.recipe.rate * schedule(done, self.recipe.warm_up)) as f32;
            let decay = self.recipe.weight_decay as f32;
            let (learner, feed, smoothing) = (&mut self.learner, &mut self.feed, self.recipe.smoothing);
            let (number, classes) = (self.state.step, self.design.classes as usize);
            let step = self.pool.install(|| {
                let batch = feed.batch(number);
                learner.step(&batch.pictures, &batch.targets(classes, smoothing), rate, decay)
            });
            self.state.step += 1;
            if !step.loss.is_finite() {
                return Err(TrainError::Diverged { step: self.state.step, rate: self.recipe.rate });
            }
            run.add(step.loss, step.right, self.learner.batch());
            let done = run.done(&self);
            if done - run.last_point >= POINT {
                let mut held_out = None;
                if done - run.last_measured >= MEASURE && done < 1.0 - MEASURE / 2.0 {
                    run.last_measured = done;
                    let Some(found) = self.measure_some(&mut run, tell)? else {
                        cancelled = true;
                        continue;
                    };
                    held_out = Some(found);
                }
                run.last_point = done;
                let point = run.point(&self, held_out);
                self.state.history.push(point);
            }
            if run.last_kept.elapsed() >= run.keep_after {
                let begin = Instant::now();
                self.keep(&run, done)?;
                run.last_kept = Instant::now();
                run.keep_after = KEEP.max(begin.elapsed() * WRITING);
                run.apart += begin.elapsed();
            }
            if run.last_told.elapsed() >= TELL {
                run.last_told = Instant::now();
                cancelled = tell(run.progress(&self, Phase::Learning)).is_break();
            }
            #[cfg(test)]
            {
                cancelled |= self.stop_after == Some(self.state.step);
            }
        }
        if cancelled {
            let done = run.done(&self);
            self.keep(&run, done)?;
        }
        self.finish(run, cancelled, tell)
    }

    /// Averages statistics, measures and gives the result.
    fn finish(
        mut self,
        mut run: Run,
        cancelled: bool,
        tell: &mut dyn FnMut(Progress) -> ControlFlow<()>,
    ) -> Result<Trained, TrainError> {
        run.trained = run.begin.elapsed();
        let _ = tell(run.progress(&self, Phase::Averaging));
        let first = self.state.step;
        let (learner, feed) = (&mut self.learner, &mut self.feed);
        let mean = self.pool.install(|| {
            let mut averaged = Averaged::default();
            for number in first..first + AVERAGED {
                averaged.add(learner.statistics(&feed.batch(number).pictures));
            }
            averaged.mean()
        });
        if let Some(mean) = mean {
            self.learner.parameters.running = mean;
        }
        let _ = tell(run.progress(&self, Phase::Measuring));
        let mut weights = self.learner.parameters.weights();
        let held_out = self.request.split.held_out.clone();
        // Who has ended the training still wants to know what it gave.
        let mut accuracy = self.measure(&weights, &held_out, &mut |_| ControlFlow::Continue(()))?;
        // A training that fell apart at its end gives what it had before; chance alone does not choose.
        if let (Some(last), Some((best, before))) = (&accuracy, &run.best)
            && last.share() < before.low()
        {
            weights = best.weights();
            accuracy = self.measure(&weights, &held_out, &mut |_| ControlFlow::Continue(()))?;
        }
        let Some(accuracy) = accuracy else { return Err(super::AccuracyError::NothingHeldOut.into()) };
        let point = run.point(&self, Some(accuracy.clone()));
        self.state.history.push(point);
        if !cancelled && let Some(path) = &self.request.checkpoint {
            match std::fs::remove_file(path) {
                Err(source) if source.kind() != std::io::ErrorKind::NotFound => {
                    return Err(TrainError::Checkpoint { path: path.clone(), source });
                }
                _ => {}
            }
        }
        Ok(Trained {
            weights,
            accuracy,
            epochs: self.epochs(),
            steps: self.state.step,
            seconds: self.before + run.begin.elapsed().as_secs_f64(),
            pictures_per_second: run.pictures_per_second(),
            history: std::mem::take(&mut self.state.history),
            start: self.start.take(),
            cancelled,
            design: self.design,
        })
    }

    /// How often every picture has been shown.
    fn epochs(&self) -> f64 {
        (self.state.step * self.learner.batch()) as f64 / self.feed.count().max(1) as f64
    }

    /// Steps of the whole training, where epochs are asked for.
    fn steps(&self) -> Option<usize> {
        let Budget::Epochs(epochs) = self.request.budget else { return None };
        let pictures = epochs.max(0.0) * self.feed.count() as f64;
        Some(((pictures / self.learner.batch() as f64).ceil() as usize).max(1))
    }

    fn keep(&mut self, run: &Run, done: f64) -> Result<(), TrainError> {
        let Some(path) = self.request.checkpoint.clone() else { return Ok(()) };
        self.state.seconds = self.before + run.begin.elapsed().as_secs_f64();
        self.state.done = done;
        save(&path, &self.learner, &self.state)
    }

    /// The accuracy on a part of the held-out pictures; `None` where `tell` ends it.
    fn measure_some(
        &self,
        run: &mut Run,
        tell: &mut dyn FnMut(Progress) -> ControlFlow<()>,
    ) -> Result<Option<Accuracy>, TrainError> {
        let held_out = &self.request.split.held_out;
        // Every so manieth, so that all classes have their share.
        let step = held_out.len().div_ceil(MEASURED).max(1);
        let chosen: Vec<usize> = held_out.iter().copied().step_by(step).collect();
        let begin = Instant::now();
        let weights = self.learner.parameters.weights();
        let mut last = Instant::now();
        let found = self.measure(&weights, &chosen, &mut |_| {
            if last.elapsed() < TELL {
                return ControlFlow::Continue(());
            }
            last = Instant::now();
            tell(run.progress(self, Phase::Measuring))
        })?;
        run.apart += begin.elapsed();
        run.measuring = begin.elapsed().mul_f64(held_out.len() as f64 / chosen.len().max(1) as f64);
        if let Some(found) = &found {
            run.held_out = Some(found.clone());
            if run.best.as_ref().is_none_or(|(_, best)| best.share() <= found.share()) {
                run.best = Some((self.learner.parameters.clone(), found.clone()));
            }
        }
        Ok(found)
    }

    fn measure(
        &self,
        weights: &Weights,
        chosen: &[usize],
        tell: &mut dyn FnMut(f64) -> ControlFlow<()>,
    ) -> Result<Option<Accuracy>, TrainError> {
        let pictures: &Pictures = &self.request.pictures;
        let run = RunOptions::new(DeviceId::Cpu, self.request.threads.max(1), 1);
        match told_right(&self.graph, weights, pictures, chosen, &run, tell) {
            Ok(correct) => Ok(Some(Accuracy::new(correct, chosen.len() as u64, pictures.data_name())?)),
            Err(TeachError::Cancelled) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}

fn check_split(request: &TrainRequest) -> Result<(), TrainError> {
    let count = request.pictures.samples().len();
    let named = request.split.training.iter().chain(&request.split.held_out);
    if let Some(&index) = named.clone().find(|&&index| index >= count) {
        return Err(TrainError::Split { index, count });
    }
    if request.split.training.is_empty() {
        return Err(super::pictures::DataError::Nothing.into());
    }
    if request.split.held_out.is_empty() {
        return Err(super::AccuracyError::NothingHeldOut.into());
    }
    Ok(())
}

/// What a run knows of itself.
struct Run {
    begin: Instant,
    first_step: usize,
    /// Share of the budget that earlier runs used up.
    done_before: f64,
    last_point: f64,
    last_measured: f64,
    last_kept: Instant,
    keep_after: Duration,
    last_told: Instant,
    /// Time that no step took.
    apart: Duration,
    /// How long all held-out pictures take.
    measuring: Duration,
    /// How long the steps took, once they are over.
    trained: Duration,
    held_out: Option<Accuracy>,
    best: Option<(Parameters, Accuracy)>,
    /// Sums since the last point: loss, pictures right, pictures, steps.
    sums: [f64; 4],
    /// Loss and share of pictures right of the last steps.
    recent: [f32; 2],
    /// Steps and pictures of this run.
    steps: f64,
    pictures: f64,
}

impl Run {
    fn start(of: &Trainer) -> Self {
        let now = Instant::now();
        Self {
            begin: now,
            first_step: of.state.step,
            done_before: of.state.done,
            last_point: of.state.done,
            last_measured: of.state.done,
            last_kept: now,
            keep_after: KEEP,
            last_told: now,
            apart: Duration::ZERO,
            measuring: Duration::ZERO,
            trained: Duration::ZERO,
            held_out: of.state.history.iter().rev().find_map(|point| point.held_out.clone()),
            best: None,
            sums: [0.0; 4],
            recent: [f32::NAN; 2],
            steps: 0.0,
            pictures: 0.0,
        }
    }

    /// Share of the training that is done.
    fn done(&self, of: &Trainer) -> f64 {
        match (of.request.budget, of.steps()) {
            (_, Some(steps)) => of.state.step as f64 / steps as f64,
            (Budget::Seconds(seconds), None) => {
                let left = seconds.max(1e-3) - of.before;
                let used = (self.begin.elapsed() + self.reserve()).as_secs_f64();
                // Earlier runs used theirs up; what is left of the budget is the rest of the curve.
                self.done_before + (1.0 - self.done_before) * (used / left.max(1e-3))
            }
            (Budget::Epochs(_), None) => 1.0,
        }
        .min(1.0)
    }

    fn is_over(&self, of: &Trainer) -> bool {
        // One step at least, so that there is something to measure.
        of.state.step > 0 && self.done(of) >= 1.0
    }

    /// What averaging and measuring at the end take: as long as about a dozen steps, and as measuring took before.
    fn reserve(&self) -> Duration {
        let each = self.learning().div_f64(self.steps.max(1.0));
        self.measuring + if self.trained.is_zero() { each.mul_f64(0.4 * AVERAGED as f64) } else { Duration::ZERO }
    }

    /// Time that steps took.
    fn learning(&self) -> Duration {
        let all = if self.trained.is_zero() { self.begin.elapsed() } else { self.trained };
        all.saturating_sub(self.apart)
    }

    fn add(&mut self, loss: f32, right: usize, batch: usize) {
        self.sums[0] += f64::from(loss);
        self.sums[1] += right as f64;
        self.sums[2] += batch as f64;
        self.sums[3] += 1.0;
        self.steps += 1.0;
        self.pictures += batch as f64;
        let share = right as f32 / batch.max(1) as f32;
        for (recent, new) in self.recent.iter_mut().zip([loss, share]) {
            *recent = if recent.is_nan() { new } else { *recent + 0.1 * (new - *recent) };
        }
    }

    fn pictures_per_second(&self) -> f64 {
        self.pictures / self.learning().as_secs_f64().max(1e-9)
    }

    fn point(&mut self, of: &Trainer, held_out: Option<Accuracy>) -> Point {
        let [loss, right, pictures, steps] = std::mem::take(&mut self.sums);
        let [recent_loss, recent_share] = self.recent;
        let none = steps == 0.0;
        Point {
            step: of.state.step,
            epochs: of.epochs(),
            loss: if none { recent_loss } else { (loss / steps) as f32 },
            training_accuracy: if none { recent_share } else { (right / pictures) as f32 },
            held_out,
        }
    }

    fn progress(&self, of: &Trainer, phase: Phase) -> Progress {
        let elapsed = self.begin.elapsed();
        let done = self.done(of);
        let own = of.state.step - self.first_step;
        let steps = of.steps().unwrap_or_else(|| {
            let rest = (1.0 - done) / (done - self.done_before).max(1e-6) * own as f64;
            of.state.step + rest.round().min(1e9) as usize
        });
        let left = match of.request.budget {
            Budget::Seconds(seconds) => (seconds - of.before - elapsed.as_secs_f64()).max(0.0),
            Budget::Epochs(_) => {
                let each = self.learning().as_secs_f64() / self.steps.max(1.0);
                let rest = steps.saturating_sub(of.state.step) as f64;
                (rest + if phase == Phase::Learning { 0.4 * AVERAGED as f64 } else { 0.0 }) * each
                    + self.measuring.as_secs_f64()
            }
        };
        Progress {
            step: of.state.step,
            steps,
            epochs: of.epochs(),
            loss: self.recent[0],
            training_accuracy: self.recent[1],
            held_out: self.held_out.clone(),
            pictures_per_second: self.pictures_per_second(),
            elapsed,
            left: Duration::from_secs_f64(left.min(1e9)),
            phase,
        }
    }
}

#[cfg(test)]
#[path = "trainer_tests.rs"]
mod tests;
