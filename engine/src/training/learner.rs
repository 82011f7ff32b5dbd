//! Single steps of learning.

use super::cpu::{Network, Statistics};
use super::loss::{Targets, best, cross_entropy};
use super::optimiser::Descent;
use super::parameters::Parameters;
use super::request::{Optimiser, TrainError};
use crate::graph::Graph;

/// Share of a step's statistics in the running ones.
const FOLLOW: f32 = 0.03;

/// A network that learns from the batches that it is shown. Work runs on the rayon pool of the calling thread.
#[derive(Debug)]
pub struct Learner {
    network: Network,
    /// What it has learnt.
    pub parameters: Parameters,
    pub(super) descent: Descent,
    gradients: Vec<f32>,
}

/// What a step showed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Step {
    /// The mean cross entropy.
    pub loss: f32,
    /// Pictures that the network told right before the step, by its targets' largest.
    pub right: usize,
}

impl Learner {
    /// Goes on from `parameters` of `graph` in batches of so many pictures.
    ///
    /// # Errors
    /// Where a layer cannot be trained or the memory does not suffice.
    pub fn new(graph: &Graph, parameters: Parameters, batch: usize, kind: Optimiser) -> Result<Self, TrainError> {
        let network = Network::new(graph, &parameters.layout, batch)?;
        let descent = Descent::new(kind, &parameters.layout);
        let gradients = vec![0.0; parameters.values.len()];
        Ok(Self { network, parameters, descent, gradients })
    }

    /// Pictures of a batch.
    #[must_use]
    pub const fn batch(&self) -> usize {
        self.network.batch()
    }

    /// A step down the gradient of the loss on normalised pictures, `[channel, height, width, picture]`.
    pub fn step(&mut self, pictures: &[f32], targets: &Targets, rate: f32, decay: f32) -> Step {
        let logits = self.network.forward(&self.parameters.values, pictures);
        let loss = cross_entropy(&logits, targets);
        self.network.backward(&self.parameters.values, &loss.gradient, &mut self.gradients);
        self.descent.step(&mut self.parameters.values, &self.gradients, rate, decay);
        self.parameters.follow(self.network.statistics(), FOLLOW);
        let (said, wanted) = (best(&logits, targets.batch), best(&targets.values, targets.batch));
        Step { loss: loss.value, right: said.iter().zip(&wanted).filter(|(said, wanted)| said == wanted).count() }
    }

    /// Logits, `[classes, picture]`, of a batch with its own statistics.
    pub fn logits(&mut self, pictures: &[f32]) -> Vec<f32> {
        self.network.forward(&self.parameters.values, pictures)
    }

    /// Statistics of a batch with the parameters as they are.
    pub fn statistics(&mut self, pictures: &[f32]) -> &[Statistics] {
        self.network.forward(&self.parameters.values, pictures);
        self.network.statistics()
    }
}

/// The mean of statistics over batches.
#[derive(Clone, Debug, Default)]
pub struct Averaged {
    sums: Vec<Statistics>,
    batches: usize,
}

impl Averaged {
    /// Another batch's.
    pub fn add(&mut self, batch: &[Statistics]) {
        self.sums.resize(batch.len(), Statistics::default());
        for (sum, batch) in self.sums.iter_mut().zip(batch) {
            sum.mean += batch.mean;
            sum.variance += batch.variance;
        }
        self.batches += 1;
    }

    /// Their mean; `None` without any.
    #[must_use]
    pub fn mean(&self) -> Option<Vec<Statistics>> {
        let share = 1.0 / self.batches as f32;
        let mean = |sum: &Statistics| Statistics { mean: share * sum.mean, variance: share * sum.variance };
        (self.batches > 0).then(|| self.sums.iter().map(mean).collect())
    }
}
