//! The text of the module: a class per kind of unit, and the network.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use super::steps::{Call, Step, ValueId, gather, steps};
use crate::graph::{Graph, NodeId, UnitId};

/// The source of a self-contained Python file with the class `Network`.
#[must_use]
pub fn to_pytorch(graph: &Graph) -> String {
    let mut classes = Classes::default();
    let network = network(graph, &mut classes);
    let shape = graph.input_shape();
    let name: String = graph.name.chars().filter(|character| !character.is_control() && *character != '"').collect();
    let name = name.replace('\\', "/");
    format!(
        "\"\"\"{name} for PyTorch, written by ShuffleScope {}.\n\n\
         Load exported weights with\n\n    \
         from safetensors.torch import load_file\n    \
         network = Network()\n    \
         network.load_state_dict(load_file(\"weights.safetensors\"))\n\
         \"\"\"\n\n\
         import torch\nfrom torch import nn\nfrom torch.nn import functional as F\n\n\n{}{network}\n\n\
         if __name__ == \"__main__\":\n    \
         network = Network().eval()\n    \
         print(network(torch.randn(1, {}, {}, {})).shape)\n",
        env!("CARGO_PKG_VERSION"),
        classes.text,
        shape.channels,
        shape.height,
        shape.width,
    )
}

/// The classes of units, equal ones once.
#[derive(Default)]
struct Classes {
    /// Class name by body.
    names: BTreeMap<String, String>,
    text: String,
}

/// The whole network, units as single steps.
fn network(graph: &Graph, classes: &mut Classes) -> String {
    let mut outer: Vec<Step> = Vec::new();
    let mut straight: Vec<NodeId> = Vec::new();
    let units = whole_units(graph);
    let mut index = 1;
    while index < graph.nodes().len() {
        let id = NodeId(index);
        match units.get(&id) {
            Some(unit) => {
                flush(graph, &mut straight, &mut outer);
                let body = class_body(gather(steps(graph, &unit.nodes, &unit.prefix, unit.input)), unit.input.0);
                let class = classes.of(body, unit);
                outer.push(Step {
                    path: unit.prefix.split('.').map(str::to_owned).collect(),
                    call: Call::Module(format!("{class}()")),
                    inputs: vec![unit.input.0],
                    output: index + unit.nodes.len() - 1,
                });
                index += unit.nodes.len();
            }
            None => {
                straight.push(id);
                index += 1;
            }
        }
    }
    flush(graph, &mut straight, &mut outer);
    format!("class Network(nn.Module):\n{}", class_body(gather(outer), 0))
}

/// Adds the steps of nodes outside units.
fn flush(graph: &Graph, straight: &mut Vec<NodeId>, outer: &mut Vec<Step>) {
    // Values made between two units never are vectors read by the next one, so each run starts anew.
    let Some(&first) = straight.first() else { return };
    let argument = graph.node(first).inputs.first().copied().unwrap_or(NodeId(0));
    // Numbers of adapted values must not be taken twice.
    let taken = outer.iter().map(|step| step.output + 1).max().unwrap_or(0).max(graph.nodes().len());
    let shift = taken - graph.nodes().len();
    for mut step in steps(graph, straight, "", argument) {
        let moved = |value: ValueId| if value >= graph.nodes().len() { value + shift } else { value };
        step.inputs = step.inputs.iter().map(|&value| moved(value)).collect();
        step.output = moved(step.output);
        outer.push(step);
    }
    straight.clear();
}

/// A unit that can be a class: consecutive nodes under one path that read one value from outside and give one.
struct Unit {
    prefix: String,
    nodes: Vec<NodeId>,
    input: NodeId,
    id: UnitId,
}

