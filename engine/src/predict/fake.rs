//! A machine whose every cost is known, for tests: staircases, a cliff where a map leaves the cache, fixed cost between
//! kernels, and noise that a network's kernels have in common and that each has for itself.

use crate::design::{Batch, Design};
use crate::device::DeviceId;
use crate::graph::{Graph, lower};
use crate::measure::SplitMix64;
use crate::runtime::plan::Work;
use crate::runtime::{KernelPlan, KernelSpec, RunOptions, plan_without_weights};
use crate::store::{KernelRun, Timestamp};
use crate::units::Nanos;

/// See the module.
pub(crate) struct Machine {
    random: SplitMix64,
    /// Channels that are computed together.
    tile: usize,
    /// Standard deviations of a network's moment, of one kernel, and of the whole.
    noise: [f64; 3],
}

/// As a quiet machine has it.
pub(crate) const QUIET: [f64; 3] = [0.006, 0.02, 0.003];

impl Machine {
    pub(crate) fn new(seed: u64, tile: usize, noise: [f64; 3]) -> Self {
        Self { random: SplitMix64(seed), tile, noise }
    }

    pub(crate) fn normal(&mut self) -> f64 {
        (0..12).map(|_| self.random.unit()).sum::<f64>() - 6.0
    }

    /// Nanoseconds.
    fn kernel(&self, spec: &KernelSpec) -> f64 {
        let mut time = 700.0;
        let mut input = spec.input;
        for step in &spec.steps {
            let pixels = (step.output.batch * step.output.pixels()) as f64;
            time += match step.work {
                Work::Conv { window, .. } if step.work.is_depthwise(input, step.output) => {
                    let taps = (window.kernel[0] * window.kernel[1]) as f64;
                    taps * pixels * step.output.channels.next_multiple_of(self.tile) as f64 / 9.0
                }
                Work::Conv { window, groups } => {
                    let taps = (window.kernel[0] * window.kernel[1]) as f64;
                    let made = (step.output.channels / groups).next_multiple_of(self.tile) * groups;
                    let read = input.channels / groups;
                    // Short sums pay more for their beginning.
                    taps * pixels * made as f64 * (read as f64 + 6.0) / 28.0
                }
                Work::Linear => (input.channels * input.pixels() * step.output.channels) as f64 / 6.0,
                Work::Pool { window, .. } => {
                    (window.kernel[0] * window.kernel[1]) as f64 * step.output.elements().0 as f64 / 7.0
                }
                _ => step.output.elements().0 as f64 / 5.0,
            };
            input = step.output;
        }
        let bytes = 4.0 * (spec.input.elements().0 + spec.output().elements().0) as f64;
        // Beyond half a mebibyte maps come from the next cache.
        time + bytes / if bytes > f64::from(1 << 19) { 14.0 } else { 40.0 }
    }

    pub(crate) fn whole(&self, plan: &KernelPlan) -> f64 {
        let kernels = plan.kernels.iter().filter_map(|kernel| kernel.spec.as_ref());
        kernels.map(|spec| self.kernel(spec) + 60.0).sum::<f64>() + 4_000.0
    }

    pub(crate) fn measure(&mut self, design: &Design) -> KernelRun {
        let (graph, plan) = planned(design);
        let [moment, kernel, whole] = self.noise;
        let moment = moment * self.normal();
        let time = |log: f64, time: f64| Nanos((time * log.exp()).round() as u64);
        let kernels = plan.kernels.iter().filter_map(|planned| planned.spec.clone());
        let kernels: Vec<_> = kernels
            .map(|spec| {
                let noise = moment + kernel * self.normal();
                let took = time(noise, self.kernel(&spec));
                (spec, took)
            })
            .collect();
        let whole = moment + whole * self.normal();
        KernelRun {
            when: Timestamp(0),
            model: graph.name,
            design: design.fingerprint(),
            whole: time(whole, self.whole(&plan)),
            canary: None,
            kernels,
            estimate: None,
        }
    }
}

/// How it runs networks.
pub(crate) fn options() -> RunOptions {
    RunOptions::new(DeviceId::Cpu, 1, 1)
}

/// A design as graph and kernels.
pub(crate) fn planned(design: &Design) -> (Graph, KernelPlan) {
    let graph = lower(design, Batch(1)).unwrap();
    let plan = plan_without_weights(&graph, &options()).unwrap();
    (graph, plan)
}
