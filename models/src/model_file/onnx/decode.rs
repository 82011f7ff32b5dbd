//! From a file's bytes to a model's nodes and constants. Files are not trusted: sizes are checked before anything is
//! allocated.

use std::collections::{HashMap, HashSet};
use std::path::Path;

use prost::Message;

use super::constant::Constant;
use super::external::Elsewhere;
use super::fold::{self, Budget};
use super::integers::Integers;
use super::outputs::{choose, needed};
use super::{layout, proto, quantised, scan, sniff};
use crate::design::Fingerprint;
use crate::graph::Shape;

/// Side of the input image where the model leaves it open.
const USUAL_SIDE: usize = 224;

/// Inputs without values that a refusal names.
const NAMED: usize = 3;

/// A model as its file has it, what only depends on constants computed.
#[derive(Clone, Debug)]
pub(super) struct Decoded {
    pub nodes: Vec<proto::Node>,
    pub constants: HashMap<String, Constant>,
    pub input: String,
    pub output: String,
    /// The batch that the model was exported for; `None` where it is free.
    pub exported_batch: Option<usize>,
    /// Whether the model takes `[n, height, width, channels]`.
    pub is_channels_last: bool,
    /// The input that the model was made for, `[1, channels, height, width]`.
    pub shape: Shape,
    /// Most values that all parameters together can have.
    pub parameters: usize,
}

/// What else a file says: the model's own name, a name for its bytes, and a note on which output was taken.
pub(super) struct Beside {
    pub name: String,
    pub content: Fingerprint,
    pub note: Option<String>,
}

/// The model in `bytes`; `file` is where they come from, `asked` the output that is wanted.
pub(super) fn decode(bytes: &[u8], file: Option<&Path>, asked: Option<&str>) -> Result<(Decoded, Beside), String> {
    if let Some(other) = sniff::other_kind(bytes) {
        return Err(other.into());
    }
    scan::check(bytes)?;
    let model = proto::Model::decode(bytes).map_err(|error| error.to_string())?;
    let graph = model.graph.ok_or("it has no graph")?;
    let (output, note) = choose(&graph.output, &graph.node, asked)?;
    let places = needed(&graph.node, &output);
    let nodes = graph.node.into_iter().enumerate().filter(|(index, _)| places.contains(index));
    let nodes: Vec<proto::Node> = nodes.map(|(_, node)| node).collect();
    let read: HashSet<&str> = nodes.iter().flat_map(|node| &node.input).map(String::as_str).collect();
    // What nobody reads may be of any kind.
    let kept = graph.initializer.into_iter().filter(|tensor| read.contains(tensor.name.as_str()));
    let mut elsewhere = Elsewhere::beside(file);
    let mut content = Content::of(bytes);
    let mut constants = HashMap::new();
    let of_bytes = quantised::read_as_integers(&nodes);
    let mut integers = HashMap::new();
    for tensor in kept {
        let values = elsewhere.values(&tensor)?;
        content.add(values.as_deref());
        if of_bytes.contains(tensor.name.as_str())
            && let Some(known) = Integers::of(&tensor, values.as_deref())
        {
            integers.insert(tensor.name.clone(), known);
        }
        constants.insert(tensor.name.clone(), Constant::of(tensor, values.as_deref())?);
    }
    let input = one_input(&graph.input, &constants, &read)?;
    let is_channels_last = layout::has_channels_last(&nodes, &input.name);
    let (exported_batch, shape) = input_shape(input, is_channels_last)?;
    let parameters = bytes.len().saturating_add(usize::try_from(elsewhere.read).unwrap_or(usize::MAX));
    let input = input.name.clone();
    quantised::in_nodes(&nodes, &mut integers);
    let nodes = quantised::in_numbers(nodes, &mut constants, integers, &mut Budget::of(parameters));
    let nodes = folded(nodes, &mut constants, parameters);
    let decoded = Decoded { nodes, constants, input, output, exported_batch, is_channels_last, shape, parameters };
    Ok((decoded, Beside { name: graph.name, content: content.fingerprint(), note }))
}

