//! The CPU's tuned runtime as a [`Backend`].

use super::executable::CpuExecutable;
use super::memory::needed;
use crate::device::{Device, DeviceId};
use crate::graph::Graph;
use crate::runtime::backend::Backend;
use crate::runtime::{Executable, Fusing, Precision, PrepareError, RunOptions, Runtime};
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
        &[Precision::F32]
    }

    fn needed_memory(&self, graph: &Graph, (options, fusing): (&RunOptions, Fusing), most: Bytes) -> Bytes {
        needed(graph, (options.instruction_set, options.threads, fusing), most)
    }

    fn compile(
        &self,
        graph: &Graph,
        weights: &Weights,
        device: &Device,
        (options, fusing): (&RunOptions, Fusing),
    ) -> Result<Box<dyn Executable + Send>, PrepareError> {
        let how = (options.instruction_set, options.threads, fusing);
        Ok(Box::new(CpuExecutable::with_fusing(graph, weights, device, how)?))
    }
}
