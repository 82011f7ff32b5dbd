//! Decides what the next sample is, or why there is none.

use super::protocol::{RunCounts, SamplingRules};
use super::samples::Stop;
use crate::units::Nanos;

/// What to do now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// A sample for the headline.
    Unmarked,
    /// A sample for the breakdown.
    Marked,
    /// Enough.
    Stop(Stop),
}

impl SamplingRules {
    /// The next step after `done` samples in `elapsed` time; `on_target` is whether the last block's end found the
    /// half-width that allows an early stop.
    pub(super) fn next(&self, done: RunCounts, elapsed: Nanos, on_target: bool) -> Next {
        let Some(stop) = self.reason_to_stop(done, elapsed, on_target) else {
            let is_marked = (done.total() + 1).is_multiple_of(self.marked_every);
            return if is_marked { Next::Marked } else { Next::Unmarked };
        };
        let wanted = if elapsed < self.patience { self.minimum } else { self.at_least };
        match done {
            done if done.unmarked < wanted.unmarked => Next::Unmarked,
            done if done.marked < wanted.marked => Next::Marked,
            _ => Next::Stop(stop),
        }
    }

    fn reason_to_stop(&self, done: RunCounts, elapsed: Nanos, on_target: bool) -> Option<Stop> {
        if done.total() >= self.maximum_samples {
            Some(Stop::Samples)
        } else if elapsed >= self.maximum_time {
            Some(Stop::Time)
        } else {
            let may_stop = self.early.is_some_and(|early| elapsed >= early.minimum_time);
            (may_stop && on_target).then_some(Stop::Target)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::Protocol;

    const LIVE: SamplingRules = Protocol::live().sampling;
    const RIGOROUS: SamplingRules = Protocol::rigorous().sampling;

    fn done(unmarked: usize, marked: usize) -> RunCounts {
        RunCounts { unmarked, marked }
    }

    #[test]
    fn every_third_sample_is_marked_in_live_mode() {
        let mut counts = RunCounts::default();
        let order: Vec<Next> = (0..6)
            .map(|_| {
                let next = LIVE.next(counts, Nanos::ZERO, false);
                if next == Next::Marked {
                    counts.marked += 1
                } else {
                    counts.unmarked += 1
                }
                next
            })
            .collect();
        let (u, m) = (Next::Unmarked, Next::Marked);
        assert_eq!(order, [u, u, m, u, u, m]);
    }

    #[test]
    fn sampling_stops_at_the_count_or_at_the_time() {
        assert_eq!(LIVE.next(done(1_334, 666), Nanos::from_millis(100), false), Next::Stop(Stop::Samples));
        assert_eq!(LIVE.next(done(20, 10), Nanos::from_millis(250), false), Next::Stop(Stop::Time));
    }

    #[test]
    fn a_short_breakdown_is_completed_after_the_time_is_up() {
        assert_eq!(LIVE.next(done(6, 2), Nanos::from_millis(260), false), Next::Marked);
        assert_eq!(LIVE.next(done(4, 5), Nanos::from_millis(260), false), Next::Unmarked);
        assert_eq!(LIVE.next(done(6, 5), Nanos::from_millis(400), false), Next::Stop(Stop::Time));
    }

    #[test]
    fn a_slow_network_ends_with_three_unmarked_and_one_marked_sample() {
        let late = Nanos::from_secs(60);
        assert_eq!(LIVE.next(done(0, 0), late, false), Next::Unmarked);
        assert_eq!(LIVE.next(done(2, 0), late, false), Next::Unmarked);
        assert_eq!(LIVE.next(done(3, 0), late, false), Next::Marked);
        assert_eq!(LIVE.next(done(3, 1), late, false), Next::Stop(Stop::Time));
    }

    #[test]
    fn only_rigorous_mode_stops_early_and_only_after_its_shortest_time() {
        assert_eq!(RIGOROUS.next(done(80, 20), Nanos::from_millis(599), true), Next::Unmarked);
        assert_eq!(RIGOROUS.next(done(80, 20), Nanos::from_millis(600), true), Next::Stop(Stop::Target));
        assert_eq!(RIGOROUS.next(done(80, 20), Nanos::from_millis(600), false), Next::Unmarked);
        assert_eq!(RIGOROUS.next(done(10, 2), Nanos::from_millis(600), true), Next::Unmarked);
        assert_eq!(LIVE.next(done(80, 40), Nanos::from_millis(100), true), Next::Unmarked);
    }
}
