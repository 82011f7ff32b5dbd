//! Reads a file of weights for one network.

use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::io;
use std::path::Path;

use super::error::{self, Misfit, Mismatch};
use super::stored::{Fault, Kind, StoredTensor, shown};
use super::{ExpectedTensor, WeightTensor, Weights, WeightsError, expected, pth, safetensors};
use crate::graph::Graph;

/// Lists the tensors of an open file of the given length.
type List = fn(&mut File, u64) -> Result<Vec<StoredTensor>, Fault>;

/// Reads `path` (`.safetensors`, `.pth` or `.pt`, by name) for `graph`: parameters by layer path as torchvision names
/// them, 16- and 64-bit floats converted to 32 bits. Counters (`num_batches_tracked`) are ignored. A PyTorch file holds a
/// `state_dict`, either itself or under the key `state_dict` or `model`, in the format of any version of `torch.save`.
///
/// # Errors
/// [`WeightsError::Mismatch`] lists every tensor that is missing, extra, of another shape or not floating-point;
/// otherwise the file cannot be read or is damaged. Whatever the file holds, no more memory is used than its length and
/// the network's own size call for.
pub fn load(path: &Path, graph: &Graph) -> Result<Weights, WeightsError> {
    let extension = path.extension().unwrap_or_default().to_string_lossy().to_ascii_lowercase();
    let (format, list): (_, List) = match extension.as_str() {
        "safetensors" => ("safetensors", safetensors::list),
        "pth" | "pt" => ("PyTorch", pth::list),
        _ => return Err(WeightsError::UnknownFormat { path: path.into() }),
    };
    let fail = |fault| match fault {
        Fault::Io(source) => WeightsError::Read { path: path.into(), source },
        Fault::Malformed(reason) => WeightsError::Malformed { path: path.into(), format, reason },
    };
    let (mut file, length) = open(path).map_err(|source| fail(Fault::Io(source)))?;
    let stored = list(&mut file, length).map_err(fail)?;
    let pairs = pair(expected(graph), stored).map_err(|mismatch| WeightsError::Mismatch {
        path: path.into(),
        design: graph.name.clone(),
        mismatch: Box::new(mismatch),
    })?;
    let mut weights = Weights::default();
    for (expected, stored) in pairs {
        let values = stored.read(&mut file, length).map_err(fail)?;
        weights.insert(expected.name, WeightTensor { shape: expected.shape, values });
    }
    Ok(weights)
}

/// Opens a regular file; a pipe would block and a folder has no length.
fn open(path: &Path) -> io::Result<(File, u64)> {
    let metadata = std::fs::metadata(path)?;
    if !metadata.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is not a regular file"));
    }
    Ok((File::open(path)?, metadata.len()))
}

/// Every expected tensor with the stored one that has its name, shape and a floating-point format.
fn pair(
    expected: Vec<ExpectedTensor>,
    stored: Vec<StoredTensor>,
) -> Result<Vec<(ExpectedTensor, StoredTensor)>, Mismatch> {
    let known: HashSet<String> = expected.iter().map(|tensor| tensor.name.clone()).collect();
    let mut mismatch = Mismatch::default();
    let mut by_name = HashMap::new();
    for tensor in stored {
        if known.contains(&tensor.name) {
            by_name.insert(tensor.name.clone(), tensor);
        } else if !tensor.name.ends_with("num_batches_tracked") {
            let found = found(&tensor);
            mismatch.extra.push(Misfit { name: shown(&tensor.name), expected: String::new(), found });
        }
    }
    let mut pairs = Vec::with_capacity(expected.len());
    for wanted in expected {
        match by_name.remove(&wanted.name) {
            None => mismatch.missing.push(Misfit::missing(wanted.name, &wanted.shape)),
            Some(tensor) if matches!(tensor.kind, Kind::Other(_)) => mismatch.not_float.push(Misfit {
                expected: format!("floats {}", error::shape(&wanted.shape)),
                found: found(&tensor),
                name: wanted.name,
            }),
            Some(tensor) if tensor.shape != wanted.shape => {
                mismatch.misshaped.push(Misfit {
                    expected: error::shape(&wanted.shape),
                    found: found(&tensor),
                    name: wanted.name,
                });
            }
            Some(tensor) => pairs.push((wanted, tensor)),
        }
    }
    if mismatch.is_empty() { Ok(pairs) } else { Err(mismatch) }
}

/// What a stored tensor is, for people: `[10, 64]`, `I64 []`.
fn found(tensor: &StoredTensor) -> String {
    let shape = shown(&error::shape(&tensor.shape));
    match &tensor.kind {
        Kind::Float(_) => shape,
        Kind::Other(kind) => format!("{} {shape}", shown(kind)),
    }
}

#[cfg(test)]
mod tests;
