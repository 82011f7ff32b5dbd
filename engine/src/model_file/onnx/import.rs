//! From an ONNX file to a graph and its weights. Files are not trusted: sizes are checked before anything is allocated,
//! and everything that is not supported is told at once.

use std::collections::{HashMap, HashSet};
use std::path::Path;

use prost::Message;

use super::constant::Constant;
use super::operations::{self, Converter, Parameters, Refusal};
use super::proto;
use super::scan;
use super::view::{Tensor, Value};
use crate::design::Fingerprint;
use crate::files::read_regular;
use crate::graph::{Graph, Shape};
use crate::model_file::{ModelFileError, UnsupportedNode};
use crate::units::Bytes;
use crate::weights::Weights;

/// Most that is read; ONNX files end at 2 GiB, the largest networks of this kind have a tenth of it.
const MOST: Bytes = Bytes(1 << 30);

/// Longest side of an input image; with [`operations::MOST_ELEMENTS`] it keeps every product far from overflow.
const LONGEST_SIDE: usize = 1 << 14;

/// Side of the input image where the model leaves it open.
const USUAL_SIDE: usize = 224;

/// A model from a file: a graph for any batch (and, where the model allows it, any input size), and its weights.
#[derive(Clone, Debug)]
pub struct Imported {
    pub(super) path: String,
    pub(super) name: String,
    pub(super) nodes: Vec<proto::Node>,
    pub(super) constants: HashMap<String, Constant>,
    pub(super) input: String,
    pub(super) output: String,
    /// The batch that the model was exported for; `None` where it is free.
    pub(super) exported_batch: Option<usize>,
    pub(super) shape: Shape,
    /// Most values that all parameters together can have.
    pub(super) parameters: usize,
    pub(super) weights: Weights,
    pub(super) content: Fingerprint,
}

/// Opens an ONNX classification model made of the operations that graphs here have.
///
/// # Errors
/// Where the file cannot be read, is damaged, or does something that has no counterpart here: all of it is listed.
pub fn import(path: &Path) -> Result<Imported, ModelFileError> {
    let name = path.display().to_string();
    let io = |source| ModelFileError::Io { path: name.clone(), source };
    let bytes = read_regular(path, MOST).map_err(io)?;
    Imported::from_bytes(&bytes, &name)
}

impl Imported {
    /// As [`import`], from the file's content; `path` is what errors call it.
    ///
    /// # Errors
    /// As [`import`].
    pub fn from_bytes(bytes: &[u8], path: &str) -> Result<Self, ModelFileError> {
        let mut imported = Self::decode(bytes, path).map_err(|reason| malformed(path, reason))?;
        let (_, weights) = imported.convert(imported.shape, Parameters::Keep)?;
        imported.weights = weights;
        Ok(imported)
    }

    /// The file's name without its ending.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// A short name for the file's bytes.
    #[must_use]
    pub fn content(&self) -> &Fingerprint {
        &self.content
    }

    /// Shape of the input that the model was made for, `[1, channels, height, width]`.
    #[must_use]
    pub fn input_shape(&self) -> Shape {
        self.shape
    }

    /// The parameters, by the names that [`graph_for`](Self::graph_for)'s layers have.
    #[must_use]
    pub fn weights(&self) -> &Weights {
        &self.weights
    }

    /// The graph for this many images of this height and width.
    ///
    /// # Errors
    /// Where the model is made for another input size.
    pub fn graph_for(&self, batch: usize, [height, width]: [usize; 2]) -> Result<Graph, ModelFileError> {
        Ok(self.convert(Shape { batch, height, width, ..self.shape }, Parameters::Count)?.0)
    }

    fn decode(bytes: &[u8], path: &str) -> Result<Self, String> {
        scan::check(bytes)?;
        let model = proto::Model::decode(bytes).map_err(|error| error.to_string())?;
        let graph = model.graph.ok_or("it has no graph")?;
        let mut constants = HashMap::new();
        for tensor in graph.initializer {
            constants.insert(tensor.name.clone(), Constant::of(tensor)?);
        }
        let mut inputs = graph.input.iter().filter(|input| !constants.contains_key(&input.name));
        let (Some(input), None) = (inputs.next(), inputs.next()) else {
            return Err("it does not have exactly one input".into());
        };
        let output = graph.output.first().ok_or("it has no output")?.name.clone();
        let (exported_batch, shape) = input_shape(input)?;
        let name = Path::new(path).file_stem().map(|stem| stem.to_string_lossy().into_owned());
        Ok(Self {
            path: path.into(),
            name: name.unwrap_or(graph.name),
            nodes: needed(graph.node, &output),
            input: input.name.clone(),
            constants,
            output,
            exported_batch,
            shape,
            // Four bytes each; some are shared by several layers.
            parameters: bytes.len(),
            weights: Weights::default(),
            content: Fingerprint::of_bytes(bytes),
        })
    }

