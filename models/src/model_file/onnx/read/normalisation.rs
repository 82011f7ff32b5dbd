//! Normalisations with known statistics, over the channels of a pixel, and by neighbouring channels.

use super::{Made, Nodes, unsupported};
use crate::model_file::onnx::axes;
use crate::model_file::onnx::draft::Work;

impl Nodes<'_, '_> {
    pub(super) fn normalisation(&mut self) -> Made {
        match self.node.op_type.as_str() {
            "BatchNormalization" => self.batch_norm(),
            "LayerNormalization" => self.layer_norm(),
            _ => self.local_norm(),
        }
    }

    fn batch_norm(&mut self) -> Made {
        let input = self.value(0)?;
        if self.node.int_or("training_mode", 0) != 0 {
            return unsupported("in training mode; export the model in evaluation mode");
        }
        if self.node.int_or("spatial", 1) == 0 {
            return unsupported("of each pixel by itself");
        }
        let dims = self.dims(input);
        let channels = dims.get(1).copied().unwrap_or(1);
        let mut vectors = Vec::with_capacity(4);
        for index in 1..=4 {
            let vector = self.floats(index)?;
            if vector.dims != [channels] {
                return unsupported(format!("with vectors of shape {:?} for {channels} channels", vector.dims));
            }
            vectors.push(vector.clone());
        }
        let eps = self.eps();
        match vectors.try_into() {
            Ok(vectors) => self.push(Work::BatchNorm { vectors: Box::new(vectors), eps }, vec![input], dims),
            Err(_) => unsupported("without four vectors"),
        }
    }

    fn layer_norm(&mut self) -> Made {
        let input = self.value(0)?;
        let dims = self.dims(input);
        let axis = axes::axis(self.node.int_or("axis", -1), dims.len())?;
        if axis + 1 != dims.len() {
            return unsupported(format!("of the last {} axes; of the last one is read", dims.len() - axis));
        }
        let last = dims.last().copied().unwrap_or(1);
        let (scale, shift) = (self.floats(1)?.clone(), self.optional_floats(2)?.cloned());
        if scale.values.len() != last || shift.as_ref().is_some_and(|shift| shift.values.len() != last) {
            return unsupported(format!("with a scale of shape {:?} for {last} values", scale.dims));
        }
        let eps = self.eps();
        self.push(Work::LayerNorm { axis, scale, shift, eps }, vec![input], dims)
    }

    fn local_norm(&mut self) -> Made {
        let input = self.value(0)?;
        let dims = self.map(input)?.to_vec();
        let size = usize::try_from(self.node.int_or("size", 0)).unwrap_or(0);
        let number = |name, default| self.node.float_or(name, default);
        let work =
            Work::Lrn { size, alpha: number("alpha", 1e-4), beta: number("beta", 0.75), bias: number("bias", 1.0) };
        self.push(work, vec![input], dims)
    }

    /// 1e-5 as it was written, not as the nearest 32-bit float reads in 64 bits.
    fn eps(&self) -> f64 {
        self.node.float_or("epsilon", 1e-5).to_string().parse().unwrap_or(1e-5)
    }
}
