//! From a file's nodes to steps, for one shape of the input: everything that is known before it runs is worked out here.

mod bytes;
mod dense;
mod elementwise;
mod movement;
mod normalisation;
mod reduction;
mod windows;

use std::collections::HashMap;

use super::constant::{Constant, Floats};
use super::draft::{Draft, Refusal, Step, ValueId, Work, unsupported};
use super::fold::{self, Budget};
use super::proto::Node;
use super::quantised::{OF_BYTES, ROUNDS};
use crate::graph::Shape;

/// Most elements of a value; keeps every product far from overflow.
pub(super) const MOST_ELEMENTS: u64 = 1 << 32;

/// What is read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Source<'a> {
    /// In an order in which they can run.
    pub nodes: &'a [Node],
    pub constants: &'a HashMap<String, Constant>,
    pub input: &'a str,
    pub output: &'a str,
    /// Bytes that parameters have in the file.
    pub parameters: usize,
}

/// A value while nodes are read.
#[derive(Clone, Debug)]
enum Value {
    /// Made by a step.
    Made(ValueId),
    /// Known before.
    Constant(Constant),
}

/// The steps of a model for an input of this shape, whose channels may come last in the file.
///
/// # Errors
/// Where a node reads what nothing makes, or nothing makes the output.
pub(super) fn read(source: Source<'_>, input: Shape, is_channels_last: bool) -> Result<Draft<'_>, String> {
    let Shape { batch, channels, height, width } = input;
    let dims =
        if is_channels_last { [batch, height, width, channels] } else { [batch, channels, height, width] }.to_vec();
    let start = Step { work: Work::Input, inputs: vec![], dims: Some(dims), origin: usize::MAX };
    let mut reader =
        Reader { source, steps: vec![start], values: HashMap::new(), budget: Budget::of(source.parameters) };
    reader.values.insert(source.input, Value::Made(ValueId(0)));
    for (origin, node) in source.nodes.iter().enumerate() {
        reader.node(origin, node)?;
    }
    match reader.values.get(source.output) {
        Some(&Value::Made(output)) => {
            Ok(Draft { nodes: source.nodes, steps: reader.steps, output, budget: reader.budget })
        }
        _ => Err(format!("its output `{}` does not follow from its input", source.output)),
    }
}

struct Reader<'a> {
    source: Source<'a>,
    steps: Vec<Step>,
    values: HashMap<&'a str, Value>,
    budget: Budget,
}

impl<'a> Reader<'a> {
    fn node(&mut self, origin: usize, node: &'a Node) -> Result<(), String> {
        let mut inputs = Vec::with_capacity(node.input.len());
        for name in &node.input {
            inputs.push(match (self.values.get(name.as_str()), self.source.constants.get(name)) {
                _ if name.is_empty() => None,
                (Some(value), _) => Some(value.clone()),
                (None, Some(constant)) => Some(Value::Constant(constant.clone())),
                (None, None) => return Err(format!("`{}` reads `{name}`, which nothing makes", shown(node))),
            });
        }
        let made = self.made(origin, node, inputs);
        let mut made = made.into_iter();
        for name in node.output.iter().filter(|name| !name.is_empty()) {
            // What is not supported counts where somebody reads it.
            let value = made.next().unwrap_or_else(|| self.refuse(origin, Some("its further results".into())));
            self.values.insert(name, value);
        }
        Ok(())
    }

    fn made(&mut self, origin: usize, node: &'a Node, inputs: Vec<Option<Value>>) -> Vec<Value> {
        let known: Option<Vec<Option<&Constant>>> = inputs
            .iter()
            .map(|input| match input {
                None => Some(None),
                Some(Value::Constant(constant)) => Some(Some(constant)),
                Some(Value::Made(_)) => None,
            })
            .collect();
        let ours = matches!(node.domain.as_str(), "" | "ai.onnx")
            || (node.domain == "com.microsoft"
                && matches!(node.op_type.as_str(), "Gelu" | "QuickGelu" | ROUNDS | OF_BYTES));
        let result = match known {
            _ if !ours => Ok(vec![self.refuse(origin, None)]),
            Some(known) if fold::is_known(node) => fold::evaluate(node, &known, &mut self.budget)
                .map(|made| made.into_iter().map(Value::Constant).collect())
                .map_err(Refusal::Unsupported),
            _ => Nodes { reader: self, origin, node, inputs: &inputs }.read(),
        };
        result.unwrap_or_else(|refusal| match refusal {
            Refusal::Unsupported(reason) | Refusal::At(_, reason) => vec![self.refuse(origin, Some(reason))],
            Refusal::Layer(error) => vec![self.refuse(origin, Some(error.to_string()))],
        })
    }

    fn refuse(&mut self, origin: usize, reason: Option<String>) -> Value {
        // It leads to what it reads, so that what stands before it is looked at as well.
        let read = self.source.nodes.get(origin).map_or(&[][..], |node| &node.input);
        let inputs = read.iter().filter_map(|name| match self.values.get(name.as_str()) {
            Some(&Value::Made(value)) => Some(value),
            _ => None,
        });
        let step = Step { work: Work::Unsupported(reason), inputs: inputs.collect(), dims: None, origin };
        self.steps.push(step);
        Value::Made(ValueId(self.steps.len() - 1))
    }
}

/// What a node is called: by what it makes where it has no name.
fn shown(node: &Node) -> &str {
    if node.name.is_empty() { node.output.first().map_or("", String::as_str) } else { &node.name }
}

