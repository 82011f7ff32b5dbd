//! From a graph and its weights to an ONNX model with a free batch dimension.
//!
//! Values are named as the layers that make them, unless that name is taken, parameters as in PyTorch (`conv1.0.weight`).
//! A vector is `[batch, channels]` in ONNX and `[batch, channels, 1, 1]` here; reshapes between the two stand where they are needed.

mod bytes;
mod pieces;

use std::collections::{HashMap, HashSet};
use std::path::Path;

use prost::Message;

use super::OPSET;
use super::attributes::{convolution, float, int, ints, sliding};
use super::proto;
use crate::graph::{Activation, Graph, Node, NodeId, Op, Shape};
use crate::model_file::ModelFileError;
use crate::weights::{BatchNormTensors, ByteNetwork, WeightTensor, Weights, expected, fold};

/// What becomes of batch normalisations behind convolutions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum BatchNorm {
    /// They stay, to be trained on.
    #[default]
    Keep,
    /// They are merged into the convolution's weights and bias.
    Fold,
}

/// Writes an `.onnx` file, whole or not at all.
///
/// # Errors
/// As [`to_onnx`], and where the file cannot be written: the old one is untouched.
pub fn write_onnx(graph: &Graph, weights: &Weights, batch_norm: BatchNorm, path: &Path) -> Result<(), ModelFileError> {
    let bytes = to_onnx(graph, weights, batch_norm)?;
    crate::files::write_atomically(path, &bytes)
        .map_err(|source| ModelFileError::Io { path: path.display().to_string(), source })
}

/// Writes an `.onnx` file as [`to_onnx_in_bytes`] makes it, whole or not at all.
///
/// # Errors
/// As [`to_onnx_in_bytes`], and where the file cannot be written: the old one is untouched.
pub fn write_onnx_in_bytes(
    graph: &Graph,
    weights: &Weights,
    bytes: &ByteNetwork,
    path: &Path,
) -> Result<(), ModelFileError> {
    let bytes = to_onnx_in_bytes(graph, weights, bytes)?;
    crate::files::write_atomically(path, &bytes)
        .map_err(|source| ModelFileError::Io { path: path.display().to_string(), source })
}

/// As [`to_onnx`], in 8 bits and in the form that runtimes know: around every layer `QuantizeLinear` and
/// `DequantizeLinear`, weights as bytes with a scale for each output channel, biases as integers of 32 bits, batch
/// normalisation folded.
///
/// # Errors
/// Where weights are missing or mis-shaped.
pub fn to_onnx_in_bytes(graph: &Graph, weights: &Weights, bytes: &ByteNetwork) -> Result<Vec<u8>, ModelFileError> {
    written(graph, weights, BatchNorm::Fold, Some(bytes))
}

/// The bytes of an ONNX model: input `input`, `[batch, channels, height, width]` with any batch, output `logits`.
///
/// # Errors
/// Where weights are missing or mis-shaped.
pub fn to_onnx(graph: &Graph, weights: &Weights, batch_norm: BatchNorm) -> Result<Vec<u8>, ModelFileError> {
    written(graph, weights, batch_norm, None)
}

fn written(
    graph: &Graph,
    weights: &Weights,
    batch_norm: BatchNorm,
    bytes: Option<&ByteNetwork>,
) -> Result<Vec<u8>, ModelFileError> {
    weights.check(graph)?;
    let folded =
        if batch_norm == BatchNorm::Fold { foldable(graph, bytes.is_some()) } else { vec![None; graph.nodes().len()] };
    let mut writer = Writer::new(graph, weights, &folded, bytes);
    for (index, node) in graph.nodes().iter().enumerate() {
        writer.layer(node, NodeId(index), &folded)?;
    }
    let output = writer.result();
    let model = proto::Model {
        ir_version: 8,
        producer_name: "ShuffleScope".into(),
        producer_version: env!("CARGO_PKG_VERSION").into(),
        doc_string: String::new(),
        graph: Some(proto::Graph {
            name: graph.name.clone(),
            node: writer.nodes,
            initializer: writer.parameters,
            input: vec![value_info("input", &feature_map(graph.input_shape()))],
            output: vec![output],
        }),
        opset_import: vec![proto::OperatorSet { domain: String::new(), version: opset(graph) }],
    };
    Ok(model.encode_to_vec())
}