    fn convert(&self, input: Shape, parameters: Parameters) -> Result<(Graph, Weights), ModelFileError> {
        let side = |length| (1..=LONGEST_SIDE).contains(&length);
        let sides = [input.batch, input.channels, input.height, input.width].into_iter().all(side);
        if !sides || input.elements().0 > operations::MOST_ELEMENTS {
            let shape = <[usize; 4]>::from(input);
            let most = operations::MOST_ELEMENTS;
            let reason = format!(
                "its input is {shape:?}: batch, channels and sides up to {LONGEST_SIDE} and {most} values in all are read"
            );
            return Err(malformed(&self.path, reason));
        }
        let known = (&self.constants, self.nodes.as_slice());
        let mut converter =
            Converter::new(&self.name, input, self.exported_batch, known, (self.parameters, parameters));
        let mut values: HashMap<&str, Value> = HashMap::new();
        values.insert(&self.input, Value::Tensor(Tensor::whole(converter.input(), input)));
        let mut unsupported: Vec<UnsupportedNode> = Vec::new();
        for node in &self.nodes {
            let mut refuse = |reason: Option<String>| {
                let (op, name) = (node.op_type.clone(), node.name.clone());
                let reason = reason.map(shortened);
                unsupported.push(UnsupportedNode { op, node: name, reason });
                vec![Value::Unknown; node.output.len()]
            };
            let mut inputs = Vec::with_capacity(node.input.len());
            for name in &node.input {
                inputs.push(match (values.get(name.as_str()), self.constants.get(name)) {
                    _ if name.is_empty() => None,
                    (Some(value), _) => Some(value.clone()),
                    (None, Some(constant)) => Some(Value::Constant(constant.clone())),
                    (None, None) => {
                        return Err(malformed(
                            &self.path,
                            format!("`{}` reads `{name}`, which nothing makes", node.name),
                        ));
                    }
                });
            }
            let made = if !operations::is_known(node) {
                refuse(None)
            } else if inputs.iter().any(|input| matches!(input, Some(Value::Unknown))) {
                vec![Value::Unknown; node.output.len()]
            } else {
                match converter.node(node, &inputs) {
                    Ok(made) => made,
                    Err(Refusal::Unsupported(reason)) => refuse(Some(reason)),
                    Err(Refusal::Layer(source)) => {
                        return Err(ModelFileError::Layer { path: self.path.clone(), source });
                    }
                }
            };
            values.extend(node.output.iter().map(String::as_str).zip(made));
        }
        if !unsupported.is_empty() {
            return Err(ModelFileError::Unsupported { path: self.path.clone(), nodes: unsupported });
        }
        let (graph, weights) = converter.finish();
        match values.get(self.output.as_str()) {
            Some(Value::Tensor(tensor)) if tensor.node == graph.output() && graph.layers().len() > 0 => {
                Ok((graph, weights))
            }
            _ => Err(malformed(&self.path, format!("its output `{}` is not the result of a last layer", self.output))),
        }
    }
}

/// A reason fit for a list of them: shapes can have thousands of numbers, and every node its own reason.
fn shortened(reason: String) -> String {
    const LONGEST: usize = 300;
    match reason.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}...", reason.get(..end).unwrap_or_default()),
        None => reason,
    }
}

fn malformed(path: &str, reason: String) -> ModelFileError {
    ModelFileError::Malformed { path: path.into(), reason }
}

