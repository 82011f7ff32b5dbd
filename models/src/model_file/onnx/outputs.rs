//! Which of a model's outputs is the classifier's.

use std::collections::{HashMap, HashSet};

use super::proto::{Node, ValueInfo};

/// Outputs that are looked at and named; models have a few.
const LOOKED_AT: usize = 32;

/// The output that is taken, and what to tell of the others.
///
/// # Errors
/// Where there is none, or none of the name that is asked for.
pub(super) fn choose(
    outputs: &[ValueInfo],
    nodes: &[Node],
    asked: Option<&str>,
) -> Result<(String, Option<String>), String> {
    let names = || {
        let named = outputs.iter().take(LOOKED_AT).map(|output| format!("`{}`", output.name));
        named.collect::<Vec<_>>().join(", ")
    };
    let first = outputs.first().ok_or("it has no output")?;
    if let Some(asked) = asked {
        // What a node in the middle makes cuts the network there.
        let is_there = outputs.iter().any(|output| output.name == asked)
            || nodes.iter().any(|node| node.output.iter().any(|name| name == asked));
        let refuse = || format!("it has no output `{asked}`; its outputs are {}", names());
        return is_there.then(|| (asked.to_owned(), None)).ok_or_else(refuse);
    }
    if outputs.len() == 1 {
        return Ok((first.name.clone(), None));
    }
    // A classifier gives one number for each class, and stands at the end of most of the network.
    let merit = |output: &ValueInfo| (is_list(output), needed(nodes, &output.name).len());
    let mut best = (first, merit(first));
    for output in outputs.iter().take(LOOKED_AT).skip(1) {
        let merit = merit(output);
        if merit > best.1 {
            best = (output, merit);
        }
    }
    let taken = &best.0.name;
    let note = format!("of its outputs ({}) `{taken}` is taken; --output NAME takes another", names());
    Ok((taken.clone(), Some(note)))
}

/// Whether an output is `[n, classes]`, as far as the file says.
fn is_list(output: &ValueInfo) -> bool {
    let shape = output.r#type.as_ref().and_then(|of| of.tensor_type.as_ref()).and_then(|of| of.shape.as_ref());
    shape.is_some_and(|shape| shape.dim.len() == 2)
}

/// The places of the nodes that an output depends on; others (training branches, say) never run.
pub(super) fn needed(nodes: &[Node], output: &str) -> HashSet<usize> {
    let maker: HashMap<&str, usize> = nodes
        .iter()
        .enumerate()
        .flat_map(|(index, node)| node.output.iter().map(move |name| (name.as_str(), index)))
        .collect();
    let mut needed = HashSet::new();
    let mut open: Vec<usize> = maker.get(output).copied().into_iter().collect();
    while let Some(index) = open.pop() {
        if needed.insert(index)
            && let Some(node) = nodes.get(index)
        {
            open.extend(node.input.iter().filter_map(|name| maker.get(name.as_str()).copied()));
        }
    }
    needed
}

#[cfg(test)]
mod tests {
    use super::super::proto::{Dimension, TensorShape, TensorType, Type};
    use super::*;

    fn node(input: &str, output: &str) -> Node {
        Node { input: vec![input.into()], output: vec![output.into()], ..Default::default() }
    }

    fn output(name: &str, axes: usize) -> ValueInfo {
        let shape = Some(TensorShape { dim: vec![Dimension::default(); axes] });
        ValueInfo { name: name.into(), r#type: Some(Type { tensor_type: Some(TensorType { elem_type: 1, shape }) }) }
    }

    #[test]
    fn the_classifier_is_the_list_at_the_end_of_most_of_the_network() {
        let nodes =
            [node("x", "features"), node("features", "auxiliary"), node("features", "pool"), node("pool", "logits")];
        let outputs = [output("features", 4), output("auxiliary", 2), output("logits", 2), output("pool", 4)];
        let (taken, note) = choose(&outputs, &nodes, None).unwrap();
        assert_eq!(taken, "logits");
        let note = note.unwrap();
        assert!(note.contains("`auxiliary`") && note.contains("`logits` is taken; --output NAME"), "{note}");
        assert_eq!(choose(&outputs[..1], &nodes, None), Ok(("features".into(), None)));
        assert_eq!(choose(&outputs, &nodes, Some("pool")), Ok(("pool".into(), None)));
        let said = choose(&outputs, &nodes, Some("none")).unwrap_err();
        assert!(said.contains("no output `none`; its outputs are `features`, `auxiliary`"), "{said}");
    }
}