/// The units by their first node.
fn whole_units(graph: &Graph) -> BTreeMap<NodeId, Unit> {
    let mut members: BTreeMap<UnitId, Vec<NodeId>> = BTreeMap::new();
    for (id, node) in graph.layers() {
        if let Some(unit) = node.unit {
            members.entry(unit).or_default().push(id);
        }
    }
    let unit = |(id, nodes): (UnitId, Vec<NodeId>)| {
        let (&first, &last) = (nodes.first()?, nodes.last()?);
        let inside = |node: NodeId| (first..=last).contains(&node);
        let consecutive = last.0 - first.0 + 1 == nodes.len();
        let inputs: BTreeSet<NodeId> =
            nodes.iter().flat_map(|&node| &graph.node(node).inputs).copied().filter(|&node| !inside(node)).collect();
        let leaks = graph.layers().filter(|(id, _)| !inside(*id)).flat_map(|(_, node)| &node.inputs);
        let closed = leaks.filter(|&&node| inside(node)).all(|&node| node == last);
        let paths = nodes.iter().map(|&node| graph.node(node).path.as_str());
        let prefix = common_prefix(paths.collect::<Vec<_>>().as_slice())?;
        // Numbered layers right inside a unit are an `nn.Sequential`, not attributes of a class.
        let named = nodes.iter().all(|&node| {
            let inside = graph.node(node).path.get(prefix.len() + 1..);
            inside.is_some_and(|path| !path.starts_with(|first: char| first.is_ascii_digit()))
        });
        let only = inputs.first().filter(|_| inputs.len() == 1 && consecutive && closed && named)?;
        Some((first, Unit { prefix, input: *only, nodes, id }))
    };
    members.into_iter().filter_map(unit).collect()
}

/// The longest run of whole path segments that all paths start with and none ends with.
fn common_prefix(paths: &[&str]) -> Option<String> {
    let mut prefix = paths.first()?.rsplit_once('.')?.0;
    while !paths.iter().all(|path| path.strip_prefix(prefix).is_some_and(|rest| rest.starts_with('.'))) {
        prefix = prefix.rsplit_once('.')?.0;
    }
    Some(prefix.to_owned())
}

impl Classes {
    /// The class with this body, written out when it is new.
    fn of(&mut self, body: String, unit: &Unit) -> String {
        if let Some(name) = self.names.get(&body) {
            return name.clone();
        }
        let name = format!("Stage{}Unit{}", unit.id.stage + 2, unit.id.repeat);
        let _ = write!(self.text, "class {name}(nn.Module):\n{body}\n\n");
        self.names.insert(body, name.clone());
        name
    }
}

/// `__init__` and `forward` over gathered steps; `argument` is the value that `forward` gets.
fn class_body(steps: Vec<Step>, argument: ValueId) -> String {
    let mut tree = Tree::default();
    for step in &steps {
        if let Call::Module(expression) = &step.call {
            tree.insert(&step.path, expression);
        }
    }
    let mut text = String::from("    def __init__(self):\n        super().__init__()\n");
    for (name, child) in &tree.children {
        let _ = writeln!(text, "        {} = {}", attribute(name), indented(&child.expression(), 8));
    }
    text += "\n    def forward(self, x):\n";
    text += &forward(&steps, argument);
    text
}

/// `self.name`, which every path of ours allows.
fn attribute(name: &str) -> String {
    let starts_well = name.chars().next().is_some_and(|first| first.is_ascii_alphabetic() || first == '_');
    let name: String = name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
    if starts_well { format!("self.{name}") } else { format!("self.layer_{name}") }
}

/// Modules by path.
#[derive(Default)]
struct Tree {
    expression: Option<String>,
    /// In the order of the graph.
    children: Vec<(String, Tree)>,
}

impl Tree {
    fn insert(&mut self, path: &[String], expression: &str) {
        match path {
            [] => self.expression = Some(expression.into()),
            [first, rest @ ..] => match self.children.iter_mut().find(|(name, _)| name == first) {
                Some((_, child)) => child.insert(rest, expression),
                None => {
                    let mut child = Self::default();
                    child.insert(rest, expression);
                    self.children.push((first.clone(), child));
                }
            },
        }
    }

