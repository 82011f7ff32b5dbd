//! Measuring what predictions rest on, as `shufflescope calibrate` does: random designs, every second one the least known
//! of a few. Everything is kept as it comes, so that stopping loses nothing.

use std::sync::Arc;
use std::time::{Duration, Instant};

use shufflescope_engine::design::Design;
use shufflescope_engine::measure::Protocol;
use shufflescope_engine::model::Model;
use shufflescope_engine::predict::{Draw, Predictor, most_wanted};
use shufflescope_engine::runtime::RunOptions;
use shufflescope_engine::units::Nanos;

use super::bench::{Outcome, Step, Task, Work};
use super::pacer::Pacer;
use crate::later::Later;
use crate::worker::Job;

/// How long it measures.
const BUDGET: Duration = Duration::from_secs(60);

/// Failures one after the other that are not the designs' fault.
const FAILURES: usize = 4;

/// Steps that lie ready for the worker: while one is measured the next is drawn.
const READY: usize = 2;

/// See the module.
#[derive(Debug)]
pub struct Calibration {
    pacer: Pacer,
    budget: Duration,
    run: Option<Run>,
    failure: Option<String>,
}

#[derive(Debug)]
struct Run {
    options: RunOptions,
    started: Instant,
    /// What draws; `None` while it does.
    draw: Option<Draw>,
    drawing: Later<(Draw, Option<Design>)>,
    drawn: usize,
    measured: usize,
    /// One after the other.
    failures: usize,
}

/// How far it is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Progress {
    /// From 0 to 1.
    pub fraction: f32,
    /// Time left.
    pub left: Nanos,
    /// Networks measured.
    pub measured: usize,
}

impl Calibration {
    /// Nothing is measured yet; `pacer` is woken when there is something to do.
    #[must_use]
    pub const fn new(pacer: Pacer) -> Self {
        Self { pacer, budget: BUDGET, run: None, failure: None }
    }

    /// Begins; `known` are the networks that were measured before.
    pub fn start(&mut self, options: RunOptions, known: usize) {
        let pacer = self.pacer.clone();
        self.failure = None;
        self.run = Some(Run {
            options,
            started: Instant::now(),
            // What was measured before goes on with other designs.
            draw: Some(Draw::after(known, None)),
            drawing: Later::new(move || pacer.wake_now()),
            drawn: 0,
            measured: 0,
            failures: 0,
        });
    }

    /// Ends it; what was measured is kept.
    pub fn stop(&mut self) {
        self.run = None;
    }

    /// How it runs, while it does.
    #[must_use]
    pub fn options(&self) -> Option<&RunOptions> {
        self.run.as_ref().map(|run| &run.options)
    }

    /// Why it broke off.
    #[must_use]
    pub fn failure(&self) -> Option<&str> {
        self.failure.as_deref()
    }

    /// How far it is, while it runs.
    #[must_use]
    pub fn progress(&self) -> Option<Progress> {
        let Run { started, measured, .. } = self.run.as_ref()?;
        let elapsed = started.elapsed().min(self.budget);
        let fraction = elapsed.as_secs_f32() / self.budget.as_secs_f32().max(1e-9);
        Some(Progress { fraction, left: Nanos::from(self.budget - elapsed), measured: *measured })
    }

    /// What is to be measured next, once it is drawn: `pending` steps lie ready. Draws the one after it meanwhile. Ends when
    /// the time is over and nothing is measured any more.
    pub fn advance(&mut self, pending: usize, predictor: Option<&Arc<Predictor>>) -> Option<Step> {
        let run = self.run.as_mut()?;
        let drawn = match run.drawing.take() {
            Some(Ok((draw, design))) => {
                run.draw = Some(draw);
                design
            }
            Some(Err(reason)) => {
                self.failure = Some(format!("no design can be drawn: {reason}"));
                self.run = None;
                return None;
            }
            None => None,
        };
        let is_over = run.started.elapsed() >= self.budget;
        let step = drawn.filter(|_| !is_over).map(|design| run.step(design));
        let pending = pending + usize::from(step.is_some());
        if is_over {
            if pending == 0 {
                self.run = None;
            }
        } else if pending < READY
            && let Some(mut draw) = run.draw.take()
        {
            let (predictor, options, drawn) = (predictor.cloned(), run.options.clone(), run.drawn);
            run.drawn += 1;
            run.drawing.start(move || {
                let design = next(&mut draw, drawn, predictor.as_deref(), &options);
                (draw, design)
            });
        }
        step
    }

