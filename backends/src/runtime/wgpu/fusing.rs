//! Which layers run in one launch on a GPU.

use super::kernels::{GpuKernel, ImageStrides, Variant};
use crate::graph::Shape;
use crate::runtime::gpu::choices::Choices;
use crate::runtime::gpu::fusing::{Chains, Launchable, is_depthwise};
use crate::runtime::plan::{Fuses, KernelSpec, Work};
use crate::units::Nanos;

/// What our shaders compute in one launch, by what is known of this GPU.
#[derive(Clone, Copy, Debug)]
pub(super) struct WgpuFuses<'a> {
    pub chains: Chains,
    pub choices: &'a Choices<Variant>,
}

/// Pixels of all images up to which a depthwise convolution goes into the pointwise one behind it, where nothing was
/// measured: then a launch costs more than computing it once for every tile of output channels.
const FEW_PIXELS: usize = 4096;

/// Pixels of all images up to which a depthwise convolution goes with the pointwise one before it, where nothing was
/// measured: with more, the pointwise convolution is faster with workgroup memory for its input than for its output.
const FEWER_PIXELS: usize = 196;

impl Fuses for WgpuFuses<'_> {
    fn takes(&self, kernel: &KernelSpec) -> bool {
        self.takes_in(self.chains, kernel)
    }

    fn first_launch(&self, chain: &KernelSpec) -> usize {
        self.first_launch_in(self.chains, chain)
    }
}

impl Launchable for WgpuFuses<'_> {
    fn is_possible(&self, kernel: &KernelSpec) -> bool {
        GpuKernel::of(kernel, &ImageStrides::plain(kernel)).is_ok()
    }

    fn time(&self, kernel: &KernelSpec) -> Option<Nanos> {
        Some(self.choices.get(kernel, ImageStrides::plain(kernel))?.time)
    }

    fn guess(&self, kernel: &KernelSpec) -> bool {
        let pixels = |map: Shape| map.batch * map.pixels();
        match kernel.steps.last().map(|step| step.work) {
            Some(Work::GlobalMean | Work::Pool { .. }) => true,
            _ if is_depthwise(kernel, 1) => pixels(kernel.input) <= FEWER_PIXELS,
            _ => pixels(kernel.output()) <= FEW_PIXELS,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::Window;
    use crate::runtime::Precision;
    use crate::runtime::gpu::choices::Choice;
    use crate::runtime::plan::{Epilogue, Step};

    /// A pointwise, a depthwise and a pointwise convolution of eight channels.
    fn unit(side: usize) -> KernelSpec {
        let output = Shape::new(1, 8, side, side);
        let conv = |window, groups| Step { work: Work::Conv { window, groups }, output, epilogue: Epilogue::default() };
        let (pointwise, depthwise) = (conv(Window::square(1, 1), 1), conv(Window::square(3, 1), 8));
        KernelSpec { input: output, steps: vec![pointwise, depthwise, pointwise], precision: Precision::F32 }
    }

    /// The first launch of a unit on a map of 28x28, where the launches from one step to another take so long.
    fn measured(times: &[(usize, usize, u64)]) -> usize {
        let (choices, unit) = (Choices::new("none", None), unit(28));
        for &(from, to, time) in times {
            let launch = unit.part(from..to);
            let choice = Choice { variant: Variant::Each { threads: 64 }, time: Nanos(time) };
            choices.learn(&launch, ImageStrides::plain(&launch), choice);
        }
        WgpuFuses { chains: Chains::WherePaid, choices: &choices }.first_launch(&unit)
    }

    #[test]
    fn a_unit_is_cut_where_its_launches_take_the_least_time_together() {
        let apart = [(0, 1, 40), (1, 2, 30)];
        let with = |both: [(usize, usize, u64); 2]| measured(&[&apart[..], &both].concat());
        assert_eq!(with([(0, 2, 55), (1, 3, 50)]), 1, "the second pair saves more");
        assert_eq!(with([(0, 2, 55), (1, 3, 60)]), 2, "the first pair saves more");
        assert_eq!(with([(0, 2, 75), (1, 3, 60)]), 1, "only the second pair saves");
        assert_eq!(with([(0, 2, 75), (1, 3, 75)]), 1, "no pair saves");
        // Of the second pair nothing is known.
        assert_eq!(measured(&[&apart[..], &[(0, 2, 55)]].concat()), 2);
        assert_eq!(measured(&[&apart[..], &[(0, 2, 75)]].concat()), 1);
    }

    #[test]
    fn where_nothing_was_measured_few_pixels_take_the_depthwise_convolution_along_and_many_leave_it_to_the_next() {
        let choices = Choices::new("none", None);
        let fuses = WgpuFuses { chains: Chains::WherePaid, choices: &choices };
        let first = |spec: &KernelSpec| fuses.first_launch(spec);
        assert_eq!([7, 14, 15, 112].map(|side| first(&unit(side))), [2, 2, 1, 1]);
        assert_eq!([7, 14, 15, 112].map(|side| first(&unit(side).part(1..3))), [2, 2, 2, 1]);
    }

    #[test]
    fn each_pair_of_a_unit_is_met_in_one_of_the_ways_to_fuse_that_are_tuned() {
        let choices = Choices::new("none", None);
        let first =
            |chains| [0, 1].map(|from| WgpuFuses { chains, choices: &choices }.first_launch(&unit(7).part(from..3)));
        assert_eq!(first(Chains::Never), [1, 1]);
        assert_eq!(first(Chains::FromOthers), [2, 1]);
        assert_eq!(first(Chains::FromDepthwise), [1, 2]);
    }
}
