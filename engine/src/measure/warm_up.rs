//! Warm-up: how long it lasts, and the report of how it went.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::protocol::{SteadyRule, WarmUpRules};
use super::statistics::median;
use crate::units::Nanos;

/// How warm-up went; reported, not hidden.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct WarmUp {
    /// The very first run.
    #[serde(rename = "first_run_ns")]
    pub first_run: Nanos,
    /// Runs until sampling began, the first one included.
    pub runs: usize,
    /// Time until sampling began.
    #[serde(rename = "time_ns")]
    pub time: Nanos,
    /// Whether the runs agreed in the end; if not, warm-up ended because its time was up.
    pub settled: bool,
}

/// Warm-up as it goes on: takes each run's time until it is over.
pub(super) struct WarmingUp {
    rules: WarmUpRules,
    runs: Vec<Nanos>,
    /// Runs from which on it is worth looking again whether they are steady: looking at every one of very many short
    /// runs would take longer than the runs.
    next_look: usize,
}

impl WarmingUp {
    pub(super) const fn new(rules: WarmUpRules) -> Self {
        Self { rules, runs: Vec::new(), next_look: 0 }
    }

    /// Takes one more run; `elapsed` is the time since warm-up began. The report, once warm-up is over.
    pub(super) fn push(&mut self, run: Nanos, elapsed: Nanos) -> Option<WarmUp> {
        self.runs.push(run);
        let rules = &self.rules;
        let enough_runs = self.runs.len() >= rules.minimum_runs;
        let may_settle = enough_runs && elapsed >= rules.minimum_time && self.runs.len() >= self.next_look;
        let settled = may_settle && rules.steady.is_met_by(&self.runs);
        if may_settle {
            self.next_look = self.runs.len() + self.runs.len() / 20 + 1;
        }
        let time_is_up = elapsed >= if enough_runs { rules.maximum_time } else { rules.patience };
        (settled || time_is_up).then(|| WarmUp {
            first_run: self.runs.first().copied().unwrap_or_default(),
            runs: self.runs.len(),
            time: elapsed,
            settled,
        })
    }

    /// How much of the longest warm-up is over, 0 to 1.
    pub(super) fn fraction(&self, elapsed: Nanos) -> f64 {
        elapsed.share_of(self.rules.maximum_time).min(1.0)
    }

    /// What a run takes once it is warm: the median of the later half.
    pub(super) fn typical_run(&self) -> Nanos {
        median(later_half(&self.runs, 1)).unwrap_or_default()
    }
}

impl SteadyRule {
    fn is_met_by(&self, runs: &[Nanos]) -> bool {
        match *self {
            Self::Agreement { runs: window, within } => {
                let last = runs.iter().rev().take(window);
                let (fastest, slowest) = (last.clone().min(), last.clone().max());
                match (last.len() >= window, fastest, slowest) {
                    (true, Some(fastest), Some(slowest)) => slowest.as_f64() <= fastest.as_f64() * (1.0 + within),
                    _ => false,
                }
            }
            Self::Drift { runs: window, within } => {
                let later = later_half(runs, window);
                let (older, newer) = later.split_at(later.len() / 2);
                match (later.len() >= window, median(older), median(newer)) {
                    (true, Some(older), Some(newer)) => {
                        (newer.as_f64() - older.as_f64()).abs() <= older.as_f64() * within
                    }
                    _ => false,
                }
            }
        }
    }
}

/// The later half of the runs, but at least the last `window` where there are that many.
fn later_half(runs: &[Nanos], window: usize) -> &[Nanos] {
    let length = (runs.len() / 2).max(window).min(runs.len());
    runs.split_at(runs.len() - length).1
}

impl fmt::Display for WarmUp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = if self.settled { "settled" } else { "not settled" };
        write!(f, "first run {}, {state} after {} runs and {}", self.first_run, self.runs, self.time)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::Protocol;

    /// Feeds runs of these milliseconds until warm-up is over.
    fn warm(rules: WarmUpRules, millis: impl IntoIterator<Item = u64>) -> WarmUp {
        let (mut state, mut elapsed) = (WarmingUp::new(rules), Nanos::ZERO);
        for run in millis.into_iter().map(Nanos::from_millis) {
            elapsed += run;
            if let Some(report) = state.push(run, elapsed) {
                return report;
            }
        }
        panic!("still warming up after {elapsed}");
    }

    #[test]
    fn steady_runs_end_warm_up_at_its_shortest_time() {
        let report = warm(Protocol::live().warm_up, std::iter::repeat(5));
        let time = Nanos::from_millis(50);
        assert_eq!(report, WarmUp { first_run: Nanos::from_millis(5), runs: 10, time, settled: true });
    }

    #[test]
    fn a_slow_first_run_is_reported_and_waited_out() {
        let report = warm(Protocol::live().warm_up, [60, 11, 10, 10, 10]);
        let time = Nanos::from_millis(91);
        assert_eq!(report, WarmUp { first_run: Nanos::from_millis(60), runs: 4, time, settled: true });
    }

    #[test]
    fn runs_that_never_agree_end_warm_up_unsettled_at_its_longest_time() {
        let report = warm(Protocol::live().warm_up, [5, 10].into_iter().cycle());
        assert_eq!((report.time, report.settled), (Nanos::from_millis(150), false));
    }

    #[test]
    fn three_runs_are_waited_for_unless_the_network_is_very_slow() {
        assert_eq!(warm(Protocol::live().warm_up, std::iter::repeat(100)).runs, 3);
        let slow = warm(Protocol::live().warm_up, std::iter::repeat(10_000));
        assert_eq!((slow.runs, slow.settled), (1, false));
    }

    #[test]
    fn rigorous_warm_up_lasts_while_the_runs_drift() {
        let falling = (0..).map(|run| if run < 100 { 20 - run / 10 } else { 10 });
        let report = warm(Protocol::rigorous().warm_up, falling);
        assert!(report.settled && report.time > Nanos::from_secs(2), "{report}");
        let steady = warm(Protocol::rigorous().warm_up, std::iter::repeat(10));
        assert_eq!((steady.runs, steady.time), (100, Nanos::from_secs(1)));
    }

    #[test]
    fn the_typical_run_ignores_the_cold_start() {
        let mut state = WarmingUp::new(Protocol::live().warm_up);
        for run in [900, 30, 12, 10, 11, 10] {
            state.push(Nanos(run), Nanos::ZERO);
        }
        assert_eq!(state.typical_run(), Nanos(10));
    }
}
