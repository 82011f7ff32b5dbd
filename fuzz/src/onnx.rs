//! An ONNX file: a model that is taken is costed, judged, written as ONNX and read again.

use shufflescope_engine::cost::total_cost;
use shufflescope_engine::graph::Graph;
use shufflescope_engine::model_file::onnx::{BatchNorm, Imported, to_onnx};
use shufflescope_engine::weights::Weights;

use super::sound;

/// Values of all parameters up to which a model is written again.
const SMALL: u64 = 1 << 20;

pub fn run(bytes: &[u8]) {
    let Ok(imported) = Imported::from_bytes(bytes, "model.onnx") else { return };
    let shape = imported.input_shape();
    let size = [shape.height, shape.width];
    let graph = imported.graph_for(1, size).expect("a model that was taken fits its own input");
    imported.weights().check(&graph).expect("a model that was taken has its weights");
    let cost = sound::costed(None, &graph);
    // Another batch or size need not fit, but is told.
    for (batch, size) in [(2, size), (1024, size), (1, [size[0] + 1, size[1]])] {
        if let Ok(graph) = imported.graph_for(batch, size) {
            let _ = total_cost(&graph);
        }
    }
    if cost.total.params.0 <= SMALL {
        let again = written(&graph, imported.weights(), BatchNorm::Keep).expect("a graph can be written");
        assert_eq!(total_cost(&again).mult_adds, cost.total.mult_adds);
        assert_eq!(total_cost(&again).params, cost.total.params);
        if let Some(folded) = written(&graph, imported.weights(), BatchNorm::Fold) {
            assert_eq!(total_cost(&folded).mult_adds, cost.total.mult_adds);
        }
    }
}

/// The graph after a way through a file; `None` where it cannot be written so.
fn written(graph: &Graph, weights: &Weights, batch_norm: BatchNorm) -> Option<Graph> {
    let bytes = to_onnx(graph, weights, batch_norm).ok()?;
    let again = Imported::from_bytes(&bytes, "again.onnx").expect("what was written is read");
    let shape = graph.input_shape();
    let again = again.graph_for(1, [shape.height, shape.width]).expect("with its own input");
    assert_eq!(again.node(again.output()).output, graph.node(graph.output()).output);
    Some(again)
}
