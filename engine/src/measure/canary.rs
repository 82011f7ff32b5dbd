//! A fixed piece of arithmetic that tells frequency changes and noisy neighbours without privileges.

use std::hint::black_box;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::clock::Clock;
use crate::units::Nanos;

/// Something that always takes the same work, and so the same time on an undisturbed machine.
pub trait Canary {
    /// Does the work and says how long it took.
    fn run(&mut self, clock: &dyn Clock) -> Nanos;
}

/// A chain of dependent integer operations in registers, a few tenths of a millisecond long, four times: the fastest
/// of the four is the reading, so that an interrupt does not look like a slower processor. The work is the same in every
/// process and on every machine, so that readings can be compared.
#[derive(Clone, Debug)]
pub struct ArithmeticCanary {
    state: u64,
}

impl ArithmeticCanary {
    /// Steps of about five cycles each.
    const STEPS: u32 = 300_000;
    /// Times that they are done.
    const PIECES: usize = 4;
    const SEED: u64 = 0x9e37_79b9_7f4a_7c15;

    /// Does the work once, so that the first reading is warm.
    #[must_use]
    pub fn new() -> Self {
        let mut canary = Self { state: Self::SEED };
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
        let mut piece = || {
            let start = clock.now();
            self.work();
            clock.now().since(start)
        };
        (0..Self::PIECES).map(|_| piece()).min().unwrap_or_default()
    }
}

/// Relative to the fastest reading so far: from here on the processor's clock has dropped.
const DROP: f64 = 0.10;

/// Whether the latest reading, or the one before it, tells that the processor's clock had dropped between them.
pub(super) fn clock_had_dropped(readings: &[Nanos]) -> bool {
    let Some(fastest) = readings.iter().min() else { return false };
    readings.iter().rev().take(2).any(|reading| reading.as_f64() > fastest.as_f64() * (1.0 + DROP))
}

/// What the canary saw during a measurement.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CanaryReport {
    /// Readings in all processes.
    pub readings: usize,
    /// The first reading; `None` where there is none.
    #[serde(rename = "first_ns")]
    pub first: Option<Nanos>,
    /// How the median of the later half of the readings differs from that of the earlier half: 0.04 is 4 % slower. A
    /// single disturbed reading does not move it. `None` is unknown, not steady.
    pub drift: Option<f64>,
    /// Readings more than 10 % off the median of all: disturbed for a moment, not drifted.
    #[serde(default)]
    pub disturbed: usize,
}

impl CanaryReport {
    /// The report over all readings, in the order taken.
    pub fn of(readings: impl IntoIterator<Item = Nanos>) -> Self {
        let readings: Vec<Nanos> = readings.into_iter().collect();
        let (earlier, later) = readings.split_at(readings.len() / 2);
        let drift = match (lower_median(earlier), lower_median(later)) {
            (Some(earlier), Some(later)) if earlier > Nanos::ZERO => Some(later.as_f64() / earlier.as_f64() - 1.0),
            _ => None,
        };
        let middle = lower_median(&readings).unwrap_or_default().as_f64();
        let is_off = |reading: &&Nanos| (reading.as_f64() - middle).abs() > DROP * middle;
        Self {
            readings: readings.len(),
            first: readings.first().copied(),
            drift,
            disturbed: readings.iter().filter(is_off).count(),
        }
    }
}

/// The middle reading, of an even number the faster of the middle two: what disturbs a reading makes it slower.
fn lower_median(readings: &[Nanos]) -> Option<Nanos> {
    let mut sorted = readings.to_vec();
    sorted.sort_unstable();
    sorted.get(sorted.len().checked_sub(1)? / 2).copied()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::fake::FakeClock;

    #[test]
    fn the_drift_is_that_of_the_medians_and_a_single_reading_does_not_move_it() {
        let report = CanaryReport::of([2_000, 2_020, 1_990, 2_100, 9_000, 2_110].map(Nanos));
        assert_eq!((report.readings, report.first, report.disturbed), (6, Some(Nanos(2_000)), 1));
        assert!((report.drift.unwrap() - 0.055).abs() < 1e-12, "{report:?}");
    }

    #[test]
    fn without_a_second_reading_the_drift_is_unknown() {
        assert_eq!(CanaryReport::of([]).drift, None);
        assert_eq!(CanaryReport::of([Nanos(2_000)]).drift, None);
        assert_eq!(CanaryReport::of([Nanos(0), Nanos(5)]).drift, None);
    }

    #[test]
    fn a_drop_is_a_reading_more_than_10_percent_above_the_fastest_at_either_end_of_a_block() {
        let dropped = |readings: &[u64]| clock_had_dropped(&readings.iter().copied().map(Nanos).collect::<Vec<_>>());
        assert!(!dropped(&[]) && !dropped(&[2_000]) && !dropped(&[2_000, 2_190]));
        assert!(dropped(&[2_000, 2_210]) && dropped(&[2_000, 2_210, 2_010]) && dropped(&[2_300, 2_000]));
        assert!(!dropped(&[2_210, 2_000, 2_010]), "the drop was over before this block");
    }

    /// The chain for one and for two rounds of 300,000 steps, computed apart (Python, arbitrary precision).
    /// The chain after 300,000 and after 1,500,000 steps, computed apart with Python's integers.
    #[test]
    fn the_canary_does_the_same_work_every_time() {
        let mut canary = ArithmeticCanary::new();
        assert_eq!(canary.state, 0x747f_f134_8d9c_e17b);
        canary.run(&FakeClock::new());
        assert_eq!(canary.state, 0x8a4f_f7f7_6d64_0423);
    }

    /// A clock whose readings say how long each piece took.
    struct Scripted(std::cell::RefCell<std::vec::IntoIter<u64>>);

    impl Clock for Scripted {
        fn now(&self) -> Nanos {
            Nanos(self.0.borrow_mut().next().unwrap())
        }

        fn quality(&self) -> crate::clock::TimerQuality {
            FakeClock::new().quality()
        }
    }

    #[test]
    fn a_reading_is_the_fastest_of_four_pieces() {
        let times = vec![0, 400, 400, 5_000, 5_000, 5_390, 5_390, 5_800];
        let clock = Scripted(std::cell::RefCell::new(times.into_iter()));
        assert_eq!(ArithmeticCanary::new().run(&clock), Nanos(390));
    }
}
