//! The time of every layer on its own, from a plan that fuses nothing.

use std::ops::ControlFlow;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::progress::Reporter;
use super::protocol::{Protocol, SamplingRules};
use super::sampler::warm_up;
use super::statistics::Sorted;
use super::timed::{CLOCK_FAULTS_ALLOWED, kernel_run};
use super::{MeasureError, Phase, Progress};
use crate::clock::{Clock, ClockDomain};
use crate::graph::Graph;
use crate::runtime::{Executable, KernelPlan};
use crate::units::Nanos;

/// What the layers take when each of them runs as a kernel of its own. The sum is usually more than the fused network
/// takes: the difference is what fusing saves.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Apart {
    /// Every layer that computes, in execution order. A batch normalisation that is folded into a convolution's weights
    /// computes nothing, nor does a slice, concatenation, shuffle or flattening where the runtime moves no data for it.
    pub layers: Vec<LayerTime>,
    /// Median of the unfused network's marked runs.
    #[serde(rename = "whole_ns")]
    pub whole: Nanos,
    /// The clock of all times in here.
    #[serde(default)]
    pub clock: ClockDomain,
}

/// A layer and its time as a kernel of its own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LayerTime {
    /// The layer.
    pub path: String,
    /// Its median.
    #[serde(rename = "median_ns")]
    pub median: Nanos,
}

impl Apart {
    /// The time of one layer; `None` for one that does not compute.
    #[must_use]
    pub fn layer(&self, path: &str) -> Option<Nanos> {
        self.layers.iter().find(|layer| layer.path == path).map(|layer| layer.median)
    }

    /// The medians over marked runs of a plan with one kernel a layer; `None` where there is no run.
    fn of(plan: &KernelPlan, graph: &Graph, runs: Runs) -> Option<Self> {
        let Runs { kernels, whole, clock } = runs;
        let whole = Sorted::from_iter(whole).median()?;
        let layer = |(kernel, times): (&crate::runtime::Kernel, Vec<Nanos>)| {
            let layer = kernel.main_layer(graph)?;
            let median = Sorted::from_iter(times).median()?;
            Some((layer, LayerTime { path: graph.node(layer).path.clone(), median }))
        };
        let mut layers: Vec<_> = plan.kernels.iter().zip(kernels).filter_map(layer).collect();
        layers.sort_by_key(|(layer, _)| *layer);
        Some(Self { layers: layers.into_iter().map(|(_, layer)| layer).collect(), whole, clock })
    }
}

/// Marked runs of one clock.
#[derive(Debug, Default)]
struct Runs {
    /// Of each kernel, the times in all runs.
    kernels: Vec<Vec<Nanos>>,
    whole: Vec<Nanos>,
    clock: ClockDomain,
}

impl Runs {
    /// Takes a run. Once the host had to time one the device's timestamps have failed, and none of them is believed.
    fn push(&mut self, whole: Nanos, kernels: &[Nanos], clock: ClockDomain) {
        match (self.whole.is_empty(), self.clock, clock) {
            (true, _, _) | (_, ClockDomain::Device, ClockDomain::Host) => {
                *self = Self { kernels: vec![Vec::new(); kernels.len()], whole: Vec::new(), clock };
            }
            (_, ClockDomain::Host, ClockDomain::Device) => return,
            _ => {}
        }
        self.whole.push(whole);
        self.kernels.iter_mut().zip(kernels).for_each(|(times, time)| times.push(*time));
    }
}

