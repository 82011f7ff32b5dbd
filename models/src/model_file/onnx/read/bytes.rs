//! Values that are rounded to bytes, and bytes that are numbers again.

use super::{Made, Nodes, Value, unsupported};
use crate::model_file::onnx::draft::{ValueId, Work};
use crate::model_file::onnx::quantised::ROUNDS;
use crate::weights::ByteScale;

/// Moves that are followed to where bytes come from.
const FARTHEST: usize = 256;

/// Where bytes come from.
enum Origin {
    /// They are rounded so.
    Rounded(ByteScale),
    /// They are the model's input.
    Input,
    /// Of something else.
    Other,
}

impl Nodes<'_, '_> {
    pub(super) fn bytes(&mut self) -> Made {
        let input = self.value(0)?;
        let (Some(scale), Some(zero)) = (self.node.get("scale"), self.node.get("zero_point")) else {
            return unsupported(
                "with scales or zero points of each channel, of blocks, of other bytes than those of 8 bits, or that are \
                 not known before it runs",
            );
        };
        let (scale, zero) = (scale.f, zero.i);
        let zero_point = u8::try_from(zero).map_err(|_| format!("with the zero point {zero}"))?;
        if !(scale.is_finite() && scale > 0.0) {
            return unsupported(format!("with the scale {scale}"));
        }
        let of = ByteScale { scale, zero_point };
        let dims = self.dims(input);
        if self.node.op_type == ROUNDS {
            return self.push(Work::Bytes(of), vec![input], dims);
        }
        match self.origin_of(input, FARTHEST) {
            Origin::Rounded(rounded) if rounded == of => Ok(vec![Value::Made(input)]),
            Origin::Rounded(other) => unsupported(format!(
                "of bytes in steps of {} from {} as if in steps of {scale} from {zero}",
                other.scale, other.zero_point
            )),
            // The model takes bytes; here it takes the numbers that they stand for.
            Origin::Input => self.push(Work::Bytes(of), vec![input], dims),
            Origin::Other => unsupported("of what is not rounded to bytes before"),
        }
    }

    /// Where bytes come from that are only moved or the largest of others.
    fn origin_of(&self, value: ValueId, left: usize) -> Origin {
        let Some(step) = self.reader.steps.get(value.0) else { return Origin::Other };
        let moves = match &step.work {
            Work::Bytes(scale) => return Origin::Rounded(*scale),
            Work::Input => return Origin::Input,
            Work::Pool(pool) => pool.is_max,
            Work::Reduce { is_max, .. } => *is_max,
            Work::Concat { .. } => return self.origin_of_all(&step.inputs, left),
            Work::Same
            | Work::Reshape
            | Work::Transpose(_)
            | Work::Slice { .. }
            | Work::Pick { .. }
            | Work::Repeat { .. } => true,
            _ => false,
        };
        match (moves, step.inputs.first(), left.checked_sub(1)) {
            (true, Some(&input), Some(left)) => self.origin_of(input, left),
            _ => Origin::Other,
        }
    }

    /// Where all of these come from, if that is the same.
    fn origin_of_all(&self, values: &[ValueId], left: usize) -> Origin {
        // Each part counts, so that what is listed in lists of lists ends.
        let Some(left) = left.checked_sub(values.len()) else { return Origin::Other };
        let mut all = values.iter().map(|&value| self.origin_of(value, left / values.len().max(1)));
        let Some(Origin::Rounded(first)) = all.next() else { return Origin::Other };
        let is_same = |origin| matches!(origin, Origin::Rounded(scale) if scale == first);
        if all.all(is_same) { Origin::Rounded(first) } else { Origin::Other }
    }
}