    fn expression(&self) -> String {
        if let Some(expression) = &self.expression {
            return expression.clone();
        }
        let entry = |(name, child): &(String, Self)| format!("\"{name}\": {},\n", child.expression());
        format!("nn.ModuleDict({{\n{}}})", self.children.iter().map(entry).collect::<String>())
    }
}

/// The expression over several lines, indented by brackets from `margin` on.
fn indented(expression: &str, margin: usize) -> String {
    let mut text = String::new();
    let mut depth: usize = 0;
    for (index, line) in expression.lines().enumerate() {
        if line.starts_with([')', '}']) {
            depth = depth.saturating_sub(1);
        }
        if index > 0 {
            text += "\n";
            text += &" ".repeat(margin + 4 * depth);
        }
        text += line;
        if line.ends_with(['(', '{']) {
            depth += 1;
        }
    }
    text
}

/// Straight-line code; a name is used again once the value it had is read for the last time.
fn forward(steps: &[Step], argument: ValueId) -> String {
    const NAMES: [&str; 6] = ["x", "y", "z", "u", "v", "w"];
    let mut names: BTreeMap<ValueId, String> = BTreeMap::from([(argument, "x".to_owned())]);
    let mut text = String::new();
    for (index, step) in steps.iter().enumerate() {
        let inputs: Vec<String> =
            step.inputs.iter().map(|input| names.get(input).cloned().unwrap_or_default()).collect();
        for input in &step.inputs {
            let read_again = steps.iter().skip(index + 1).any(|later| later.inputs.contains(input));
            if !read_again {
                names.remove(input);
            }
        }
        let expression = call(step, &inputs);
        if index + 1 == steps.len() {
            let _ = writeln!(text, "        return {expression}");
            break;
        }
        let used: BTreeSet<&str> = names.values().map(String::as_str).collect();
        let preferred = inputs.iter().map(String::as_str).chain(NAMES).find(|name| !used.contains(name));
        let name = preferred.map_or_else(|| format!("value_{index}"), str::to_owned);
        let _ = writeln!(text, "        {name} = {expression}");
        names.insert(step.output, name);
    }
    text
}

fn call(step: &Step, inputs: &[String]) -> String {
    match &step.call {
        Call::Module(_) => {
            let (first, rest) = match step.path.split_first() {
                Some((first, rest)) => (attribute(first), rest),
                None => return inputs.join(", "),
            };
            let keys: String = rest.iter().map(|key| format!("[\"{key}\"]")).collect();
            format!("{first}{keys}({})", inputs.join(", "))
        }
        Call::Function(template) => {
            let mut text = template.replace("{all}", &inputs.join(", "));
            for (index, input) in inputs.iter().enumerate() {
                text = text.replace(&format!("{{{index}}}"), input);
            }
            text
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::design::Batch;
    use crate::zoo;

    fn source(name: &str) -> String {
        to_pytorch(&crate::graph::lower(&zoo::preset(name).unwrap(), Batch(1)).unwrap())
    }

    #[test]
    fn equal_units_share_a_class_and_numbered_layers_are_sequential() {
        let text = source("shufflenet-v2-x1.0");
        assert_eq!(text.matches("(nn.Module):").count(), 7, "two kinds of unit in three stages, and the network");
        assert!(text.contains("            *[Stage3Unit1() for _ in range(7)],\n"));
        assert!(text.contains("        self.fc = nn.Linear(1024, 1000)\n"));
        assert!(!text.contains("ModuleDict") && text.lines().count() < 220);
    }

    #[test]
    fn every_preset_gives_balanced_source_that_returns_once_per_class() {
        for preset in zoo::presets() {
            let text = source(&preset.design.name);
            for (open, close) in ["()", "[]", "{}"].map(|pair| pair.split_at(1)) {
                assert_eq!(text.matches(open).count(), text.matches(close).count(), "{}", preset.design.name);
            }
            assert_eq!(text.matches("(nn.Module):").count(), text.matches("        return ").count());
        }
    }
}
