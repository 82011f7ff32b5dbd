//! From steps to a graph and its weights.

mod bytes;
mod channels;
mod elementwise;
mod movement;
mod names;
mod parametric;
mod pooling;
mod view;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use self::bytes::Bytes;
use self::names::Names;
use self::view::View;
use super::constant::{Constant, Floats};
use super::draft::{Draft, Refusal, Step, ValueId, Work, unsupported};
use super::proto::Node;
use super::read::MOST_ELEMENTS;
use crate::graph::{Graph, GraphBuilder, NodeId, Op, Shape};
use crate::weights::{WeightTensor, Weights};

/// What becomes of the parameters' values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Parameters {
    /// They become the graph's weights.
    Keep,
    /// They are only counted: the graph alone is wanted, and copying them would take most of the time.
    Count,
}

/// Values that copies of shared parameters may have beside those that the file holds.
const MOST_COPIED: usize = 1 << 25;

/// What a model becomes.
pub(super) struct Emitted {
    pub graph: Graph,
    pub weights: Weights,
    /// What is not taken over: the step, and why.
    pub refused: BTreeMap<ValueId, Option<String>>,
    /// Whether the model's output is what the last layer makes.
    pub ends: bool,
}

/// Makes layers of the steps that lead to the output, for an input of this shape.
///
/// # Errors
/// Where a layer does not fit its inputs.
pub(super) fn emit(
    draft: &Draft<'_>,
    (name, input): (&str, Shape),
    is_channels_last: bool,
    constants: &HashMap<String, Constant>,
    (parameters_left, parameters): (usize, Parameters),
) -> Result<Emitted, crate::graph::LowerError> {
    let batch = draft.dims(ValueId(0)).first().copied().unwrap_or(1);
    let mut emitter = Emitter {
        draft,
        builder: GraphBuilder::new(name, input),
        batch,
        is_channels_last,
        weights: Weights::default(),
        names: Names::new(constants, draft.nodes),
        placed: vec![None; draft.steps.len()],
        shuffled: HashMap::new(),
        owners: HashMap::new(),
        parameters_left,
        copies_left: MOST_COPIED,
        parameters,
        bytes: Bytes::default(),
    };
    let mut refused = BTreeMap::new();
    let readers = draft.readers();
    for (index, step) in draft.steps.iter().enumerate().filter(|(index, _)| readers.get(*index).is_some_and(|&n| n > 0))
    {
        let value = ValueId(index);
        if let Work::Unsupported(reason) = &step.work {
            refused.insert(value, reason.clone());
        }
        // What stands behind something refused is not looked at.
        if step.inputs.iter().any(|input| emitter.placed[input.0].is_none()) || step.dims.is_none() {
            continue;
        }
        match emitter.step(value, step) {
            Ok(placed) => emitter.placed[index] = Some(placed),
            Err(Refusal::Unsupported(reason)) => drop(refused.insert(value, Some(reason))),
            Err(Refusal::At(at, reason)) => drop(refused.insert(at, Some(reason))),
            Err(Refusal::Layer(error)) if refused.is_empty() => return Err(error),
            Err(Refusal::Layer(_)) => {}
        }
    }
    let ends = match emitter.placed(draft.output).and_then(|_| emitter.in_order(draft.output)) {
        // A model without a layer gives its picture as it is, perhaps in another shape.
        Ok(NodeId(0)) => emitter.push(draft.output, None, Op::Flatten, &[NodeId(0)]).is_ok(),
        Ok(node) => node == emitter.builder.last(),
        Err(Refusal::At(at, reason)) => refused.insert(at, Some(reason)).is_some(),
        Err(_) => false,
    };
    let (graph, mut weights) = (emitter.builder.finish(), emitter.weights);
    if parameters == Parameters::Keep {
        emitter.bytes.store(&graph, &mut weights);
    }
    Ok(Emitted { graph, weights, refused, ends })
}

