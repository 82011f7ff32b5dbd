//! What `forward` does, step by step, and how runs of numbered layers are gathered into `nn.Sequential`.

use std::collections::HashMap;

use super::modules::{constructor, function, padding};
use crate::graph::{Graph, NodeId, Op};

/// A value of `forward`, by number.
pub(super) type ValueId = usize;

/// One step of `forward`.
#[derive(Clone, Debug)]
pub(super) struct Step {
    /// The layer's path within the class, segment by segment.
    pub path: Vec<String>,
    /// What is done.
    pub call: Call,
    /// What it reads.
    pub inputs: Vec<ValueId>,
    /// What it makes.
    pub output: ValueId,
}

/// How a step is computed.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Call {
    /// By a module, made by this expression.
    Module(String),
    /// By an expression over the inputs, which stand as `{0}`, `{1}`; `{all}` is all of them, with commas.
    Function(String),
}

/// The steps of some nodes of a graph in execution order, one value of the result being the last step's.
///
/// `value_of` numbers the values; the nodes outside are its arguments.
pub(super) fn steps(graph: &Graph, nodes: &[NodeId], prefix: &str, argument: NodeId) -> Vec<Step> {
    let mut steps = Vec::new();
    let mut next = graph.nodes().len();
    // Vectors are `[batch, channels]` in PyTorch, and `[batch, channels, 1, 1]` here.
    let mut is_vector: HashMap<ValueId, bool> = HashMap::from([(argument.0, false)]);
    for &id in nodes {
        let node = graph.node(id);
        let wants_vector = matches!(node.op, Op::Linear { .. });
        let takes_both = matches!(node.op, Op::Activation(_) | Op::Flatten);
        let mut inputs: Vec<ValueId> = node.inputs.iter().map(|input| input.0).collect();
        for input in &mut inputs {
            let vector = is_vector.get(input).copied().unwrap_or(false);
            if takes_both || vector == wants_vector {
                continue;
            }
            let adapt = if wants_vector { "{0}.flatten(1)" } else { "{0}[:, :, None, None]" };
            steps.push(Step { path: vec![], call: Call::Function(adapt.into()), inputs: vec![*input], output: next });
            is_vector.insert(next, wants_vector);
            *input = next;
            next += 1;
        }
        let stays = inputs.first().and_then(|input| is_vector.get(input)).copied().unwrap_or(false);
        if let (Some(pad), [input]) = (padding(&node.op), inputs.as_mut_slice()) {
            steps.push(Step { path: vec![], call: Call::Function(pad), inputs: vec![*input], output: next });
            *input = next;
            next += 1;
        }
        let vector = wants_vector || node.op == Op::Flatten || (takes_both && stays);
        is_vector.insert(id.0, vector);
        let relative = node.path.strip_prefix(prefix).unwrap_or(&node.path);
        let path = relative.trim_start_matches('.').split('.').map(str::to_owned).collect();
        let call = match constructor(&node.op) {
            Some(expression) => Call::Module(expression),
            None => Call::Function(function(&node.op)),
        };
        steps.push(Step { path, call, inputs, output: id.0 });
    }
    steps
}

/// Makes an `nn.Sequential` of every container whose children are modules numbered from 0 that feed one another.
pub(super) fn gather(mut steps: Vec<Step>) -> Vec<Step> {
    let deepest = steps.iter().map(|step| step.path.len()).max().unwrap_or(0);
    for depth in (1..deepest).rev() {
        let mut start = 0;
        while start < steps.len() {
            if let Some(length) = sequence(&steps, start, depth) {
                let run: Vec<Step> = steps.drain(start..start + length).collect();
                if let Some(step) = joined(&run, depth) {
                    steps.insert(start, step);
                }
            }
            start += 1;
        }
    }
    steps
}

/// How many steps from `start` on make up a whole container at `depth`; `None` where they cannot be an `nn.Sequential`.
fn sequence(steps: &[Step], start: usize, depth: usize) -> Option<usize> {
    let container = steps.get(start)?.path.get(..depth)?;
    let inside = |step: &Step| step.path.len() > depth && step.path.starts_with(container);
    let run = steps.get(start..)?;
    let length = run.iter().take_while(|step| inside(step)).count();
    let run = run.get(..length)?;
    let whole = steps.iter().filter(|step| inside(step)).count() == length && length > 1;
    let numbered = run.iter().enumerate().all(|(index, step)| {
        let module = matches!(step.call, Call::Module(_)) && step.inputs.len() == 1;
        module && step.path.get(depth..) == Some(&[index.to_string()])
    });
    let readers = |value: ValueId| steps.iter().flat_map(|step| &step.inputs).filter(|&&input| input == value).count();
    let chained = run.windows(2).all(|pair| match pair {
        [one, next] => next.inputs == [one.output] && readers(one.output) == 1,
        _ => false,
    });
    (whole && numbered && chained).then_some(length)
}

fn joined(run: &[Step], depth: usize) -> Option<Step> {
    let (first, last) = (run.first()?, run.last()?);
    let mut parts: Vec<(&str, usize)> = Vec::new();
    for step in run {
        let Call::Module(expression) = &step.call else { return None };
        match parts.last_mut() {
            Some((same, times)) if same == expression => *times += 1,
            _ => parts.push((expression, 1)),
        }
    }
    let part = |&(expression, times): &(&str, usize)| match times {
        1 => expression.to_owned(),
        times => format!("*[{expression} for _ in range({times})]"),
    };
    let parts: Vec<String> = parts.iter().map(part).collect();
    Some(Step {
        path: first.path.get(..depth)?.to_vec(),
        call: Call::Module(format!("nn.Sequential(\n{},\n)", parts.join(",\n"))),
        inputs: first.inputs.clone(),
        output: last.output,
    })
}
