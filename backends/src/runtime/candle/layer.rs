//! A graph's layer in Candle's operations: what the runtime runs, and what trains on the devices that only Candle knows.

use candle_core::{D, Error, Tensor};
use candle_nn::{BatchNorm, Conv2d, Conv2dConfig, Linear, Module, ModuleT, PReLU};

use super::formulas;
use crate::graph::{Activation, LocalNorm, Node, Op, Window};

/// What a layer computes, ready to run.
#[derive(Debug)]
pub enum Layer {
    /// With the window whose padding is not the convolution's own.
    Conv {
        conv: Conv2d,
        pad: Option<Window>,
    },
    BatchNorm(Box<BatchNorm>),
    Activation(Activation),
    PRelu(PReLU),
    /// Scale and shift, as maps of one pixel.
    Affine(Tensor, Option<Tensor>),
    OverChannels {
        scale: Tensor,
        shift: Tensor,
        eps: f64,
    },
    LocalNorm(LocalNorm),
    MaxPool(Window),
    AvgPool(Window),
    AvgPoolCounted(Window, [[usize; 2]; 2]),
    GlobalAvgPool,
    GlobalMaxPool,
    Flatten,
    Linear(Linear),
    Add,
    Mul,
    Scale,
    Shift,
    Repeat {
        channels: usize,
    },
    Concat,
    Slice {
        start: usize,
        channels: usize,
    },
    Shuffle {
        groups: usize,
    },
}

/// The node's layer; `parameter` has its parameters by their names in the layer, on the device.
pub fn layer(node: &Node, parameter: &dyn Fn(&str) -> Result<Tensor, Error>) -> Result<Layer, Error> {
    let refuse = |what: &str| Error::Msg(format!("layer `{}`: Candle has no {what}", node.path));
    let bias = |is_there: bool| is_there.then(|| parameter("bias")).transpose();
    Ok(match &node.op {
        Op::Input => return Err(refuse("second input")),
        Op::Conv2d(conv) => {
            let Window { stride, padding, dilation, .. } = conv.window;
            if stride[0] != stride[1] || dilation[0] != dilation[1] {
                return Err(refuse("convolution with different vertical and horizontal stride or dilation"));
            }
            // Candle pads all four sides alike; other padding is an operation of its own.
            let alike = padding[0] == padding[1] && !conv.window.is_uneven();
            let (padding, pad) = if alike { (padding[0], None) } else { (0, Some(conv.window)) };
            let config = Conv2dConfig {
                padding,
                stride: stride[0],
                dilation: dilation[0],
                groups: conv.groups,
                cudnn_fwd_algo: None,
            };
            Layer::Conv { conv: Conv2d::new(parameter("weight")?, bias(conv.bias)?, config), pad }
        }
        Op::BatchNorm { channels, eps } => Layer::BatchNorm(Box::new(BatchNorm::new(
            *channels,
            parameter("running_mean")?,
            parameter("running_var")?,
            parameter("weight")?,
            parameter("bias")?,
            *eps,
        )?)),
        Op::Activation(activation) => Layer::Activation(*activation),
        Op::PRelu { channels } => Layer::PRelu(PReLU::new(parameter("weight")?, *channels == 1)),
        Op::Affine { shift, .. } => {
            let shift = bias(*shift)?.as_ref().map(formulas::of_channels).transpose()?;
            Layer::Affine(formulas::of_channels(&parameter("weight")?)?, shift)
        }
        Op::LayerNorm { eps, .. } => {
            let of = |name| formulas::of_channels(&parameter(name)?);
            Layer::OverChannels { scale: of("weight")?, shift: of("bias")?, eps: *eps }
        }
        Op::LocalNorm(norm) => Layer::LocalNorm(*norm),
        Op::MaxPool(window) | Op::AvgPool(window) | Op::AvgPoolCounted { window, .. } if window.dilation != [1, 1] => {
            return Err(refuse("dilated pooling"));
        }
        Op::MaxPool(window) => Layer::MaxPool(*window),
        Op::AvgPool(window) => Layer::AvgPool(*window),
        Op::AvgPoolCounted { window, counted } => Layer::AvgPoolCounted(*window, *counted),
        Op::GlobalAvgPool => Layer::GlobalAvgPool,
        Op::GlobalMaxPool => Layer::GlobalMaxPool,
        Op::Flatten => Layer::Flatten,
        Op::Linear { bias: has_bias, .. } => Layer::Linear(Linear::new(parameter("weight")?, bias(*has_bias)?)),
        Op::Add => Layer::Add,
        Op::Mul => Layer::Mul,
        Op::Scale => Layer::Scale,
        Op::Shift => Layer::Shift,
        Op::Repeat { channels } => Layer::Repeat { channels: *channels },
        Op::Concat => Layer::Concat,
        Op::Slice { start, channels } => Layer::Slice { start: *start, channels: *channels },
        Op::ChannelShuffle { groups } => Layer::Shuffle { groups: *groups },
    })
}

