//! The protocol as data: every number that decides how a measurement is taken.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Repeatability;
use crate::device::DeviceId;
use crate::units::Nanos;

/// How carefully to measure.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// A first number within half a second of an edit.
    #[default]
    Live,
    /// Several fresh processes, 8 to 30 s.
    Rigorous,
}

impl Mode {
    /// Every mode, the quicker first.
    pub const ALL: [Self; 2] = [Self::Live, Self::Rigorous];

    /// The name used on the command line and in files.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Rigorous => "rigorous",
        }
    }

    /// Share by which runs are assumed to differ through slow changes of a machine that has not shown its own yet:
    /// processes within seconds share those. Machines that were looked at showed 1 to 6 % in live mode, and half to one
    /// and a half at the usual clock, which rigorous mode waits for.
    pub(super) const fn assumed_scatter(self) -> f64 {
        match self {
            Self::Live => 0.03,
            Self::Rigorous => 0.01,
        }
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Mode {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mode = Self::ALL.into_iter().find(|mode| mode.name() == text);
        mode.ok_or_else(|| format!("unknown mode `{text}`; known: live, rigorous"))
    }
}

/// All numbers of the protocol; part of every measurement's key.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Protocol {
    /// The mode these numbers belong to.
    pub mode: Mode,
    /// How many fresh processes take one share each.
    pub processes: Processes,
    /// When warm-up is over.
    pub warm_up: WarmUpRules,
    /// Which runs to take and when to stop.
    pub sampling: SamplingRules,
    /// Relative half-width of the median's interval above which a result is called rough.
    pub rough_half_width: f64,
}

/// Fresh processes that one measurement is made of.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Processes {
    /// Processes that are always started; fewer give a warning.
    pub minimum: usize,
    /// Most processes; `aim` in files of version 0.1.
    #[serde(alias = "aim")]
    pub maximum: usize,
    /// Beyond the minimum no process is started that would not be done by then.
    #[serde(rename = "maximum_time_ns")]
    pub maximum_time: Nanos,
    /// Relative half-width of the interval above which another process is started; where it is `None`, another one is
    /// started only while nothing can be said of how a fresh run would repeat.
    pub half_width: Option<f64>,
}

impl Processes {
    /// A single process, whatever it shows.
    pub const ONE: Self = Self { minimum: 1, maximum: 1, maximum_time: Nanos::ZERO, half_width: None };

    /// Whether to start another process after `done` of them in `elapsed` time, which left the median known so well.
    #[must_use]
    pub fn wants_another(&self, done: usize, elapsed: Nanos, known: &Repeatability, half_width: f64) -> bool {
        if done < self.minimum {
            return true;
        }
        let is_known = known.is_earned() && self.half_width.is_none_or(|target| half_width <= target);
        let one_more = elapsed + Nanos(elapsed.0 / done.max(1) as u64);
        !is_known && done < self.maximum && one_more <= self.maximum_time
    }
}

/// When warm-up is over: at the minimum and steady, or at the maximum.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct WarmUpRules {
    /// Fewest runs.
    pub minimum_runs: usize,
    /// Shortest time.
    #[serde(rename = "minimum_time_ns")]
    pub minimum_time: Nanos,
    /// Warm-up ends here, steady or not, once the minimum of runs is reached.
    #[serde(rename = "maximum_time_ns")]
    pub maximum_time: Nanos,
    /// Beyond this not even the minimum of runs is waited for, so that a huge network ends.
    #[serde(rename = "patience_ns")]
    pub patience: Nanos,
    /// What counts as steady.
    pub steady: SteadyRule,
}

/// What counts as steady during warm-up.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum SteadyRule {
    /// The slowest of the last `runs` runs took at most `1 + within` times the fastest.
    Agreement {
        /// Runs compared.
        runs: usize,
        /// Relative difference allowed.
        within: f64,
    },
    /// Of the later half of the runs (at least `runs`), the medians of the two halves differ by at most `within`.
    Drift {
        /// Fewest runs compared.
        runs: usize,
        /// Relative difference allowed.
        within: f64,
    },
}

