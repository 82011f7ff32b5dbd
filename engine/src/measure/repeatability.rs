//! How well a fresh run would repeat a number: what differs between processes and from one moment to the next.
//!
//! Runs of one process know nothing of this, however many they are. It is learnt from several processes of one run, and
//! from earlier runs on the same machine that were taken in the same way.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::statistics::{CONFIDENCE, Interval, logarithm, rounded};
use super::student::student_quantile;
use super::within_run::MeanError;
use crate::units::Nanos;

/// Degrees of freedom from which on an interval between runs is worth showing: Student's t is 2.8 there, not 12.7.
pub(super) const EARNED: f64 = 4.0;

/// Earlier runs of a model from which on its own scatter is asked as well as that of all models.
const RUNS_OF_ITS_OWN: f64 = 8.0;

/// Likeness of runs that follow each other beyond which nothing more is made of it: five runs then count as one.
const MOST_ALIKE: f64 = 2.0 / 3.0;

/// What earlier runs on this machine, taken in the same way, have shown of how runs differ. Shares are standard
/// deviations of the logarithm of a process's median: 0.03 is 3 %.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Scatter {
    /// From run to run: the slow changes of a machine, which processes of one run share.
    pub between_runs: f64,
    /// From process to process within one run; 0 where no run had several.
    pub between_processes: f64,
    /// What the canary usually takes on the machine: the median over those runs; unknown where none told it.
    #[serde(default, rename = "canary_ns")]
    pub canary: Option<Nanos>,
    /// What the first of them rests on; less than the runs there were where those that followed each other are alike.
    pub degrees_of_freedom: f64,
}

/// Process medians of the earlier runs of one model, each run's in the order taken.
#[derive(Clone, Debug, PartialEq)]
pub struct EarlierRuns {
    /// Whether it is the model asked for.
    pub same_model: bool,
    /// The runs, the oldest first.
    pub runs: Vec<Vec<Nanos>>,
}

/// How an interval between runs was made.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Repeatability {
    /// What it rests on.
    pub basis: Basis,
    /// Degrees of freedom of Student's t.
    pub degrees_of_freedom: f64,
    /// What earlier runs have shown, where they counted.
    pub scatter: Option<Scatter>,
}

/// What is known about differences between runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Basis {
    /// The medians of this run's own processes.
    Processes,
    /// Earlier runs on this machine.
    EarlierRuns,
    /// An assumption about slow changes, until earlier runs have shown them.
    Assumed,
    /// Nothing yet: one process, and no earlier runs.
    Unknown,
}

/// Sums of squares of a one-way analysis of variance with random effects: runs, and processes within them.
#[derive(Clone, Copy, Debug, Default)]
struct Squares {
    runs: f64,
    processes: f64,
    within: f64,
    between: f64,
    /// Products of the deviations of runs that follow each other, and squares of all deviations.
    neighbours: f64,
    deviations: f64,
    /// Sum over groups of `N - sum(n^2) / N`.
    balance: f64,
    groups: f64,
}

impl Squares {
    fn add(&mut self, runs: &[Vec<Nanos>]) {
        let logs: Vec<Vec<f64>> = runs
            .iter()
            .map(|run| run.iter().copied().filter_map(logarithm).collect())
            .filter(|run: &Vec<f64>| !run.is_empty())
            .collect();
        let processes: f64 = logs.iter().map(|run| run.len() as f64).sum();
        if logs.len() < 2 {
            return;
        }
        let grand = logs.iter().flatten().sum::<f64>() / processes;
        let mut before = 0.0;
        for run in &logs {
            let (count, mean) = (run.len() as f64, run.iter().sum::<f64>() / run.len() as f64);
            self.neighbours += before * (mean - grand);
            self.deviations += (mean - grand).powi(2);
            before = mean - grand;
            self.within += run.iter().map(|value| (value - mean).powi(2)).sum::<f64>();
            self.between += count * (mean - grand).powi(2);
            self.balance -= count * count / processes;
        }
        self.balance += processes;
        self.processes += processes;
        self.runs += logs.len() as f64;
        self.groups += 1.0;
    }
}

impl Squares {
    /// What the sums tell; `None` where no group has two runs.
    fn scatter(&self) -> Option<Scatter> {
        let (between_dof, within_dof) = (self.runs - self.groups, self.processes - self.runs);
        if between_dof < 1.0 {
            return None;
        }
        let alike = if self.deviations > 0.0 { self.neighbours / self.deviations } else { 0.0 };
        let alike = alike.clamp(0.0, MOST_ALIKE);
        let counts_as = (1.0 - alike) / (1.0 + alike);
        let runs_per_group = self.runs / self.groups;
        // The mean of runs that are alike follows them, by as much as it scatters itself.
        let follows = (1.0 / (runs_per_group * counts_as)).min(0.5) - 1.0 / runs_per_group;
        let between = self.between / between_dof / (1.0 - follows.max(0.0));
        let within = if within_dof > 0.0 { self.within / within_dof } else { 0.0 };
        let per_run = (self.balance / between_dof).max(1.0);
        Some(Scatter {
            between_runs: ((between - within).max(0.0) / per_run).sqrt(),
            between_processes: within.sqrt(),
            canary: None,
            // However alike, so many runs are enough to speak of.
            degrees_of_freedom: (between_dof * counts_as).max(between_dof.min(EARNED)),
        })
    }
}

