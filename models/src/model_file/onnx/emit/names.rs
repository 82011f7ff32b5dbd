//! Layer paths for the nodes of a model: the module names that PyTorch's exporter leaves in parameters and nodes.

use std::collections::{HashMap, HashSet};

use crate::model_file::module_path::module_path;
use crate::model_file::onnx::constant::{Constant, Floats};
use crate::model_file::onnx::proto::Node;

/// Gives every layer a path of its own, the same ones for the same model.
pub(super) struct Names {
    /// Containers of layers and parameters: a layer without parameters must not be called like one of them.
    containers: HashSet<String>,
    taken: HashMap<String, usize>,
}

impl Names {
    pub(super) fn new(constants: &HashMap<String, Constant>, nodes: &[Node]) -> Self {
        // Shapes and bounds stand beside a layer that has nothing to learn.
        let learned =
            |constant: &Constant| matches!(constant, Constant::Floats(Floats { dims, .. }) if !dims.is_empty());
        let names = constants.iter().filter(|(_, constant)| learned(constant)).map(|(name, _)| name.as_str());
        // PyTorch's exporter names nodes by the modules around them, also where the parameters' names are lost.
        let modules = nodes.iter().filter(|node| node.name.contains('/')).map(of_node);
        let inside = names.map(str::to_owned).chain(modules);
        let containers = inside.filter_map(|name| parent(&name).map(module_path)).flat_map(|path| {
            let with_parents = std::iter::successors(Some(path.as_str()), |path| parent(path));
            with_parents.map(str::to_owned).collect::<Vec<_>>()
        });
        Self { containers: containers.collect(), taken: HashMap::from([("input".into(), 0)]) }
    }

    /// The path for a layer with a parameter called `weight`, or without parameters.
    pub(super) fn path(&mut self, node: &Node, weight: Option<&str>) -> String {
        let of_weight = weight.and_then(|name| name.strip_suffix(".weight")).filter(|name| !name.contains(':'));
        let is_of_node = of_weight.is_none();
        let mut path = match of_weight {
            Some(path) => module_path(path),
            None => module_path(&of_node(node)),
        };
        let op = node.op_type.to_lowercase();
        if path.is_empty() {
            path = op;
        } else if is_of_node && self.containers.contains(path.as_str()) {
            path = module_path(&format!("{path}.{op}"));
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

#[cfg(test)]
mod tests {
    use super::*;

    fn node(name: &str, op: &str) -> Node {
        Node { name: name.into(), op_type: op.into(), ..Default::default() }
    }

    #[test]
    fn paths_are_pytorchs_module_names() {
        let constants = HashMap::new();
        let mut names = Names::new(&constants, &[]);
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
    #[test]
    fn no_path_is_one_that_pytorch_has_for_itself() {
        let mut names = Names::new(&HashMap::new(), &[]);
        let of_weight = |name: &str| names.path(&node("", "Conv"), Some(name));
        let paths =
            ["forward.weight", "forward_.weight", "block.type.weight", "lambda.weight", "a-b.weight", "a_b.weight"]
                .map(of_weight);
        assert_eq!(paths, ["forward_", "forward__1", "block.type_", "lambda", "a_b", "a_b_1"]);
    }

    #[test]
    fn a_function_inside_a_module_is_not_called_like_the_module() {
        let nodes =
            [("/conv1/conv/Conv", "Conv"), ("/conv1/Relu", "Relu"), ("/Relu", "Relu")].map(|(of, op)| node(of, op));
        let mut names = Names::new(&HashMap::new(), &nodes);
        let conv = names.path(&nodes[0], Some("onnx::Conv_538"));
        let [inside, outside] = [1, 2].map(|index| names.path(&nodes[index], None));
        assert_eq!([conv, inside, outside], ["conv1.conv", "conv1.relu", "relu"]);
    }

    #[test]
    fn a_name_of_a_million_dots_is_read_at_once() {
        let nodes = [node(&format!("/{}/x/Relu", "a.".repeat(1_000_000)), "Relu")];
        let mut names = Names::new(&HashMap::new(), &nodes);
        assert!(names.path(&nodes[0], None).split('.').count() <= 32);
    }
}
