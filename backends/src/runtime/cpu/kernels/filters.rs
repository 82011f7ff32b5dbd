//! The weights of a layer on their way into a step.

use super::arena::Packed;
use crate::runtime::parameters::Filters;

impl Filters {
    /// How many there are.
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Values(values) => values.len(),
            Self::Count(count) => *count,
        }
    }

    /// Packed into `floats` by `pack`.
    ///
    /// # Panics
    /// Where that makes another number.
    pub(super) fn packed(&self, floats: usize, pack: impl FnOnce(&[f32]) -> Vec<f32>) -> Packed {
        match self {
            Self::Values(values) => {
                let packed = pack(values);
                assert_eq!(packed.len(), floats);
                Packed::new(packed)
            }
            Self::Count(_) => Packed::unknown(floats),
        }
    }

    /// The weights as they are; none where only their number is known.
    pub(super) fn into_values(self) -> Vec<f32> {
        match self {
            Self::Values(values) => values,
            Self::Count(_) => Vec::new(),
        }
    }
}
