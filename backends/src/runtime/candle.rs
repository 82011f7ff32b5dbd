//! Stock Candle: candle-core and candle-nn operations as a Candle user would write the network, one kernel per layer.
//!
//! What that costs is the point of measuring it: a grouped convolution is a loop over groups in Candle, inference batch
//! normalisation four broadcast passes, padding a concatenation.

mod backend;
mod formulas;
mod layer;
mod learning;
mod memory;

pub use backend::CandleBackend;
pub use layer::{Layer, layer};
use memory::needed;

use candle_core::{DType, Error, Tensor};

use super::executable::{Executable, Marks, PrepareError, RunError, RunTimes, Stopwatch, check_input, made_up_input};
use super::plan::KernelPlan;
use crate::clock::Clock;
use crate::device::Device;
use crate::graph::{Graph, NodeId, Shape, last_uses};
use crate::weights::Weights;

/// A network in stock Candle operations, with its weights on one device.
#[derive(Debug)]
pub struct CandleExecutable {
    device: candle_core::Device,
    shape: Shape,
    plan: KernelPlan,
    steps: Vec<Step>,
    input: Tensor,
    output: Tensor,
}

/// One layer of the network.
#[derive(Debug)]
struct Step {
    path: String,
    layer: Layer,
    /// Indices of the values read.
    inputs: Vec<usize>,
    /// Indices of the values that nobody reads after this layer.
    dead: Vec<usize>,
}

impl CandleExecutable {
    /// Puts the weights on the device and a made-up input in front of them.
    ///
    /// # Errors
    /// Where weights are missing or mis-shaped, memory would not suffice, or Candle has no such operation.
    pub fn prepare(graph: &Graph, weights: &Weights, device: &Device) -> Result<Self, PrepareError> {
        weights.check(graph)?;
        let device = device.candle().clone();
        let last = last_uses(graph);
        // The values that nobody reads after each layer.
        let mut dead = vec![Vec::new(); graph.nodes().len()];
        for (value, &NodeId(reader)) in last.iter().enumerate() {
            if value < reader
                && let Some(dead) = dead.get_mut(reader)
            {
                dead.push(value);
            }
        }
        let mut steps = Vec::with_capacity(graph.layers().len());
        for (id, node) in graph.layers() {
            let dead = dead.get_mut(id.0).map(std::mem::take).unwrap_or_default();
            let layer = layer(node, &|name| {
                let name = format!("{}.{name}", node.path);
                let tensor = weights.get(&name).ok_or_else(|| Error::Msg(format!("there are no weights `{name}`")))?;
                Tensor::from_slice(&tensor.values, tensor.shape.as_slice(), &device)
            })?;
            let inputs = node.inputs.iter().map(|input| input.0).collect();
            steps.push(Step { path: node.path.clone(), layer, inputs, dead });
        }
        let shape = graph.input_shape();
        let input = Tensor::from_vec(made_up_input(shape), &<[usize; 4]>::from(shape), &device)?;
        let mut plan = KernelPlan::one_per_layer(graph);
        for (kernel, step) in plan.kernels.iter_mut().zip(&steps) {
            kernel.launches = step.layer.launches();
        }
        Ok(Self { output: input.clone(), device, shape, plan, steps, input })
    }

    /// Runs every layer, calling `after` behind each.
    fn forward(&self, mut after: impl FnMut() -> Result<(), RunError>) -> Result<Tensor, RunError> {
        let mut values: Vec<Option<Tensor>> = Vec::with_capacity(self.steps.len() + 1);
        values.push(Some(self.input.clone()));
        for step in &self.steps {
            let in_layer = |source| RunError::Layer { layer: step.path.clone(), source };
            let value = step.run(&values).map_err(in_layer)?;
            values.push(Some(value));
            for &dead in &step.dead {
                if let Some(value) = values.get_mut(dead) {
                    *value = None;
                }
            }
            after()?;
        }
        let result = values.pop().flatten().unwrap_or_else(|| self.input.clone());
        Ok(result.flatten_from(1)?)
    }
}

impl Executable for CandleExecutable {
    fn set_input(&mut self, input: &Tensor) -> Result<(), RunError> {
        check_input(self.shape, input)?;
        self.input = input.to_device(&self.device)?.to_dtype(DType::F32)?.contiguous()?;
        Ok(())
    }

    /// Candle tells no device times.
    fn run(&mut self, clock: &dyn Clock, marks: Marks<'_>) -> Result<RunTimes, RunError> {
        let start = clock.now();
        self.output = match marks {
            Marks::None | Marks::Device => self.forward(|| Ok(()))?,
            Marks::Kernels(kernels) => {
                let mut stopwatch = Stopwatch::start(clock, kernels);
                self.forward(|| {
                    self.device.synchronize()?;
                    stopwatch.mark();
                    Ok(())
                })?
            }
        };
        let enqueue = clock.now().since(start);
        if self.device.is_cpu() {
            return Ok(RunTimes::on_host(enqueue));
        }
        self.device.synchronize()?;
        Ok(RunTimes { host: clock.now().since(start), enqueue, device: None })
    }

    fn logits(&mut self) -> Result<&Tensor, RunError> {
        Ok(&self.output)
    }

    fn plan(&self) -> &KernelPlan {
        &self.plan
    }

    /// Candle's CPU convolutions run on the rayon pool of the calling thread; a GPU is fed by one thread.
    fn threads(&self) -> usize {
        if self.device.is_cpu() { rayon::current_num_threads() } else { 1 }
    }
}

impl Step {
    /// The layer's value from the values before it.
    fn run(&self, values: &[Option<Tensor>]) -> Result<Tensor, Error> {
        let inputs = self.inputs.iter().map(|&index| {
            let value = values.get(index).and_then(Option::as_ref);
            value.ok_or_else(|| Error::Msg("its input has been dropped already".into()))
        });
        self.layer.of(&inputs.collect::<Result<Vec<&Tensor>, Error>>()?)
    }
}

#[cfg(test)]
mod tests;