/// Warms up a network that was [prepared apart](crate::runtime::prepare_apart) and takes marked runs alone, by the
/// protocol's rules for one process: as many samples and as long at most, and its least number of marked runs. `graph` is
/// what `exe` was prepared from. `progress` is called between runs, at most every 30 ms.
///
/// # Errors
/// Where a run fails, `progress` answers `Break`, or the clock is broken.
pub fn measure_apart(
    exe: &mut dyn Executable,
    graph: &Graph,
    protocol: &Protocol,
    clock: &dyn Clock,
    progress: &mut dyn FnMut(&Progress<'_>) -> ControlFlow<()>,
) -> Result<Apart, MeasureError> {
    let mut reporter = Reporter::new(clock, progress);
    let mut tell = |phase, fraction| reporter.report(&Progress { phase, fraction, samples: None });
    warm_up(exe, protocol.warm_up, clock, &mut |fraction| tell(Phase::WarmUp, fraction))?;
    let (mut runs, mut done, mut faults) = (Runs::default(), 0, 0);
    let mut kernels = Vec::with_capacity(exe.plan().kernels.len());
    let begin = clock.now();
    loop {
        let elapsed = clock.now().since(begin);
        tell(Phase::Sampling, fraction(&protocol.sampling, done, elapsed))?;
        if !wants_another(&protocol.sampling, done, elapsed) {
            break;
        }
        let Some(times) = kernel_run(exe, clock, &mut kernels)? else {
            faults += 1;
            if faults > CLOCK_FAULTS_ALLOWED {
                return Err(MeasureError::Clock { times: faults });
            }
            continue;
        };
        match times.device {
            Some(device) => runs.push(device, &kernels, ClockDomain::Device),
            None => runs.push(times.host, &kernels, ClockDomain::Host),
        }
        done += 1;
    }
    Apart::of(exe.plan(), graph, runs).ok_or(MeasureError::NoSamples)
}

fn wants_another(rules: &SamplingRules, done: usize, elapsed: Nanos) -> bool {
    let wanted = if elapsed < rules.patience { rules.minimum } else { rules.at_least };
    done < wanted.marked.max(1) || (done < rules.maximum_samples && elapsed < rules.maximum_time)
}

fn fraction(rules: &SamplingRules, done: usize, elapsed: Nanos) -> f64 {
    let of_samples = done as f64 / rules.maximum_samples.max(1) as f64;
    elapsed.share_of(rules.maximum_time).max(of_samples).min(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::MonotonicClock;
    use crate::design::Batch;
    use crate::graph::{Activation, Conv2d, GraphBuilder, Op, Shape, Window, lower};
    use crate::measure::KernelLabel;
    use crate::measure::fake::{FakeClock, FakeExecutable};
    use crate::runtime::{Fusing, RunOptions, Runtime, cpu, prepare_apart};
    use crate::weights::Weights;

    /// Three layers in a row, as many as the fake has kernels.
    fn graph() -> Graph {
        let mut builder = GraphBuilder::new("three", Shape::new(1, 4, 8, 8));
        let window = Window::square(1, 1);
        let conv = Conv2d { in_channels: 4, out_channels: 4, window, groups: 1, bias: true };
        let first = builder.push("first", Op::Conv2d(conv), &[builder.input()]).unwrap();
        let second = builder.push("second", Op::Activation(Activation::Relu), &[first]).unwrap();
        builder.push("third", Op::GlobalAvgPool, &[second]).unwrap();
        builder.finish()
    }

    fn micros(times: [u64; 3]) -> Vec<Nanos> {
        times.map(|time| Nanos(1_000 * time)).to_vec()
    }

    fn go_on(_: &Progress<'_>) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }

    #[test]
    fn every_layers_time_is_the_median_of_its_kernel_over_the_marked_runs() {
        let clock = FakeClock::new();
        // Every tenth run is disturbed in its second kernel.
        let kernels = |run: u64| micros([600, if run.is_multiple_of(10) { 900 } else { 100 }, 250]);
        let mut exe = FakeExecutable::new(&clock, |_| Nanos::from_millis(1)).with_kernels(3, kernels);
        let apart = measure_apart(&mut exe, &graph(), &Protocol::live(), &clock, &mut go_on).unwrap();
        let layer = |path: &str, micros: u64| LayerTime { path: path.into(), median: Nanos(1_000 * micros) };
        let layers = vec![layer("first", 600), layer("second", 100), layer("third", 250)];
        assert_eq!(apart, Apart { layers, whole: Nanos(950_000), clock: ClockDomain::Host });
        assert_eq!((apart.layer("second"), apart.layer("other")), (Some(Nanos(100_000)), None));
    }

    #[test]
    fn it_ends_with_the_protocols_samples_or_time_and_a_slow_network_with_its_least() {
        let runs = |micros_per_kernel: u64| {
            let clock = FakeClock::new();
            let whole = Nanos(3_000 * micros_per_kernel);
            let mut exe =
                FakeExecutable::new(&clock, move |_| whole).with_kernels(3, move |_| micros([micros_per_kernel; 3]));
            measure_apart(&mut exe, &graph(), &Protocol::live(), &clock, &mut go_on).unwrap();
            exe.runs()
        };
        // 50 ms of warm-up, then 2000 samples of 60 µs; 250 ms of samples of 3 ms; five of 90 ms within half a second;
        // one of 6 s.
        assert_eq!(runs(20), 834 + 2_000);
        assert_eq!(runs(1_000), 17 + 84);
        assert_eq!(runs(30_000), 3 + 5);
        assert_eq!(runs(2_000_000), 1 + 1);
    }

    #[test]
    fn progress_can_stop_it_and_a_broken_clock_or_plan_ends_it() {
        let clock = FakeClock::new();
        let fresh = |count| {
            FakeExecutable::new(&clock, |_| Nanos::from_millis(1)).with_kernels(count, |_| micros([10, 20, 30]))
        };
        let measure = |exe: &mut FakeExecutable, progress: &mut dyn FnMut(&Progress<'_>) -> ControlFlow<()>| {
            measure_apart(exe, &graph(), &Protocol::live(), &clock, progress)
        };
        let stop = measure(&mut fresh(3), &mut |progress| match progress.phase {
            Phase::WarmUp => ControlFlow::Continue(()),
            Phase::Sampling => ControlFlow::Break(()),
        });
        assert!(matches!(stop, Err(MeasureError::Cancelled)), "{stop:?}");
        let marks = measure(&mut fresh(2), &mut go_on);
        assert!(matches!(marks, Err(MeasureError::Marks { planned: 2, marked: 3 })), "{marks:?}");
        let turned = clock.clone();
        let mut exe = FakeExecutable::new(&clock, |_| Nanos::from_millis(1)).with_kernels(3, move |_| {
            turned.set_back(Nanos::from_millis(5));
            micros([10, 20, 30])
        });
        let broken = measure(&mut exe, &mut go_on);
        assert!(matches!(broken, Err(MeasureError::Clock { times: 21 })), "{broken:?}");
    }

    #[test]
    fn the_devices_clock_times_the_layers_unless_it_fails_on_the_way() {
        let clock = FakeClock::new();
        let measure = |works_until: u64| {
            let mut exe = FakeExecutable::new(&clock, |_| Nanos::from_millis(1))
                .with_kernels(3, |_| micros([60, 10, 20]))
                .with_device(move |run| (run < works_until).then_some(Nanos(95_000)));
            measure_apart(&mut exe, &graph(), &Protocol::live(), &clock, &mut go_on).unwrap()
        };
        let apart = measure(u64::MAX);
        assert_eq!((apart.clock, apart.whole), (ClockDomain::Device, Nanos(95_000)));
        assert_eq!(apart.layer("first"), Some(Nanos(60_000)));
        let apart = measure(100);
        assert_eq!((apart.clock, apart.whole), (ClockDomain::Host, Nanos(90_000)), "the host's runs alone");
    }

    /// What computes: everything but folded normalisations and what only renames rows.
    fn computing(graph: &Graph, runtime: Runtime) -> Vec<String> {
        let computes = |op: &Op, input: Option<&Op>| match op {
            Op::Slice { .. } | Op::Concat | Op::ChannelShuffle { .. } | Op::Flatten => false,
            Op::BatchNorm { .. } => !matches!(input, Some(Op::Conv2d(_))),
            _ => true,
        };
        let layers = graph.layers().filter(|(_, node)| {
            let input = node.inputs.first().map(|&input| &graph.node(input).op);
            runtime == Runtime::Candle || computes(&node.op, input)
        });
        layers.map(|(_, node)| node.path.clone()).collect()
    }

    #[test]
    fn every_computing_layer_of_a_real_network_is_there_once_on_either_runtime() {
        let design = crate::zoo::preset("shufflenet-v2-x0.5").unwrap();
        let design = design.apply(&crate::design::Edit::Input(crate::design::InputSize::square(32)));
        let graph = lower(&design, Batch(1)).unwrap();
        let mut protocol = Protocol::live();
        protocol.warm_up.maximum_time = Nanos::ZERO;
        protocol.sampling.maximum_samples = 2;
        protocol.sampling.minimum.marked = 1;
        for runtime in Runtime::ALL {
            let options = RunOptions { runtime, ..RunOptions::new(crate::device::DeviceId::Cpu, 1, 1) };
            let device = crate::device::Device::cpu();
            let mut exe = prepare_apart(&graph, &Weights::seeded(&graph, 1), &device, &options).unwrap();
            let clock = MonotonicClock::new();
            let apart = measure_apart(&mut *exe, &graph, &protocol, &clock, &mut go_on).unwrap();
            let paths: Vec<String> = apart.layers.iter().map(|layer| layer.path.clone()).collect();
            assert_eq!(paths, computing(&graph, runtime), "{runtime}");
            assert!(apart.layers.iter().map(|layer| layer.median).sum::<Nanos>() > Nanos::ZERO);
        }
        let labels = KernelLabel::of(&cpu::plan(&graph, Fusing::Apart), &graph);
        assert_eq!(labels.len(), computing(&graph, Runtime::Tuned).len());
    }
}
