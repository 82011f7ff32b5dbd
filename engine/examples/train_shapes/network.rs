//! A graph as something to train: the engine's own lowering, walked with Candle tensors that remember how they came about.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use candle_core::{Device, Result, Tensor, Var, bail};
use shufflescope_engine::graph::{Activation, Graph, Node, NodeId, Op, Window};
use shufflescope_engine::weights::{Role, WeightTensor, Weights, expected};

use super::operations::{Depthwise, Geometry, MaxPool, Normalise, Statistics, with_floats};

/// Share of a step's statistics in the running ones.
const MOMENTUM: f32 = 0.03;

/// Parameters being trained, and the statistics that inference will normalise with.
pub struct Network {
    graph: Graph,
    /// Matrices and vectors; convolution weights are `[out, in / groups * taps]`.
    parameters: BTreeMap<String, Var>,
    /// By the path of the normalisation.
    running: BTreeMap<String, Statistics>,
}

/// Whose statistics a forward pass normalises with.
#[derive(Clone, Copy, PartialEq)]
pub enum Mode {
    /// The batch's; the running ones follow.
    Train,
    /// The running ones.
    Evaluate,
}

impl Network {
    /// He-uniform convolutions, a small classifier, normalisations that do nothing yet.
    pub fn new(graph: Graph, seed: u64) -> Result<Self> {
        let made_up = Weights::seeded(&graph, seed);
        let mut weights = Weights::default();
        for tensor in expected(&graph) {
            let Some(mut made) = made_up.get(&tensor.name).cloned() else { bail!("no {}", tensor.name) };
            match tensor.role {
                Role::ConvWeight => {}
                Role::LinearWeight => made.values.iter_mut().for_each(|value| *value *= 0.1),
                Role::Bias | Role::BatchNormBias | Role::NormBias | Role::RunningMean => made.values.fill(0.0),
                Role::BatchNormWeight | Role::NormWeight | Role::RunningVar => made.values.fill(1.0),
                Role::Slope => made.values.fill(0.25),
            }
            weights.insert(tensor.name, made);
        }
        Self::from_weights(graph, &weights)
    }

    /// Goes on from `weights`, which fit the graph.
    pub fn from_weights(graph: Graph, weights: &Weights) -> Result<Self> {
        let (mut parameters, mut running) = (BTreeMap::new(), BTreeMap::new());
        for tensor in expected(&graph) {
            let Some(stored) = weights.get(&tensor.name) else { bail!("no {}", tensor.name) };
            let values = stored.values.clone();
            match tensor.role {
                Role::RunningMean => {
                    let path = tensor.name.trim_end_matches(".running_mean").to_owned();
                    let variance = match weights.get(&format!("{path}.running_var")) {
                        Some(variance) => variance.values.clone(),
                        None => bail!("no variance of {path}"),
                    };
                    running.insert(path, Statistics { mean: values, variance });
                }
                Role::RunningVar => {}
                _ => {
                    let rest: usize = tensor.shape[1..].iter().product();
                    let dims = if tensor.shape.len() > 1 { vec![tensor.shape[0], rest] } else { tensor.shape };
                    parameters.insert(tensor.name, Var::from_vec(values, dims, &Device::Cpu)?);
                }
            }
        }
        Ok(Self { graph, parameters, running })
    }

    /// What an optimiser changes.
    pub fn variables(&self) -> Vec<Var> {
        self.parameters.values().cloned().collect()
    }

    /// Everything inference needs, under the names and in the shapes of torchvision.
    pub fn weights(&self) -> Result<Weights> {
        let mut weights = Weights::default();
        for tensor in expected(&self.graph) {
            let path = tensor.name.rsplit_once('.').map_or("", |(path, _)| path);
            let values = match (tensor.role, self.parameters.get(&tensor.name), self.running.get(path)) {
                (Role::RunningMean, _, Some(running)) => running.mean.clone(),
                (Role::RunningVar, _, Some(running)) => running.variance.clone(),
                (_, Some(parameter), _) => parameter.flatten_all()?.to_vec1()?,
                _ => bail!("no {}", tensor.name),
            };
            weights.insert(tensor.name, WeightTensor { shape: tensor.shape, values });
        }
        Ok(weights)
    }

