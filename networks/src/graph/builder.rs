//! Builds a graph node by node, inferring and checking every shape.

use std::collections::{BTreeMap, HashSet};

use thiserror::Error;

use super::{Activation, Conv2d, Graph, Node, NodeId, Op, Shape, UnitId, Window, limits};

/// A network that cannot be computed; names the layer and what does not fit.
#[derive(Clone, Debug, Error, PartialEq)]
#[error("layer `{path}`: {reason}")]
pub struct LowerError {
    /// The layer's path.
    pub path: String,
    /// What does not fit and what would.
    pub reason: String,
}

/// Collects nodes in execution order. Every method returns the new node's id.
#[derive(Debug)]
pub struct GraphBuilder {
    name: String,
    nodes: Vec<Node>,
    paths: HashSet<String>,
    unit: Option<UnitId>,
    shared: BTreeMap<NodeId, NodeId>,
}

impl GraphBuilder {
    /// A graph that so far only has its input.
    #[must_use]
    pub fn new(name: impl Into<String>, input: Shape) -> Self {
        let node = Node { path: "input".into(), op: Op::Input, inputs: vec![], output: input, unit: None };
        // Most networks have some hundreds of layers.
        let mut paths = HashSet::with_capacity(1024);
        paths.insert(node.path.clone());
        Self { name: name.into(), paths, nodes: vec![node], unit: None, shared: BTreeMap::new() }
    }

    /// The network's input.
    #[must_use]
    pub fn input(&self) -> NodeId {
        NodeId(0)
    }

    /// The shape of a node's value.
    ///
    /// # Panics
    /// If `id` is not a node of this builder.
    #[must_use]
    pub fn shape(&self, id: NodeId) -> Shape {
        self.nodes[id.0].output
    }

    /// Nodes pushed from now on belong to this unit (or to none).
    pub fn set_unit(&mut self, unit: Option<UnitId>) {
        self.unit = unit;
    }

    /// The finished graph; its result is the last node pushed.
    #[must_use]
    pub fn finish(self) -> Graph {
        Graph { name: self.name, nodes: self.nodes, shared: self.shared }
    }

    /// Has a layer compute with the parameters of an earlier one, which have the same names and shapes. They count once;
    /// whoever makes weights for the graph gives both paths the same values.
    pub fn share(&mut self, layer: NodeId, owner: NodeId) {
        self.shared.insert(layer, owner);
    }

    /// The node pushed last; the input where there is none.
    #[must_use]
    pub fn last(&self) -> NodeId {
        NodeId(self.nodes.len() - 1)
    }

    /// Adds a node.
    ///
    /// # Errors
    /// Where the operation does not fit its inputs or the path is taken.
    pub fn push(&mut self, path: impl Into<String>, op: Op, inputs: &[NodeId]) -> Result<NodeId, LowerError> {
        let path = path.into();
        let inferred = match *inputs {
            // Nearly every layer reads one value or two; this is done for thousands of layers in the frame of an edit.
            [input] => infer(&op, &[self.shape(input)]),
            [first, second] => infer(&op, &[self.shape(first), self.shape(second)]),
            _ => infer(&op, &inputs.iter().map(|&input| self.shape(input)).collect::<Vec<_>>()),
        };
        let output = match inferred {
            Ok(output) => output,
            Err(reason) => return Err(LowerError { path, reason }),
        };
        if !self.paths.insert(path.clone()) {
            return Err(LowerError { path, reason: "another layer has this path".into() });
        }
        self.nodes.push(Node { path, op, inputs: inputs.to_vec(), output, unit: self.unit });
        Ok(NodeId(self.nodes.len() - 1))
    }

    /// A bias-free convolution, its batch normalisation and activation, at the three paths given.
    ///
    /// # Errors
    /// As [`push`](Self::push).
    pub fn conv_bn(
        &mut self,
        [conv_path, bn_path, activation_path]: [String; 3],
        input: NodeId,
        (out_channels, window, groups): (usize, Window, usize),
        activation: impl Into<Activation>,
    ) -> Result<NodeId, LowerError> {
        let in_channels = self.shape(input).channels;
        let conv = Conv2d { in_channels, out_channels, window, groups, bias: false };
        let value = self.push(conv_path, Op::Conv2d(conv), &[input])?;
        let value = self.push(bn_path, Op::BatchNorm { channels: out_channels, eps: 1e-5 }, &[value])?;
        self.activation(activation_path, activation, value)
    }

    /// An activation, or nothing for [`Activation::None`].
    ///
    /// # Errors
    /// As [`push`](Self::push).
    pub fn activation(
        &mut self,
        path: impl Into<String>,
        activation: impl Into<Activation>,
        input: NodeId,
    ) -> Result<NodeId, LowerError> {
        let activation = activation.into();
        if activation == Activation::None { Ok(input) } else { self.push(path, Op::Activation(activation), &[input]) }
    }
}

