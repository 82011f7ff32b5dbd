//! Activations, and sums and products of two results.

use super::view::{CHANNELS, HEIGHT, WIDTH};
use super::{Emitter, Placed, nothing};
use crate::graph::{Activation, Op};
use crate::model_file::onnx::draft::{Arithmetic, Function, Refusal, ValueId, unsupported};

impl Emitter<'_> {
    pub(super) fn function(&mut self, value: ValueId, function: Function) -> Result<Placed, Refusal> {
        let input = self.flat(*self.draft.step(value).inputs.first().ok_or_else(nothing)?)?;
        let Some(activation) = activation(function) else {
            return unsupported("by itself; activations that are made of it are read");
        };
        let (node, _) = self.push(value, None, Op::Activation(activation), &[input.node])?;
        Ok(Placed { node, view: input.view, by: value })
    }

    pub(super) fn combine(&mut self, value: ValueId, arithmetic: Arithmetic) -> Result<Placed, Refusal> {
        let step = self.draft.step(value);
        let &[one, other] = step.inputs.as_slice() else { return Err(nothing()) };
        let (one, other) = (self.flat(one)?, self.flat(other)?);
        let is_sum = match arithmetic {
            Arithmetic::Add => true,
            Arithmetic::Mul => false,
            _ => return unsupported("of two results; sums and products are read"),
        };
        let (left, right) = (self.shape(one.node), self.shape(other.node));
        let rank = one.view.axes.len().max(other.view.axes.len());
        let (one, other) = (widened(one, rank), widened(other, rank));
        let made = |node, view| Ok(Placed { node, view, by: value });
        if one.view == other.view && left == right {
            // A gate for maps of one pixel is what it is for larger ones.
            let is_gate = rank == 4 && left.pixels() == 1;
            let op = if is_sum {
                Op::Add
            } else if is_gate {
                Op::Scale
            } else {
                Op::Mul
            };
            let (node, _) = self.push(value, None, op, &[one.node, other.node])?;
            return made(node, one.view);
        }
        for (map, gate) in [(&one, &other), (&other, &one)] {
            let (shape, of_gate) = (self.shape(map.node), self.shape(gate.node));
            if map.view.start != gate.view.start {
                continue;
            }
            if of_gate.pixels() == 1
                && of_gate.channels == shape.channels
                && map.view.without(&[HEIGHT, WIDTH]) == gate.view.axes
            {
                let op = if is_sum { Op::Shift } else { Op::Scale };
                let (node, _) = self.push(value, None, op, &[map.node, gate.node])?;
                return made(node, map.view.clone());
            }
            let one_channel = of_gate.channels == 1 && (of_gate.height, of_gate.width) == (shape.height, shape.width);
            if one_channel && map.view.without(&[CHANNELS]) == gate.view.axes {
                let (wide, _) = self.push(value, None, Op::Repeat { channels: shape.channels }, &[gate.node])?;
                let op = if is_sum { Op::Add } else { Op::Mul };
                let (node, _) = self.push(value, None, op, &[map.node, wide])?;
                return made(node, map.view.clone());
            }
        }
        let dims = step.inputs.iter().map(|&input| self.draft.dims(input)).collect::<Vec<_>>();
        unsupported(format!("of {dims:?}"))
    }
}

/// With axes of length 1 in front, as shapes are matched from behind.
fn widened(mut placed: Placed, rank: usize) -> Placed {
    while placed.view.axes.len() < rank {
        placed.view.axes.insert(0, vec![]);
    }
    placed
}

/// The layer that a function is; `None` for those that only stand inside others.
fn activation(function: Function) -> Option<Activation> {
    let of = |value: f64| (value as f32).into();
    Some(match function {
        Function::Relu => Activation::Relu,
        Function::Sigmoid => Activation::Sigmoid,
        Function::HardSigmoid(alpha, beta) => Activation::HardSigmoid { alpha: of(alpha), beta: of(beta) },
        Function::HardSwish => Activation::HardSwish,
        Function::Swish(scale) => Activation::Swish { scale: of(scale) },
        Function::Leaky(slope) => Activation::LeakyRelu { slope: of(slope) },
        Function::Elu(alpha) => Activation::Elu { alpha: of(alpha) },
        Function::Gelu => Activation::Gelu,
        Function::GeluTanh => Activation::GeluTanh,
        Function::Mish => Activation::Mish,
        Function::Clip(low, high) => Activation::clip(low as f32, high as f32),
        Function::Tanh => Activation::Tanh,
        Function::Softplus => Activation::Softplus,
        Function::Erf
        | Function::Exp
        | Function::Log
        | Function::Sqrt
        | Function::Reciprocal
        | Function::Neg
        | Function::Abs => return None,
    })
}
