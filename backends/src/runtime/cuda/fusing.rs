//! Which layers run in one launch on an NVIDIA GPU.

use super::kernels::{GpuKernel, ImageStrides};
use super::machine::Machine;
use crate::graph::Shape;
use crate::runtime::gpu::fusing::{Chains, Launchable, is_depthwise};
use crate::runtime::plan::{Fuses, KernelSpec, Work};
use crate::units::Nanos;

/// Pixels of all images up to which a whole unit is one launch, where nothing was measured. With more, one kernel a layer
/// keeps more of the chip busy.
const FEW_PIXELS_OF_A_UNIT: usize = 1568;

/// Pixels of all images up to which a depthwise convolution goes into the pointwise one behind it, where nothing was
/// measured.
const FEW_PIXELS: usize = 4096;

/// What our CUDA kernels compute in one launch, by what is known of a card.
#[derive(Clone, Copy)]
pub(super) struct CudaFuses<'a> {
    pub chains: Chains,
    pub machine: &'a dyn Machine,
}

impl Fuses for CudaFuses<'_> {
    fn takes(&self, kernel: &KernelSpec) -> bool {
        self.takes_in(self.chains, kernel)
    }

    fn first_launch(&self, chain: &KernelSpec) -> usize {
        self.first_launch_in(self.chains, chain)
    }
}

impl Launchable for CudaFuses<'_> {
    fn is_possible(&self, kernel: &KernelSpec) -> bool {
        let made = GpuKernel::of(kernel, &ImageStrides::plain(kernel));
        made.is_ok_and(|made| !self.machine.variants(&made).is_empty())
    }

    fn time(&self, kernel: &KernelSpec) -> Option<Nanos> {
        Some(self.machine.choice(kernel, ImageStrides::plain(kernel))?.time)
    }

    fn guess(&self, kernel: &KernelSpec) -> bool {
        let pixels = |map: Shape| map.batch * map.pixels();
        match kernel.steps.last().map(|step| step.work) {
            Some(Work::GlobalMean | Work::Pool { .. }) => true,
            _ if is_depthwise(kernel, 1) => pixels(kernel.output()) <= FEW_PIXELS_OF_A_UNIT,
            _ => pixels(kernel.output()) <= FEW_PIXELS,
        }
    }
}
