//! Means, sums and maxima along axes.

use super::{Made, Nodes, Value};
use crate::model_file::onnx::axes;
use crate::model_file::onnx::draft::Work;

impl Nodes<'_, '_> {
    pub(super) fn reduction(&mut self) -> Made {
        let (input, op) = (self.value(0)?, self.node.op_type.as_str());
        let dims = self.dims(input);
        let is_global = op.starts_with("Global");
        let named = if is_global { None } else { axes::named(self.node, &|index| self.list(index), dims.len())? };
        let along = match named.filter(|axes| !axes.is_empty()) {
            Some(axes) => axes,
            None if is_global => (2..dims.len()).collect(),
            None if self.node.int_or("noop_with_empty_axes", 0) != 0 => return Ok(vec![Value::Made(input)]),
            None => (0..dims.len()).collect(),
        };
        let mut reduced = dims.clone();
        along.iter().for_each(|&axis| reduced[axis] = 1);
        let work = Work::Reduce { is_max: op.contains("Max"), axes: along.clone() };
        let mut value = self.step(work, vec![input], reduced)?;
        if op == "ReduceSum" {
            let count: usize = along.iter().map(|&axis| dims[axis]).product();
            value = self.times(value, count as f32)?;
        }
        if is_global || self.node.int_or("keepdims", 1) != 0 {
            return Ok(vec![Value::Made(value)]);
        }
        let left = dims.iter().enumerate().filter(|(axis, _)| !along.contains(axis)).map(|(_, &length)| length);
        let left = left.collect();
        self.push(Work::Reshape, vec![value], left)
    }
}