/// The batch that the model was exported for, and the shape of one image.
fn input_shape(input: &proto::ValueInfo) -> Result<(Option<usize>, Shape), String> {
    let shape = input.r#type.as_ref().and_then(|of| of.tensor_type.as_ref()).and_then(|of| of.shape.as_ref());
    let length = |dimension: &proto::Dimension| match dimension.value {
        Some(proto::Length::Value(length)) => usize::try_from(length).ok(),
        _ => None,
    };
    let lengths: Option<Vec<Option<usize>>> = shape.map(|shape| shape.dim.iter().map(length).collect());
    match lengths.as_deref() {
        Some(&[batch, channels, height, width]) => {
            let side = |length: Option<usize>| length.unwrap_or(USUAL_SIDE);
            Ok((batch, Shape::new(1, channels.unwrap_or(3), side(height), side(width))))
        }
        _ => Err(format!("its input `{}` is not [batch, channels, height, width]", input.name)),
    }
}

/// The nodes that the output depends on, in their order; others (training branches, say) never run.
fn needed(nodes: Vec<proto::Node>, output: &str) -> Vec<proto::Node> {
    let maker: HashMap<&str, usize> = nodes
        .iter()
        .enumerate()
        .flat_map(|(index, node)| node.output.iter().map(move |name| (name.as_str(), index)))
        .collect();
    let mut needed = HashSet::new();
    let mut open: Vec<usize> = maker.get(output).copied().into_iter().collect();
    while let Some(index) = open.pop() {
        if needed.insert(index)
            && let Some(node) = nodes.get(index)
        {
            open.extend(node.input.iter().filter_map(|name| maker.get(name.as_str()).copied()));
        }
    }
    nodes.into_iter().enumerate().filter(|(index, _)| needed.contains(index)).map(|(_, node)| node).collect()
}

#[cfg(test)]
mod tests {
    use super::super::attributes::int;
    use super::super::{BatchNorm, to_onnx};
    use super::*;
    use crate::graph::{Activation, Conv2d, GraphBuilder, Op, Window};
    use crate::model_file::pytorch::to_pytorch;

    /// One pooling of a `side` x `side` image that rounds its output up; what it makes of another image.
    fn rounded_up(op: impl Fn(Window) -> Op, side: usize) -> Result<Shape, String> {
        let mut builder = GraphBuilder::new("net", Shape::new(1, 3, side, side));
        builder.push("pool", op(Window::inside(3, 2)), &[builder.input()]).unwrap();
        let bytes = to_onnx(&builder.finish(), &Weights::default(), BatchNorm::Keep).unwrap();
        let mut model = proto::Model::decode(bytes.as_slice()).unwrap();
        for node in &mut model.graph.as_mut().unwrap().node {
            node.attribute.push(int("ceil_mode", 1));
        }
        let imported = Imported::from_bytes(&model.encode_to_vec(), "m.onnx").map_err(|error| error.to_string())?;
        let graph = imported.graph_for(2, [side + 1, side]).map_err(|error| error.to_string())?;
        Ok(graph.node(graph.output()).output)
    }

    #[test]
    fn max_pooling_that_rounds_up_fits_its_padding_to_every_input_size() {
        assert_eq!(rounded_up(Op::MaxPool, 8), Ok(Shape::new(2, 3, 4, 4)));
        assert_eq!(rounded_up(Op::MaxPool, 9), Ok(Shape::new(2, 3, 5, 4)));
    }

    #[test]
    fn average_pooling_that_rounds_up_is_read_where_nothing_is_left_over() {
        let refused = rounded_up(Op::AvgPool, 9).unwrap_err();
        assert!(refused.contains("rounds its output up"), "10 rows are one too many: {refused}");
        let refused = rounded_up(Op::AvgPool, 8).unwrap_err();
        assert!(refused.contains("rounds its output up"), "{refused}");
    }

    /// Layer after layer, convolutions and activations by turns, at these paths.
    fn chain(paths: &[&str]) -> (Graph, Weights) {
        let conv = Conv2d { in_channels: 3, out_channels: 3, window: Window::square(3, 1), groups: 1, bias: true };
        let mut builder = GraphBuilder::new("net", Shape::new(1, 3, 8, 8));
        let mut value = builder.input();
        for (index, path) in paths.iter().enumerate() {
            let op = if index % 2 == 0 { Op::Conv2d(conv) } else { Op::Activation(Activation::Relu6) };
            value = builder.push(*path, op, &[value]).unwrap();
        }
        let graph = builder.finish();
        let weights = Weights::seeded(&graph, 1);
        (graph, weights)
    }

