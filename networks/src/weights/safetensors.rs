//! The safetensors format: a length, a JSON header, then the tensors' bytes.

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use safetensors::tensor::{Dtype, Metadata, SafeTensorError, TensorView};

use super::element::Element;
use super::stored::{Fault, Group, Kind, StoredTensor};
use super::{Weights, WeightsError};
use crate::files::write_atomically;

/// Longest header read; the largest network of the zoo needs about a fiftieth of it.
pub(super) const LONGEST_HEADER: u64 = 4 << 20;

/// Bytes that say how long the header is.
const PREFIX: u64 = 8;

/// What a file says of itself beside its tensors, by key.
pub type Notes = BTreeMap<String, String>;

/// The tensors of a file, none of them read yet, and what it says of itself.
pub(super) fn list(file: &mut File, length: u64) -> Result<(Vec<Group>, Notes), Fault> {
    let mut prefix = [0; PREFIX as usize];
    file.read_exact(&mut prefix)?;
    let header = u64::from_le_bytes(prefix);
    if header > LONGEST_HEADER || header > length.saturating_sub(PREFIX) {
        return Err(Fault::malformed(format!("its header claims {header} bytes, the file has {length}")));
    }
    let mut json = vec![0; header as usize];
    file.read_exact(&mut json)?;
    // Deserialising checks that the tensors follow each other without gaps, each as long as its shape and type say.
    let metadata: Metadata =
        serde_json::from_slice(&json).map_err(|error| Fault::malformed(format!("its header is damaged: {error}")))?;
    let begin = PREFIX + header;
    let end = begin.saturating_add(metadata.data_len() as u64);
    if end != length {
        return Err(Fault::malformed(format!("its tensors end at byte {end}, the file has {length}")));
    }
    let place = |(name, info): (String, &safetensors::tensor::TensorInfo)| StoredTensor {
        name,
        shape: info.shape.clone(),
        kind: match info.dtype {
            Dtype::F16 => Kind::Float(Element::F16),
            Dtype::BF16 => Kind::Float(Element::BF16),
            Dtype::F32 => Kind::Float(Element::F32),
            Dtype::F64 => Kind::Float(Element::F64),
            other => Kind::Other(format!("{other:?}")),
        },
        strides: None,
        begin: begin + info.data_offsets.0 as u64,
        end: begin + info.data_offsets.1 as u64,
        checksum: None,
        scales: None,
    };
    let mut tensors: Vec<StoredTensor> = metadata.tensors().into_iter().map(place).collect();
    tensors.sort_unstable_by_key(|tensor| tensor.begin);
    let notes = metadata.metadata().iter().flatten().map(|(key, note)| (key.clone(), note.clone())).collect();
    Ok((vec![Group { place: String::new(), tensors }], notes))
}

/// Writes `weights` as 32-bit floats; an existing file is replaced only once the new one is complete.
///
/// # Errors
/// [`WeightsError::Write`] where the folder cannot be written or a tensor's values do not match its shape.
pub fn save_safetensors(weights: &Weights, path: &Path) -> Result<(), WeightsError> {
    save_with_notes(weights, &Notes::new(), path)
}

/// As [`save_safetensors`], with what the file says of itself.
///
/// # Errors
/// As [`save_safetensors`].
pub fn save_with_notes(weights: &Weights, notes: &Notes, path: &Path) -> Result<(), WeightsError> {
    with_notes(weights, notes)
        .map_err(io::Error::other)
        .and_then(|bytes| write_atomically(path, &bytes))
        .map_err(|source| WeightsError::Write { path: path.into(), source })
}

/// The bytes of a `.safetensors` file that holds `weights` as 32-bit floats.
///
/// # Errors
/// Where a tensor's values do not match its shape.
pub fn to_safetensors(weights: &Weights) -> Result<Vec<u8>, SafeTensorError> {
    with_notes(weights, &Notes::new())
}

/// As [`to_safetensors`], with what the file says of itself.
///
/// # Errors
/// As [`to_safetensors`].
pub fn with_notes(weights: &Weights, notes: &Notes) -> Result<Vec<u8>, SafeTensorError> {
    let bytes: Vec<Vec<u8>> = weights
        .iter()
        .map(|(_, tensor)| tensor.values.iter().flat_map(|value| value.to_le_bytes()).collect())
        .collect();
    let mut views = Vec::with_capacity(bytes.len());
    for ((name, tensor), bytes) in weights.iter().zip(&bytes) {
        views.push((name, TensorView::new(Dtype::F32, tensor.shape.clone(), bytes)?));
    }
    let notes: HashMap<String, String> = notes.clone().into_iter().collect();
    safetensors::serialize(views, (!notes.is_empty()).then_some(notes))
}
