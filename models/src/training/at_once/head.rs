//! Puts a classifier onto trained layers.

use super::features::classifier;
use super::ridge::Head;
use crate::graph::Graph;
use crate::training::TeachError;
use crate::weights::{WeightTensor, Weights, expected};

/// The weights of `graph`: its layers' as they are, the classifier's as solved.
pub(super) fn put_on(graph: &Graph, weights: &Weights, head: &Head) -> Result<Weights, TeachError> {
    let Some((path, _)) = classifier(graph) else {
        return Err(TeachError::NoClassifier { design: graph.name.clone() });
    };
    let (weight, bias) = (format!("{path}.weight"), format!("{path}.bias"));
    let values = |name: &str| {
        let of_head = [(&weight, &head.weight), (&bias, &head.bias)].into_iter().find(|(of, _)| *of == name);
        of_head.map(|(_, values)| values.clone())
    };
    let mut whole = Weights::default();
    for tensor in expected(graph) {
        let made = match values(&tensor.name) {
            Some(values) => Some(WeightTensor { shape: tensor.shape, values }),
            None => weights.get(&tensor.name).cloned(),
        };
        if let Some(made) = made {
            whole.insert(tensor.name, made);
        }
    }
    whole.check(graph)?;
    Ok(whole)
}
