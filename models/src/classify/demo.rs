//! The demo network: small weights that are there without a download and know shapes drawn by hand.
//!
//! What they were trained on and how well they do is in `assets/weights/README.md`. The network reads 96x96 images,
//! normalised as torchvision's; its first class is `nothing`.

use std::io::Read;
use std::sync::OnceLock;

use flate2::read::GzDecoder;
use safetensors::{SafeTensorError, SafeTensors};

use crate::design::{Batch, Design};
use crate::graph::lower;
use crate::weights::{ExpectedTensor, WeightTensor, Weights, expected};

const DESIGN: &str = include_str!("../../../assets/designs/shapes.toml");
/// Packed: names and offsets of every width are a tenth of the file.
const WEIGHTS: &[u8] = include_bytes!("../../../assets/weights/shapes.safetensors.gz");

/// Names of the classes in the order of the network's outputs, one a line.
pub const LABELS: &str = include_str!("../../../assets/labels/shapes.txt");

/// The network that [`weights`] fit.
#[must_use]
#[expect(clippy::expect_used, reason = "the file is part of the program and a test reads it")]
pub fn design() -> Design {
    Design::from_toml(DESIGN).expect("the embedded design is a design")
}

/// The trained weights of [`design`]: those of the whole width.
#[must_use]
#[expect(clippy::expect_used, reason = "the file is part of the program and a test reads it")]
pub fn weights() -> Weights {
    let all = weights_of_every_width();
    let graph = lower(&design(), Batch(1)).expect("the embedded design is a network");
    let of_whole = |tensor: ExpectedTensor| all.get(&tensor.name).cloned().map(|values| (tensor.name, values));
    expected(&graph).into_iter().filter_map(of_whole).collect()
}

/// Weights of [`design`] from which every width from 0.25 to 1 works (`training::slim`): with what narrower networks
/// normalise with.
#[must_use]
#[expect(clippy::expect_used, reason = "the file is part of the program and a test reads it")]
pub fn weights_of_every_width() -> Weights {
    read(file()).expect("the embedded weights are safetensors")
}

/// The file of weights, unpacked when it is first asked for.
#[expect(clippy::expect_used, reason = "the file is part of the program and a test reads it")]
fn file() -> &'static [u8] {
    static FILE: OnceLock<Vec<u8>> = OnceLock::new();
    FILE.get_or_init(|| {
        let mut file = Vec::new();
        GzDecoder::new(WEIGHTS).read_to_end(&mut file).expect("the embedded weights are packed");
        file
    })
}

/// Names of the classes in the order of the network's outputs.
pub fn labels() -> impl Iterator<Item = &'static str> {
    LABELS.lines()
}

/// Tensors of 32-bit floats, with everything that is in the file: weights of all widths have more than one network needs.
///
/// # Errors
/// Where the bytes are no safetensors.
pub fn read(bytes: &[u8]) -> Result<Weights, SafeTensorError> {
    let tensor = |(name, view): (String, safetensors::tensor::TensorView<'_>)| {
        let values = view.data().as_chunks::<4>().0.iter().map(|&bytes| f32::from_le_bytes(bytes)).collect();
        (name, WeightTensor { shape: view.shape().to_vec(), values })
    };
    Ok(SafeTensors::deserialize(bytes)?.tensors().into_iter().map(tensor).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::weights::load;

    #[test]
    fn design_weights_and_labels_fit_each_other() {
        let design = design();
        weights().check(&lower(&design, Batch(1)).unwrap()).unwrap();
        assert_eq!(labels().count(), design.classes as usize);
        assert_eq!(labels().next(), Some("nothing"));
        assert!(labels().all(|label| !label.trim().is_empty()));
    }

    #[test]
    fn the_embedded_weights_are_those_that_a_person_would_open_and_small() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("shapes.safetensors");
        std::fs::write(&path, file()).unwrap();
        assert_eq!(weights(), load(&path, &lower(&design(), Batch(1)).unwrap()).unwrap());
        assert!(WEIGHTS.len() <= 1_000_000, "{} bytes", WEIGHTS.len());
        // Beside the whole network's, what narrower ones normalise with.
        let all = weights_of_every_width();
        assert!(weights().iter().all(|(name, tensor)| all.get(name) == Some(tensor)) && all.len() > weights().len());
    }
}
