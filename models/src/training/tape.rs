//! The passes on a device that Candle knows: its own operations, whose tape gives the gradients.
//!
//! Slower than the processor's own passes, but for CUDA and Metal, where the program is built for them, and what the others
//! are compared with in tests; elsewhere it is left out, and the half of Candle that it alone needs with it.

use candle_core::{D, Device, Error, Tensor, Var};

use super::cpu::Statistics;
use super::parameters::Layout;
use super::request::TrainError;
use crate::graph::{Graph, Op, Shape};
use crate::runtime::candle::{Layer, layer};

/// A network as variables on a device.
pub(super) struct Tape {
    steps: Vec<Step>,
    variables: Vec<Var>,
    shape: Shape,
    /// Logits, `[picture, classes]`, of the last pass, with how they came about.
    logits: Option<Tensor>,
    statistics: Vec<Statistics>,
    device: Device,
}

struct Step {
    path: String,
    layer: Layer,
    inputs: Vec<usize>,
    is_norm: bool,
}

impl Tape {
    /// For batches of so many pictures.
    pub fn new(graph: &Graph, layout: &Layout, batch: usize, device: &Device) -> Result<Self, TrainError> {
        let variable = |shape: &[usize]| Var::zeros(shape, candle_core::DType::F32, device);
        let variables: Vec<Var> =
            layout.slots().iter().map(|slot| variable(&slot.shape)).collect::<Result<_, Error>>()?;
        let mut steps = Vec::new();
        for (id, node) in graph.layers() {
            let refuse =
                |reason: String| TrainError::Layer { layer: node.path.clone(), op: node.op.to_string(), reason };
            if graph.owner(id) != id {
                return Err(refuse("its weights are another layer's too, which the trainer does not know".into()));
            }
            let channels = node.output.channels;
            let layer = layer(node, &|name| match name {
                // Of no use in training, and nobody's variables.
                "running_mean" => Tensor::zeros(channels, candle_core::DType::F32, device),
                "running_var" => Tensor::ones(channels, candle_core::DType::F32, device),
                name => {
                    let name = format!("{}.{name}", node.path);
                    let index = layout.slots().iter().position(|slot| slot.name == name);
                    let found = index.and_then(|index| variables.get(index));
                    found.map(|variable| variable.as_tensor().clone()).ok_or_else(|| Error::Msg(format!("no {name}")))
                }
            })
            .map_err(|error| refuse(error.to_string()))?;
            let inputs = node.inputs.iter().map(|input| input.0).collect();
            steps.push(Step {
                path: node.path.clone(),
                layer,
                inputs,
                is_norm: matches!(node.op, Op::BatchNorm { .. }),
            });
        }
        let shape = Shape { batch, ..graph.input_shape() };
        let statistics = vec![Statistics::default(); layout.statistics()];
        Ok(Self { steps, variables, shape, logits: None, statistics, device: device.clone() })
    }

    /// Pictures of a batch.
    #[cfg(any(feature = "cuda", feature = "metal"))]
    pub const fn batch(&self) -> usize {
        self.shape.batch
    }

    /// Mean and variance of every normalised channel in the last batch.
    pub fn statistics(&self) -> &[Statistics] {
        &self.statistics
    }

    /// Logits, `[classes, picture]`, of normalised pictures, `[channel, height, width, picture]`.
    pub fn forward(&mut self, parameters: &[f32], pictures: &[f32]) -> Result<Vec<f32>, TrainError> {
        let mut start = 0;
        for variable in &self.variables {
            let end = start + variable.elem_count();
            let values = parameters.get(start..end).unwrap_or_default();
            variable.set(&Tensor::from_slice(values, variable.shape(), &self.device)?)?;
            start = end;
        }
        let Shape { batch, channels, height, width } = self.shape;
        let input = Tensor::from_slice(pictures, (channels, height, width, batch), &self.device)?;
        let mut values = vec![input.permute((3, 0, 1, 2))?.contiguous()?];
        self.statistics.clear();
        for step in &self.steps {
            let inputs: Vec<&Tensor> = step.inputs.iter().filter_map(|&input| values.get(input)).collect();
            if let (true, Some(map)) = (step.is_norm, inputs.first()) {
                let found = statistics(&map.detach())?;
                self.statistics.extend(found);
            }
            let value =
                step.layer.learn(&inputs).map_err(|error| Error::Msg(format!("layer `{}`: {error}", step.path)))?;
            values.push(value);
        }
        let logits =
            values.pop().map_or_else(|| Err(Error::Msg("an empty network".into())), |last| last.flatten_from(1))?;
        let told = logits.t()?.contiguous()?.flatten_all()?.to_vec1()?;
        self.logits = Some(logits);
        Ok(told)
    }

    /// The gradients of all parameters, from that of the last pass's logits, `[classes, picture]`.
    pub fn backward(&mut self, of_logits: &[f32], of_parameters: &mut [f32]) -> Result<(), TrainError> {
        of_parameters.fill(0.0);
        let Some(logits) = self.logits.take() else { return Ok(()) };
        let (batch, classes) = logits.dims2()?;
        let given = Tensor::from_slice(of_logits, (classes, batch), &self.device)?.t()?;
        let gradients = (logits * given)?.sum_all()?.backward()?;
        let mut start = 0;
        for variable in &self.variables {
            let end = start + variable.elem_count();
            if let (Some(gradient), Some(place)) = (gradients.get(variable), of_parameters.get_mut(start..end)) {
                place.copy_from_slice(&gradient.flatten_all()?.to_vec1::<f32>()?);
            }
            start = end;
        }
        Ok(())
    }
}

/// Of every channel of `[picture, channel, height, width]`.
fn statistics(map: &Tensor) -> Result<Vec<Statistics>, Error> {
    let rows = map.transpose(0, 1)?.flatten_from(1)?;
    let mean = rows.mean_keepdim(D::Minus1)?;
    let variance = rows.broadcast_sub(&mean)?.sqr()?.mean(D::Minus1)?;
    let (means, variances) = (mean.flatten_all()?.to_vec1::<f32>()?, variance.to_vec1::<f32>()?);
    Ok(means.into_iter().zip(variances).map(|(mean, variance)| Statistics { mean, variance }).collect())
}

impl std::fmt::Debug for Tape {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tape").field("shape", &self.shape).field("device", &self.device).finish_non_exhaustive()
    }
}
