//! What every operation means, in plain loops: 32-bit values, 64-bit accumulation, no cleverness. For tests only.
//!
//! What is not a number stays one, as in PyTorch: in activations, in maxima, in sums. Zeros around a map are left out of
//! a convolution's sums, so that they are nothing beside weights that are not finite.

use thiserror::Error;

use crate::device::available_memory;
use crate::graph::{Activation, Conv2d, Graph, Node, Op, Shape, Window};
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
        Op::Activation(activation) => first.values.iter().map(|&value| activate(*activation, value)).collect(),
        Op::MaxPool(window) => each(out, |n, c, y, x| {
            let values = taps(window, y, x).filter_map(|(_, y, x)| first.inside(n, c, y, x));
            values.fold(f64::NEG_INFINITY, |most, value| if most.is_nan() || most > value { most } else { value })
        }),
        Op::AvgPool(window) => each(out, |n, c, y, x| {
            taps(window, y, x).filter_map(|(_, y, x)| first.inside(n, c, y, x)).sum::<f64>() / window.taps() as f64
        }),
        Op::GlobalAvgPool => each(out, |n, c, _, _| {
            let pixels = first.shape.pixels();
            let map = &first.values[(n * first.shape.channels + c) * pixels..][..pixels];
            map.iter().copied().map(f64::from).sum::<f64>() / pixels as f64
        }),
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

fn activate(activation: Activation, value: f32) -> f32 {
    match activation {
        Activation::Relu if value < 0.0 => 0.0,
        Activation::Relu => value,
        Activation::Relu6 => value.clamp(0.0, 6.0),
        Activation::HardSwish => value * (value + 3.0).clamp(0.0, 6.0) / 6.0,
        Activation::Sigmoid => (1.0 / (1.0 + (-f64::from(value)).exp())) as f32,
        Activation::None => value,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::GraphBuilder;

    fn one_layer(op: Op, input: Shape) -> Graph {
        let mut builder = GraphBuilder::new("layer", input);
        builder.push("layer", op, &[builder.input()]).unwrap();
        builder.finish()
    }

    fn counting(shape: Shape) -> Vec<f32> {
        (0..shape.elements().0).map(|i| i as f32).collect()
    }

    #[test]
    fn a_strided_padded_depthwise_convolution_gives_the_values_worked_out_by_hand() {
        let shape = Shape::new(1, 2, 3, 3);
        let conv = Conv2d { in_channels: 2, out_channels: 2, window: Window::square(3, 2), groups: 2, bias: true };
        let graph = one_layer(Op::Conv2d(conv), shape);
        let weights: Weights = [
            // A box on the first channel, the centre tap times 10 on the second.
            (
                "layer.weight".to_owned(),
                WeightTensor {
                    shape: vec![2, 1, 3, 3],
                    values: [[1.0; 9], [0.0, 0.0, 0.0, 0.0, 10.0, 0.0, 0.0, 0.0, 0.0]].concat(),
                },
            ),
            ("layer.bias".to_owned(), WeightTensor { shape: vec![2], values: vec![0.5, -1.0] }),
        ]
        .into_iter()
        .collect();
        let result = run(&graph, &weights, &counting(shape)).unwrap();
        // Sums of the 2x2 corners of 0..9, and the corners of 9..18 times 10.
        assert_eq!(result, [8.5, 12.5, 20.5, 24.5, 89.0, 109.0, 149.0, 169.0]);
    }

    #[test]
    fn shuffle_moves_channels_as_its_definition_says() {
        let shape = Shape::new(1, 6, 1, 1);
        let result =
            run(&one_layer(Op::ChannelShuffle { groups: 2 }, shape), &Weights::default(), &counting(shape)).unwrap();
        assert_eq!(result, [0.0, 3.0, 1.0, 4.0, 2.0, 5.0]);
    }

    #[test]
    fn padding_never_wins_a_maximum_but_counts_in_an_average() {
        let shape = Shape::new(1, 1, 2, 2);
        let window = Window::square(3, 2);
        let input = [-4.0, -3.0, -2.0, -9.0];
        let pool = |op| run(&one_layer(op, shape), &Weights::default(), &input).unwrap();
        assert_eq!(pool(Op::MaxPool(window)), [-2.0]);
        assert_eq!(pool(Op::AvgPool(window)), [-2.0]);
    }

    #[test]
    fn a_maximum_is_not_a_number_where_one_of_its_values_is_not_wherever_that_stands() {
        let shape = Shape::new(1, 1, 1, 3);
        let graph = one_layer(Op::MaxPool(Window::padded([1, 3], 1, [0, 1])), shape);
        for (at, expected) in [(0, [true, true, false]), (1, [true; 3]), (2, [false, true, true])] {
            let mut input = [1.0, f32::INFINITY, -2.0];
            input[at] = f32::NAN;
            let result = run(&graph, &Weights::default(), &input).unwrap();
            assert_eq!(result.iter().map(|value| value.is_nan()).collect::<Vec<_>>(), expected);
        }
    }

    #[test]
    fn activations_follow_their_formulas() {
        let inputs = [-4.0, -1.0, 0.0, 1.0, 9.0];
        let all = |activation| inputs.map(|value| activate(activation, value));
        assert_eq!(all(Activation::Relu), [0.0, 0.0, 0.0, 1.0, 9.0]);
        assert_eq!(all(Activation::Relu6), [0.0, 0.0, 0.0, 1.0, 6.0]);
        assert_eq!(all(Activation::HardSwish), [0.0, -1.0 / 3.0, 0.0, 2.0 / 3.0, 9.0]);
        assert_eq!(all(Activation::Sigmoid)[2], 0.5);
        for activation in [Activation::Relu, Activation::Relu6, Activation::HardSwish, Activation::Sigmoid] {
            assert!(activate(activation, f32::NAN).is_nan(), "{activation:?}");
        }
    }

    #[test]
    fn missing_weights_and_wrong_inputs_are_errors() {
        let shape = Shape::new(1, 2, 1, 1);
        let graph = one_layer(Op::BatchNorm { channels: 2, eps: 1e-5 }, shape);
        let error = run(&graph, &Weights::default(), &counting(shape)).unwrap_err().to_string();
        assert!(error.contains("4 missing") && error.contains("layer.running_var: expected [2]"), "{error}");
        let error = run(&graph, &Weights::seeded(&graph, 1), &[1.0]).unwrap_err();
        assert!(matches!(error, ReferenceError::Input { given: 1, .. }));
    }
}