    /// The model of a graph, changed.
    fn model_of((graph, weights): &(Graph, Weights), change: impl Fn(&mut proto::Graph)) -> Vec<u8> {
        let bytes = to_onnx(graph, weights, BatchNorm::Keep).unwrap();
        let mut model = proto::Model::decode(bytes.as_slice()).unwrap();
        change(model.graph.as_mut().unwrap());
        model.encode_to_vec()
    }

    #[test]
    fn a_function_after_a_module_of_its_own_keeps_that_module_in_pytorch() {
        // As PyTorch exports `F.relu6(self.conv(x))` of a module `conv1`, the batch normalisation folded.
        let bytes = model_of(&chain(&["a", "b"]), |graph| {
            for node in &mut graph.node {
                let ours = node.name.clone();
                node.name = if ours == "a" { "/conv1/conv/Conv".into() } else { "/conv1/Clip".into() };
                for name in &mut node.input {
                    *name = name.replace("a.weight", "onnx::Conv_5").replace("a.bias", "onnx::Conv_6");
                }
            }
            for tensor in &mut graph.initializer {
                tensor.name = tensor.name.replace("a.weight", "onnx::Conv_5").replace("a.bias", "onnx::Conv_6");
            }
        });
        let imported = Imported::from_bytes(&bytes, "m.onnx").unwrap();
        assert!(imported.weights().iter().map(|(name, _)| name).eq(["conv1.conv.bias", "conv1.conv.weight"]));
        let source = to_pytorch(&imported.graph_for(1, [8, 8]).unwrap()).unwrap();
        assert!(source.contains("        x = self.conv1.conv(x)\n        return self.conv1.clip(x)\n"), "{source}");
    }

    #[test]
    fn whatever_layers_are_called_every_form_of_the_model_has_the_same_names_and_none_twice() {
        let odd =
            ["forward", "training", "lambda", "block.type", "a-b", "a_b", "0", "é", "conv1", "conv1.0", "x.__init__"];
        let names: Vec<String> = odd.iter().flat_map(|name| [(*name).to_owned(), format!("{name}.relu")]).collect();
        let ours = chain(&names.iter().map(String::as_str).collect::<Vec<_>>());
        let refused = to_pytorch(&ours.0).unwrap_err().to_string();
        assert_eq!(refused, "layer `forward`: modules of PyTorch are not called so; `forward_` is possible");
        let imported = Imported::from_bytes(&model_of(&ours, |_| {}), "m.onnx").unwrap();
        let graph = imported.graph_for(1, [8, 8]).unwrap();
        let source = to_pytorch(&graph).unwrap();
        for line in [
            "self.forward_ = nn.Conv2d(3, 3, 3, padding=1)",
            "self.training_ = nn.Conv2d(3, 3, 3, padding=1)",
            "setattr(self, \"lambda\", nn.Conv2d(3, 3, 3, padding=1))",
            "self.block.type_ = nn.Conv2d(3, 3, 3, padding=1)",
            "self.a_b_1 = nn.Conv2d(3, 3, 3, padding=1)",
            "self.layer0.relu = nn.ReLU6()",
            "setattr(self.conv1, \"0\", nn.Conv2d(3, 3, 3, padding=1))",
            "x = getattr(self.conv1, \"0\")(x)",
            "self.x.layer__init__ = nn.Conv2d(3, 3, 3, padding=1)",
        ] {
            assert!(source.contains(&format!("        {line}\n")), "{line}:\n{source}");
        }
        let again = to_onnx(&graph, imported.weights(), BatchNorm::Keep).unwrap();
        let again = Imported::from_bytes(&again, "m.onnx").unwrap();
        assert_eq!(again.weights(), imported.weights());
    }

    #[test]
    fn values_and_parameters_of_a_written_model_have_names_of_their_own() {
        let ours = chain(&["conv", "conv.weight", "logits", "conv.bias", "act.min", "act", "last", "logits.map"]);
        let bytes = model_of(&ours, |graph| {
            let made = graph.node.iter().flat_map(|node| &node.output);
            let names: Vec<&String> = made.chain(graph.initializer.iter().map(|tensor| &tensor.name)).collect();
            let different: HashSet<&&String> = names.iter().collect();
            assert_eq!(different.len(), names.len(), "{names:?}");
        });
        let weights = Imported::from_bytes(&bytes, "m.onnx").unwrap().weights().clone();
        assert_eq!(weights.get("conv.weight"), ours.1.get("conv.weight"));
        assert_eq!(weights.len(), ours.1.len());
    }
}