impl Scatter {
    /// What earlier runs tell: those of all models or, where there are enough of them and they scatter more, those of the
    /// model itself. `None` below two runs of any model.
    ///
    /// Runs that follow each other share the slow changes of a machine, so they say less than their number, and scatter
    /// less around their own mean than around that of all runs there could be. Both is made up for by the correlation of
    /// neighbours `r`, as if each run counted as `(1 - r) / (1 + r)` runs.
    #[must_use]
    pub fn of(earlier: &[EarlierRuns]) -> Option<Self> {
        let (mut own, mut all) = (Squares::default(), Squares::default());
        for group in earlier {
            if group.same_model {
                own.add(&group.runs);
            }
            all.add(&group.runs);
        }
        let own = Some(own).filter(|own| own.runs >= RUNS_OF_ITS_OWN).and_then(|own| own.scatter());
        [all.scatter(), own].into_iter().flatten().max_by(|a, b| a.reach(1).total_cmp(&b.reach(1)))
    }

    /// What is known of the machine alone: live runs' scatter says nothing of rigorous ones.
    #[must_use]
    pub const fn without_runs(self) -> Self {
        Self { between_runs: 0.0, between_processes: 0.0, canary: self.canary, degrees_of_freedom: 0.0 }
    }

    /// How far from its mean a fresh run of so many processes may lie, as a logarithm.
    fn reach(&self, processes: usize) -> f64 {
        self.variance(processes).sqrt() * student_quantile(CONFIDENCE, self.degrees_of_freedom)
    }

    /// Variance of the mean of a run of so many processes.
    fn variance(&self, processes: usize) -> f64 {
        self.between_runs.powi(2) + self.between_processes.powi(2) / processes.max(1) as f64
    }

    /// Whether it rests on enough runs to say how a fresh one would repeat.
    #[must_use]
    pub fn is_earned(&self) -> bool {
        self.degrees_of_freedom >= EARNED
    }
}

/// Where a fresh run's median would lie, from the medians of this run's processes in the order taken and from what
/// earlier runs have shown, if that is enough.
///
/// One process: earlier runs decide. Several: Student's t on the logarithms of their medians (from twelve processes on,
/// of six consecutive parts of them, for processes that follow each other share slow changes); where earlier runs scatter
/// more than this run's processes do, they decide; without earlier runs a scatter may be `assumed`. With one process and
/// no earlier runs nothing is known: the interval is `within` with a coverage of 0. `None` without a process.
pub(super) fn between_runs(
    medians: &[Nanos],
    within: Interval,
    earlier: Option<Scatter>,
    assumed: Option<f64>,
) -> Option<(Interval, Repeatability)> {
    let logs: Vec<f64> = medians.iter().copied().filter_map(logarithm).collect();
    medians.first()?;
    let own = MeanError::of_series(&logs)
        .map(|own| (own.error * student_quantile(CONFIDENCE, own.degrees_of_freedom), own.degrees_of_freedom));
    let earlier = earlier.filter(Scatter::is_earned);
    let remembered = earlier.map(|scatter| (scatter.reach(logs.len()), scatter.degrees_of_freedom));
    // Two processes alone know next to nothing (t is 12.7): what was seen before is the better judge.
    let own = own.filter(|&(_, degrees)| degrees > 1.0 || remembered.is_none());
    let (reach, degrees_of_freedom, basis) = match (own, remembered) {
        (Some((own, degrees)), Some((remembered, _))) if own >= remembered => (own, degrees, Basis::Processes),
        (_, Some((remembered, degrees))) => (remembered, degrees, Basis::EarlierRuns),
        (Some((own, degrees)), None) => {
            let assumed = assumed.unwrap_or_default() * student_quantile(CONFIDENCE, EARNED);
            (own.max(assumed), degrees, if own >= assumed { Basis::Processes } else { Basis::Assumed })
        }
        (None, None) => {
            let unknown = Repeatability { basis: Basis::Unknown, degrees_of_freedom: 0.0, scatter: None };
            return Some((Interval { coverage: 0.0, ..within }, unknown));
        }
    };
    let mean = logs.iter().sum::<f64>() / logs.len().max(1) as f64;
    let (low, high) = if logs.is_empty() {
        (within.low, within.high)
    } else {
        (rounded((mean - reach).exp()), rounded((mean + reach).exp()))
    };
    let scatter = earlier.filter(|_| basis == Basis::EarlierRuns);
    Some((Interval { low, high, coverage: CONFIDENCE }, Repeatability { basis, degrees_of_freedom, scatter }))
}

impl Repeatability {
    /// What the interval of a run of so many processes rests on, for people.
    #[must_use]
    pub fn describe(&self, processes: usize) -> String {
        match self.basis {
            Basis::Processes => format!("95 %, from {processes} fresh processes"),
            Basis::EarlierRuns => {
                format!(
                    "95 %, from how earlier runs on this machine scattered ({} degrees of freedom)",
                    self.degrees_of_freedom
                )
            }
            Basis::Assumed => {
                "95 % if slow changes are as assumed, until five runs on this machine have shown them".into()
            }
            Basis::Unknown => "of this run alone".into(),
        }
    }

    /// Whether enough is known to say how a fresh run would repeat.
    #[must_use]
    pub fn is_earned(&self) -> bool {
        self.degrees_of_freedom >= EARNED
    }
}

#[cfg(test)]
mod tests;
