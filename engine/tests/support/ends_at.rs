//! A part of a network, to look at what its layers make.

use shufflescope_engine::graph::{Graph, GraphBuilder, LowerError, NodeId};

/// The layers that lead to one, in the order of the whole network, so that it is the last.
///
/// # Errors
/// Where a layer does not fit the ones before it, which it did in the whole network.
pub fn ends_at(graph: &Graph, last: NodeId) -> Result<Graph, LowerError> {
    let mut leads = vec![false; graph.nodes().len()];
    leads[last.0] = true;
    for (id, node) in graph.layers().collect::<Vec<_>>().into_iter().rev() {
        if leads[id.0] {
            node.inputs.iter().for_each(|input| leads[input.0] = true);
        }
    }
    let mut builder = GraphBuilder::new(graph.name.clone(), graph.input_shape());
    let mut places = vec![builder.input(); graph.nodes().len()];
    for (id, node) in graph.layers().filter(|(id, _)| leads[id.0]) {
        let inputs: Vec<NodeId> = node.inputs.iter().map(|input| places[input.0]).collect();
        places[id.0] = builder.push(node.path.clone(), node.op, &inputs)?;
    }
    Ok(builder.finish())
}
