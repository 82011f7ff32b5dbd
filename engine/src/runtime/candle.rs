//! Stock Candle: candle-core and candle-nn operations as a Candle user would write the network, one kernel per layer.
//!
//! What that costs is the point of measuring it: a grouped convolution is a loop over groups in Candle, inference batch
//! normalisation four broadcast passes, padding a concatenation.

mod backend;
mod formulas;
mod memory;

pub use backend::CandleBackend;
use memory::needed;

use candle_core::{D, DType, Error, Tensor};
use candle_nn::{BatchNorm, Conv2d, Conv2dConfig, Linear, Module, ModuleT, PReLU};

use super::executable::{Executable, Marks, PrepareError, RunError, RunTimes, Stopwatch, check_input, made_up_input};
use super::plan::KernelPlan;
use crate::clock::Clock;
use crate::device::Device;
use crate::graph::{Activation, Graph, LocalNorm, Node, NodeId, Op, Shape, Window, last_uses};
use crate::weights::Weights;

/// A network in stock Candle operations, with its weights on one device.
#[derive(Debug)]
pub struct CandleExecutable {
    device: candle_core::Device,
    shape: Shape,
    plan: KernelPlan,
    steps: Vec<Step>,
    input: Tensor,
    output: Tensor,
}

/// One layer of the network.
#[derive(Debug)]
struct Step {
    path: String,
    layer: Layer,
    /// Indices of the values read.
    inputs: Vec<usize>,
    /// Indices of the values that nobody reads after this layer.
    dead: Vec<usize>,
}

/// What a layer computes, ready to run.
#[derive(Debug)]
enum Layer {
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

impl CandleExecutable {
    /// Puts the weights on the device and a made-up input in front of them.
    ///
    /// # Errors
    /// Where weights are missing or mis-shaped, memory would not suffice, or Candle has no such operation.
    pub fn prepare(graph: &Graph, weights: &Weights, device: &Device) -> Result<Self, PrepareError> {
        weights.check(graph)?;
        let device = device.candle().clone();
        let last = last_uses(graph);
        // The values that nobody reads after each layer.
        let mut dead = vec![Vec::new(); graph.nodes().len()];
        for (value, &NodeId(reader)) in last.iter().enumerate() {
            if value < reader
                && let Some(dead) = dead.get_mut(reader)
            {
                dead.push(value);
            }
        }
        let mut steps = Vec::with_capacity(graph.layers().len());
        for (id, node) in graph.layers() {
            let dead = dead.get_mut(id.0).map(std::mem::take).unwrap_or_default();
            let layer = layer(node, weights, &device)?;
            let inputs = node.inputs.iter().map(|input| input.0).collect();
            steps.push(Step { path: node.path.clone(), layer, inputs, dead });
        }
        let shape = graph.input_shape();
        let input = Tensor::from_vec(made_up_input(shape), &<[usize; 4]>::from(shape), &device)?;
        let mut plan = KernelPlan::one_per_layer(graph);
        for (kernel, step) in plan.kernels.iter_mut().zip(&steps) {
            kernel.launches = step.layer.launches();
        }
        Ok(Self { output: input.clone(), device, shape, plan, steps, input })
    }

    /// Runs every layer, calling `after` behind each.
    fn forward(&self, mut after: impl FnMut() -> Result<(), RunError>) -> Result<Tensor, RunError> {
        let mut values: Vec<Option<Tensor>> = Vec::with_capacity(self.steps.len() + 1);
        values.push(Some(self.input.clone()));
        for step in &self.steps {
            let in_layer = |source| RunError::Layer { layer: step.path.clone(), source };
            let value = step.run(&values).map_err(in_layer)?;
            values.push(Some(value));
            for &dead in &step.dead {
                if let Some(value) = values.get_mut(dead) {
                    *value = None;
                }
            }
            after()?;
        }
        let result = values.pop().flatten().unwrap_or_else(|| self.input.clone());
        Ok(result.flatten_from(1)?)
    }
}

impl Executable for CandleExecutable {
    fn set_input(&mut self, input: &Tensor) -> Result<(), RunError> {
        check_input(self.shape, input)?;
        self.input = input.to_device(&self.device)?.to_dtype(DType::F32)?.contiguous()?;
        Ok(())
    }

    /// Candle tells no device times.
    fn run(&mut self, clock: &dyn Clock, marks: Marks<'_>) -> Result<RunTimes, RunError> {
        let start = clock.now();
        self.output = match marks {
            Marks::None | Marks::Device => self.forward(|| Ok(()))?,
            Marks::Kernels(kernels) => {
                let mut stopwatch = Stopwatch::start(clock, kernels);
                self.forward(|| {
                    self.device.synchronize()?;
                    stopwatch.mark();
                    Ok(())
                })?
            }
        };
        let enqueue = clock.now().since(start);
        if self.device.is_cpu() {
            return Ok(RunTimes::on_host(enqueue));
        }
        self.device.synchronize()?;
        Ok(RunTimes { host: clock.now().since(start), enqueue, device: None })
    }

    fn logits(&mut self) -> Result<&Tensor, RunError> {
        Ok(&self.output)
    }

    fn plan(&self) -> &KernelPlan {
        &self.plan
    }

    /// Candle's CPU convolutions run on the rayon pool of the calling thread; a GPU is fed by one thread.
    fn threads(&self) -> usize {
        if self.device.is_cpu() { rayon::current_num_threads() } else { 1 }
    }
}

/// The node's layer with its weights on the device.
fn layer(node: &Node, weights: &Weights, device: &candle_core::Device) -> Result<Layer, Error> {
    let refuse = |what: &str| Error::Msg(format!("layer `{}`: Candle has no {what}", node.path));
    let parameter = |name: &str| {
        let name = format!("{}.{name}", node.path);
        let tensor = weights.get(&name).ok_or_else(|| Error::Msg(format!("there are no weights `{name}`")))?;
        Tensor::from_slice(&tensor.values, tensor.shape.as_slice(), device)
    };
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

impl Step {
    /// The layer's value from the values before it.
    fn run(&self, values: &[Option<Tensor>]) -> Result<Tensor, Error> {
        let inputs = self.inputs.iter().map(|&index| {
            let value = values.get(index).and_then(Option::as_ref);
            value.ok_or_else(|| Error::Msg("its input has been dropped already".into()))
        });
        let inputs = inputs.collect::<Result<Vec<&Tensor>, Error>>()?;
        match (&self.layer, inputs.as_slice()) {
            (Layer::Concat, maps) => Tensor::cat(maps, 1),
            (Layer::Add, [left, right]) => *left + *right,
            (Layer::Mul, [left, right]) => *left * *right,
            (Layer::Scale, [map, gate]) => map.broadcast_mul(gate),
            (Layer::Shift, [map, shift]) => map.broadcast_add(shift),
            (layer, [map]) => layer.run(map),
            (_, inputs) => Err(Error::Msg(format!("it got {} inputs", inputs.len()))),
        }
    }
}

impl Layer {
    /// How many operations Candle starts for the layer's main work. Its `conv2d` cuts input and weights of a grouped
    /// convolution into one piece per group, starts a convolution on each (on CUDA that is an unfolding, a matrix product
    /// and a copy) and joins the results.
    fn launches(&self) -> usize {
        match self {
            Self::Conv { conv, .. } => conv.config().groups,
            _ => 1,
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
fn pad_with(map: &Tensor, window: &Window, value: f32) -> Result<Tensor, Error> {
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

#[cfg(test)]
mod tests;
