//! The runtime for NVIDIA's GPUs as a [`Backend`].

use super::executable::CudaExecutable;
use super::unmet::untuned_plan;
use crate::device::{Device, DeviceId};
use crate::graph::Graph;
use crate::runtime::backend::Backend;
use crate::runtime::gpu::host_memory;
use crate::runtime::{Executable, Fusing, KernelPlan, Precision, PrepareError, RunOptions, Runtime};
use crate::units::Bytes;
use crate::weights::Weights;

/// Our kernels for NVIDIA's GPUs.
#[derive(Clone, Copy, Debug)]
pub struct CudaBackend;

impl Backend for CudaBackend {
    fn runtime(&self) -> Runtime {
        Runtime::Tuned
    }

    fn runs_on(&self, device: DeviceId) -> bool {
        matches!(device, DeviceId::Cuda(_))
    }

    fn precisions(&self) -> &'static [Precision] {
        &Precision::NVIDIA
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
        Ok(Box::new(CudaExecutable::prepare(graph, weights, device, (fusing, options.precision))?))
    }
}
