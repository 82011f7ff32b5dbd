//! The runtime for GPUs of every maker as a [`Backend`].

use super::executable::WgpuExecutable;
use crate::device::{Device, DeviceId};
use crate::graph::Graph;
use crate::runtime::backend::Backend;
use crate::runtime::{Executable, Fusing, Precision, PrepareError, RunOptions, Runtime};
use crate::units::Bytes;
use crate::weights::{Weights, expected_elements};

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
        &Precision::ALL
    }

    /// Packed weights and the input pass through the host; of its own memory the driver says what is missing.
    fn needed_memory(&self, graph: &Graph, _: (&RunOptions, Fusing), _: Bytes) -> Bytes {
        let ends = [graph.input_shape(), graph.node(graph.output()).output].map(|shape| shape.elements().bytes_f32().0);
        // Folded, packed and as bytes.
        let weights = expected_elements(graph).bytes_f32().0.saturating_mul(3);
        Bytes(ends.into_iter().fold(weights, |sum, end| sum.saturating_add(end.saturating_mul(2))))
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
