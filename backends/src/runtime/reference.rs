//! What every operation means, in plain loops: 32-bit values, 64-bit accumulation, no cleverness. For tests only.
//!
//! What is not a number stays one, as in PyTorch: in activations, in maxima, in sums. Zeros around a map are left out of
//! a convolution's sums, so that they are nothing beside weights that are not finite.

mod activations;
#[cfg(test)]
mod tests;

use thiserror::Error;

pub(super) use activations::activate;

use crate::device::available_memory;
use crate::graph::{Conv2d, Graph, LocalNorm, Node, Op, Shape, Window};
use crate::units::{Bytes, Elements};
use crate::weights::{WeightTensor, Weights, WeightsError};

/// Why the reference cannot compute a graph.
#[derive(Debug, Error)]
pub enum ReferenceError {
    /// Weights do not fit.
    #[error(transparent)]
    Weights(#[from] WeightsError),
    /// More memory than the machine has free: every value is kept.
    #[error(
        "the reference keeps every value of `{design}`, {needed} in all, and {available} are free: lower batch or input"
    )]
    TooLarge {
        /// The network's name.
        design: String,
        /// All values together.
        needed: Bytes,
        /// What the system reports as available.
        available: Bytes,
    },
    /// The input does not fit.
    #[error("the network's input is {expected}, {given} values were given")]
    Input {
        /// The graph's input.
        expected: Shape,
        /// Values given.
        given: usize,
    },
}

/// The network's result for `input` (`[batch, channels, height, width]`, row-major).
///
/// # Errors
/// Where weights or input do not fit the graph.
pub fn run(graph: &Graph, weights: &Weights, input: &[f32]) -> Result<Vec<f32>, ReferenceError> {
    Ok(run_all(graph, weights, input)?.pop().unwrap_or_default())
}

/// Every node's value, in the graph's order.
///
/// # Errors
/// As [`run`].
pub fn run_all(graph: &Graph, weights: &Weights, input: &[f32]) -> Result<Vec<Vec<f32>>, ReferenceError> {
    weights.check(graph)?;
    let expected = graph.input_shape();
    if expected.elements().0 != input.len() as u64 {
        return Err(ReferenceError::Input { expected, given: input.len() });
    }
    let needed = needed(graph);
    if let Some(available) = available_memory()
        && needed > available
    {
        return Err(ReferenceError::TooLarge { design: graph.name.clone(), needed, available });
    }
    let mut values: Vec<Vec<f32>> = vec![input.to_vec()];
    for (_, node) in graph.layers() {
        let inputs: Vec<Map<'_>> =
            node.inputs.iter().map(|&id| Map { shape: graph.node(id).output, values: &values[id.0] }).collect();
        values.push(compute(node, weights, &inputs));
    }
    Ok(values)
}

/// What [`run_all`] takes: all values, and the names of none.
fn needed(graph: &Graph) -> Bytes {
    let all = graph.nodes().iter().fold(0_u64, |sum, node| sum.saturating_add(node.output.elements().0));
    Elements(all).bytes_f32()
}

/// A value with its shape.
#[derive(Clone, Copy)]
struct Map<'a> {
    shape: Shape,
    values: &'a [f32],
}

impl Map<'_> {
    fn at(&self, n: usize, c: usize, y: usize, x: usize) -> f32 {
        let Shape { channels, height, width, .. } = self.shape;
        self.values[((n * channels + c) * height + y) * width + x]
    }

    /// All pixels of a channel.
    fn pixels(&self, n: usize, c: usize) -> impl Iterator<Item = f32> {
        let pixels = self.shape.pixels();
        self.values[(n * self.shape.channels + c) * pixels..][..pixels].iter().copied()
    }

    /// Value at a position that may lie outside the map.
    fn inside(&self, n: usize, c: usize, y: Option<usize>, x: Option<usize>) -> Option<f64> {
        let (y, x) = (y.filter(|&y| y < self.shape.height)?, x.filter(|&x| x < self.shape.width)?);
        Some(self.at(n, c, y, x).into())
    }
}

