//! Which networks a file of weights fits, by the names and shapes of its tensors; the number of classes is the file's.

use std::path::PathBuf;

use thiserror::Error;

use crate::design::{Batch, Design, Edit, limits};
use crate::graph::{Graph, LoweringError, Op, lower};
use crate::weights::{Mismatch, WeightsFile};
use crate::zoo;

/// Classes that the file's last layer tells apart, where that layer is called as in `graph`.
#[must_use]
pub fn classes_of(file: &WeightsFile, graph: &Graph) -> Option<u32> {
    let (_, last) = graph.layers().filter(|(_, node)| matches!(node.op, Op::Linear { .. })).last()?;
    match file.shape(&format!("{}.weight", last.path))? {
        [classes, _] => u32::try_from(*classes).ok(),
        _ => None,
    }
}

/// Why a design cannot be used with a file of weights.
#[derive(Debug, Error)]
pub enum FitError {
    /// The design itself breaks a rule.
    #[error(transparent)]
    Design(#[from] LoweringError),
    /// The file holds another network.
    #[error("the weights `{}` do not fit `{design}`:{}", .path.display(), .mismatch.first(SHOWN))]
    Weights {
        /// The file.
        path: PathBuf,
        /// The design's name.
        design: String,
        /// Everything that does not fit, even with the file's number of classes.
        mismatch: Box<Mismatch>,
    },
}

/// Tensors that the message names.
const SHOWN: usize = 4;

/// `design` with as many classes as the file tells apart, so that a network trained for other classes fits.
///
/// # Errors
/// Where the design breaks a rule or the file holds another network.
pub fn fitted(file: &WeightsFile, design: &Design) -> Result<Design, FitError> {
    let graph = lower(design, Batch(1))?;
    let of_file = classes_of(file, &graph).filter(|classes| limits::CLASSES.contains(classes));
    let adapted = match of_file {
        Some(classes) => design.apply(&Edit::Classes(classes)),
        None => design.clone(),
    };
    match file.compare(&lower(&adapted, Batch(1))?) {
        Ok(()) => Ok(adapted),
        Err(mismatch) => Err(FitError::Weights {
            path: file.path().into(),
            design: design.name.clone(),
            mismatch: Box::new(mismatch),
        }),
    }
}

/// The presets that the file fits, with the number of classes that it tells apart.
#[must_use]
pub fn fitting(file: &WeightsFile) -> Vec<Design> {
    zoo::presets().iter().filter_map(|preset| fitted(file, &preset.design).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::weights::{WeightTensor, Weights, expected, save_safetensors};

    /// A file with seeded weights of `design`, each name behind `prefix`.
    fn saved(design: &Design, prefix: &str) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("w.safetensors");
        let weights = Weights::seeded(&lower(design, Batch(1)).unwrap(), 1);
        let renamed: Weights =
            weights.iter().map(|(name, tensor)| (format!("{prefix}{name}"), tensor.clone())).collect();
        save_safetensors(&renamed, &path).unwrap();
        (folder, path)
    }

    fn names(designs: &[Design]) -> Vec<&str> {
        designs.iter().map(|design| design.name.as_str()).collect()
    }

    #[test]
    fn a_file_fits_the_preset_that_it_was_saved_from() {
        for name in ["shufflenet-v2-x0.5", "shufflenet-v2-x1.0-paper", "shufflenet-v1-g3-x1.0", "mobilenet-v2-x1.0"] {
            let design = zoo::preset(name).unwrap();
            let (_folder, path) = saved(&design, "");
            let found = fitting(&WeightsFile::open(&path).unwrap());
            assert!(found.contains(&design), "{name}: {:?}", names(&found));
        }
    }

    #[test]
    fn no_two_presets_are_confused_unless_their_tensors_are_the_same() {
        let shapes = |design: &Design| {
            let mut tensors: Vec<_> = expected(&lower(design, Batch(1)).unwrap())
                .into_iter()
                .map(|tensor| (tensor.name, tensor.shape))
                .collect();
            tensors.sort();
            tensors
        };
        let presets = ["shufflenet-v2-x0.5", "shufflenet-v2-x1.0", "shufflenet-v2-x1.5", "mobilenet-v2-x1.0"];
        for name in presets {
            let design = zoo::preset(name).unwrap();
            let (_folder, path) = saved(&design, "");
            let found = fitting(&WeightsFile::open(&path).unwrap());
            let mine = shapes(&design);
            assert!(found.iter().all(|other| shapes(other) == mine), "{name}: {:?}", names(&found));
        }
    }

    #[test]
    fn a_head_of_50_classes_fits_its_preset_with_50_classes() {
        let design = zoo::preset("shufflenet-v2-x0.5").unwrap();
        let tuned = design.apply(&Edit::Classes(50));
        let (_folder, path) = saved(&tuned, "");
        let mut file = WeightsFile::open(&path).unwrap();
        assert_eq!(fitted(&file, &design).unwrap(), tuned);
        assert_eq!(fitting(&file), std::slice::from_ref(&tuned));
        let graph = lower(&tuned, Batch(1)).unwrap();
        assert_eq!(file.load(&graph).unwrap(), Weights::seeded(&graph, 1));
    }

    #[test]
    fn names_saved_by_data_parallel_are_understood() {
        let design = zoo::preset("shufflenet-v2-x0.5").unwrap();
        let (_folder, path) = saved(&design, "module.");
        assert_eq!(fitting(&WeightsFile::open(&path).unwrap()), [design]);
    }

    #[test]
    fn what_does_not_fit_is_told_with_both_shapes() {
        let (_folder, path) = saved(&zoo::preset("shufflenet-v2-x0.5").unwrap(), "");
        let wider = zoo::preset("shufflenet-v2-x1.0").unwrap();
        let said = fitted(&WeightsFile::open(&path).unwrap(), &wider).unwrap_err().to_string();
        assert!(said.contains("do not fit `shufflenet-v2-x1.0`") && said.contains("the design has [58, "), "{said}");
        assert_eq!(said.lines().count(), 1 + SHOWN + 1, "{said}");
    }

    #[test]
    fn heads_of_impossible_sizes_fit_nothing() {
        let design = zoo::preset("shufflenet-v2-x0.5").unwrap();
        for (rows, values) in [(0, 0), (70_000, 70_000)] {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("w.safetensors");
            let mut weights = Weights::seeded(&lower(&design, Batch(1)).unwrap(), 1);
            weights.insert("fc.weight", WeightTensor { shape: vec![rows, 1], values: vec![0.0; values] });
            save_safetensors(&weights, &path).unwrap();
            let file = WeightsFile::open(&path).unwrap();
            assert!(fitting(&file).is_empty());
            assert!(fitted(&file, &design).unwrap_err().to_string().contains("fc.weight"));
        }
    }
}
