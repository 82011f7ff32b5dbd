//! Pictures whose channels come last: models that were made with TensorFlow take `[n, height, width, channels]` and turn
//! that first.

use std::collections::HashSet;

use super::proto::Node;

/// Whether everything that a model does with its input begins with bringing its channels to the front.
pub(super) fn has_channels_last(nodes: &[Node], input: &str) -> bool {
    let mut same: HashSet<&str> = HashSet::from([input]);
    let mut turned = false;
    for node in nodes {
        if !node.input.iter().any(|name| same.contains(name.as_str())) {
            continue;
        }
        match node.op_type.as_str() {
            "Transpose" if node.ints("perm") == [0, 3, 1, 2] => turned = true,
            // Preprocessing may stand before it.
            "Add" | "Sub" | "Mul" | "Div" | "Cast" | "Identity" | "Pad" => {
                same.extend(node.output.iter().map(String::as_str));
            }
            "Shape" => {}
            _ => return false,
        }
    }
    turned
}

#[cfg(test)]
mod tests {
    use super::super::attributes::ints;
    use super::*;

    fn node(op: &str, input: &str, output: &str) -> Node {
        let attribute = if op == "Transpose" { vec![ints("perm", &[0, 3, 1, 2])] } else { vec![] };
        let (input, output) = (vec![input.to_owned()], vec![output.to_owned()]);
        Node { op_type: op.into(), input, output, attribute, ..Default::default() }
    }

    #[test]
    fn channels_are_last_where_all_that_reads_the_input_turns_it() {
        let turn = node("Transpose", "x", "t");
        assert!(has_channels_last(&[turn.clone(), node("Conv", "t", "c")], "x"));
        assert!(has_channels_last(&[node("Sub", "x", "s"), node("Transpose", "s", "t"), node("Conv", "t", "c")], "x"));
        assert!(!has_channels_last(&[node("Conv", "x", "c"), node("Transpose", "c", "t")], "x"));
        assert!(!has_channels_last(&[turn, node("Conv", "x", "c")], "x"));
        assert!(!has_channels_last(&[], "x"));
    }
}
