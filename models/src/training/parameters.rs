//! A network's parameters as one list of floats, which an optimiser goes through without knowing layers, and back.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use super::cpu::Statistics;
use crate::graph::{Graph, Op};
use crate::weights::{Role, WeightTensor, Weights, WeightsError, expected};

/// Where a parameter is in the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slot {
    /// The layer's path and the parameter's name.
    pub name: String,
    /// Length of every axis.
    pub shape: Vec<usize>,
    /// What it is for.
    pub role: Role,
    /// Its place.
    pub place: Range<usize>,
}

/// Which parameters a graph has, and which normalisations.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    slots: Vec<Slot>,
    by_name: BTreeMap<String, usize>,
    /// Path and place of every batch normalisation, in execution order.
    norms: Vec<(String, Range<usize>)>,
}

impl Layout {
    /// Of this graph, whatever its batch.
    #[must_use]
    pub fn of(graph: &Graph) -> Self {
        let (mut slots, mut by_name, mut end) = (Vec::new(), BTreeMap::new(), 0);
        for tensor in expected(graph) {
            if matches!(tensor.role, Role::RunningMean | Role::RunningVar) {
                continue;
            }
            let start = end;
            end += tensor.shape.iter().product::<usize>();
            by_name.insert(tensor.name.clone(), slots.len());
            slots.push(Slot { name: tensor.name, shape: tensor.shape, role: tensor.role, place: start..end });
        }
        let (mut norms, mut end) = (Vec::new(), 0);
        for (_, node) in graph.layers() {
            if let Op::BatchNorm { channels, .. } = node.op {
                norms.push((node.path.clone(), end..end + channels));
                end += channels;
            }
        }
        Self { slots, by_name, norms }
    }

    /// All parameters in execution order.
    #[must_use]
    pub fn slots(&self) -> &[Slot] {
        &self.slots
    }

    /// The parameter of this name.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<&Slot> {
        self.slots.get(*self.by_name.get(name)?)
    }

    /// Path of every batch normalisation, and the place of its statistics.
    #[must_use]
    pub fn norms(&self) -> &[(String, Range<usize>)] {
        &self.norms
    }

    /// How many floats all parameters have.
    #[must_use]
    pub fn parameters(&self) -> usize {
        self.slots.last().map_or(0, |slot| slot.place.end)
    }

    /// How many channels are normalised.
    #[must_use]
    pub fn statistics(&self) -> usize {
        self.norms.last().map_or(0, |(_, place)| place.end)
    }
}

/// Values of a layout's parameters, and what inference normalises with.
#[derive(Clone, Debug, PartialEq)]
pub struct Parameters {
    /// What and where.
    pub layout: Arc<Layout>,
    /// The parameters.
    pub values: Vec<f32>,
    /// Mean and variance of every normalised channel.
    pub running: Vec<Statistics>,
}

impl Parameters {
    /// He-uniform convolutions, a small classifier, normalisations that do nothing yet.
    #[must_use]
    pub fn made_up(graph: &Graph, seed: u64) -> Self {
        let layout = Layout::of(graph);
        let seeded = Weights::seeded(graph, seed);
        let mut values = vec![0.0; layout.parameters()];
        for Slot { name, role, place, .. } in layout.slots() {
            let values = &mut values[place.clone()];
            let made_up = seeded.get(name).map_or(&[][..], |tensor| &tensor.values);
            match role {
                Role::ConvWeight => values.copy_from_slice(made_up),
                Role::LinearWeight => values.iter_mut().zip(made_up).for_each(|(value, made)| *value = 0.1 * made),
                Role::BatchNormWeight | Role::NormWeight | Role::RunningVar => values.fill(1.0),
                Role::Slope => values.fill(0.25),
                Role::Bias | Role::BatchNormBias | Role::NormBias | Role::RunningMean => {}
            }
        }
        let running = vec![Statistics { mean: 0.0, variance: 1.0 }; layout.statistics()];
        Self { layout: Arc::new(layout), values, running }
    }

    /// What weights hold for `graph`.
    ///
    /// # Errors
    /// Where they are incomplete.
    pub fn from_weights(graph: &Graph, weights: &Weights) -> Result<Self, WeightsError> {
        weights.check(graph)?;
        let layout = Layout::of(graph);
        let given = |name: &str| weights.get(name).map_or(&[][..], |tensor| &tensor.values);
        let mut values = Vec::with_capacity(layout.parameters());
        for slot in layout.slots() {
            values.extend_from_slice(given(&slot.name));
        }
        let mut running = Vec::with_capacity(layout.statistics());
        for (path, _) in layout.norms() {
            let (means, variances) = (given(&format!("{path}.running_mean")), given(&format!("{path}.running_var")));
            running.extend(means.iter().zip(variances).map(|(&mean, &variance)| Statistics { mean, variance }));
        }
        Ok(Self { layout: Arc::new(layout), values, running })
    }

    /// Everything inference needs, under the names and in the shapes of torchvision.
    #[must_use]
    pub fn weights(&self) -> Weights {
        let mut weights = Weights::default();
        for Slot { name, shape, place, .. } in self.layout.slots() {
            let values = self.values[place.clone()].to_vec();
            weights.insert(name.clone(), WeightTensor { shape: shape.clone(), values });
        }
        for (path, place) in self.layout.norms() {
            let running = &self.running[place.clone()];
            let mut insert = |name: &str, values: Vec<f32>| {
                weights.insert(format!("{path}.{name}"), WeightTensor { shape: vec![values.len()], values });
            };
            insert("running_mean", running.iter().map(|channel| channel.mean).collect());
            insert("running_var", running.iter().map(|channel| channel.variance).collect());
        }
        weights
    }

    /// Moves the running statistics towards a batch's by this share.
    pub fn follow(&mut self, batch: &[Statistics], share: f32) {
        for (running, batch) in self.running.iter_mut().zip(batch) {
            running.mean += share * (batch.mean - running.mean);
            running.variance += share * (batch.variance - running.variance);
        }
    }
}
