//! How far a run is, and how fast.

use std::time::{Duration, Instant};

use super::super::Accuracy;
use super::super::parameters::Parameters;
use super::super::request::{Budget, Phase, Point, Progress};
use super::{AVERAGED, KEEP, Trainer};

/// What a run knows of itself.
pub(super) struct Run {
    pub begin: Instant,
    pub first_step: usize,
    /// Share of the budget that earlier runs used up.
    pub done_before: f64,
    pub last_point: f64,
    pub last_measured: f64,
    pub last_kept: Instant,
    pub keep_after: Duration,
    pub last_told: Instant,
    /// Time that no step took.
    pub apart: Duration,
    /// How long all held-out pictures take.
    pub measuring: Duration,
    /// How long the steps took, once they are over.
    pub trained: Duration,
    pub held_out: Option<Accuracy>,
    pub best: Option<(Parameters, Accuracy)>,
    /// Sums since the last point: loss, pictures right, pictures, steps.
    pub sums: [f64; 4],
    /// Loss and share of pictures right of the last steps.
    pub recent: [f32; 2],
    /// Steps and pictures of this run.
    pub steps: f64,
    pub pictures: f64,
}

impl Run {
    pub fn start(of: &Trainer) -> Self {
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
    pub fn done(&self, of: &Trainer) -> f64 {
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

    pub fn is_over(&self, of: &Trainer) -> bool {
        // One step at least, so that there is something to measure.
        of.state.step > 0 && self.done(of) >= 1.0
    }

    /// What averaging and measuring at the end take: as long as about a dozen steps, and as measuring took before.
    pub fn reserve(&self) -> Duration {
        let each = self.learning().div_f64(self.steps.max(1.0));
        self.measuring + if self.trained.is_zero() { each.mul_f64(0.4 * AVERAGED as f64) } else { Duration::ZERO }
    }

    /// Time that steps took.
    pub fn learning(&self) -> Duration {
        let all = if self.trained.is_zero() { self.begin.elapsed() } else { self.trained };
        all.saturating_sub(self.apart)
    }

    pub fn add(&mut self, loss: f32, right: usize, batch: usize) {
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

    pub fn pictures_per_second(&self) -> f64 {
        self.pictures / self.learning().as_secs_f64().max(1e-9)
    }

    pub fn point(&mut self, of: &Trainer, held_out: Option<Accuracy>) -> Point {
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

    pub fn progress(&self, of: &Trainer, phase: Phase) -> Progress {
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