/// For each batch normalisation, with `scales` also any other scale and shift, that is the only reader of a convolution:
/// that convolution.
fn foldable(graph: &Graph, scales: bool) -> Vec<Option<NodeId>> {
    let mut readers = vec![0_usize; graph.nodes().len()];
    for input in graph.nodes().iter().flat_map(|node| &node.inputs) {
        readers[input.0] += 1;
    }
    let fold = |node: &Node| {
        let &input = node.inputs.first()?;
        let is_norm = matches!(node.op, Op::BatchNorm { .. }) || scales && matches!(node.op, Op::Affine { .. });
        let folds = is_norm && matches!(graph.node(input).op, Op::Conv2d(_));
        (folds && readers[input.0] == 1).then_some(input)
    };
    graph.nodes().iter().map(fold).collect()
}

/// The first opset that has all operations of the graph: mostly [`OPSET`].
fn opset(graph: &Graph) -> i64 {
    let needed = |node: &Node| match node.op {
        Op::Activation(Activation::Gelu | Activation::GeluTanh) => 20,
        Op::Activation(Activation::Mish) => 18,
        Op::AvgPool(window) | Op::AvgPoolCounted { window, .. } if window.dilation != [1, 1] => 19,
        _ => OPSET,
    };
    graph.nodes().iter().map(needed).max().unwrap_or(OPSET)
}

/// A value of the ONNX graph.
#[derive(Clone)]
struct Value {
    name: String,
    /// `[batch, channels]` rather than `[batch, channels, height, width]`.
    is_vector: bool,
}

/// `name`, or one like it that is not among `taken`; taken from now on.
fn not_among(taken: &mut HashSet<String>, name: String) -> String {
    let mut unused = name.clone();
    let mut times = 0_usize;
    while !taken.insert(unused.clone()) {
        times += 1;
        unused = format!("{name}_{times}");
    }
    unused
}

struct Writer<'a> {
    graph: &'a Graph,
    weights: &'a Weights,
    /// By node.
    values: Vec<Value>,
    nodes: Vec<proto::Node>,
    parameters: Vec<proto::Tensor>,
    /// Names of values and parameters, which are one kind in ONNX.
    taken: HashSet<String>,
    /// Names of nodes, which are another.
    nodes_taken: HashSet<String>,
    /// By a layer's path, the path of the one whose parameters it shares.
    owners: HashMap<&'a str, &'a str>,
    /// The network in bytes, where it is written so.
    bytes: Option<&'a ByteNetwork>,
}

impl<'a> Writer<'a> {
    fn new(graph: &'a Graph, weights: &'a Weights, folded: &[Option<NodeId>], bytes: Option<&'a ByteNetwork>) -> Self {
        // Folding gives a convolution a bias that it did not have.
        let biases = graph.nodes().iter().map(|node| format!("{}.bias", node.path));
        let others = ["", "input", "logits"].map(str::to_owned);
        let taken = expected(graph).into_iter().map(|tensor| tensor.name).chain(biases).chain(others).collect();
        let (values, nodes, parameters, nodes_taken) = (Vec::new(), Vec::new(), Vec::new(), HashSet::new());
        let shares = |(id, node): (NodeId, &'a Node)| {
            let owner = graph.owner(id);
            // What is folded has values of its own.
            let is_written = owner != id && !folded.contains(&Some(owner));
            is_written.then(|| (node.path.as_str(), graph.node(owner).path.as_str()))
        };
        let owners = graph.layers().filter_map(shares).collect();
        Self { graph, weights, values, nodes, parameters, taken, nodes_taken, owners, bytes }
    }

