//! Tensors by name.

use std::collections::BTreeMap;

use super::error::{Misfit, Mismatch};
use super::{ExpectedTensor, WeightsError, expected, seeded};
use crate::graph::Graph;

/// One parameter: row-major 32-bit floats.
#[derive(Clone, Debug, PartialEq)]
pub struct WeightTensor {
    /// Length of every axis, outermost first; `[out, in / groups, height, width]` for convolutions.
    pub shape: Vec<usize>,
    /// `shape`'s product of values, the last axis running fastest.
    pub values: Vec<f32>,
}

/// A network's parameters by name, in the order of their names.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Weights {
    tensors: BTreeMap<String, WeightTensor>,
}

impl Weights {
    /// Seed of made-up weights where nothing else is asked for: one for timing and exports, so that they agree.
    pub const DEFAULT_SEED: u64 = 0;

    /// Made-up parameters for every layer of `graph`, the same for the same seed on every machine; the formula is in
    /// `seeded.rs`.
    #[must_use]
    pub fn seeded(graph: &Graph, seed: u64) -> Self {
        expected(graph).into_iter().map(|tensor| (tensor.name.clone(), seeded::tensor(&tensor, seed))).collect()
    }

    /// The parameter of this name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&WeightTensor> {
        self.tensors.get(name)
    }

    /// Adds or replaces a parameter.
    pub fn insert(&mut self, name: impl Into<String>, tensor: WeightTensor) {
        self.tensors.insert(name.into(), tensor);
    }

    /// Keeps the parameters whose names are to be kept.
    pub fn retain(&mut self, mut is_kept: impl FnMut(&str) -> bool) {
        self.tensors.retain(|name, _| is_kept(name));
    }

    /// All parameters by name.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &WeightTensor)> {
        self.tensors.iter().map(|(name, tensor)| (name.as_str(), tensor))
    }

    /// How many parameters (tensors) there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.tensors.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.tensors.is_empty()
    }

    /// Whether every parameter that `graph` needs is there in the right shape; more of them do no harm here.
    ///
    /// # Errors
    /// [`WeightsError::Incomplete`] with everything that is missing or mis-shaped.
    pub fn check(&self, graph: &Graph) -> Result<(), WeightsError> {
        let mut mismatch = Mismatch::default();
        for ExpectedTensor { name, shape, .. } in expected(graph) {
            match self.get(&name) {
                None => mismatch.missing.push(Misfit::missing(name, &shape)),
                Some(tensor) if tensor.shape != shape || tensor.values.len() != shape.iter().product::<usize>() => {
                    mismatch.misshaped.push(Misfit::misshaped(name, &shape, &tensor.shape));
                }
                Some(_) => {}
            }
        }
        if mismatch.is_empty() {
            Ok(())
        } else {
            Err(WeightsError::Incomplete { design: graph.name.clone(), mismatch: Box::new(mismatch) })
        }
    }
}

impl FromIterator<(String, WeightTensor)> for Weights {
    fn from_iter<I: IntoIterator<Item = (String, WeightTensor)>>(tensors: I) -> Self {
        Self { tensors: tensors.into_iter().collect() }
    }
}
