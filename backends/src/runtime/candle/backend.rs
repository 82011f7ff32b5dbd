//! Stock Candle as a [`Backend`].

use super::{CandleExecutable, needed};
use crate::device::{Device, DeviceId};
use crate::graph::Graph;
use crate::runtime::backend::Backend;
use crate::runtime::{Executable, Fusing, KernelPlan, Precision, PrepareError, RunOptions, Runtime};
use crate::units::Bytes;
use crate::weights::Weights;

/// Candle's own operations.
#[derive(Clone, Copy, Debug)]
pub struct CandleBackend;

impl Backend for CandleBackend {
    fn runtime(&self) -> Runtime {
        Runtime::Candle
    }

    fn runs_on(&self, device: DeviceId) -> bool {
        !device.is_of_wgpu()
    }

    fn precisions(&self) -> &'static [Precision] {
        &[Precision::F32]
    }

    fn needed_memory(&self, graph: &Graph, (options, _): (&RunOptions, Fusing), _: Bytes) -> Bytes {
        match options.device {
            // On a memory of its own, of which its driver says what is missing.
            DeviceId::Cuda(_) => graph.input_shape().elements().bytes_f32(),
            _ => needed(graph, options.threads),
        }
    }

    fn plan(&self, graph: &Graph, _: (&RunOptions, Fusing)) -> KernelPlan {
        KernelPlan::one_per_layer(graph)
    }

    /// Stock Candle never fuses.
    fn compile(
        &self,
        graph: &Graph,
        weights: &Weights,
        device: &Device,
        _: (&RunOptions, Fusing),
    ) -> Result<Box<dyn Executable + Send>, PrepareError> {
        device.check_candle()?;
        Ok(Box::new(CandleExecutable::prepare(graph, weights, device)?))
    }
}