/// The node's value; shapes have been checked by the graph's builder and weights by [`Weights::check`].
fn compute(node: &Node, weights: &Weights, inputs: &[Map<'_>]) -> Vec<f32> {
    let parameter = |name: &str| weights.get(&format!("{}.{name}", node.path));
    let vector = |name: &str| parameter(name).map_or(&[][..], |tensor| &tensor.values);
    let out = node.output;
    let first = inputs[0];
    match &node.op {
        Op::Input => first.values.to_vec(),
        Op::Conv2d(conv) => convolution(conv, first, parameter("weight"), vector("bias"), out),
        Op::BatchNorm { eps, .. } => {
            let (weight, bias) = (vector("weight"), vector("bias"));
            let (mean, var) = (vector("running_mean"), vector("running_var"));
            each(out, |n, c, y, x| {
                let centred = f64::from(first.at(n, c, y, x)) - f64::from(mean[c]);
                centred / (f64::from(var[c]) + eps).sqrt() * f64::from(weight[c]) + f64::from(bias[c])
            })
        }
        Op::Activation(activation) => {
            first.values.iter().map(|&value| activate(*activation, value.into()) as f32).collect()
        }
        Op::PRelu { .. } => {
            let slopes = vector("weight");
            each(out, |n, c, y, x| {
                let (value, slope) = (f64::from(first.at(n, c, y, x)), slopes[if slopes.len() == 1 { 0 } else { c }]);
                if value < 0.0 { value * f64::from(slope) } else { value }
            })
        }
        Op::Affine { .. } => {
            let (weight, bias) = (vector("weight"), vector("bias"));
            let shift = |c: usize| f64::from(bias.get(c).copied().unwrap_or(0.0));
            each(out, |n, c, y, x| f64::from(first.at(n, c, y, x)) * f64::from(weight[c]) + shift(c))
        }
        Op::LayerNorm { channels, eps } => {
            let (weight, bias) = (vector("weight"), vector("bias"));
            each(out, |n, c, y, x| {
                let values = || (0..*channels).map(|c| f64::from(first.at(n, c, y, x)));
                let mean = values().sum::<f64>() / *channels as f64;
                let variance = values().map(|value| (value - mean).powi(2)).sum::<f64>() / *channels as f64;
                let centred = f64::from(first.at(n, c, y, x)) - mean;
                centred / (variance + eps).sqrt() * f64::from(weight[c]) + f64::from(bias[c])
            })
        }
        Op::LocalNorm(norm) => local_norm(norm, first, out),
        Op::MaxPool(window) => each(out, |n, c, y, x| {
            let values = taps(window, y, x).filter_map(|(_, y, x)| first.inside(n, c, y, x));
            values.fold(f64::NEG_INFINITY, larger)
        }),
        Op::AvgPool(window) => each(out, |n, c, y, x| {
            taps(window, y, x).filter_map(|(_, y, x)| first.inside(n, c, y, x)).sum::<f64>() / window.taps() as f64
        }),
        Op::AvgPoolCounted { window, counted } => each(out, |n, c, y, x| {
            let sum = taps(window, y, x).filter_map(|(_, y, x)| first.inside(n, c, y, x)).sum::<f64>();
            let rows = window.counted_taps(0, first.shape.height, *counted, y);
            sum / (rows * window.counted_taps(1, first.shape.width, *counted, x)) as f64
        }),
        Op::GlobalAvgPool => {
            each(out, |n, c, _, _| first.pixels(n, c).map(f64::from).sum::<f64>() / first.shape.pixels() as f64)
        }
        Op::GlobalMaxPool => each(out, |n, c, _, _| first.pixels(n, c).map(f64::from).fold(f64::NEG_INFINITY, larger)),
        Op::Flatten => first.values.to_vec(),
        Op::Linear { in_features, .. } => {
            let (weight, bias) = (vector("weight"), vector("bias"));
            each(out, |n, o, _, _| {
                let image = &first.values[n * in_features..][..*in_features];
                let row = &weight[o * in_features..][..*in_features];
                let products = image.iter().zip(row).map(|(&value, &weight)| f64::from(value) * f64::from(weight));
                products.sum::<f64>() + f64::from(bias.get(o).copied().unwrap_or(0.0))
            })
        }
        Op::Add => first.values.iter().zip(inputs[1].values).map(|(a, b)| a + b).collect(),
        Op::Scale => each(out, |n, c, y, x| f64::from(first.at(n, c, y, x)) * f64::from(inputs[1].at(n, c, 0, 0))),
        Op::Mul => first.values.iter().zip(inputs[1].values).map(|(a, b)| a * b).collect(),
        Op::Shift => each(out, |n, c, y, x| f64::from(first.at(n, c, y, x)) + f64::from(inputs[1].at(n, c, 0, 0))),
        Op::Repeat { .. } => each(out, |n, _, y, x| first.at(n, 0, y, x).into()),
        Op::Concat => each(out, |n, c, y, x| {
            let mut c = c;
            for input in inputs {
                if c < input.shape.channels {
                    return input.at(n, c, y, x).into();
                }
                c -= input.shape.channels;
            }
            f64::NAN
        }),
        Op::Slice { start, .. } => each(out, |n, c, y, x| first.at(n, start + c, y, x).into()),
        Op::ChannelShuffle { groups } => {
            let per_group = out.channels / groups;
            each(out, |n, c, y, x| first.at(n, c % groups * per_group + c / groups, y, x).into())
        }
    }
}

/// A map of `shape` whose elements are computed one by one, rounded to 32 bits.
fn each(shape: Shape, element: impl Fn(usize, usize, usize, usize) -> f64) -> Vec<f32> {
    let mut values = Vec::with_capacity(shape.batch * shape.channels * shape.pixels());
    for n in 0..shape.batch {
        for c in 0..shape.channels {
            for y in 0..shape.height {
                for x in 0..shape.width {
                    values.push(element(n, c, y, x) as f32);
                }
            }
        }
    }
    values
}

/// The taps of a window at output `(y, x)`: index in the kernel and position in the input, `None` where that is negative.
fn taps(window: &Window, y: usize, x: usize) -> impl Iterator<Item = (usize, Option<usize>, Option<usize>)> + '_ {
    let place = |axis: usize, out: usize, tap: usize| {
        (out * window.stride[axis] + tap * window.dilation[axis]).checked_sub(window.padding[axis])
    };
    (0..window.taps()).map(move |tap| {
        let (row, column) = (tap / window.kernel[1], tap % window.kernel[1]);
        (tap, place(0, y, row), place(1, x, column))
    })
}