    /// Logits, `[classes, batch]`, for normalised images, `[3, batch * height * width]`.
    pub fn forward(&mut self, input: Tensor, batch: usize, mode: Mode) -> Result<Tensor> {
        let mut seen: Vec<(String, Arc<OnceLock<Statistics>>)> = vec![];
        let mut values = vec![input];
        for (id, node) in self.graph.layers() {
            let first = &values[node.inputs[0].0];
            let value = match &node.op {
                Op::BatchNorm { eps, .. } => {
                    let statistics = Arc::new(OnceLock::new());
                    if mode == Mode::Evaluate {
                        let Some(running) = self.running.get(&node.path) else {
                            bail!("no statistics of {}", node.path)
                        };
                        statistics.get_or_init(|| running.clone());
                    }
                    let operation = Normalise {
                        eps: *eps as f32,
                        relu: self.is_followed_by_relu(id),
                        statistics: statistics.clone(),
                    };
                    seen.push((node.path.clone(), statistics));
                    first.apply_op3(self.parameter(node, "weight")?, self.parameter(node, "bias")?, operation)?
                }
                // The normalisation before it has done it.
                Op::Activation(Activation::Relu) if self.is_normalisation(node.inputs[0]) => first.clone(),
                Op::Conv2d(conv) if conv.is_pointwise() && conv.groups == 1 && conv.window.stride == [1, 1] => {
                    self.parameter(node, "weight")?.matmul(first)?
                }
                Op::MaxPool(window) => first.apply_op1(MaxPool(self.geometry(node, window, batch)))?,
                Op::Conv2d(conv) => {
                    let geometry = self.geometry(node, &conv.window, batch);
                    let weight = self.parameter(node, "weight")?;
                    if conv.is_depthwise() {
                        first.apply_op2(weight, Depthwise(geometry))?
                    } else if node.inputs[0] == NodeId(0) && conv.groups == 1 {
                        let patches = with_floats([first], |[input]| geometry.patches(input, conv.in_channels))?;
                        let rows = patches.len() / geometry.pixels()[1];
                        weight.matmul(&Tensor::from_vec(patches, (rows, geometry.pixels()[1]), &Device::Cpu)?)?
                    } else {
                        bail!("{}: dense windows are trained on the input only", node.path)
                    }
                }
                Op::Slice { start, channels } => first.narrow(0, *start, *channels)?,
                Op::Concat => {
                    let parts: Vec<_> = node.inputs.iter().map(|input| &values[input.0]).collect();
                    Tensor::cat(&parts, 0)?
                }
                Op::ChannelShuffle { groups } => {
                    let (channels, pixels) = first.dims2()?;
                    first.reshape((*groups, channels / groups, pixels))?.transpose(0, 1)?.reshape((channels, pixels))?
                }
                Op::GlobalAvgPool => {
                    let (channels, pixels) = first.dims2()?;
                    first.reshape((channels, batch, pixels / batch))?.mean(2)?
                }
                Op::Linear { out_features, .. } => {
                    let bias = self.parameter(node, "bias")?.reshape((*out_features, 1))?;
                    self.parameter(node, "weight")?.matmul(first)?.broadcast_add(&bias)?
                }
                _ => bail!("{}: this layer cannot be trained", node.path),
            };
            values.push(value);
        }
        if mode == Mode::Train {
            self.follow(&seen);
        }
        values.pop().ok_or_else(|| candle_core::Error::msg("an empty graph"))
    }

    /// Moves the running statistics towards a batch's.
    fn follow(&mut self, seen: &[(String, Arc<OnceLock<Statistics>>)]) {
        for (path, batch) in seen {
            if let (Some(running), Some(batch)) = (self.running.get_mut(path), batch.get()) {
                let means = running.mean.iter_mut().zip(&batch.mean);
                let variances = running.variance.iter_mut().zip(&batch.variance);
                means.chain(variances).for_each(|(running, batch)| *running += MOMENTUM * (batch - *running));
            }
        }
    }

    fn parameter(&self, node: &Node, name: &str) -> Result<&Tensor> {
        let name = format!("{}.{name}", node.path);
        let parameter = self.parameters.get(&name).map(Var::as_tensor);
        parameter.ok_or_else(|| candle_core::Error::msg(format!("no parameter {name}")))
    }

    fn geometry(&self, node: &Node, window: &Window, batch: usize) -> Geometry {
        let from = self.graph.node(node.inputs[0]).output;
        Geometry { batch, height: from.height, width: from.width, kernel: window.kernel[0], stride: window.stride[0] }
    }

    fn is_normalisation(&self, id: NodeId) -> bool {
        matches!(self.graph.node(id).op, Op::BatchNorm { .. })
    }

    /// Whether the normalisation `id` feeds a ReLU, as its only reader, right after it.
    fn is_followed_by_relu(&self, id: NodeId) -> bool {
        let next = self.graph.nodes().get(id.0 + 1);
        next.is_some_and(|next| next.op == Op::Activation(Activation::Relu) && next.inputs == [id])
    }
}
