//! The runtime for GPUs of every maker as a [`Backend`].

use super::compile::untuned_plan;
use super::executable::WgpuExecutable;
use crate::device::{Device, DeviceId};
use crate::graph::Graph;
use crate::runtime::backend::Backend;
use crate::runtime::gpu::host_memory;
use crate::runtime::{Executable, Fusing, KernelPlan, Precision, PrepareError, RunOptions, Runtime};
use crate::units::Bytes;
use crate::weights::Weights;

/// Our kernels for graphics cards.
#[derive(Clone, Copy, Debug)]
pub struct WgpuBackend;

impl Backend for WgpuBackend {
    fn runtime(&self) -> Runtime {
        Runtime::Tuned
    }

    fn runs_on(&self, device: DeviceId) -> bool {
        device.is_of_wgpu()
    }

    fn precisions(&self) -> &'static [Precision] {
        &Precision::PORTABLE
    }

    fn needed_memory(&self, graph: &Graph, _: (&RunOptions, Fusing), _: Bytes) -> Bytes {
        host_memory(graph)
    }

    fn plan(&self, graph: &Graph, (options, fusing): (&RunOptions, Fusing)) -> KernelPlan {
        untuned_plan(graph, (fusing, options.precision))
    }

    fn compile(
        &self,
        graph: &Graph,
        weights: &Weights,
        device: &Device,
        (options, fusing): (&RunOptions, Fusing),
    ) -> Result<Box<dyn Executable + Send>, PrepareError> {
        Ok(Box::new(WgpuExecutable::prepare(graph, weights, device, (fusing, options.precision))?))
    }
}
