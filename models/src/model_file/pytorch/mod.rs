//! From a graph to the source of a PyTorch module, to train what was explored.
//!
//! The `state_dict` of the module has our layer paths as names, so exported `.safetensors` load with `load_state_dict`.
//! Runs of numbered layers become `nn.Sequential`, units become classes, equal units share one. A network that PyTorch
//! cannot have under these names is refused.

mod class;
mod modules;
mod sequential;
mod source;
mod steps;
#[cfg(test)]
mod tests;
mod units;

use std::collections::HashSet;
use std::path::Path;

use super::ModelFileError;
use super::module_path::{is_of_layers, module_path};
use crate::graph::Graph;

/// The source of a self-contained Python file with the class `Network`.
///
/// # Errors
/// [`ModelFileError::Name`] where PyTorch has no module of a layer's name.
pub fn to_pytorch(graph: &Graph) -> Result<String, ModelFileError> {
    check_names(graph)?;
    Ok(source::source(graph))
}

/// Writes a `.py` file, whole or not at all.
///
/// # Errors
/// As [`to_pytorch`], and where the file cannot be written: the old one is untouched.
pub fn write_pytorch(graph: &Graph, path: &Path) -> Result<(), ModelFileError> {
    let text = to_pytorch(graph)?;
    crate::files::write_atomically(path, text.as_bytes())
        .map_err(|source| ModelFileError::Io { path: path.display().to_string(), source })
}

/// Refuses paths that modules cannot have; what is no module has no name in the source.
fn check_names(graph: &Graph) -> Result<(), ModelFileError> {
    let paths = || graph.layers().filter(|(_, node)| modules::constructor(&node.op).is_some());
    let layers: HashSet<&str> = paths().map(|(_, node)| node.path.as_str()).collect();
    for path in paths().map(|(_, node)| node.path.as_str()) {
        let refuse = |reason| Err(ModelFileError::Name { layer: path.to_owned(), reason });
        let valid = module_path(path);
        if valid != path || path.is_empty() {
            return refuse(match valid.as_str() {
                "" => "modules of PyTorch are not called so: it needs a letter or digit".to_owned(),
                valid => format!("modules of PyTorch are not called so; `{valid}` is possible"),
            });
        }
        let mut ends = path.match_indices('.').map(|(end, _)| end);
        let taken = ends.find(|&end| {
            let child = path[end + 1..].split('.').next().unwrap_or_default();
            layers.contains(&path[..end]) && is_of_layers(child)
        });
        if let Some(end) = taken {
            return refuse(format!("the layer `{}` has an attribute of that name in PyTorch", &path[..end]));
        }
    }
    Ok(())
}
