//! Which networks a file of weights fits, by the names and shapes of its tensors; the number of classes is the file's.

use std::path::PathBuf;

use thiserror::Error;

use super::{Model, ModelError};
use crate::design::{Batch, Design, Edit, limits};
use crate::graph::{Graph, GraphBuilder, LoweringError, Op, lower};
use crate::weights::{Mismatch, WeightsFile};
use crate::zoo;

/// Classes that the file's last layer tells apart, where that layer is called as in `graph`.
#[must_use]
pub fn classes_of(file: &WeightsFile, graph: &Graph) -> Option<u32> {
    let (_, last) = graph.layers().filter(|(_, node)| matches!(node.op, Op::Linear { .. })).last()?;
    match file.shape(graph, &format!("{}.weight", last.path))? {
        [classes, _] => u32::try_from(*classes).ok().filter(|classes| limits::CLASSES.contains(classes)),
        _ => None,
    }
}

/// Why a network cannot be used with a file of weights.
#[derive(Debug, Error)]
pub enum FitError {
    /// The design itself breaks a rule.
    #[error(transparent)]
    Design(#[from] LoweringError),
    /// The network itself cannot be built.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// The file holds another network.
    #[error(
        "the weights `{}` do not fit `{design}`: {fitting} of {all} tensors do{}",
        .path.display(),
        .mismatch.first(SHOWN)
    )]
    Weights {
        /// The file.
        path: PathBuf,
        /// The network's name.
        design: String,
        /// Tensors that fit by name and shape.
        fitting: usize,
        /// Of how many that the network or the file has.
        all: usize,
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
    let adapted = with_the_files_classes(file, design, &lower(design, Batch(1))?);
    compared(file, &lower(&adapted, Batch(1))?)?;
    Ok(adapted)
}

/// The graph of `model` for one picture, with as many classes as the file tells apart.
///
/// # Errors
/// Where the model cannot be built or the file holds another network.
pub fn fitted_graph(file: &WeightsFile, model: &Model) -> Result<Graph, FitError> {
    let graph = graph_with_the_files_classes(file, model)?;
    compared(file, &graph)?;
    Ok(graph)
}

fn with_the_files_classes(file: &WeightsFile, design: &Design, graph: &Graph) -> Design {
    classes_of(file, graph).map_or_else(|| design.clone(), |classes| design.apply(&Edit::Classes(classes)))
}

fn graph_with_the_files_classes(file: &WeightsFile, model: &Model) -> Result<Graph, FitError> {
    let graph = model.graph(Batch(1))?;
    if let Some(design) = model.design() {
        return Ok(lower(&with_the_files_classes(file, design, &graph), Batch(1))?);
    }
    let adapted = classes_of(file, &graph).and_then(|classes| with_classes(&graph, classes as usize));
    Ok(adapted.unwrap_or(graph))
}

/// The graph with another number of classes; `None` where its last linear layer is not its end.
fn with_classes(graph: &Graph, classes: usize) -> Option<Graph> {
    let mut builder = GraphBuilder::new(graph.name.clone(), graph.input_shape());
    let (last, _) = graph.layers().filter(|(_, node)| matches!(node.op, Op::Linear { .. })).last()?;
    for (id, node) in graph.layers() {
        let op = match node.op {
            Op::Linear { in_features, bias, .. } if id == last => {
                Op::Linear { in_features, out_features: classes, bias }
            }
            op => op,
        };
        builder.set_unit(node.unit);
        let made = builder.push(node.path.clone(), op, &node.inputs).ok()?;
        if graph.owner(id) != id {
            builder.share(made, graph.owner(id));
        }
    }
    Some(builder.finish())
}

fn compared(file: &WeightsFile, graph: &Graph) -> Result<(), FitError> {
    file.compare(graph).map_err(|mismatch| {
        let (fitting, all) = file.matching(graph);
        let (path, design) = (file.path().into(), graph.name.clone());
        FitError::Weights { path, design, fitting, all, mismatch: Box::new(mismatch) }
    })
}

/// The presets that the file fits, with the number of classes that it tells apart.
#[must_use]
pub fn fitting(file: &WeightsFile) -> Vec<Design> {
    zoo::presets().iter().filter_map(|preset| fitted(file, &preset.design).ok()).collect()
}

