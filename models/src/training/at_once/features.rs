//! What a network makes of pictures before its classifier: the globally averaged feature maps.

use std::ops::ControlFlow;

use super::ridge::Rows;
use crate::design::{Batch, Design, Edit};
use crate::graph::{Graph, Op, lower};
use crate::runtime::RunOptions;
use crate::training::TeachError;
use crate::training::evaluate::each_output;
use crate::training::pictures::Pictures;
use crate::weights::{ExpectedTensor, Role, WeightTensor, Weights, expected};

/// How many features a design has before its classifier.
///
/// # Errors
/// Where the design breaks a rule.
pub fn feature_count(design: &Design) -> Result<usize, TeachError> {
    let graph = lower(design, Batch(1))?;
    match classifier(&graph) {
        Some((_, in_features)) => Ok(in_features),
        None => Err(TeachError::NoClassifier { design: design.name.clone() }),
    }
}

/// The path of a graph's last layer and how many values it reads, where that is a linear one.
pub(super) fn classifier(graph: &Graph) -> Option<(&str, usize)> {
    let last = graph.node(graph.output());
    match last.op {
        Op::Linear { in_features, .. } => Some((&last.path, in_features)),
        _ => None,
    }
}

/// The features of these pictures, a row for each.
///
/// The network runs as it would, with a classifier that hands its input on: a matrix with ones on its diagonal. So the
/// fast kernels serve, and no other graph is needed.
pub(super) fn of(
    design: &Design,
    weights: &Weights,
    pictures: &Pictures,
    which: &[usize],
    run: &RunOptions,
    tell: &mut dyn FnMut(f64) -> ControlFlow<()>,
) -> Result<Rows, TeachError> {
    let count = feature_count(design)?;
    let too_many = || TeachError::NoClassifier { design: design.name.clone() };
    let graph = lower(&design.apply(&Edit::Classes(u32::try_from(count).map_err(|_| too_many())?)), Batch(1))?;
    let weights = handing_on(&graph, weights, count);
    let mut rows = Rows::new(count);
    each_output(&graph, &weights, pictures, which, run, &mut |_, output, share| {
        if let Some(value) = output.iter().find(|value| !value.is_finite()) {
            return Err(TeachError::NotFinite { value: *value });
        }
        rows.push(output);
        tell(share).is_continue().then_some(()).ok_or(TeachError::Cancelled)
    })?;
    Ok(rows)
}

/// The weights with a classifier that hands its input on.
fn handing_on(graph: &Graph, weights: &Weights, count: usize) -> Weights {
    let path = classifier(graph).map(|(path, _)| path.to_owned()).unwrap_or_default();
    let tensor = |ExpectedTensor { name, shape, role }: ExpectedTensor| {
        let is_classifiers = name.rsplit_once('.').is_some_and(|(of, _)| of == path);
        if !is_classifiers {
            return weights.get(&name).cloned().map(|tensor| (name, tensor));
        }
        let mut values = vec![0.0; shape.iter().product()];
        if role == Role::LinearWeight {
            values.iter_mut().step_by(count + 1).for_each(|value| *value = 1.0);
        }
        Some((name, WeightTensor { shape, values }))
    };
    // What is missing is told with its name when the network is made ready.
    expected(graph).into_iter().filter_map(tensor).collect()
}
