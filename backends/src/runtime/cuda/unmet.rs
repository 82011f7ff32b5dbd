//! A card of which nothing was measured: what a network is planned for before there is a card.

use super::fusing::CudaFuses;
use super::kernels::{Card, GpuKernel, ImageStrides, Source, Variant};
use super::machine::{Machine, Untaken};
use crate::graph::Graph;
use crate::runtime::gpu::choices::Choice;
use crate::runtime::gpu::fusing::Chains;
use crate::runtime::plan::{KernelPlan, KernelSpec, partition};
use crate::runtime::{Fusing, Precision};

/// What every card from compute capability 7.5 on has, and no limit to its memory.
#[derive(Clone, Copy, Debug)]
struct Unmet;

impl Machine for Unmet {
    fn memory(&self) -> u64 {
        u64::MAX
    }

    fn variants(&self, kernel: &GpuKernel) -> Vec<Variant> {
        kernel.variants(&Card::LEAST)
    }

    fn choice(&self, _: &KernelSpec, _: ImageStrides) -> Option<Choice<Variant>> {
        None
    }

    fn compile_all(&self, _: &[&Source]) {}

    fn takes(&self, _: &Source) -> Result<(), Untaken> {
        Ok(())
    }
}

/// The kernels of a card of which nothing was measured yet.
pub(super) fn untuned_plan(graph: &Graph, (fusing, precision): (Fusing, Precision)) -> KernelPlan {
    let fuses = CudaFuses { chains: Chains::WherePaid, machine: &Unmet };
    KernelPlan::of(graph, &partition(graph, fusing, precision, &fuses), |_| None)
}
