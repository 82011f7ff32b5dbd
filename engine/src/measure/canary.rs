//! A fixed piece of arithmetic that tells frequency changes and noisy neighbours without privileges.

use std::hint::black_box;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Clock;
use crate::units::Nanos;

/// Something that always takes the same work, and so the same time on an undisturbed machine.
pub trait Canary {
    /// Does the work and says how long it took.
    fn run(&mut self, clock: &dyn Clock) -> Nanos;
}

/// A chain of dependent integer operations in registers: about 2 ms on a current core. The work is the same in every
/// process and on every machine, so that readings can be compared; only the core's clock and other tasks change it.
#[derive(Clone, Debug)]
pub struct ArithmeticCanary {
    state: u64,
}

impl ArithmeticCanary {
    /// Steps of about five cycles each.
    const STEPS: u32 = 1_200_000;

    /// Does the work once, so that the first reading is warm.
    #[must_use]
    pub fn new() -> Self {
        let mut canary = Self { state: 0x9e37_79b9_7f4a_7c15 };
        canary.work();
        canary
    }

    fn work(&mut self) {
        let mut state = black_box(self.state);
        for _ in 0..Self::STEPS {
            state = (state ^ (state >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        }
        self.state = black_box(state);
    }
}

impl Default for ArithmeticCanary {
    fn default() -> Self {
        Self::new()
    }
}

impl Canary for ArithmeticCanary {
    fn run(&mut self, clock: &dyn Clock) -> Nanos {
        let start = clock.now();
        self.work();
        clock.now().since(start)
    }
}

/// What the canary saw during a measurement.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CanaryReport {
    /// Readings in all processes.
    pub readings: usize,
    /// The first reading; `None` where there is none.
    #[serde(rename = "first_ns")]
    pub first: Option<Nanos>,
    /// The reading farthest from the first one, relative to it: 0.04 is 4 % slower. `None` is unknown, not steady.
    pub drift: Option<f64>,
}

impl CanaryReport {
    /// The report over all readings, in the order taken.
    pub fn of(readings: impl IntoIterator<Item = Nanos>) -> Self {
        let readings: Vec<Nanos> = readings.into_iter().collect();
        let first = readings.first().copied();
        let drift = match (first, readings.len()) {
            (Some(first), 2..) if first > Nanos::ZERO => {
                let relative = |reading: &Nanos| (reading.as_f64() - first.as_f64()) / first.as_f64();
                readings.iter().map(relative).max_by(|a, b| a.abs().total_cmp(&b.abs()))
            }
            _ => None,
        };
        Self { readings: readings.len(), first, drift }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_drift_is_the_farthest_reading_relative_to_the_first() {
        let report = CanaryReport::of([2_000, 2_020, 1_900, 2_060].map(Nanos));
        assert_eq!(report, CanaryReport { readings: 4, first: Some(Nanos(2_000)), drift: Some(-0.05) });
    }

    #[test]
    fn without_a_second_reading_the_drift_is_unknown() {
        assert_eq!(CanaryReport::of([]).drift, None);
        assert_eq!(CanaryReport::of([Nanos(2_000)]).drift, None);
        assert_eq!(CanaryReport::of([Nanos(0), Nanos(5)]).drift, None);
    }

    #[test]
    fn the_canary_does_the_same_work_every_time() {
        let mut canary = ArithmeticCanary::new();
        let mut other = ArithmeticCanary::default();
        canary.work();
        other.work();
        assert_eq!(canary.state, other.state);
    }
}
