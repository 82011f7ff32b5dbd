//! What candle-nn has no module for, in the operations that a Candle user would write it with.

use candle_core::{D, Error, Tensor};
use candle_nn::{Module, ops};

use super::layer::pad_with;
use crate::graph::{Activation, LocalNorm, Window};

/// An activation over a map.
pub(super) fn activation(activation: Activation, map: &Tensor) -> Result<Tensor, Error> {
    let [first, second] = activation.coefficients().map(|coefficient| coefficient.get());
    match activation {
        Activation::None => Ok(map.clone()),
        Activation::Relu => candle_nn::Activation::Relu.forward(map),
        Activation::Relu6 => candle_nn::Activation::Relu6.forward(map),
        Activation::Clip { .. } => map.clamp(first, second),
        Activation::LeakyRelu { .. } => candle_nn::Activation::LeakyRelu(first.into()).forward(map),
        Activation::Elu { .. } => candle_nn::Activation::Elu(first.into()).forward(map),
        Activation::HARD_SIGMOID => candle_nn::Activation::HardSigmoid.forward(map),
        Activation::HardSigmoid { .. } => map.affine(first.into(), second.into())?.clamp(0.0_f32, 1.0_f32),
        Activation::HardSwish => candle_nn::Activation::HardSwish.forward(map),
        Activation::Sigmoid => candle_nn::Activation::Sigmoid.forward(map),
        Activation::SILU => candle_nn::Activation::Silu.forward(map),
        Activation::Swish { .. } => map * ops::sigmoid(&map.affine(first.into(), 0.0)?)?,
        Activation::Tanh => map.tanh(),
        Activation::Gelu => candle_nn::Activation::Gelu.forward(map),
        Activation::GeluTanh => candle_nn::Activation::GeluPytorchTanh.forward(map),
        Activation::Mish => map * softplus(map)?.tanh()?,
        Activation::Softplus => softplus(map),
    }
}

/// `max(x, 0) + ln(1 + exp(-|x|))`, which does not overflow.
fn softplus(map: &Tensor) -> Result<Tensor, Error> {
    map.relu()? + map.abs()?.neg()?.exp()?.affine(1.0, 1.0)?.log()?
}

/// A vector of one value a channel as a map of one pixel.
pub(super) fn of_channels(vector: &Tensor) -> Result<Tensor, Error> {
    vector.reshape((1, (), 1, 1))
}

/// `x * scale + shift` of each channel.
pub(super) fn affine(map: &Tensor, scale: &Tensor, shift: Option<&Tensor>) -> Result<Tensor, Error> {
    let scaled = map.broadcast_mul(scale)?;
    match shift {
        Some(shift) => scaled.broadcast_add(shift),
        None => Ok(scaled),
    }
}

/// Each pixel's channels with a mean of zero and a variance of one, then scaled and shifted.
pub(super) fn layer_norm(map: &Tensor, scale: &Tensor, shift: &Tensor, eps: f64) -> Result<Tensor, Error> {
    let centred = map.broadcast_sub(&map.mean_keepdim(1)?)?;
    let variance = centred.sqr()?.mean_keepdim(1)?;
    affine(&centred.broadcast_div(&variance.affine(1.0, eps)?.sqrt()?)?, scale, Some(shift))
}

/// Each value by a power of its neighbours' squares, channel by channel.
pub(super) fn local_norm(map: &Tensor, norm: &LocalNorm) -> Result<Tensor, Error> {
    let channels = map.dim(1)?;
    let squares = map.sqr()?;
    let sum = |channel: usize| {
        let near = norm.neighbours(channel, channels);
        squares.narrow(1, near.start, near.len())?.sum_keepdim(1)
    };
    let sums = (0..channels).map(sum).collect::<Result<Vec<_>, Error>>()?;
    let alpha = f64::from(norm.alpha.get()) / norm.size.max(1) as f64;
    let divisor = Tensor::cat(&sums, 1)?.affine(alpha, norm.offset.get().into())?;
    map / divisor.powf(norm.beta.get().into())?
}

/// The largest of each channel's pixels.
pub(super) fn global_max(map: &Tensor) -> Result<Tensor, Error> {
    map.max_keepdim(D::Minus1)?.max_keepdim(D::Minus2)
}

/// The mean over the pixels under the window that count.
pub(super) fn mean_counted(map: &Tensor, window: &Window, counted: [[usize; 2]; 2]) -> Result<Tensor, Error> {
    let (_, _, height, width) = map.dims4()?;
    let pair = |[vertical, horizontal]: [usize; 2]| (vertical, horizontal);
    let mean = pad_with(map, window, 0.0)?.avg_pool2d_with_stride(pair(window.kernel), pair(window.stride))?;
    let (_, _, rows, columns) = mean.dims4()?;
    let share = |axis: usize, length: usize, count: usize| -> Vec<f32> {
        let taps = |at| window.counted_taps(axis, length, counted, at).max(1) as f32;
        (0..count).map(|at| window.kernel[axis] as f32 / taps(at)).collect()
    };
    let vertical = Tensor::from_vec(share(0, height, rows), (1, 1, rows, 1), map.device())?;
    let horizontal = Tensor::from_vec(share(1, width, columns), (1, 1, 1, columns), map.device())?;
    mean.broadcast_mul(&vertical)?.broadcast_mul(&horizontal)
}
