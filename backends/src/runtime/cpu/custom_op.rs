//! The tuned runtime as a Candle operation, so that it composes with other Candle code.

use std::sync::Mutex;

use candle_core::{CpuStorage, CustomOp1, Layout, Shape, Tensor};

use super::executable::values;
use super::network::Network;

/// A compiled network as a custom op: images `[batch, 3, height, width]` to logits `[batch, classes]`, f32 on the CPU.
///
/// ```ignore
/// let logits = network.forward(&images)?;
/// let probabilities = candle_nn::ops::softmax(&logits, 1)?;
/// ```
#[derive(Debug)]
pub struct CpuNetwork {
    /// One run at a time: the feature maps have one place in memory.
    network: Mutex<Network>,
}

impl CpuNetwork {
    /// Wraps a compiled network.
    #[must_use]
    pub fn new(network: Network) -> Self {
        Self { network: Mutex::new(network) }
    }

    /// The logits of `images`.
    ///
    /// # Errors
    /// Where shape, type or device do not fit, or a thread failed.
    pub fn forward(&self, images: &Tensor) -> candle_core::Result<Tensor> {
        images.contiguous()?.apply_op1_no_bwd(self)
    }
}

impl CustomOp1 for CpuNetwork {
    fn name(&self) -> &'static str {
        "tuned-network"
    }

    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> candle_core::Result<(CpuStorage, Shape)> {
        let mut network = self.network.lock().map_err(|_| candle_core::Error::msg("an earlier run panicked"))?;
        let expected = <[usize; 4]>::from(network.input_shape());
        if layout.dims() != expected {
            candle_core::bail!("the network's input is {expected:?}, the input given is {:?}", layout.dims());
        }
        network.set_input(values(storage, layout)?);
        network.run().map_err(candle_core::Error::wrap)?;
        let (batch, classes) = network.output_dims();
        let mut logits = vec![0.0; batch * classes];
        network.output(&mut logits);
        Ok((CpuStorage::F32(logits), Shape::from((batch, classes))))
    }
}
