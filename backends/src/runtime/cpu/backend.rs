//! The CPU's tuned runtime as a [`Backend`].

use super::executable::{CpuExecutable, threads_of};
use super::memory::needed;
use super::{compile, int8};
use crate::device::{Device, DeviceId};
use crate::graph::Graph;
use crate::runtime::backend::Backend;
use crate::runtime::{Executable, Fusing, KernelPlan, Precision, PrepareError, RunOptions, Runtime};
use crate::units::Bytes;
use crate::weights::Weights;

/// Our kernels for processors.
#[derive(Clone, Copy, Debug)]
pub struct CpuBackend;

impl Backend for CpuBackend {
    fn runtime(&self) -> Runtime {
        Runtime::Tuned
    }

    fn runs_on(&self, device: DeviceId) -> bool {
        device == DeviceId::Cpu
    }

    fn precisions(&self) -> &'static [Precision] {
        &Precision::PROCESSOR
    }

    fn needed_memory(&self, graph: &Graph, (options, fusing): (&RunOptions, Fusing), most: Bytes) -> Bytes {
        needed(graph, (options.instruction_set, threads_of(options), fusing, options.precision), most)
    }

    fn plan(&self, graph: &Graph, (options, fusing): (&RunOptions, Fusing)) -> KernelPlan {
        match options.precision {
            Precision::Int8 => int8::plan(graph, fusing),
            precision => compile::plan_in(graph, fusing, precision),
        }
    }

    fn compile(
        &self,
        graph: &Graph,
        weights: &Weights,
        device: &Device,
        how: (&RunOptions, Fusing),
    ) -> Result<Box<dyn Executable + Send>, PrepareError> {
        Ok(Box::new(CpuExecutable::with_options(graph, weights, device, how)?))
    }
}