    /// Takes what came of a step; says whether it goes on.
    pub fn take(&mut self, outcome: &Outcome) -> bool {
        let Some(run) = &mut self.run else { return false };
        match outcome {
            Outcome::Measured(_) => (run.measured, run.failures) = (run.measured + 1, 0),
            Outcome::Failed(message) => {
                run.failures += 1;
                if run.failures >= FAILURES {
                    self.failure = Some(message.clone());
                    self.run = None;
                }
            }
            Outcome::SoFar(_) | Outcome::Turns(_) | Outcome::Searching(_) | Outcome::Searched => {}
        }
        self.run.is_some()
    }
}

impl Run {
    fn step(&self, design: Design) -> Step {
        let protocol = Protocol::calibration().on(self.options.device);
        let name = design.name.clone();
        let options = self.options.clone();
        let job = Job { design: Model::from(design), options, protocol, weights: None, scatter: None };
        Step { task: Task::Calibrate, name, work: Work::Measure(Box::new(job)) }
    }
}

/// The least known of a few designs that were not measured yet; every second one is taken as it is drawn.
fn next(draw: &mut Draw, number: usize, predictor: Option<&Predictor>, options: &RunOptions) -> Option<Design> {
    let is_new = |design: &Design| predictor.is_none_or(|predictor| !predictor.has_seen(&design.fingerprint()));
    let mut choices = draw.choices(number, is_new);
    let index = most_wanted(&choices, predictor, options)?;
    (index < choices.len()).then(|| choices.swap_remove(index))
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;
    use shufflescope_engine::device::DeviceId;

    fn started(budget: Duration) -> Calibration {
        let mut calibration = Calibration { budget, ..Calibration::new(Pacer::default()) };
        calibration.start(RunOptions::new(DeviceId::Cpu, 1, 1), 0);
        calibration
    }

    fn step(calibration: &mut Calibration, pending: usize) -> Step {
        let start = Instant::now();
        loop {
            if let Some(step) = calibration.advance(pending, None) {
                return step;
            }
            assert!(start.elapsed() < Duration::from_secs(60), "nothing is drawn");
            std::thread::yield_now();
        }
    }

    #[test]
    fn one_design_after_another_lies_ready_and_none_comes_twice() {
        let mut calibration = started(Duration::from_secs(3600));
        let mut names: Vec<String> = (0..6).map(|_| step(&mut calibration, 1).name).collect();
        assert!(calibration.advance(READY, None).is_none() || calibration.progress().is_some());
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), 6, "{names:?}");
        let progress = calibration.progress().unwrap();
        assert!(progress.fraction < 0.5 && progress.left > Nanos::from_millis(1_800_000), "{progress:?}");
    }

    #[test]
    fn it_ends_when_its_time_is_over_and_nothing_is_measured_any_more() {
        let mut calibration = started(Duration::ZERO);
        assert!(calibration.advance(1, None).is_none() && calibration.progress().is_some(), "one is being measured");
        assert!(calibration.advance(0, None).is_none() && calibration.progress().is_none());
    }

    #[test]
    fn a_device_that_measures_nothing_ends_it_with_the_reason_and_a_single_failure_does_not() {
        let mut calibration = started(Duration::from_secs(3600));
        let failed = || Outcome::Failed("the device is gone".into());
        assert!((1..FAILURES).all(|_| calibration.take(&failed())));
        assert!(!calibration.take(&failed()));
        assert_eq!(calibration.failure(), Some("the device is gone"));
        assert!(calibration.progress().is_none());
        calibration.start(RunOptions::new(DeviceId::Cpu, 1, 1), 3);
        assert_eq!(calibration.failure(), None);
    }
}