/// A node that reads what steps made.
struct Nodes<'r, 'a> {
    reader: &'r mut Reader<'a>,
    origin: usize,
    node: &'a Node,
    inputs: &'r [Option<Value>],
}

/// The values of a node, one for each of its outputs.
type Made = Result<Vec<Value>, Refusal>;

impl Nodes<'_, '_> {
    fn read(&mut self) -> Made {
        let Some(kind) = Kind::of(&self.node.op_type) else { return Ok(vec![self.reader.refuse(self.origin, None)]) };
        let behind = self.inputs.iter().flatten().find_map(|input| match input {
            &Value::Made(value) if self.reader.steps[value.0].dims.is_none() => Some(value),
            _ => None,
        });
        if let Some(behind) = behind {
            // What it reads is told already.
            let step = Step { work: Work::Same, inputs: vec![behind], dims: None, origin: self.origin };
            self.reader.steps.push(step);
            let value = Value::Made(ValueId(self.reader.steps.len() - 1));
            return Ok(vec![value; self.node.output.len()]);
        }
        match kind {
            Kind::Bytes => self.bytes(),
            Kind::Window => self.window(),
            Kind::Reduction => self.reduction(),
            Kind::Dense => self.dense(),
            Kind::Normalisation => self.normalisation(),
            Kind::Softmax => {
                let input = self.value(0)?;
                let dims = self.dims(input);
                self.push(Work::Softmax, vec![input], dims)
            }
            Kind::Movement => self.movement(),
            Kind::Elementwise => self.elementwise(),
        }
    }

    /// A step's result at this place among the inputs.
    fn value(&self, index: usize) -> Result<ValueId, Refusal> {
        match self.inputs.get(index) {
            Some(Some(Value::Made(value))) => Ok(*value),
            Some(Some(Value::Constant(_))) => unsupported("of a constant"),
            _ => unsupported("of nothing"),
        }
    }

    /// The parameter at this place.
    fn floats(&self, index: usize) -> Result<&Floats, Refusal> {
        match self.inputs.get(index) {
            Some(Some(Value::Constant(Constant::Floats(floats)))) => Ok(floats),
            Some(Some(Value::Constant(Constant::Other(reason)))) => unsupported(reason.to_string()),
            _ => unsupported(format!("its input {index} is no constant of floats")),
        }
    }

    fn optional_floats(&self, index: usize) -> Result<Option<&Floats>, Refusal> {
        if self.inputs.get(index).is_none_or(Option::is_none) { Ok(None) } else { self.floats(index).map(Some) }
    }

    /// The whole numbers at a place; `None` where it is left out.
    fn list(&self, index: usize) -> Result<Option<Vec<i64>>, String> {
        match self.inputs.get(index) {
            Some(Some(Value::Constant(Constant::Ints(ints)))) => Ok(Some(ints.values.to_vec())),
            Some(Some(_)) => Err(format!("its input {index} is not known before it runs")),
            _ => Ok(None),
        }
    }

    fn dims(&self, value: ValueId) -> Vec<usize> {
        self.reader.steps[value.0].dims.clone().unwrap_or_default()
    }

    /// `[n, c, h, w]` of a value.
    fn map(&self, value: ValueId) -> Result<[usize; 4], Refusal> {
        let dims = self.dims(value);
        dims.as_slice().try_into().map_err(|_| Refusal::Unsupported(format!("of {dims:?}; pictures are [n, c, h, w]")))
    }

    /// Adds a step; its value.
    fn step(&mut self, work: Work, inputs: Vec<ValueId>, dims: Vec<usize>) -> Result<ValueId, Refusal> {
        let elements = dims.iter().try_fold(1_u64, |elements, &length| elements.checked_mul(length as u64));
        if elements.is_none_or(|elements| elements == 0 || elements > MOST_ELEMENTS) {
            return unsupported(format!("its result {dims:?} is too large or empty"));
        }
        self.reader.steps.push(Step { work, inputs, dims: Some(dims), origin: self.origin });
        Ok(ValueId(self.reader.steps.len() - 1))
    }

    /// Adds the only step of a node.
    fn push(&mut self, work: Work, inputs: Vec<ValueId>, dims: Vec<usize>) -> Made {
        Ok(vec![Value::Made(self.step(work, inputs, dims)?)])
    }
}

/// What reads an operation.
enum Kind {
    Bytes,
    Window,
    Reduction,
    Dense,
    Normalisation,
    Softmax,
    Movement,
    Elementwise,
}

impl Kind {
    /// `None` for an operation that is not read at all.
    fn of(op: &str) -> Option<Self> {
        Some(match op {
            ROUNDS | OF_BYTES => Self::Bytes,
            "Conv" | "MaxPool" | "AveragePool" | "Pad" => Self::Window,
            "GlobalAveragePool" | "GlobalMaxPool" | "ReduceMean" | "ReduceSum" | "ReduceMax" => Self::Reduction,
            "Gemm" | "MatMul" => Self::Dense,
            "BatchNormalization" | "LayerNormalization" | "LRN" => Self::Normalisation,
            "Softmax" | "LogSoftmax" => Self::Softmax,
            _ if movement::KNOWN.contains(&op) => Self::Movement,
            _ if elementwise::is_known(op) => Self::Elementwise,
            _ => return None,
        })
    }
}