/// A name for a model's bytes in all its files.
struct Content {
    own: Fingerprint,
    others: String,
}

impl Content {
    fn of(bytes: &[u8]) -> Self {
        Self { own: Fingerprint::of_bytes(bytes), others: String::new() }
    }

    fn add(&mut self, bytes: Option<&[u8]>) {
        if let Some(bytes) = bytes {
            self.others += &Fingerprint::of_bytes(bytes).to_string();
        }
    }

    fn fingerprint(self) -> Fingerprint {
        if self.others.is_empty() {
            return self.own;
        }
        Fingerprint::of_bytes(format!("{}{}", self.own, self.others).as_bytes())
    }
}

/// The input that has no values in the file.
fn one_input<'a>(
    inputs: &'a [proto::ValueInfo],
    constants: &HashMap<String, Constant>,
    read: &HashSet<&str>,
) -> Result<&'a proto::ValueInfo, String> {
    let open = |input: &&proto::ValueInfo| !constants.contains_key(&input.name) && read.contains(input.name.as_str());
    let mut open = inputs.iter().filter(open);
    let input = open.next().ok_or("it takes no input that its output depends on")?;
    let others: Vec<&str> = open.map(|input| input.name.as_str()).collect();
    let named = others.iter().take(NAMED).map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    match others.len() {
        0 => Ok(input),
        more @ 1..=2 => Err(format!(
            "it takes {} inputs, `{}` and {named}: classifiers of one picture are read",
            more + 1,
            input.name
        )),
        more => Err(format!(
            "its weights are not in it: beside `{}` it takes {more} inputs ({named}, ...): export it with its parameters",
            input.name
        )),
    }
}

/// The batch that the model was exported for, and the shape of one image.
fn input_shape(input: &proto::ValueInfo, is_channels_last: bool) -> Result<(Option<usize>, Shape), String> {
    let shape = input.r#type.as_ref().and_then(|of| of.tensor_type.as_ref()).and_then(|of| of.shape.as_ref());
    let length = |dimension: &proto::Dimension| match dimension.value {
        Some(proto::Length::Value(length)) => usize::try_from(length).ok().filter(|&length| length > 0),
        _ => None,
    };
    let lengths: Option<Vec<Option<usize>>> = shape.map(|shape| shape.dim.iter().map(length).collect());
    let Some(&[batch, first, second, third]) = lengths.as_deref() else {
        return Err(format!("its input `{}` is not [batch, channels, height, width]", input.name));
    };
    let side = |length: Option<usize>| length.unwrap_or(USUAL_SIDE);
    let (channels, height, width) = if is_channels_last { (third, first, second) } else { (first, second, third) };
    Ok((batch, Shape::new(1, channels.unwrap_or(3), side(height), side(width))))
}

/// The nodes that are left where those that only read constants are computed, once for all shapes of the input.
fn folded(nodes: Vec<proto::Node>, constants: &mut HashMap<String, Constant>, parameters: usize) -> Vec<proto::Node> {
    let mut budget = Budget::of(parameters);
    let mut fold = |node: &proto::Node| {
        let known = |name: &String| (!name.is_empty()).then(|| constants.get(name));
        let inputs: Vec<_> = node.input.iter().map(known).collect();
        let all_known = inputs.iter().all(|input| !matches!(input, Some(None)));
        if !matches!(node.domain.as_str(), "" | "ai.onnx") || !all_known || !fold::is_known(node) {
            return false;
        }
        let inputs: Vec<_> = inputs.into_iter().map(Option::flatten).collect();
        // Whoever reads what cannot be computed says why.
        let Ok(made) = fold::evaluate(node, &inputs, &mut budget) else { return false };
        let is_whole = made.len() >= node.output.len();
        if is_whole {
            constants.extend(node.output.iter().cloned().zip(made));
        }
        is_whole
    };
    let mut left = Vec::with_capacity(nodes.len());
    for node in nodes {
        if !fold(&node) {
            left.push(node);
        }
    }
    left
}
