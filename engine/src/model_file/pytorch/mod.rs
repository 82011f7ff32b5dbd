//! From a graph to the source of a PyTorch module, to train what was explored.
//!
//! The `state_dict` of the module has our layer paths as names, so exported `.safetensors` load with `load_state_dict`.
//! Runs of numbered layers become `nn.Sequential`, units become classes, equal units share one.

mod modules;
mod source;
mod steps;

pub use source::to_pytorch;

use std::path::Path;

use super::ModelFileError;
use crate::graph::Graph;

/// Writes a `.py` file, whole or not at all.
///
/// # Errors
/// Where the file cannot be written: the old one is untouched.
pub fn write_pytorch(graph: &Graph, path: &Path) -> Result<(), ModelFileError> {
    crate::files::write_atomically(path, to_pytorch(graph).as_bytes())
        .map_err(|source| ModelFileError::Io { path: path.display().to_string(), source })
}
