//! Layer paths for the nodes of a model: the module names that PyTorch's exporter leaves in parameters and nodes.

use std::collections::{HashMap, HashSet};

use super::Constant;
use super::Node;

/// Gives every layer a path of its own, the same ones for the same model.
pub(super) struct Names<'a> {
    /// Containers of parameters: a layer without parameters must not be called like one of them.
    containers: HashSet<&'a str>,
    taken: HashMap<String, usize>,
}

impl<'a> Names<'a> {
    pub(super) fn new(constants: &'a HashMap<String, Constant>) -> Self {
        /// Modules nested deeper than this are nobody's containers: long names of dots cost their length squared.
        const DEEPEST: usize = 64;
        let parents = |name: &'a String| std::iter::successors(parent(name), |name| parent(name)).take(DEEPEST);
        // Shapes and bounds stand beside a layer that has nothing to learn.
        let learned = |constant: &Constant| matches!(constant, Constant::Floats { dims, .. } if !dims.is_empty());
        let names = constants.iter().filter(|(_, constant)| learned(constant)).map(|(name, _)| name);
        Self { containers: names.flat_map(parents).collect(), taken: HashMap::from([("input".into(), 0)]) }
    }

    /// The path for a layer with a parameter called `weight`, or without parameters.
    pub(super) fn path(&mut self, node: &Node, weight: Option<&str>) -> String {
        let of_weight = weight.and_then(|name| name.strip_suffix(".weight")).filter(|name| !name.contains(':'));
        let mut path = match of_weight {
            Some(path) => clean(path),
            None => clean(&of_node(node)),
        };
        let op = node.op_type.to_lowercase();
        if path.is_empty() {
            path = op;
        } else if weight.is_none() && self.containers.contains(path.as_str()) {
            path = format!("{path}.{op}");
        }
        let times = self.taken.entry(path.clone()).or_default();
        if *times == 0 && path != "input" {
            *times = 1;
            return path;
        }
        loop {
            let times = self.taken.entry(path.clone()).or_default();
            let other = format!("{path}_{times}");
            *times += 1;
            if !self.taken.contains_key(&other) {
                self.taken.insert(other.clone(), 1);
                return other;
            }
        }
    }
}

fn parent(name: &str) -> Option<&str> {
    name.rsplit_once('.').map(|(parent, _)| parent)
}

/// `features.1.conv.0.0` of `/features/features.1/conv/conv.0/conv.0.0/Conv`, as PyTorch's exporter calls it; our own
/// calls it by the path itself. Nothing of `Conv_12`.
fn of_node(node: &Node) -> String {
    if !node.name.contains('/') {
        let by_operation =
            node.name.get(..node.op_type.len()).is_some_and(|start| start.eq_ignore_ascii_case(&node.op_type));
        return if by_operation { String::new() } else { node.name.clone() };
    }
    let mut parts: Vec<&str> = node.name.split('/').filter(|part| !part.is_empty()).collect();
    // The last part is the operation; a name without modules says nothing more than that.
    parts.pop();
    let mut path: Vec<&str> = Vec::new();
    for part in parts {
        match path.last_mut() {
            Some(last) if part.strip_prefix(*last).is_some_and(|rest| rest.starts_with('.')) => *last = part,
            _ => path.push(part),
        }
    }
    path.join(".")
}

/// Letters, digits and underscores between single dots, not beginning with a digit.
fn clean(path: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || c == '_' || c == '.' { c } else { '_' };
    let segments: Vec<String> = path
        .split('.')
        .filter(|segment| !segment.is_empty())
        .map(|segment| segment.chars().map(plain).collect())
        .collect();
    let path = segments.join(".");
    if path.starts_with(|first: char| first.is_ascii_digit()) { format!("layer{path}") } else { path }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(name: &str, op: &str) -> Node {
        Node { name: name.into(), op_type: op.into(), ..Default::default() }
    }

    #[test]
    fn paths_are_pytorchs_module_names() {
        let constants = HashMap::new();
        let mut names = Names::new(&constants);
        let conv = node("/features/features.1/conv/conv.0/conv.0.0/Conv", "Conv");
        assert_eq!(names.path(&conv, Some("onnx::Conv_538")), "features.1.conv.0.0");
        assert_eq!(names.path(&conv, Some("conv1.0.weight")), "conv1.0");
        assert_eq!(names.path(&node("/layer1/layer1.0/relu/Relu", "Relu"), None), "layer1.0.relu");
        assert_eq!(names.path(&node("/layer1/layer1.0/relu/Relu_1", "Relu"), None), "layer1.0.relu_1");
        assert_eq!(names.path(&node("/Concat", "Concat"), None), "concat");
        assert_eq!(names.path(&node("", "Add"), None), "add");
        assert_eq!(names.path(&node("", "Add"), None), "add_1");
        assert_eq!(names.path(&node("0/1 2/Conv", "Conv"), None), "layer0.1_2");
        assert_eq!(names.path(&node("/input/Relu", "Relu"), None), "input_0");
        assert_eq!(names.path(&node("stage2.0.branch2.2", "Relu"), None), "stage2.0.branch2.2");
        assert_eq!(names.path(&node("Relu_17", "Relu"), None), "relu");
    }
}