/// What a parameter is, its values by where they are in memory.
type Key = (&'static str, Vec<usize>, Arc<str>, *const f32);

/// A step's value among the layers.
#[derive(Clone, Debug)]
struct Placed {
    /// The layer that has it.
    node: NodeId,
    /// Where it lies in the layer's map.
    view: View,
    /// The step that looks at it so.
    by: ValueId,
}

struct Emitter<'d> {
    draft: &'d Draft<'d>,
    builder: GraphBuilder,
    /// The batch that the steps are for; the layers are for any.
    batch: usize,
    /// Whether the file's pictures are `[n, h, w, c]`.
    is_channels_last: bool,
    weights: Weights,
    names: Names,
    /// By step.
    placed: Vec<Option<Placed>>,
    /// Shuffles of a layer's channels that are there: its halves come from one.
    shuffled: HashMap<(NodeId, usize), NodeId>,
    /// Layers by their parameters' names: what has the same ones shares them.
    owners: HashMap<Vec<Key>, NodeId>,
    /// Values that parameters may still have: more than a file holds means that one is used again and again.
    parameters_left: usize,
    copies_left: usize,
    parameters: Parameters,
    /// How bytes stand for numbers.
    bytes: Bytes,
}

impl<'d> Emitter<'d> {
    fn step(&mut self, value: ValueId, step: &'d Step) -> Result<Placed, Refusal> {
        match &step.work {
            Work::Input => {
                let placed = self.whole(NodeId(0), value);
                let view = placed.view.transpose(if self.is_channels_last { &[0, 2, 3, 1] } else { &[0, 1, 2, 3] });
                Ok(Placed { view: view.ok_or_else(nothing)?, ..placed })
            }
            Work::Same => self.placed(*step.inputs.first().ok_or_else(nothing)?),
            Work::Convolution { weight, bias, window, groups } => {
                self.convolution(value, (weight, bias.as_ref()), (*window, *groups))
            }
            Work::Dense { weight, bias, is_out_in } => self.dense(value, (weight, bias.as_ref()), *is_out_in),
            Work::BatchNorm { vectors, eps } => self.batch_norm(value, vectors, *eps),
            Work::LayerNorm { axis, scale, shift, eps } => self.layer_norm(value, *axis, (scale, shift.as_ref()), *eps),
            Work::Affine { axis, scale, shift } => self.affine(value, *axis, (scale.as_ref(), shift.as_ref())),
            Work::Prelu(slopes) => self.prelu(value, slopes),
            Work::Pool(pool) => self.pool(value, *pool),
            Work::Reduce { is_max, axes } => self.reduce(value, *is_max, axes),
            Work::Lrn { size, alpha, beta, bias } => self.local_norm(value, (*size, *alpha, *beta, *bias)),
            Work::Function(function) => self.function(value, *function),
            Work::Combine(arithmetic) => self.combine(value, *arithmetic),
            Work::With { constant, .. } => unsupported(format!(
                "with a constant of shape {:?}; a sum or product with one value for each channel is read",
                constant.dims
            )),
            Work::Concat { axis } => self.concat(value, *axis),
            Work::Repeat { axis } => self.repeat(value, *axis),
            Work::Reshape | Work::Transpose(_) | Work::Slice { .. } | Work::Pick { .. } => self.movement(value),
            Work::Pad { value: with, .. } => unsupported(format!(
                "with {with}, before something else than a convolution or pooling that padding belongs to"
            )),
            Work::Bytes(scale) => self.bytes(value, *scale),
            Work::Softmax => {
                unsupported("in the middle of the network or of a picture; at the end of a network it is left out")
            }
            Work::Unsupported(_) => Err(nothing()),
        }
    }