fn convolution(conv: &Conv2d, input: Map<'_>, weight: Option<&WeightTensor>, bias: &[f32], out: Shape) -> Vec<f32> {
    let weight = weight.map_or(&[][..], |tensor| &tensor.values);
    let (per_group_in, per_group_out) = (conv.in_channels / conv.groups, conv.out_channels / conv.groups);
    let filter_size = per_group_in * conv.window.taps();
    each(out, |n, o, y, x| {
        let filter = &weight[o * filter_size..][..filter_size];
        let first_channel = o / per_group_out * per_group_in;
        let mut sum = f64::from(bias.get(o).copied().unwrap_or(0.0));
        for (tap, y, x) in taps(&conv.window, y, x) {
            for i in 0..per_group_in {
                if let Some(value) = input.inside(n, first_channel + i, y, x) {
                    sum += value * f64::from(filter[i * conv.window.taps() + tap]);
                }
            }
        }
        sum
    })
}

/// The greater one; what is not a number wins.
fn larger(most: f64, value: f64) -> f64 {
    if most.is_nan() || most > value { most } else { value }
}

fn local_norm(norm: &LocalNorm, map: Map<'_>, out: Shape) -> Vec<f32> {
    let [alpha, beta, offset] = [norm.alpha, norm.beta, norm.offset].map(|coefficient| f64::from(coefficient.get()));
    each(out, |n, c, y, x| {
        let squares = norm.neighbours(c, out.channels).map(|c| f64::from(map.at(n, c, y, x)).powi(2));
        let mean = squares.sum::<f64>() / norm.size as f64;
        f64::from(map.at(n, c, y, x)) / (offset + alpha * mean).powf(beta)
    })
}
