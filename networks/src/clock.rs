//! The clock that times runs, and how well it does that.

use std::time::Instant;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::units::Nanos;

/// A clock for the host's time; device clocks are another [domain](ClockDomain) and never mixed with it.
pub trait Clock {
    /// The time since some fixed moment.
    fn now(&self) -> Nanos;

    /// What a reading is worth.
    fn quality(&self) -> TimerQuality;
}

/// Which clock a time was taken with. Times of two clocks are never compared kernel by kernel, nor added up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ClockDomain {
    /// The host's clock, which waits until the work is done.
    #[default]
    Host,
    /// The device's own timestamps.
    Device,
}

impl ClockDomain {
    /// The word used in files and shown to people.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Host => "host",
            Self::Device => "device",
        }
    }
}

impl std::fmt::Display for ClockDomain {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.name())
    }
}

/// What was found out about a clock at start-up. Nothing is ever subtracted from a sample because of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TimerQuality {
    /// The smallest step seen between two readings: one tick.
    #[serde(rename = "precision_ns")]
    pub precision: Nanos,
    /// What one reading takes, on average.
    #[serde(rename = "read_cost_ns")]
    pub read_cost: Nanos,
}

impl TimerQuality {
    /// Readings from which the read cost is averaged.
    const READS: u64 = 10_000;
    /// Readings after which a clock that still has not moved is given up: about 40 ms of them.
    const PATIENCE: u64 = 2_000_000;
    /// The tick of the coarsest clocks in use, told for a clock that never moved.
    const COARSEST: Nanos = Nanos::from_millis(16);

    /// Reads the clock again and again: at least 10,000 times, and until it has moved.
    pub fn measure(mut now: impl FnMut() -> Nanos) -> Self {
        let start = now();
        let (mut last, mut precision, mut reads) = (start, None, 0);
        while reads < Self::READS || (precision.is_none() && reads < Self::PATIENCE) {
            let next = now();
            let step = next.since(last);
            if step > Nanos::ZERO {
                precision = Some(precision.map_or(step, |smallest: Nanos| smallest.min(step)));
            }
            (last, reads) = (next, reads + 1);
        }
        let read_cost = Nanos(last.since(start).0.div_ceil(reads));
        Self { precision: precision.unwrap_or(Self::COARSEST), read_cost }
    }
}

/// The operating system's monotonic clock.
#[derive(Clone, Copy, Debug)]
pub struct MonotonicClock {
    start: Instant,
    quality: TimerQuality,
}

impl MonotonicClock {
    /// Starts at zero and measures its own quality, which takes about a millisecond.
    #[must_use]
    pub fn new() -> Self {
        let start = Instant::now();
        Self { start, quality: TimerQuality::measure(|| start.elapsed().into()) }
    }
}

impl Default for MonotonicClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for MonotonicClock {
    fn now(&self) -> Nanos {
        self.start.elapsed().into()
    }

    fn quality(&self) -> TimerQuality {
        self.quality
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A clock that moves by `tick` at every `reads_per_tick`-th reading.
    fn ticking(tick: u64, reads_per_tick: u64) -> impl FnMut() -> Nanos {
        let mut reads = 0;
        move || {
            reads += 1;
            Nanos(reads / reads_per_tick * tick)
        }
    }

    #[test]
    fn a_fine_clock_has_the_precision_and_cost_of_one_reading() {
        let quality = TimerQuality::measure(ticking(25, 1));
        assert_eq!(quality, TimerQuality { precision: Nanos(25), read_cost: Nanos(25) });
    }

    #[test]
    fn a_coarse_clock_is_read_until_it_moves() {
        let quality = TimerQuality::measure(ticking(1_000_000, 50_001));
        assert_eq!(quality, TimerQuality { precision: Nanos(1_000_000), read_cost: Nanos(20) });
    }

    #[test]
    fn a_clock_that_never_moves_is_given_up_and_told_as_coarse() {
        let quality = TimerQuality::measure(|| Nanos(7));
        assert_eq!(quality, TimerQuality { precision: Nanos::from_millis(16), read_cost: Nanos::ZERO });
    }

    #[test]
    fn the_monotonic_clock_never_goes_back() {
        let clock = MonotonicClock::new();
        let earlier = clock.now();
        assert!(clock.now() >= earlier);
        assert!(clock.quality().precision > Nanos::ZERO);
    }
}
