//! Which layers run in one launch on a GPU.

use super::choices::Choices;
use super::kernels::{GpuKernel, ImageStrides};
use crate::runtime::plan::{Fuses, KernelSpec, Work};

/// How much is fused of what can be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Chains {
    /// Nothing: every step its own launch.
    Never,
    /// Whatever one launch computes.
    Always,
    /// What was measured to be faster in one launch; a guess where nothing was measured.
    WherePaid,
}

/// What our shaders compute in one launch, by what is known of this GPU.
#[derive(Clone, Copy, Debug)]
pub(super) struct WgpuFuses<'a> {
    pub chains: Chains,
    pub choices: &'a Choices,
}

/// Pixels of all images up to which a depthwise convolution goes into the pointwise one behind it, where nothing was
/// measured: then a launch costs more than computing it once for every tile of output channels.
const FEW_PIXELS: usize = 4096;

impl Fuses for WgpuFuses<'_> {
    fn takes(&self, kernel: &KernelSpec) -> bool {
        let is_possible = GpuKernel::of(kernel, &ImageStrides::plain(kernel)).is_ok();
        is_possible && (kernel.steps.len() < 2 || self.pays(kernel))
    }
}

impl WgpuFuses<'_> {
    fn pays(&self, kernel: &KernelSpec) -> bool {
        match self.chains {
            Chains::Never => false,
            Chains::Always => true,
            Chains::WherePaid => self.is_faster(kernel).unwrap_or_else(|| guess(kernel)),
        }
    }

    /// Whether one launch is faster than one for each step, as measured.
    fn is_faster(&self, kernel: &KernelSpec) -> Option<bool> {
        let together = self.choices.get(kernel, ImageStrides::plain(kernel))?.time;
        let mut apart = 0;
        for (index, step) in kernel.steps.iter().enumerate() {
            let input = kernel.input_of(index);
            let alone = KernelSpec { input, steps: vec![*step], precision: kernel.precision };
            apart += self.choices.get(&alone, ImageStrides::plain(&alone))?.time.0;
        }
        Some(together.0 < apart)
    }
}

fn guess(kernel: &KernelSpec) -> bool {
    let output = kernel.output();
    match kernel.steps.last().map(|step| step.work) {
        Some(Work::GlobalMean | Work::Pool { .. }) => true,
        _ => output.batch * output.pixels() <= FEW_PIXELS,
    }
}
