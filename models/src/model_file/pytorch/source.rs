//! The text of the module: a class per kind of unit, and the network.

use std::collections::HashMap;
use std::fmt::Write;

use super::class::class_body;
use super::modules::{CLASSES, constructor};
use super::sequential::gather;
use super::steps::{Call, Step, Writer};
use super::units::{Unit, whole_units};
use crate::graph::{Graph, Node, NodeId};

/// The source of a self-contained Python file with the class `Network`, every path of whose modules is a valid one.
pub(super) fn source(graph: &Graph) -> String {
    let mut classes = Classes::default();
    for (begin, class) in CLASSES {
        let made = |node: &Node| constructor(&node.op).is_some_and(|constructor| constructor.starts_with(begin));
        if graph.nodes().iter().any(made) {
            classes.text += &format!("{class}\n\n");
        }
    }
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

/// The whole network, units as single steps.
fn network(graph: &Graph, classes: &mut Classes) -> String {
    let mut writer = Writer::new(graph);
    let mut outer: Vec<Step> = Vec::new();
    let units = whole_units(graph);
    let mut index = 1;
    while index < graph.nodes().len() {
        match units.get(&NodeId(index)) {
            Some(unit) => {
                outer.push(classes.step(unit, &mut writer));
                index += unit.nodes.len();
            }
            None => {
                writer.node(NodeId(index), "", &mut outer);
                index += 1;
            }
        }
    }
    let result = writer.result(&mut outer);
    format!("class Network(nn.Module):\n{}", class_body(&gather(outer, result), 0, result))
}

/// The classes of units, equal ones once.
#[derive(Default)]
struct Classes {
    /// Class name by body.
    names: HashMap<String, String>,
    text: String,
}

impl Classes {
    /// The unit as one module.
    fn step(&mut self, unit: &Unit, writer: &mut Writer<'_>) -> Step {
        let mut inner = Vec::new();
        for &node in &unit.nodes {
            writer.node(node, &unit.prefix, &mut inner);
        }
        let output = unit.nodes.last().map_or(unit.input.0, |last| last.0);
        let body = class_body(&gather(inner, output), unit.input.0, output);
        Step {
            path: unit.prefix.split('.').map(str::to_owned).collect(),
            call: Call::Module(format!("{}()", self.of(body, unit))),
            inputs: vec![unit.input.0],
            output,
        }
    }

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
