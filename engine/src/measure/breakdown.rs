//! Where the time of a run goes, kernel by kernel.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::statistics::Sorted;
use super::{MeasureError, ProcessSamples};
use crate::clock::ClockDomain;
use crate::graph::Graph;
use crate::runtime::{Kernel, KernelPlan, WINOGRAD};
use crate::units::{Nanos, NanosDelta};

/// Where the time goes. `sum` is exactly the sum of the kernels' medians and `unaccounted` is exactly `marked_whole`
/// less `sum`; kernel times are never rescaled to fit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Breakdown {
    /// The kernels in launch order.
    pub kernels: Vec<KernelTime>,
    /// The clock of all times in here.
    #[serde(default)]
    pub clock: ClockDomain,
    /// Sum of the kernels' medians.
    #[serde(rename = "sum_ns")]
    pub sum: Nanos,
    /// Median of the marked runs' whole time.
    #[serde(rename = "marked_whole_ns")]
    pub marked_whole: Nanos,
    /// What the kernels do not account for; may be negative, for medians do not add up.
    #[serde(rename = "unaccounted_ns")]
    pub unaccounted: NanosDelta,
    /// `marked_whole` relative to the median of the runs whose kernels were not marked, of the same clock; `None` where
    /// that is 0 or unknown.
    pub marking_overhead: Option<f64>,
    /// How many marked runs.
    pub samples: usize,
}

/// What a kernel is, in words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct KernelLabel {
    /// Paths of the layers that it computes.
    pub layers: Vec<String>,
    /// What runs: `pointwise + batch-norm + relu`.
    pub label: String,
}

/// A kernel and its time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct KernelTime {
    /// Paths of the layers that it computes.
    pub layers: Vec<String>,
    /// What runs.
    pub label: String,
    /// The median over the marked runs.
    #[serde(rename = "median_ns")]
    pub median: Nanos,
    /// Lower end of the median's interval.
    #[serde(rename = "low_ns")]
    pub low: Nanos,
    /// Upper end of the median's interval.
    #[serde(rename = "high_ns")]
    pub high: Nanos,
}

impl KernelTime {
    /// Which kernel this is, without its time.
    #[must_use]
    pub fn kernel(&self) -> KernelLabel {
        KernelLabel { layers: self.layers.clone(), label: self.label.clone() }
    }

    /// Whether it is computed with fewer multiplications than its mult-adds, as its label says.
    #[must_use]
    pub fn is_winograd(&self) -> bool {
        self.label.contains(WINOGRAD)
    }
}

impl Breakdown {
    /// The breakdown over the marked runs of all processes. `unmarked` is the headline's median, and that of the runs that
    /// the device timed as a whole.
    ///
    /// It is in the device's clock where all marked runs are; else the device's timestamps are not believed, and it is
    /// over those that the host timed.
    pub(super) fn of(
        labels: &[KernelLabel],
        processes: &[ProcessSamples],
        unmarked: (Nanos, Option<Nanos>),
    ) -> Result<Option<Self>, MeasureError> {
        let clock = clock_of(processes);
        let runs: Vec<_> =
            processes.iter().flat_map(|process| &process.marked).filter(|run| run.clock == clock).collect();
        let unmarked = match clock {
            ClockDomain::Host => Some(unmarked.0),
            ClockDomain::Device => unmarked.1,
        };
        let planned = labels.len();
        if let Some(other) = runs.iter().find(|run| run.kernels.len() != planned) {
            return Err(MeasureError::Marks { planned, marked: other.kernels.len() });
        }
        let Some(marked_whole) = runs.iter().map(|run| run.whole).collect::<Sorted>().median() else {
            return Ok(None);
        };
        let kernel = |(index, label): (usize, &KernelLabel)| {
            let times: Sorted = runs.iter().filter_map(|run| run.kernels.get(index).copied()).collect();
            let (median, interval) = times.median().zip(times.median_interval())?;
            let KernelLabel { layers, label } = label.clone();
            Some(KernelTime { layers, label, median, low: interval.low, high: interval.high })
        };
        let kernels: Vec<KernelTime> = labels.iter().enumerate().filter_map(kernel).collect();
        let sum = kernels.iter().map(|kernel| kernel.median).sum();
        Ok(Some(Self {
            kernels,
            clock,
            sum,
            marked_whole,
            unaccounted: NanosDelta::between(marked_whole, sum),
            marking_overhead: unmarked.filter(|&time| time > Nanos::ZERO).map(|time| marked_whole.share_of(time)),
            samples: runs.len(),
        }))
    }
}

/// The clock that the marked runs of all processes have in common; the host's where they have none.
pub(super) fn clock_of(processes: &[ProcessSamples]) -> ClockDomain {
    let mut runs = processes.iter().flat_map(|process| &process.marked).peekable();
    let is_device = runs.peek().is_some() && runs.all(|run| run.clock == ClockDomain::Device);
    if is_device { ClockDomain::Device } else { ClockDomain::Host }
}

impl KernelLabel {
    /// The kernels of a plan, in launch order.
    #[must_use]
    pub fn of(plan: &KernelPlan, graph: &Graph) -> Vec<Self> {
        let label = |kernel: &Kernel| Self {
            layers: kernel.layers.iter().map(|&layer| graph.node(layer).path.clone()).collect(),
            label: kernel.label.clone(),
        };
        plan.kernels.iter().map(label).collect()
    }
}
