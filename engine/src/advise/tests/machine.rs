//! A machine whose every cost is known: a launch costs, and channels are computed in tiles.

use crate::design::{Batch, Design};
use crate::device::DeviceId;
use crate::graph::lower;
use crate::predict::{Draw, Predictor};
use crate::runtime::plan::Work;
use crate::runtime::{KernelSpec, RunOptions, plan_without_weights};
use crate::store::{KernelRun, Timestamp};
use crate::units::Nanos;

/// See the module.
#[derive(Clone, Copy, Debug)]
pub(super) struct Machine {
    /// Channels of a group that are read together.
    pub read: usize,
    /// Channels of a group that are computed together.
    pub made: usize,
    /// How much faster convolutions in groups are.
    pub grouped: f64,
}

/// 32 channels of a group are computed together, and groups one by one.
pub(super) const TILED: Machine = Machine { read: 1, made: 32, grouped: 1.0 };

pub(super) fn options() -> RunOptions {
    RunOptions::new(DeviceId::Cpu, 1, 1)
}

fn specs(design: &Design) -> Vec<KernelSpec> {
    let graph = lower(design, Batch(1)).unwrap();
    let plan = plan_without_weights(&graph, &options()).unwrap();
    plan.kernels.into_iter().filter_map(|kernel| kernel.spec).collect()
}

impl Machine {
    fn kernel(self, spec: &KernelSpec) -> f64 {
        let mut input = spec.input;
        let mut time = 900.0;
        for step in &spec.steps {
            let groups = match step.work {
                Work::Conv { groups, .. } if !step.work.is_depthwise(input, step.output) => groups,
                _ => 1,
            };
            let channels = (step.output.channels / groups).next_multiple_of(self.made) * groups;
            let made = channels as f64 * (step.output.batch * step.output.pixels()) as f64;
            time += match step.work {
                Work::Conv { window, .. } => {
                    let taps = (window.kernel[0] * window.kernel[1]) as f64;
                    let is_depthwise = step.work.is_depthwise(input, step.output);
                    let read = (input.channels / groups).next_multiple_of(self.read) as f64;
                    let speed = if groups > 1 { self.grouped } else { 1.0 };
                    made * taps * if is_depthwise { 0.12 } else { read / 30.0 / speed }
                }
                Work::Linear => input.channels as f64 * made / 6.0,
                _ => made / 6.0,
            };
            input = step.output;
        }
        time
    }

    /// Nanoseconds of a run.
    pub fn truth(self, design: &Design) -> f64 {
        specs(design).iter().map(|spec| self.kernel(spec)).sum()
    }

    fn measure(self, design: &Design) -> KernelRun {
        let timed = |spec: KernelSpec| {
            let time = self.kernel(&spec);
            (spec, Nanos(time.round() as u64))
        };
        KernelRun {
            when: Timestamp(0),
            model: design.name.clone(),
            design: design.fingerprint(),
            whole: Nanos(self.truth(design).round() as u64),
            canary: None,
            kernels: specs(design).into_iter().map(timed).collect(),
            estimate: None,
        }
    }

    /// What is known when a hundred random designs were measured, and these.
    pub fn known(self, also: &[Design]) -> Predictor {
        let mut draw = Draw::new(11, None);
        let drawn: Vec<Design> = (0..120).map(|_| draw.design()).collect();
        let runs: Vec<KernelRun> = drawn.iter().chain(also).map(|design| self.measure(design)).collect();
        Predictor::new(&runs, None).unwrap()
    }
}
