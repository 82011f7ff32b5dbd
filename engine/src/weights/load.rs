//! Reads a file of weights for one network.

use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use super::error::{self, Misfit, Mismatch};
use super::stored::{Fault, Kind, StoredTensor, shown};
use super::{ExpectedTensor, WeightTensor, Weights, WeightsError, expected, pth, safetensors};
use crate::files::open_regular;
use crate::graph::Graph;

/// Lists the tensors of an open file of the given length.
type List = fn(&mut File, u64) -> Result<Vec<StoredTensor>, Fault>;

/// What PyTorch's `DataParallel` puts in front of every name.
const PARALLEL: &str = "module.";

/// Reads `path` (`.safetensors`, `.pth` or `.pt`, by name) for `graph`: parameters by layer path as torchvision names
/// them, 16- and 64-bit floats converted to 32 bits. Counters (`num_batches_tracked`) are ignored. A PyTorch file holds a
/// `state_dict`, either itself or under the key `state_dict` or `model`, in the format of any version of `torch.save`.
///
/// # Errors
/// As [`WeightsFile::open`] and [`WeightsFile::load`].
pub fn load(path: &Path, graph: &Graph) -> Result<Weights, WeightsError> {
    WeightsFile::open(path)?.load(graph)
}

/// A file of weights of which so far only the tensors' names and shapes have been read: enough to say what it fits.
#[derive(Debug)]
pub struct WeightsFile {
    path: PathBuf,
    /// `safetensors` or `PyTorch`.
    format: &'static str,
    file: File,
    length: u64,
    tensors: Vec<StoredTensor>,
}

impl WeightsFile {
    /// Lists what `path` holds, as [`load`] would read it. Where every name starts with `module.`, as `DataParallel`
    /// saves them, that is taken off.
    ///
    /// # Errors
    /// Where the file cannot be read or is damaged. Whatever it holds, no more memory is used than its length calls for.
    pub fn open(path: &Path) -> Result<Self, WeightsError> {
        let extension = path.extension().unwrap_or_default().to_string_lossy().to_ascii_lowercase();
        let (format, list): (_, List) = match extension.as_str() {
            "safetensors" => ("safetensors", safetensors::list),
            "pth" | "pt" => ("PyTorch", pth::list),
            _ => return Err(WeightsError::UnknownFormat { path: path.into() }),
        };
        let fail = |fault| failure(path, format, fault);
        let (mut file, length) = open(path).map_err(|source| fail(Fault::Io(source)))?;
        let mut tensors = list(&mut file, length).map_err(fail)?;
        if tensors.iter().all(|tensor| tensor.name.starts_with(PARALLEL)) {
            for tensor in &mut tensors {
                tensor.name.drain(..PARALLEL.len());
            }
        }
        Ok(Self { path: path.into(), format, file, length, tensors })
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Length of every axis of the tensor of this name.
    #[must_use]
    pub fn shape(&self, name: &str) -> Option<&[usize]> {
        self.tensors.iter().find(|tensor| tensor.name == name).map(|tensor| tensor.shape.as_slice())
    }

    /// Whether the file has exactly what `graph` needs.
    ///
    /// # Errors
    /// Every tensor that is missing, extra, of another shape or not floating-point.
    pub fn compare(&self, graph: &Graph) -> Result<(), Mismatch> {
        self.pair(graph).map(drop)
    }

    /// Reads the parameters of `graph`.
    ///
    /// # Errors
    /// [`WeightsError::Mismatch`] lists every tensor that is missing, extra, of another shape or not floating-point;
    /// otherwise the file cannot be read or is damaged, as the checksums of an archive show. No more memory is used than the network's own size calls for.
    pub fn load(&mut self, graph: &Graph) -> Result<Weights, WeightsError> {
        let pairs = self.pair(graph).map_err(|mismatch| WeightsError::Mismatch {
            path: self.path.clone(),
            design: graph.name.clone(),
            mismatch: Box::new(mismatch),
        })?;
        let pairs: Vec<_> = pairs.into_iter().map(|(expected, stored)| (expected, stored.clone())).collect();
        let mut weights = Weights::default();
        // Many tensors can lie in one entry of an archive.
        let mut checked = HashSet::new();
        for (expected, stored) in pairs {
            if let Some(checksum) = stored.checksum.as_ref().filter(|checksum| checked.insert(checksum.begin)) {
                checksum.check(&mut self.file).map_err(|fault| failure(&self.path, self.format, fault))?;
            }
            let values =
                stored.read(&mut self.file, self.length).map_err(|fault| failure(&self.path, self.format, fault))?;
            weights.insert(expected.name, WeightTensor { shape: expected.shape, values });
        }
        Ok(weights)
    }

    /// Every expected tensor with the stored one that has its name, shape and a floating-point format.
    fn pair(&self, graph: &Graph) -> Result<Vec<(ExpectedTensor, &StoredTensor)>, Mismatch> {
        pair(expected(graph), &self.tensors)
    }
}

fn failure(path: &Path, format: &'static str, fault: Fault) -> WeightsError {
    match fault {
        Fault::Io(source) => WeightsError::Read { path: path.into(), source },
        Fault::Malformed(reason) => WeightsError::Malformed { path: path.into(), format, reason },
    }
}

/// Opens a regular file; a pipe would block and a folder has no length.
fn open(path: &Path) -> io::Result<(File, u64)> {
    open_regular(path).map(|(file, length)| (file, length.0))
}

fn pair(
    expected: Vec<ExpectedTensor>,
    stored: &[StoredTensor],
) -> Result<Vec<(ExpectedTensor, &StoredTensor)>, Mismatch> {
    let known: HashSet<String> = expected.iter().map(|tensor| tensor.name.clone()).collect();
    let mut mismatch = Mismatch::default();
    let mut by_name = HashMap::new();
    for tensor in stored {
        if known.contains(&tensor.name) {
            by_name.insert(tensor.name.clone(), tensor);
        } else if !tensor.name.ends_with("num_batches_tracked") {
            let found = found(tensor);
            mismatch.extra.push(Misfit { name: shown(&tensor.name), expected: String::new(), found });
        }
    }
    let mut pairs = Vec::with_capacity(expected.len());
    for wanted in expected {
        match by_name.remove(&wanted.name) {
            None => mismatch.missing.push(Misfit::missing(wanted.name, &wanted.shape)),
            Some(tensor) if matches!(tensor.kind, Kind::Other(_)) => mismatch.not_float.push(Misfit {
                expected: format!("floats {}", error::shape(&wanted.shape)),
                found: found(tensor),
                name: wanted.name,
            }),
            Some(tensor) if tensor.shape != wanted.shape => {
                mismatch.misshaped.push(Misfit {
                    expected: error::shape(&wanted.shape),
                    found: found(tensor),
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
