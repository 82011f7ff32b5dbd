//! Single steps of learning.

use super::cpu::{Network, Statistics};
use super::loss::{Targets, best, cross_entropy};
use super::optimiser::Descent;
use super::parameters::{Layout, Parameters};
use super::request::{Optimiser, TrainError};
#[cfg(any(feature = "cuda", feature = "metal"))]
use super::tape::Tape;
use crate::device::{Device, DeviceId};
use crate::graph::Graph;

/// Share of a step's statistics in the running ones.
const FOLLOW: f32 = 0.03;

/// Who computes.
#[derive(Debug)]
enum Passes {
    /// The processor's own passes.
    Own(Box<Network>),
    /// Candle's operations, on a device that the program was built for.
    #[cfg(any(feature = "cuda", feature = "metal"))]
    Tape(Box<Tape>),
}

impl Passes {
    fn new(graph: &Graph, layout: &Layout, batch: usize, device: &Device) -> Result<Self, TrainError> {
        if device.id() == DeviceId::Cpu {
            return Ok(Self::Own(Box::new(Network::new(graph, layout, batch)?)));
        }
        device.check_candle().map_err(|error| TrainError::Device(error.to_string()))?;
        #[cfg(any(feature = "cuda", feature = "metal"))]
        if !device.candle().is_cpu() {
            return Ok(Self::Tape(Box::new(Tape::new(graph, layout, batch, device.candle())?)));
        }
        let id = device.id();
        Err(TrainError::Device(format!(
            "Candle, which trains on graphics cards, does not reach {id}: take cuda:N or metal:N"
        )))
    }

    fn forward(&mut self, parameters: &[f32], pictures: &[f32]) -> Result<Vec<f32>, TrainError> {
        match self {
            Self::Own(network) => Ok(network.forward(parameters, pictures)),
            #[cfg(any(feature = "cuda", feature = "metal"))]
            Self::Tape(tape) => tape.forward(parameters, pictures),
        }
    }

    fn backward(&mut self, parameters: &[f32], of_logits: &[f32], to: &mut [f32]) -> Result<(), TrainError> {
        match self {
            Self::Own(network) => {
                network.backward(parameters, of_logits, to);
                Ok(())
            }
            #[cfg(any(feature = "cuda", feature = "metal"))]
            Self::Tape(tape) => tape.backward(of_logits, to),
        }
    }

    fn statistics(&self) -> &[Statistics] {
        match self {
            Self::Own(network) => network.statistics(),
            #[cfg(any(feature = "cuda", feature = "metal"))]
            Self::Tape(tape) => tape.statistics(),
        }
    }

    fn batch(&self) -> usize {
        match self {
            Self::Own(network) => network.batch(),
            #[cfg(any(feature = "cuda", feature = "metal"))]
            Self::Tape(tape) => tape.batch(),
        }
    }
}

/// A network that learns from the batches that it is shown. Work runs on the rayon pool of the calling thread.
#[derive(Debug)]
pub struct Learner {
    passes: Passes,
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
    /// Goes on from `parameters` of `graph` in batches of so many pictures, on the processor.
    ///
    /// # Errors
    /// Where a layer cannot be trained or the memory does not suffice.
    pub fn new(graph: &Graph, parameters: Parameters, batch: usize, kind: Optimiser) -> Result<Self, TrainError> {
        Self::on(&Device::cpu(), graph, parameters, (batch, kind))
    }

    /// As [`new`](Self::new), on a device that Candle is built for.
    ///
    /// # Errors
    /// As [`new`](Self::new); where Candle does not reach the device.
    pub fn on(
        device: &Device,
        graph: &Graph,
        parameters: Parameters,
        (batch, kind): (usize, Optimiser),
    ) -> Result<Self, TrainError> {
        let passes = Passes::new(graph, &parameters.layout, batch, device)?;
        let descent = Descent::new(kind, &parameters.layout);
        let gradients = vec![0.0; parameters.values.len()];
        Ok(Self { passes, parameters, descent, gradients })
    }

    /// Pictures of a batch.
    #[must_use]
    pub fn batch(&self) -> usize {
        self.passes.batch()
    }

    /// A step down the gradient of the loss on normalised pictures, `[channel, height, width, picture]`.
    ///
    /// # Errors
    /// Where the device fails; the processor does not.
    pub fn step(&mut self, pictures: &[f32], targets: &Targets, rate: f32, decay: f32) -> Result<Step, TrainError> {
        let logits = self.passes.forward(&self.parameters.values, pictures)?;
        let loss = cross_entropy(&logits, targets);
        self.passes.backward(&self.parameters.values, &loss.gradient, &mut self.gradients)?;
        self.descent.step(&mut self.parameters.values, &self.gradients, rate, decay);
        self.parameters.follow(self.passes.statistics(), FOLLOW);
        let (said, wanted) = (best(&logits, targets.batch), best(&targets.values, targets.batch));
        let right = said.iter().zip(&wanted).filter(|(said, wanted)| said == wanted).count();
        Ok(Step { loss: loss.value, right })
    }

    /// Logits, `[classes, picture]`, of a batch with its own statistics.
    ///
    /// # Errors
    /// As [`step`](Self::step).
    pub fn logits(&mut self, pictures: &[f32]) -> Result<Vec<f32>, TrainError> {
        self.passes.forward(&self.parameters.values, pictures)
    }

    /// Statistics of a batch with the parameters as they are.
    ///
    /// # Errors
    /// As [`step`](Self::step).
    pub fn statistics(&mut self, pictures: &[f32]) -> Result<&[Statistics], TrainError> {
        self.passes.forward(&self.parameters.values, pictures)?;
        Ok(self.passes.statistics())
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