/// Which runs to take after warm-up, and when to stop.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SamplingRules {
    /// Most samples, marked ones included.
    pub maximum_samples: usize,
    /// Sampling ends here once [`minimum`](Self::minimum) is reached.
    #[serde(rename = "maximum_time_ns")]
    pub maximum_time: Nanos,
    /// Where set, sampling may end before, at a block's end, after this time and when [`minimum`](Self::minimum) is
    /// reached and the process's own relative half-width is at most `target`.
    pub early: Option<EarlyStop>,
    /// Every n-th sample is a marked run.
    pub marked_every: usize,
    /// Samples to take even beyond the maximum time, while [`patience`](Self::patience) lasts.
    pub minimum: RunCounts,
    /// Beyond this only [`at_least`](Self::at_least) holds.
    #[serde(rename = "patience_ns")]
    pub patience: Nanos,
    /// Samples that are taken however slow the network is.
    pub at_least: RunCounts,
    /// Timer ticks that a sample lasts at least; shorter runs are batched.
    pub ticks_per_sample: u64,
    /// Length of a block; the canary runs between blocks, at the start and at the end.
    #[serde(rename = "canary_spacing_ns")]
    pub canary_spacing: Nanos,
}

/// When sampling may end before its time is up.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct EarlyStop {
    /// Not before this time.
    #[serde(rename = "minimum_time_ns")]
    pub minimum_time: Nanos,
    /// Relative half-width of the median's interval to reach.
    pub half_width: f64,
}

/// Numbers of unmarked and marked samples.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RunCounts {
    /// Samples without per-kernel timers: the headline.
    pub unmarked: usize,
    /// Samples with per-kernel timers: the breakdown.
    pub marked: usize,
}

impl Protocol {
    /// The numbers of a mode.
    #[must_use]
    pub const fn of(mode: Mode) -> Self {
        match mode {
            Mode::Live => Self::live(),
            Mode::Rigorous => Self::rigorous(),
        }
    }

    /// Live mode: about 400 ms in one process, and up to four more while this machine has not shown yet how fresh
    /// processes differ on it.
    #[must_use]
    pub const fn live() -> Self {
        Self {
            mode: Mode::Live,
            processes: Processes { minimum: 1, maximum: 5, maximum_time: Nanos::from_secs(10), half_width: None },
            warm_up: WarmUpRules {
                minimum_runs: 3,
                minimum_time: Nanos::from_millis(50),
                maximum_time: Nanos::from_millis(150),
                patience: Nanos::from_millis(600),
                steady: SteadyRule::Agreement { runs: 3, within: 0.10 },
            },
            sampling: SamplingRules {
                maximum_samples: 2_000,
                maximum_time: Nanos::from_millis(250),
                early: None,
                marked_every: 3,
                minimum: RunCounts { unmarked: 5, marked: 5 },
                patience: Nanos::from_millis(500),
                at_least: RunCounts { unmarked: 3, marked: 1 },
                ticks_per_sample: 100,
                canary_spacing: Nanos::from_millis(60),
            },
            rough_half_width: 0.05,
        }
    }

    /// A network among hundreds that are of interest for their kernels, some 0.1 s each: many that are known roughly tell
    /// more than a few that are known well. Half of the runs are marked, and the canary is never far.
    #[must_use]
    pub const fn calibration() -> Self {
        let live = Self::live().in_one_process();
        Self {
            warm_up: WarmUpRules {
                minimum_time: Nanos::from_millis(12),
                maximum_time: Nanos::from_millis(60),
                patience: Nanos::from_millis(400),
                ..live.warm_up
            },
            sampling: SamplingRules {
                maximum_time: Nanos::from_millis(70),
                patience: Nanos::from_millis(300),
                marked_every: 2,
                canary_spacing: Nanos::from_millis(25),
                ..live.sampling
            },
            ..live
        }
    }

    /// The same numbers for idle time: further fresh processes until the median is known as well as rigorous mode asks,
    /// for 8 s at most.
    #[must_use]
    pub const fn refined(mut self) -> Self {
        self.processes =
            Processes { minimum: 1, maximum: 16, maximum_time: Nanos::from_secs(8), half_width: Some(0.01) };
        self
    }

    /// These numbers in a single process.
    #[must_use]
    pub const fn in_one_process(mut self) -> Self {
        self.processes = Processes::ONE;
        self
    }