    /// The node that a step comes from.
    fn origin(&self, value: ValueId) -> &'d Node {
        static NONE: Node = Node {
            input: Vec::new(),
            output: Vec::new(),
            name: String::new(),
            op_type: String::new(),
            attribute: Vec::new(),
            domain: String::new(),
        };
        self.draft.nodes.get(self.draft.step(value).origin).unwrap_or(&NONE)
    }

    /// The first input of a step, as it lies.
    fn input(&self, value: ValueId) -> Result<Placed, Refusal> {
        self.placed(*self.draft.step(value).inputs.first().ok_or_else(nothing)?)
    }

    fn placed(&self, value: ValueId) -> Result<Placed, Refusal> {
        self.placed.get(value.0).cloned().flatten().ok_or_else(nothing)
    }

    /// A layer's shape for the batch that the steps are for.
    fn shape(&self, node: NodeId) -> Shape {
        Shape { batch: self.batch, ..self.builder.shape(node) }
    }

    fn whole(&self, node: NodeId, by: ValueId) -> Placed {
        Placed { node, view: View::of_map(self.shape(node)), by }
    }

    /// The map that a step reads as `[n, c, h, w]`.
    fn map(&mut self, value: ValueId) -> Result<NodeId, Refusal> {
        let placed = self.flat(*self.draft.step(value).inputs.first().ok_or_else(nothing)?)?;
        if placed.view == View::of_map(self.shape(placed.node)) { Ok(placed.node) } else { Err(self.moved(&placed)) }
    }

    /// Why a value cannot be read as it lies.
    fn moved(&self, placed: &Placed) -> Refusal {
        let step = self.draft.step(placed.by);
        let before = step.inputs.first().map(|&input| self.draft.dims(input)).unwrap_or_default();
        let reason = match &step.work {
            Work::Transpose(order) => format!("axes of {before:?} in the order {order:?}"),
            _ => format!("{before:?} becomes {:?}", step.dims.as_deref().unwrap_or_default()),
        };
        Refusal::At(placed.by, reason)
    }

    /// Adds a layer; its path.
    fn push(
        &mut self,
        value: ValueId,
        weight: Option<&Floats>,
        op: Op,
        inputs: &[NodeId],
    ) -> Result<(NodeId, String), Refusal> {
        let weight = weight.map(|weight| &*weight.name);
        let path = self.names.path(self.origin(value), weight);
        let id = self.builder.push(path.clone(), op, inputs)?;
        let shape = self.builder.shape(id);
        if shape.elements().0 > MOST_ELEMENTS {
            return unsupported(format!("its result {shape} is too large"));
        }
        Ok((id, path))
    }

    /// Adds a layer without parameters; its whole map.
    fn plain(&mut self, value: ValueId, op: Op, inputs: &[NodeId]) -> Result<Placed, Refusal> {
        let (id, _) = self.push(value, None, op, inputs)?;
        Ok(self.whole(id, value))
    }

    /// Adds a layer with these parameters.
    fn layer(
        &mut self,
        value: ValueId,
        op: Op,
        input: NodeId,
        parameters: Vec<Parameter<'_>>,
    ) -> Result<NodeId, Refusal> {
        let named = parameters.first().map(|parameter| parameter.of);
        let (id, path) = self.push(value, named, op, &[input])?;
        // The very same values: a parameter that was scaled on the way in is another one.
        let key = |one: &Parameter<'_>| (one.name, one.shape.clone(), one.of.name.clone(), one.of.values.as_ptr());
        let names: Vec<Key> = parameters.iter().map(key).collect();
        let is_shared = parameters.iter().all(|parameter| !parameter.of.name.is_empty());
        let owner = if is_shared { self.owners.get(&names).copied() } else { None };
        match owner {
            Some(owner) => self.builder.share(id, owner),
            None => drop(self.owners.insert(names, id)),
        }
        for parameter in parameters {
            let count = parameter.of.values.len();
            let (left, of) = if owner.is_some() {
                (&mut self.copies_left, "too large to be shared by so many layers")
            } else {
                (&mut self.parameters_left, "larger than the file")
            };
            *left = left.checked_sub(count).ok_or_else(|| format!("its {} is {of}", parameter.name))?;
            if self.parameters == Parameters::Keep {
                let values =
                    parameter.values.map_or_else(|| parameter.of.values.to_vec(), |make| make(&parameter.of.values));
                self.weights
                    .insert(format!("{path}.{}", parameter.name), WeightTensor { shape: parameter.shape, values });
            }
        }
        Ok(id)
    }
}

/// A parameter of a layer.
struct Parameter<'a> {
    /// What the layer calls it.
    name: &'static str,
    of: &'a Floats,
    shape: Vec<usize>,
    /// How its values are ordered, where otherwise than in the file.
    values: Option<Reordered<'a>>,
}

/// Values in the order of the file, in another one.
type Reordered<'a> = Box<dyn FnOnce(&[f32]) -> Vec<f32> + 'a>;

impl<'a> Parameter<'a> {
    fn new(name: &'static str, of: &'a Floats, shape: Vec<usize>) -> Self {
        Self { name, of, shape, values: None }
    }
}

fn nothing() -> Refusal {
    Refusal::Unsupported("of nothing".into())
}
