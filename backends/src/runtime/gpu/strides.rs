//! How far the images of a value lie apart.

use serde::{Deserialize, Serialize};

use crate::graph::Shape;
use crate::runtime::plan::KernelSpec;

/// Elements between the images of a value: height times width of its map, and after a flatten still that of the map.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ImageStrides {
    /// Of the kernel's input.
    pub input: usize,
    /// Of the second operand: residual, other summand or gate.
    pub second: usize,
}

impl ImageStrides {
    /// What a kernel has whose operands were not flattened.
    #[must_use]
    pub fn plain(spec: &KernelSpec) -> Self {
        let pixels = |shape: Shape| shape.height.saturating_mul(shape.width);
        let gate = spec.steps.last().is_none_or(|step| step.work.has_gate());
        Self { input: pixels(spec.input), second: if gate { 1 } else { pixels(spec.output()) } }
    }
}