    /// Rigorous mode, one process's share: 1 to 5 s of warm-up and 0.6 to 1 s of samples in each of at least three
    /// processes, and more while the interval is wider than 1 % and 30 s are not over.
    #[must_use]
    pub const fn rigorous() -> Self {
        Self {
            mode: Mode::Rigorous,
            processes: Processes {
                minimum: 3,
                maximum: 24,
                maximum_time: Nanos::from_secs(30),
                half_width: Some(0.01),
            },
            warm_up: WarmUpRules {
                minimum_runs: 10,
                minimum_time: Nanos::from_secs(1),
                maximum_time: Nanos::from_secs(5),
                patience: Nanos::from_secs(10),
                steady: SteadyRule::Drift { runs: 10, within: 0.01 },
            },
            sampling: SamplingRules {
                maximum_samples: 4_000,
                maximum_time: Nanos::from_secs(1),
                early: Some(EarlyStop { minimum_time: Nanos::from_millis(600), half_width: 0.01 }),
                marked_every: 5,
                minimum: RunCounts { unmarked: 20, marked: 5 },
                patience: Nanos::from_secs(6),
                at_least: RunCounts { unmarked: 3, marked: 1 },
                ticks_per_sample: 100,
                canary_spacing: Nanos::from_millis(100),
            },
            rough_half_width: 0.05,
        }
    }

    /// These numbers for a device: a GPU's live warm-up lasts 100 ms at least, for its clocks rise slowly.
    #[must_use]
    pub fn on(mut self, device: DeviceId) -> Self {
        if device.is_gpu() {
            self.warm_up.minimum_time = self.warm_up.minimum_time.max(Nanos::from_millis(100));
        }
        self
    }
}

impl RunCounts {
    /// Samples of both kinds.
    #[must_use]
    pub const fn total(self) -> usize {
        self.unmarked + self.marked
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::Basis;

    #[test]
    fn a_mode_reads_back_from_its_name_and_json() {
        for mode in Mode::ALL {
            assert_eq!(mode.name().parse(), Ok(mode));
            assert_eq!(serde_json::to_string(&mode).unwrap(), format!("\"{mode}\""));
        }
        assert!("quick".parse::<Mode>().unwrap_err().contains("live, rigorous"));
    }

    /// Processes taken where each lasts `each` and the interval is as wide as told.
    fn taken(processes: Processes, each: Nanos, degrees_of_freedom: f64, half_width: f64) -> usize {
        let basis = if degrees_of_freedom > 0.0 { Basis::Processes } else { Basis::Unknown };
        let known = Repeatability { basis, degrees_of_freedom, scatter: None };
        let elapsed = |done: usize| Nanos(each.0 * done as u64);
        (1..).find(|&done| !processes.wants_another(done, elapsed(done), &known, half_width)).unwrap_or_default()
    }

    #[test]
    fn rigorous_mode_adds_processes_while_its_interval_is_wide_and_time_is_left() {
        let rigorous = |each, half_width| taken(Protocol::rigorous().processes, each, 9.0, half_width);
        assert_eq!(rigorous(Nanos::from_secs(2), 0.009), 3, "known well enough");
        assert_eq!(rigorous(Nanos::from_secs(2), 0.011), 15);
        assert_eq!(rigorous(Nanos::from_secs(9), 0.011), 3, "a fourth would not be done in time");
        assert_eq!(rigorous(Nanos::from_secs(60), 0.011), 3, "three are taken however long they last");
        assert_eq!(rigorous(Nanos::from_millis(100), 0.011), 24);
    }

    #[test]
    fn live_mode_takes_further_processes_only_until_it_can_tell_how_a_fresh_one_would_repeat() {
        let each = Nanos::from_millis(400);
        assert_eq!(taken(Protocol::live().processes, each, 4.0, 0.5), 1);
        assert_eq!(taken(Protocol::live().processes, each, 0.0, 0.001), 5);
        assert_eq!(taken(Protocol::live().refined().processes, each, 4.0, 0.02), 16);
        assert_eq!(taken(Protocol::live().refined().processes, each, 4.0, 0.005), 1);
        assert_eq!(taken(Protocol::live().in_one_process().processes, each, 0.0, 0.5), 1);
    }

    #[test]
    fn only_a_live_gpu_warms_up_longer() {
        let minimum = |protocol: Protocol, device| protocol.on(device).warm_up.minimum_time;
        assert_eq!(minimum(Protocol::live(), DeviceId::Cpu), Nanos::from_millis(50));
        assert_eq!(minimum(Protocol::live(), DeviceId::Cuda(0)), Nanos::from_millis(100));
        assert_eq!(minimum(Protocol::rigorous(), DeviceId::Metal(0)), Nanos::from_secs(1));
    }
}
