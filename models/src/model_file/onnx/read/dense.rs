//! Matrix products with constants: dense layers, however they are scaled and turned.

use super::{Made, Nodes, Value, unsupported};
use crate::model_file::onnx::constant::Floats;
use crate::model_file::onnx::draft::{Refusal, Work};

impl Nodes<'_, '_> {
    pub(super) fn dense(&mut self) -> Made {
        let is_gemm = self.node.op_type == "Gemm";
        let is_known = |index| self.value(index).is_err();
        if !is_known(1) {
            return unsupported(if is_known(0) { "of a constant times a result" } else { "of two results" });
        }
        let input = self.value(0)?;
        let mut dims = self.dims(input);
        let weight = self.floats(1)?;
        let (rows, columns, is_vector) = match *weight.dims.as_slice() {
            [rows, columns] => (rows, columns, false),
            [rows] if !is_gemm => (rows, 1, true),
            _ => return unsupported(format!("with a constant of shape {:?}, no matrix", weight.dims)),
        };
        if self.node.int_or("transA", 0) != 0 || (is_gemm && dims.len() != 2) {
            return unsupported("other than [batch, in] times a constant matrix");
        }
        let is_out_in = is_gemm && self.node.int_or("transB", 0) != 0;
        let (out_features, in_features) = if is_out_in { (rows, columns) } else { (columns, rows) };
        let Some(last) = dims.last_mut().filter(|last| **last == in_features) else {
            return unsupported(format!("of {dims:?} times a matrix for {in_features} values"));
        };
        *last = out_features;
        let (alpha, beta) = (self.factor("alpha", is_gemm), self.factor("beta", is_gemm));
        let weight = weight.clone();
        let made = if alpha == 1.0 { 0 } else { weight.values.len() };
        self.reader.budget.floats(made + out_features)?;
        let weight = scaled(&weight, alpha).shaped(vec![rows, columns]);
        let bias = match self.optional_floats(2)? {
            Some(bias) if is_gemm => Some(self.bias(bias, out_features, beta)?),
            _ => None,
        };
        let value = self.step(Work::Dense { weight, bias, is_out_in }, vec![input], dims.clone())?;
        if !is_vector {
            return Ok(vec![Value::Made(value)]);
        }
        // One number for each row, without an axis for it.
        dims.pop();
        self.push(Work::Reshape, vec![value], dims)
    }

    fn factor(&self, name: &str, is_gemm: bool) -> f32 {
        if is_gemm { self.node.float_or(name, 1.0) } else { 1.0 }
    }

    /// A bias of one value for each output.
    fn bias(&self, bias: &Floats, features: usize, beta: f32) -> Result<Floats, Refusal> {
        let along_last = bias.dims.last().is_some_and(|&last| last == bias.values.len());
        match (bias.single(), bias.values.len() == features && along_last) {
            (_, true) => Ok(scaled(&bias.shaped(vec![features]), beta)),
            (Some(value), false) => {
                let all = Floats::new(vec![features], vec![value * beta; features]);
                Ok(all.named(&bias.name))
            }
            (None, false) => unsupported(format!("with a bias of shape {:?} for {features} outputs", bias.dims)),
        }
    }
}

/// Every value times this; the same tensor where it is one.
fn scaled(floats: &Floats, factor: f32) -> Floats {
    if factor == 1.0 {
        return floats.clone();
    }
    let values: Vec<f32> = floats.values.iter().map(|value| value * factor).collect();
    Floats { values: values.into(), scales: None, ..floats.clone() }
}
