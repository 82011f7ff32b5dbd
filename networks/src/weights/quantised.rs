//! State dicts of networks that PyTorch has quantised, as torchvision's are, read by the names of the network in floats.
//!
//! There a convolution keeps bytes, its bias, and scale and zero point of its output; a linear layer keeps weight and bias
//! packed together; normalisations are folded, and their places are empty. What stands here in their place is what changes
//! nothing, with the bias in it: a network that has normalisations there finds them, and what was quantised keeps its bytes.

use std::collections::{HashMap, HashSet};

use super::stored::{Group, Kind, StoredTensor};
use crate::graph::{Activation, Graph, Op};
use crate::weights::Quantisation;

/// Parts of a name that only packing put there.
const PACKED: &str = "_packed_params";

/// The groups by the names that networks have, those of quantised networks once with normalisations and once without.
pub(super) fn readable(groups: Vec<Group>) -> Vec<Group> {
    let mut all = Vec::with_capacity(groups.len());
    for group in groups {
        if !group.tensors.iter().any(|tensor| matches!(tensor.kind, Kind::Quantised(_))) {
            all.push(group);
            continue;
        }
        let folded = named(group);
        all.extend(with_normalisations(&folded));
        all.push(folded);
    }
    all
}

/// With the names of a network that is not quantised, and every weight's scales with it.
fn named(group: Group) -> Group {
    let Group { place, tensors } = group;
    let name = |name: &str| {
        let parts: Vec<&str> = name.split('.').filter(|part| *part != PACKED).collect();
        let (last, layer) = parts.split_last()?;
        let of_output = match *last {
            "scale" => "output_scale",
            "zero_point" => "output_zero_point",
            _ => return Some(parts.join(".")),
        };
        let mut layer = layer.to_vec();
        match layer.last_mut() {
            Some(last) if *last == "quant" => *last = "input",
            Some(last) if *last == "cat" => *last = "concat",
            _ => {}
        }
        layer.push(of_output);
        Some(layer.join("."))
    };
    let mut tensors: Vec<StoredTensor> = tensors
        .into_iter()
        .map(|tensor| StoredTensor { name: name(&tensor.name).unwrap_or_default(), ..tensor })
        .collect();
    let zero_points: Vec<StoredTensor> =
        tensors.extract_if(.., |tensor| tensor.name.ends_with(".weight_zero_point")).collect();
    let scales = tensors.iter().filter(|tensor| tensor.name.ends_with(".weight_scale")).cloned();
    let parts: HashMap<String, StoredTensor> =
        scales.chain(zero_points).map(|tensor| (tensor.name.clone(), tensor)).collect();
    for tensor in tensors.iter_mut().filter(|tensor| matches!(tensor.kind, Kind::Quantised(_))) {
        let part = |of: &str| parts.get(&format!("{}_{of}", tensor.name)).cloned();
        if let (Some(scale), Some(zero_point)) = (part("scale"), part("zero_point")) {
            tensor.scales = Some(Box::new([scale, zero_point]));
        }
    }
    Group { place, tensors }
}

/// The same with a normalisation behind each convolution that has none, in the place that PyTorch's networks have it.
fn with_normalisations(group: &Group) -> Option<Group> {
    let layer_of = |tensor: &StoredTensor| tensor.name.rsplit_once('.').map(|(layer, _)| layer.to_owned());
    let layers: HashSet<String> = group.tensors.iter().filter_map(layer_of).collect();
    let weights = group.tensors.iter().filter(|tensor| tensor.shape.len() == 4);
    let convolutions: HashSet<&str> = weights.filter_map(|tensor| tensor.name.strip_suffix(".weight")).collect();
    let mut tensors = Vec::with_capacity(2 * group.tensors.len());
    let mut found = false;
    for tensor in &group.tensors {
        let layer = tensor.name.strip_suffix(".bias").filter(|layer| convolutions.contains(layer));
        let norm = layer.and_then(normalisation).filter(|norm| !layers.contains(norm));
        let Some(norm) = norm else {
            tensors.push(tensor.clone());
            continue;
        };
        found = true;
        tensors.push(StoredTensor { name: format!("{norm}.bias"), ..tensor.clone() });
        for (of, value) in [("weight", 1.0), ("running_mean", 0.0), ("running_var", 1.0)] {
            tensors.push(StoredTensor {
                name: format!("{norm}.{of}"),
                kind: Kind::Given(value),
                scales: None,
                checksum: None,
                ..tensor.clone()
            });
        }
    }
    found.then(|| Group { place: group.place.clone(), tensors })
}

/// Where the normalisation of the convolution at `layer` is: `conv1.0` has it at `conv1.1`, `layer1.0.conv2` at
/// `layer1.0.bn2`, `conv` at `bn`.
fn normalisation(layer: &str) -> Option<String> {
    let (before, last) = layer.rsplit_once('.').map_or(("", layer), |(before, last)| (before, last));
    let norm = match last.parse::<u32>() {
        Ok(index) => index.checked_add(1)?.to_string(),
        Err(_) => format!("bn{}", last.strip_prefix("conv")?),
    };
    Some(if before.is_empty() { norm } else { format!("{before}.{norm}") })
}

/// What PyTorch's layers without a scale of their own do: means keep that of what they read. (What only limits or renames
/// shares it anyway.)
pub(super) fn kept(graph: &Graph, mut known: Quantisation) -> Quantisation {
    let mut of = known.outputs.clone();
    for (id, node) in graph.layers() {
        if known.output(id).is_some() {
            continue;
        }
        let is_mean = matches!(node.op, Op::GlobalAvgPool | Op::AvgPool(_) | Op::AvgPoolCounted { .. });
        let passes = match node.op {
            Op::Slice { .. } | Op::ChannelShuffle { .. } | Op::Flatten | Op::Repeat { .. } => true,
            Op::MaxPool(_) | Op::GlobalMaxPool | Op::BatchNorm { .. } => true,
            Op::Activation(activation) => {
                matches!(activation, Activation::Relu | Activation::Relu6 | Activation::None | Activation::Clip { .. })
            }
            _ => is_mean,
        };
        if passes {
            of[id.0] = node.inputs.first().and_then(|input| of[input.0]);
        }
        if is_mean {
            known.outputs[id.0] = of[id.0];
        }
    }
    known
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn normalisations_are_where_pytorchs_networks_have_them() {
        for (layer, norm) in [
            ("conv1.0", Some("conv1.1")),
            ("features.0.0", Some("features.0.1")),
            ("layer1.0.conv2", Some("layer1.0.bn2")),
            ("layer1.0.downsample.0", Some("layer1.0.downsample.1")),
            ("conv", Some("bn")),
            ("fc", None),
            ("x.4294967295", None),
        ] {
            assert_eq!(normalisation(layer).as_deref(), norm, "{layer}");
        }
    }
}
