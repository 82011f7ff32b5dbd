//! Reshapes, orders of axes and parts of them: nothing is computed.

use super::{Made, Nodes, Value, unsupported};
use crate::model_file::onnx::axes::{self, Range};
use crate::model_file::onnx::constant::{Constant, position};
use crate::model_file::onnx::draft::{Refusal, ValueId, Work};
use crate::model_file::onnx::elements::Element;
use crate::model_file::onnx::fold;

/// Operations that only move values.
pub(super) const KNOWN: [&str; 16] = [
    "Reshape",
    "Flatten",
    "Squeeze",
    "Unsqueeze",
    "Transpose",
    "Slice",
    "Split",
    "Gather",
    "Concat",
    "Expand",
    "Identity",
    "Dropout",
    "Cast",
    "CastLike",
    "Shape",
    "Size",
];

impl Nodes<'_, '_> {
    pub(super) fn movement(&mut self) -> Made {
        let op = self.node.op_type.as_str();
        if op == "Concat" {
            return self.concat();
        }
        let input = self.value(0)?;
        let dims = self.dims(input);
        match op {
            "Identity" | "CastLike" => Ok(vec![Value::Made(input)]),
            "Dropout" if self.inputs.get(2).is_some_and(Option::is_some) && self.list(2)? != Some(vec![0]) => {
                unsupported("in training mode; export the model in evaluation mode")
            }
            "Dropout" => Ok(vec![Value::Made(input)]),
            "Cast" => match Element::of(i32::try_from(self.node.int_or("to", 1)).unwrap_or(0)) {
                // Everything is computed with 32 bits.
                Some(element) if element.is_float() => Ok(vec![Value::Made(input)]),
                _ => unsupported("of a result to whole numbers"),
            },
            "Shape" | "Size" => Ok(vec![Value::Constant(fold::shape_of(self.node, &dims)?)]),
            "Transpose" => {
                let order = axes::order(self.node, dims.len())?;
                let moved = order.iter().map(|&axis| dims[axis]).collect();
                self.push(Work::Transpose(order), vec![input], moved)
            }
            "Slice" => {
                let ranges = axes::slice(self.node, &|index| self.list(index), &dims)?;
                let mut value = input;
                for range in ranges {
                    value = self.part(value, &range)?;
                }
                Ok(vec![Value::Made(value)])
            }
            "Split" => {
                let ranges = axes::split(self.node, &|index| self.list(index), &dims)?;
                ranges.iter().map(|range| Ok(Value::Made(self.part(input, range)?))).collect()
            }
            "Gather" => self.gather(input, &dims),
            "Expand" => {
                let target = self.list(1)?.unwrap_or_default();
                let lengths: Option<Vec<usize>> = target.iter().map(|&length| usize::try_from(length).ok()).collect();
                let whole = lengths.and_then(|lengths| super::elementwise::together(&dims, &lengths));
                let Some(whole) = whole.filter(|whole| whole.len() == dims.len()) else {
                    return unsupported("to another number of axes");
                };
                let mut longer = (0..dims.len()).filter(|&axis| whole[axis] != dims[axis]);
                match (longer.next(), longer.next()) {
                    (None, _) => Ok(vec![Value::Made(input)]),
                    (Some(axis), None) => self.push(Work::Repeat { axis }, vec![input], whole),
                    _ => unsupported("along several axes"),
                }
            }
            _ => {
                let lengths = axes::reshaped(self.node, &|index| self.list(index), &dims)?;
                if lengths == dims {
                    return Ok(vec![Value::Made(input)]);
                }
                self.push(Work::Reshape, vec![input], lengths)
            }
        }
    }

    /// The part of a value, which may be all of it.
    fn part(&mut self, value: ValueId, range: &Range) -> Result<ValueId, Refusal> {
        let mut dims = self.dims(value);
        if dims.get(range.axis) == Some(&range.length) {
            return Ok(value);
        }
        dims[range.axis] = range.length;
        self.step(Work::Slice { axis: range.axis, start: range.start, step: range.step }, vec![value], dims)
    }

    fn gather(&mut self, input: ValueId, dims: &[usize]) -> Made {
        let axis = axes::axis(self.node.int_or("axis", 0), dims.len())?;
        let Some(Some(Value::Constant(Constant::Ints(indices)))) = self.inputs.get(1) else {
            return unsupported("of places that are not known before it runs");
        };
        let places: Option<Vec<usize>> = indices.values.iter().map(|&index| position(index, dims[axis])).collect();
        let Some(places) = places else { return unsupported("of places that are not there") };
        let (mut chosen, mut shaped) = (dims.to_vec(), dims.to_vec());
        chosen[axis] = places.len();
        shaped.splice(axis..=axis, indices.dims.iter().copied());
        let part = match *places {
            [start] => self.part(input, &Range { axis, start, step: 1, length: 1 })?,
            _ => self.step(Work::Pick { axis, places }, vec![input], chosen.clone())?,
        };
        if shaped == chosen {
            return Ok(vec![Value::Made(part)]);
        }
        self.push(Work::Reshape, vec![part], shaped)
    }

    fn concat(&mut self) -> Made {
        let values = (0..self.inputs.len()).map(|index| self.value(index)).collect::<Result<Vec<_>, _>>();
        let Ok(values) = values else { return unsupported("of results and constants") };
        let first = values.first().map(|&value| self.dims(value)).unwrap_or_default();
        let axis = axes::axis(self.node.int_or("axis", 1), first.len())?;
        let mut joined = first.clone();
        joined[axis] = 0;
        for &value in &values {
            let dims = self.dims(value);
            let fits = dims.len() == first.len() && (0..dims.len()).all(|at| at == axis || dims[at] == first[at]);
            if !fits {
                return unsupported(format!("of {first:?} and {dims:?} along axis {axis}"));
            }
            joined[axis] += dims[axis];
        }
        if values.len() == 1 {
            return Ok(values.into_iter().map(Value::Made).collect());
        }
        self.push(Work::Concat { axis }, values, joined)
    }
}