/// The output shape of `op`, or why it does not fit.
fn infer(op: &Op, inputs: &[Shape]) -> Result<Shape, String> {
    let expected = match op {
        Op::Input => 0,
        Op::Add | Op::Scale | Op::Mul | Op::Shift => 2,
        Op::Concat => inputs.len().max(1),
        _ => 1,
    };
    let (Some(&first), true) = (inputs.first(), inputs.len() == expected) else {
        return Err(format!("{op} takes {expected} inputs, not {}", inputs.len()));
    };
    let shape = match op {
        Op::Input => return Err("a graph has one input, its first node".into()),
        Op::Conv2d(conv) => {
            expect_channels(first, conv.in_channels)?;
            if conv.groups == 0 || conv.in_channels % conv.groups != 0 || conv.out_channels % conv.groups != 0 {
                return Err(format!(
                    "{} input and {} output channels do not divide into {} groups",
                    conv.in_channels, conv.out_channels, conv.groups
                ));
            }
            windowed(first, &conv.window, false)?.with_channels(conv.out_channels)
        }
        Op::MaxPool(window) | Op::AvgPool(window) => windowed(first, window, true)?,
        Op::AvgPoolCounted { window, counted } => {
            let output = windowed(first, window, true)?;
            limits::check_counted(window, *counted, (first, output))?;
            output
        }
        Op::BatchNorm { channels, .. } | Op::Affine { channels, .. } | Op::LayerNorm { channels, .. } => {
            expect_channels(first, *channels)?;
            first
        }
        Op::Activation(activation) => {
            limits::check_coefficients(*activation)?;
            first
        }
        Op::PRelu { channels: 1 } => first,
        Op::PRelu { channels } => {
            expect_channels(first, *channels)?;
            first
        }
        Op::LocalNorm(norm) => {
            limits::check_neighbours(norm)?;
            first
        }
        Op::GlobalAvgPool | Op::GlobalMaxPool => Shape { height: 1, width: 1, ..first },
        Op::Flatten => Shape::new(first.batch, features(first)?, 1, 1),
        Op::Linear { in_features, out_features, .. } => {
            if features(first)? != *in_features || first.pixels() != 1 {
                return Err(format!("expects {in_features} features per image, its input is {first}"));
            }
            first.with_channels(*out_features)
        }
        Op::Add => {
            if inputs[1] != first {
                return Err(format!("adds {first} and {}, which differ", inputs[1]));
            }
            first
        }
        Op::Mul => {
            if inputs[1] != first {
                return Err(format!("multiplies {first} and {}, which differ", inputs[1]));
            }
            first
        }
        Op::Scale => {
            if inputs[1] != Shape::new(first.batch, first.channels, 1, 1) {
                return Err(format!("scales {first} by {}, not by one factor per channel", inputs[1]));
            }
            first
        }
        Op::Shift => {
            if inputs[1] != Shape::new(first.batch, first.channels, 1, 1) {
                return Err(format!("shifts {first} by {}, not by one value per channel", inputs[1]));
            }
            first
        }
        Op::Repeat { channels } => {
            expect_channels(first, 1)?;
            first.with_channels(*channels)
        }
        Op::Concat => {
            if let Some(other) = inputs.iter().find(|other| other.with_channels(first.channels) != first) {
                return Err(format!("joins {first} and {other}, which differ in more than channels"));
            }
            first.with_channels(inputs.iter().map(|input| input.channels).sum())
        }
        Op::Slice { start, channels } => {
            if start.checked_add(*channels).is_none_or(|end| end > first.channels) {
                return Err(format!("keeps {channels} channels from {start} on of {}", first.channels));
            }
            first.with_channels(*channels)
        }
        Op::ChannelShuffle { groups } => {
            if *groups == 0 || first.channels % groups != 0 {
                return Err(format!("{} channels do not divide into {groups} shuffle groups", first.channels));
            }
            first
        }
    };
    if shape.elements().0 == 0 { Err(format!("its output {shape} is empty")) } else { Ok(shape) }
}

/// Values per image.
fn features(shape: Shape) -> Result<usize, String> {
    let features = shape.height.checked_mul(shape.width).and_then(|pixels| pixels.checked_mul(shape.channels));
    features.ok_or_else(|| format!("its input {shape} has too many values"))
}

fn expect_channels(shape: Shape, channels: usize) -> Result<(), String> {
    if shape.channels == channels { Ok(()) } else { Err(format!("expects {channels} channels, its input is {shape}")) }
}

fn windowed(input: Shape, window: &Window, pooling: bool) -> Result<Shape, String> {
    limits::check(window, input, pooling)?;
    let length = |axis, length| window.output_length(axis, length).unwrap_or(0);
    Ok(Shape { height: length(0, input.height), width: length(1, input.width), ..input })
}
