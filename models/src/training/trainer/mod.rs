//! Pictures and a design become weights.

mod run;

use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use self::run::Run;
use super::checkpoint::{State, load, save};
use super::cut::{CutReport, cut};
use super::feed::Feed;
use super::learner::{Averaged, Learner};
use super::optimiser::schedule;
use super::parameters::Parameters;
use super::pictures::Pictures;
use super::request::{Budget, Phase, Progress, Recipe, Start, TrainError, TrainRequest, Trained};
use super::{Accuracy, TeachError, identity, told_right};
use crate::design::{Batch, Design, Edit};
use crate::device::{Device, DeviceId};
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
        Self::on(&Device::cpu(), request)
    }

    /// As [`new`](Self::new), on a device that Candle is built for. Accuracy is measured on the processor all the same.
    ///
    /// # Errors
    /// As [`new`](Self::new); where Candle does not reach the device.
    pub fn on(device: &Device, request: TrainRequest) -> Result<Self, TrainError> {
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
        let mut learner = Learner::on(device, &graph, parameters, (batch, recipe.optimiser))?;
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
            })?;
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
                averaged.add(learner.statistics(&feed.batch(number).pictures)?);
            }
            Ok::<_, TrainError>(averaged.mean())
        })?;
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

#[cfg(test)]
mod tests;