    /// `name`, or one like it where another value is called so.
    fn unused(&mut self, name: String) -> String {
        not_among(&mut self.taken, name)
    }

    fn layer(&mut self, node: &Node, id: NodeId, folded: &[Option<NodeId>]) -> Result<(), ModelFileError> {
        let path = &node.path;
        let name = match &node.op {
            Op::Input => "input".to_owned(),
            _ if id == self.graph.output() => "logits".to_owned(),
            _ => self.unused(path.clone()),
        };
        let scale = self.scale_of(id);
        // What is rounded to bytes is called as the layer once it is a number again.
        let unrounded =
            if scale.is_some() && id != NodeId(0) { self.unused(format!("{path}_float")) } else { name.clone() };
        let mut result = name;
        let name = unrounded.as_str();
        let mut is_vector = false;
        match &node.op {
            _ if self.layer_in_bytes(node, id, name) => is_vector = matches!(node.op, Op::Linear { .. }),
            Op::Input => {}
            // Written where its batch normalisation stands.
            Op::Conv2d(_) if folded.contains(&Some(id)) => {}
            Op::Conv2d(conv) => {
                let mut inputs = vec![self.map(node, 0), self.parameter(path, "weight")];
                if conv.bias {
                    inputs.push(self.parameter(path, "bias"));
                }
                self.push("Conv", path, inputs, name, convolution(conv));
            }
            Op::BatchNorm { eps, .. } => match folded.get(id.0).copied().flatten() {
                Some(conv) => self.folded(conv, node, name, *eps)?,
                None => {
                    let mut inputs = vec![self.map(node, 0)];
                    inputs.extend(["weight", "bias", "running_mean", "running_var"].map(|of| self.parameter(path, of)));
                    self.push("BatchNormalization", path, inputs, name, vec![float("epsilon", *eps as f32)]);
                }
            },
            Op::Activation(activation) => {
                let input = self.input(node, 0);
                is_vector = input.is_vector;
                self.activation(path, *activation, input.name, name);
            }
            Op::PRelu { .. } => self.slopes(node, name),
            Op::Affine { shift, .. } => self.affine(node, name, *shift),
            Op::LayerNorm { eps, .. } => self.layer_norm(node, name, *eps),
            Op::LocalNorm(norm) => self.local_norm(node, name, norm),
            Op::MaxPool(window) => {
                let inputs = vec![self.map(node, 0)];
                self.push("MaxPool", path, inputs, name, sliding(window));
            }
            Op::AvgPool(window) => {
                let mut attributes = sliding(window);
                attributes.push(int("count_include_pad", 1));
                if window.dilation == [1, 1] {
                    attributes.retain(|attribute| attribute.name != "dilations");
                }
                let inputs = vec![self.map(node, 0)];
                self.push("AveragePool", path, inputs, name, attributes);
            }
            Op::AvgPoolCounted { window, counted } => self.mean_counted(node, name, window, *counted),
            Op::GlobalAvgPool | Op::GlobalMaxPool => {
                let op = if node.op == Op::GlobalMaxPool { "GlobalMaxPool" } else { "GlobalAveragePool" };
                let inputs = vec![self.map(node, 0)];
                self.push(op, path, inputs, name, vec![]);
            }
            Op::Flatten => {
                is_vector = true;
                let inputs = vec![self.input(node, 0).name];
                self.push("Flatten", path, inputs, name, vec![int("axis", 1)]);
            }
            Op::Linear { bias, .. } => {
                is_vector = true;
                let mut inputs = vec![self.vector(node, 0), self.parameter(path, "weight")];
                if *bias {
                    inputs.push(self.parameter(path, "bias"));
                }
                self.push("Gemm", path, inputs, name, vec![int("transB", 1)]);
            }
            Op::Add | Op::Shift | Op::Mul | Op::Scale => {
                let op = if matches!(node.op, Op::Add | Op::Shift) { "Add" } else { "Mul" };
                let inputs = vec![self.map(node, 0), self.map(node, 1)];
                self.push(op, path, inputs, name, vec![]);
            }
            Op::Repeat { channels } => self.repeat(node, name, *channels),
            Op::Concat => {
                let inputs = (0..node.inputs.len()).map(|index| self.map(node, index)).collect();
                self.push("Concat", path, inputs, name, vec![int("axis", 1)]);
            }
            Op::Slice { start, channels } => {
                let mut inputs = vec![self.map(node, 0)];
                let ends = [("starts", *start), ("ends", start + channels), ("axes", 1)];
                inputs.extend(ends.map(|(of, value)| self.integers(path, of, &[value as i64])));
                self.push("Slice", path, inputs, name, vec![]);
            }
            Op::ChannelShuffle { groups } => self.shuffle(node, name, *groups),
        }
        if let Some(scale) = scale {
            if id == NodeId(0) {
                result = self.unused("input_DequantizeLinear_Output".into());
            }
            self.rounded(name, scale, &result);
        }
        self.values.push(Value { name: result, is_vector });
        Ok(())
    }