/// The fixed networks of the zoo that the file fits.
#[must_use]
pub fn fitting_networks(file: &WeightsFile) -> Vec<Model> {
    zoo::networks().iter().map(Model::from).filter(|model| fitted_graph(file, model).is_ok()).collect()
}

/// A network that has much in common with a file of weights.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Closest {
    /// Its name among presets and networks.
    pub name: String,
    /// Tensors that fit by name and shape.
    pub fitting: usize,
    /// Of how many that the network or the file has.
    pub all: usize,
}

/// The preset or network that most tensors of the file fit; `None` where none fits any.
#[must_use]
pub fn closest(file: &WeightsFile) -> Option<Closest> {
    let presets = zoo::presets().iter().map(|preset| Model::from(&preset.design));
    let models = presets.chain(zoo::networks().iter().map(Model::from));
    let close = |model: Model| {
        let (fitting, all) = file.matching(&graph_with_the_files_classes(file, &model).ok()?);
        Some(Closest { name: model.name().into(), fitting, all }).filter(|closest| closest.fitting > 0)
    };
    // Of equals the first: presets stand in the order of their papers.
    models.filter_map(close).reduce(|best, other| if other.is_closer_than(&best) { other } else { best })
}

impl Closest {
    fn is_closer_than(&self, other: &Self) -> bool {
        self.fitting * other.all > other.fitting * self.all
    }

    /// Whether so many tensors of so many are a smaller part.
    #[must_use]
    pub fn fits_better_than(&self, fitting: usize, all: usize) -> bool {
        self.fitting * all > fitting * self.all
    }
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
        assert!(said.contains("do not fit `shufflenet-v2-x1.0`: ") && said.contains(" of 282 tensors do"), "{said}");
        assert!(said.contains("the design has [58, "), "{said}");
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

    /// The file that holds these tensors by their names.
    fn saved_as(weights: &Weights) -> (tempfile::TempDir, WeightsFile) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("w.safetensors");
        save_safetensors(weights, &path).unwrap();
        (folder, WeightsFile::open(&path).unwrap())
    }

    #[test]
    fn a_fixed_network_fits_its_weights_whatever_its_classes() {
        let model = Model::from(zoo::network("resnet-18").unwrap());
        let graph = with_classes(&model.graph(Batch(1)).unwrap(), 7).unwrap();
        let weights = Weights::seeded(&graph, 1);
        let (_folder, mut file) = saved_as(&weights);
        let fitted = fitted_graph(&file, &model).unwrap();
        assert_eq!(fitted, graph);
        assert_eq!(file.load(&fitted).unwrap(), weights);
        assert_eq!(fitting_networks(&file), [model]);
        assert!(fitting(&file).is_empty());
    }

    #[test]
    fn the_closest_network_is_told_by_how_many_tensors_fit() {
        let design = zoo::preset("shufflenet-v2-x1.5").unwrap();
        let graph = lower(&design, Batch(1)).unwrap();
        let mut weights: Weights = Weights::seeded(&graph, 1)
            .iter()
            .map(|(name, tensor)| (name.replace("conv5.", "last."), tensor.clone()))
            .collect();
        let (_folder, file) = saved_as(&weights);
        let all = expected(&graph).len();
        let close = closest(&file).unwrap();
        assert_eq!(close, Closest { name: "shufflenet-v2-x1.5".into(), fitting: all - 5, all });
        let error = fitted(&file, &design).unwrap_err();
        assert!(
            matches!(error, FitError::Weights { fitting, all: of, .. } if (fitting, of) == (all - 5, all)),
            "{error}"
        );
        // Both sides' names of the same layer.
        let said = error.to_string();
        assert!(
            said.contains("conv5.0.weight: the design has [") && said.contains("last.0.weight: the design has nothing")
        );
        assert!(!close.fits_better_than(all - 5, all) && close.fits_better_than(all - 6, all));
        weights = [("a".to_owned(), WeightTensor { shape: vec![3], values: vec![0.0; 3] })].into_iter().collect();
        assert_eq!(closest(&saved_as(&weights).1), None);
    }
}
