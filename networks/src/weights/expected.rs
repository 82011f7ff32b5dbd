//! Which parameters a graph has: names and shapes as PyTorch's modules have them.

use crate::graph::{Graph, Op};
use crate::units::Elements;

/// What a parameter is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// Weights of a convolution, `[out, in / groups, height, width]`.
    ConvWeight,
    /// Weights of a fully connected layer, `[out, in]`.
    LinearWeight,
    /// Bias of a convolution or fully connected layer, `[out]`.
    Bias,
    /// Scale of a batch normalisation, `[channels]`.
    BatchNormWeight,
    /// Shift of a batch normalisation, `[channels]`.
    BatchNormBias,
    /// Scale of a layer normalisation or of an affine step, `[channels]`.
    NormWeight,
    /// Shift of one, `[channels]`.
    NormBias,
    /// Slopes below zero, `[channels]` or `[1]`.
    Slope,
    /// Mean that a batch normalisation subtracts, `[channels]`.
    RunningMean,
    /// Variance that a batch normalisation divides by, `[channels]`.
    RunningVar,
}

/// A parameter that a graph needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExpectedTensor {
    /// The layer's path and PyTorch's name of the parameter: `conv1.0.weight`.
    pub name: String,
    /// Length of every axis.
    pub shape: Vec<usize>,
    /// What it is for.
    pub role: Role,
}

impl ExpectedTensor {
    /// How many values it has; as many as can be counted where it has more.
    #[must_use]
    pub fn elements(&self) -> Elements {
        Elements(self.shape.iter().fold(1, |count, &axis| count.saturating_mul(axis as u64)))
    }
}

/// How many values all parameters of `graph` have together; as many as can be counted where it has more.
#[must_use]
pub fn expected_elements(graph: &Graph) -> Elements {
    Elements(expected(graph).iter().fold(0, |sum, tensor| sum.saturating_add(tensor.elements().0)))
}

/// Every parameter of `graph` in execution order.
#[must_use]
pub fn expected(graph: &Graph) -> Vec<ExpectedTensor> {
    let mut tensors = Vec::new();
    for (_, node) in graph.layers() {
        let mut expect = |parameter: &str, shape: Vec<usize>, role| {
            tensors.push(ExpectedTensor { name: format!("{}.{parameter}", node.path), shape, role });
        };
        match node.op {
            Op::Conv2d(conv) => {
                let [height, width] = conv.window.kernel;
                let shape = vec![conv.out_channels, conv.in_channels / conv.groups, height, width];
                expect("weight", shape, Role::ConvWeight);
                if conv.bias {
                    expect("bias", vec![conv.out_channels], Role::Bias);
                }
            }
            Op::Linear { in_features, out_features, bias } => {
                expect("weight", vec![out_features, in_features], Role::LinearWeight);
                if bias {
                    expect("bias", vec![out_features], Role::Bias);
                }
            }
            Op::BatchNorm { channels, .. } => {
                expect("weight", vec![channels], Role::BatchNormWeight);
                expect("bias", vec![channels], Role::BatchNormBias);
                expect("running_mean", vec![channels], Role::RunningMean);
                expect("running_var", vec![channels], Role::RunningVar);
            }
            Op::Affine { channels, shift } => {
                expect("weight", vec![channels], Role::NormWeight);
                if shift {
                    expect("bias", vec![channels], Role::NormBias);
                }
            }
            Op::LayerNorm { channels, .. } => {
                expect("weight", vec![channels], Role::NormWeight);
                expect("bias", vec![channels], Role::NormBias);
            }
            Op::PRelu { channels } => expect("weight", vec![channels], Role::Slope),
            Op::Input
            | Op::Activation(_)
            | Op::LocalNorm(_)
            | Op::MaxPool(_)
            | Op::AvgPool(_)
            | Op::AvgPoolCounted { .. }
            | Op::GlobalAvgPool
            | Op::GlobalMaxPool
            | Op::Mul
            | Op::Shift
            | Op::Repeat { .. }
            | Op::Flatten
            | Op::Add
            | Op::Scale
            | Op::Concat
            | Op::Slice { .. }
            | Op::ChannelShuffle { .. } => {}
        }
    }
    tensors
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::{Activation, Conv2d, GraphBuilder, Shape, Window};

    #[test]
    fn names_and_shapes_are_those_of_pytorch_modules() {
        let mut builder = GraphBuilder::new("net", Shape::new(1, 4, 8, 8));
        let conv = Conv2d { in_channels: 4, out_channels: 6, window: Window::square(3, 1), groups: 2, bias: true };
        let value = builder.push("stem.0", Op::Conv2d(conv), &[builder.input()]).unwrap();
        let value = builder.push("stem.1", Op::BatchNorm { channels: 6, eps: 1e-5 }, &[value]).unwrap();
        let value = builder.activation("stem.2", Activation::Relu, value).unwrap();
        let value = builder.push("pool", Op::GlobalAvgPool, &[value]).unwrap();
        let linear = Op::Linear { in_features: 6, out_features: 10, bias: false };
        builder.push("fc", linear, &[value]).unwrap();

        let found = expected(&builder.finish());
        let found: Vec<_> = found.iter().map(|tensor| (tensor.name.as_str(), tensor.shape.as_slice())).collect();
        let listed: [(&str, &[usize]); 7] = [
            ("stem.0.weight", &[6, 2, 3, 3]),
            ("stem.0.bias", &[6]),
            ("stem.1.weight", &[6]),
            ("stem.1.bias", &[6]),
            ("stem.1.running_mean", &[6]),
            ("stem.1.running_var", &[6]),
            ("fc.weight", &[10, 6]),
        ];
        assert_eq!(found, listed);
    }
}