    /// View as `[batch, groups, channels / groups, height, width]`, swap the two, view as before.
    fn shuffle(&mut self, node: &Node, name: &str, groups: usize) {
        let (path, Shape { channels, height, width, .. }) = (&node.path, node.output);
        let [height, width] = [height, width].map(|length| length as i64);
        // 0 keeps the length of that axis: the batch.
        let apart = self.integers(path, "apart", &[0, groups as i64, (channels / groups.max(1)) as i64, height, width]);
        let joined = self.integers(path, "joined", &[0, channels as i64, height, width]);
        let input = self.map(node, 0);
        let [grouped, swapped] = ["grouped", "swapped"].map(|of| self.unused(format!("{path}.{of}")));
        self.push("Reshape", &grouped, vec![input, apart], &grouped, vec![]);
        self.push("Transpose", &swapped, vec![grouped.clone()], &swapped, vec![ints("perm", &[0, 2, 1, 3, 4])]);
        self.push("Reshape", path, vec![swapped, joined], name, vec![]);
    }

    /// A convolution that does what it and its batch normalisation `norm` did.
    fn folded(&mut self, conv: NodeId, norm: &Node, name: &str, eps: f64) -> Result<(), ModelFileError> {
        let node = self.graph.node(conv);
        let Op::Conv2d(geometry) = node.op else { return Ok(()) };
        let path = &node.path;
        let tensor = |path: &str, of: &str| self.weights.get(&format!("{path}.{of}"));
        let vector = |of: &str| tensor(&norm.path, of).map_or(&[][..], |tensor| &tensor.values);
        let empty = WeightTensor { shape: vec![], values: vec![] };
        let vectors = BatchNormTensors {
            weight: vector("weight"),
            bias: vector("bias"),
            running_mean: vector("running_mean"),
            running_var: vector("running_var"),
            eps,
        };
        let bias = tensor(path, "bias").filter(|_| geometry.bias).map(|tensor| tensor.values.as_slice());
        let folded = fold(tensor(path, "weight").unwrap_or(&empty), bias, vectors)
            .map_err(|source| ModelFileError::Fold { layer: path.clone(), source })?;
        let channels = folded.bias.len();
        let inputs = vec![
            self.map(node, 0),
            self.floats(format!("{path}.weight"), &folded.weight.shape, &folded.weight.values),
            self.floats(format!("{path}.bias"), &[channels], &folded.bias),
        ];
        self.push("Conv", path, inputs, name, convolution(&geometry));
        Ok(())
    }

    /// The network's result as ONNX describes it; a vector where it has no pixels.
    fn result(&mut self) -> proto::ValueInfo {
        let shape = self.graph.node(self.graph.output()).output;
        let is_vector = self.values.last().is_some_and(|value| value.is_vector);
        if is_vector || shape.pixels() != 1 {
            return value_info("logits", &if is_vector { vec![shape.channels] } else { feature_map(shape) });
        }
        let map = self.unused("logits.map".into());
        if let Some(last) = self.nodes.last_mut() {
            last.output = vec![map.clone()];
        }
        let shape_of = [shape.channels];
        self.push("Flatten", "logits", vec![map], "logits", vec![int("axis", 1)]);
        value_info("logits", &shape_of)
    }