impl Layer {
    /// How many operations Candle starts for the layer's main work. Its `conv2d` cuts input and weights of a grouped
    /// convolution into one piece per group, starts a convolution on each (on CUDA that is an unfolding, a matrix product
    /// and a copy) and joins the results.
    pub(super) fn launches(&self) -> usize {
        match self {
            Self::Conv { conv, .. } => conv.config().groups,
            _ => 1,
        }
    }

    /// The layer's value from its inputs.
    pub fn of(&self, inputs: &[&Tensor]) -> Result<Tensor, Error> {
        match (self, inputs) {
            (Self::Concat, maps) => Tensor::cat(maps, 1),
            (Self::Add, [left, right]) => *left + *right,
            (Self::Mul, [left, right]) => *left * *right,
            (Self::Scale, [map, gate]) => map.broadcast_mul(gate),
            (Self::Shift, [map, shift]) => map.broadcast_add(shift),
            (layer, [map]) => layer.run(map),
            (_, inputs) => Err(Error::Msg(format!("it got {} inputs", inputs.len()))),
        }
    }

    /// The layer's value from its only input, `[batch, channels, height, width]`.
    fn run(&self, map: &Tensor) -> Result<Tensor, Error> {
        match self {
            Self::Conv { conv, pad: None } => conv.forward(map),
            Self::Conv { conv, pad: Some(window) } => conv.forward(&pad_with(map, window, 0.0)?),
            Self::BatchNorm(norm) => norm.forward_t(map, false),
            Self::Activation(activation) => formulas::activation(*activation, map),
            Self::PRelu(prelu) => prelu.forward(map),
            Self::Affine(scale, shift) => formulas::affine(map, scale, shift.as_ref()),
            Self::OverChannels { scale, shift, eps } => formulas::layer_norm(map, scale, shift, *eps),
            Self::LocalNorm(norm) => formulas::local_norm(map, norm),
            Self::MaxPool(window) => pad_with(map, window, f32::NEG_INFINITY)?
                .max_pool2d_with_stride(pair(window.kernel), pair(window.stride)),
            Self::AvgPool(window) => {
                pad_with(map, window, 0.0)?.avg_pool2d_with_stride(pair(window.kernel), pair(window.stride))
            }
            Self::AvgPoolCounted(window, counted) => formulas::mean_counted(map, window, *counted),
            Self::GlobalAvgPool => map.mean_keepdim((D::Minus2, D::Minus1)),
            Self::GlobalMaxPool => formulas::global_max(map),
            Self::Repeat { channels } => map.repeat((1, *channels, 1, 1)),
            Self::Flatten => flat(map),
            Self::Linear(linear) => flat(&linear.forward(&map.flatten_from(1)?)?),
            Self::Slice { start, channels } => map.narrow(1, *start, *channels),
            Self::Shuffle { groups } => {
                let (batch, channels, height, width) = map.dims4()?;
                let grouped = map.reshape((batch, *groups, channels / groups, height, width))?;
                grouped.transpose(1, 2)?.reshape((batch, channels, height, width))
            }
            Self::Add | Self::Mul | Self::Scale | Self::Shift | Self::Concat => Ok(map.clone()),
        }
    }
}

/// `[batch, ..]` as a map of one pixel, `[batch, features, 1, 1]`; moves no data.
fn flat(value: &Tensor) -> Result<Tensor, Error> {
    let value = value.flatten_from(1)?;
    let (batch, features) = value.dims2()?;
    value.reshape((batch, features, 1, 1))
}

const fn pair([vertical, horizontal]: [usize; 2]) -> (usize, usize) {
    (vertical, horizontal)
}

/// The map with the window's padding of `value` around it. Candle's pooling has no padding of its own, and its
/// `pad_with_zeros` would let the border win the maximum of negative values.
pub(super) fn pad_with(map: &Tensor, window: &Window, value: f32) -> Result<Tensor, Error> {
    let mut padded = map.clone();
    for axis in [2, 3] {
        let border = |size: usize| {
            let mut dims = padded.dims().to_vec();
            if let Some(length) = dims.get_mut(axis) {
                *length = size;
            }
            Tensor::full(value, dims, padded.device())
        };
        padded = match [window.padding[axis - 2], window.padding_end[axis - 2]] {
            [0, 0] => continue,
            [0, end] => Tensor::cat(&[&padded, &border(end)?], axis)?,
            [start, 0] => Tensor::cat(&[&border(start)?, &padded], axis)?,
            [start, end] => Tensor::cat(&[&border(start)?, &padded, &border(end)?], axis)?,
        };
    }
    Ok(padded)
}