    fn input(&self, node: &Node, index: usize) -> Value {
        let value = node.inputs.get(index).and_then(|input| self.values.get(input.0)).cloned();
        value.unwrap_or(Value { name: String::new(), is_vector: false })
    }

    /// The name of an input as `[batch, channels, height, width]`.
    fn map(&mut self, node: &Node, index: usize) -> String {
        let Value { name, is_vector } = self.input(node, index);
        if !is_vector {
            return name;
        }
        let map = self.unused(format!("{}.input{index}", node.path));
        let shape = self.integers(&map, "shape", &[0, -1, 1, 1]);
        self.push("Reshape", &map, vec![name, shape], &map, vec![]);
        map
    }

    /// The name of an input as `[batch, channels]`.
    fn vector(&mut self, node: &Node, index: usize) -> String {
        let Value { name, is_vector } = self.input(node, index);
        if is_vector {
            return name;
        }
        let vector = self.unused(format!("{}.input{index}", node.path));
        self.push("Flatten", &vector, vec![name], &vector, vec![int("axis", 1)]);
        vector
    }

    fn push(&mut self, op: &str, name: &str, input: Vec<String>, output: &str, attribute: Vec<proto::Attribute>) {
        let name = not_among(&mut self.nodes_taken, name.into());
        self.nodes.push(proto::Node {
            input,
            output: vec![output.into()],
            name,
            op_type: op.into(),
            attribute,
            domain: String::new(),
        });
    }

    /// Adds a layer's parameter, or finds it where the layer shares it; its name.
    fn parameter(&mut self, path: &str, of: &str) -> String {
        if let Some(owner) = self.owners.get(path) {
            return format!("{owner}.{of}");
        }
        let name = format!("{path}.{of}");
        let weights = self.weights;
        match weights.get(&name) {
            Some(tensor) => self.floats(name, &tensor.shape, &tensor.values),
            None => name,
        }
    }

    fn floats(&mut self, name: String, shape: &[usize], values: &[f32]) -> String {
        let raw = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        let dims = shape.iter().map(|&length| length as i64).collect();
        self.initializer(name, proto::FLOAT, dims, raw)
    }

    fn scalar(&mut self, path: &str, of: &str, value: f32) -> String {
        let name = self.unused(format!("{path}.{of}"));
        self.initializer(name, proto::FLOAT, vec![], value.to_le_bytes().into())
    }

    fn integers(&mut self, path: &str, of: &str, values: &[i64]) -> String {
        let raw = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        let name = self.unused(format!("{path}.{of}"));
        self.initializer(name, proto::INT64, vec![values.len() as i64], raw)
    }

    fn initializer(&mut self, name: String, data_type: i32, dims: Vec<i64>, raw_data: Vec<u8>) -> String {
        self.parameters.push(proto::Tensor { name: name.clone(), data_type, dims, raw_data, ..Default::default() });
        name
    }
}

/// The lengths after the batch.
fn feature_map(shape: Shape) -> Vec<usize> {
    vec![shape.channels, shape.height, shape.width]
}

/// A float tensor of any batch.
fn value_info(name: &str, lengths: &[usize]) -> proto::ValueInfo {
    let batch = proto::Length::Name("batch".into());
    let lengths = lengths.iter().map(|&length| proto::Length::Value(length as i64));
    let dim = std::iter::once(batch).chain(lengths).map(|value| proto::Dimension { value: Some(value) }).collect();
    let tensor_type = proto::TensorType { elem_type: proto::FLOAT, shape: Some(proto::TensorShape { dim }) };
    proto::ValueInfo { name: name.into(), r#type: Some(proto::Type { tensor_type: Some(tensor_type) }) }
}
