//! What the cells of NASNet and PNASNet are made of (tensorflow/models, `slim/nets/nasnet`); layers are named as
//! pytorchcv's, padding is TensorFlow's.
//!
//! Two things differ from the original where a map ends or is halved, neither of them in parameters or mult-adds:
//! padding counts in average pooling, and the second path of a factorised reduction reads the mean of every 2x2 pixels
//! where the original reads the lower right one.

use super::layers::{Layers, Made, same};
use crate::graph::{GraphBuilder, LowerError, NodeId, Window};

/// What the batch normalisations add to the variance.
const EPS: f64 = 1e-3;

/// The first convolution: 32 channels, inside the image.
pub(super) fn stem(graph: &mut GraphBuilder) -> Made {
    let value = graph.conv("features.init_block.conv", graph.input(), 32, Window::inside(3, 2))?;
    graph.norm_with("features.init_block.bn", value, EPS)
}

/// ReLU, global mean, classifier.
pub(super) fn head(graph: &mut GraphBuilder, input: NodeId) -> Result<(), LowerError> {
    graph.set_unit(None);
    let value = graph.relu("features.activ", input)?;
    graph.classify("features.final_pool", "output.fc", value)?;
    Ok(())
}

/// ReLU, 1x1 convolution, norm: how a cell takes its inputs to its own width.
pub(super) fn project(graph: &mut GraphBuilder, path: &str, input: NodeId, filters: usize, stride: usize) -> Made {
    let value = graph.relu(format!("{path}.activ"), input)?;
    let value = graph.conv(format!("{path}.conv"), value, filters, Window::square(1, stride))?;
    graph.norm_with(format!("{path}.bn"), value, EPS)
}

/// A factorised reduction: two 1x1 convolutions over differently halved maps, joined.
pub(super) fn reduce(graph: &mut GraphBuilder, path: &str, input: NodeId, filters: usize) -> Made {
    let value = graph.relu(format!("{path}.activ"), input)?;
    let even = graph.avg_pool(format!("{path}.path1.avgpool"), value, Window::square(1, 2))?;
    let even = graph.pointwise(format!("{path}.path1.conv"), even, filters / 2)?;
    let odd = same(2, 2, graph.size(value));
    let odd = graph.avg_pool(format!("{path}.path2.avgpool"), value, odd)?;
    let odd = graph.pointwise(format!("{path}.path2.conv"), odd, filters - filters / 2)?;
    let joined = graph.concat(format!("{path}.concat"), &[even, odd])?;
    graph.norm_with(format!("{path}.bn"), joined, EPS)
}

/// Twice ReLU, depthwise convolution, 1x1 convolution, norm; the first halves the map where `stride` is 2.
pub(super) fn separable(
    graph: &mut GraphBuilder,
    path: &str,
    input: NodeId,
    filters: usize,
    (kernel, stride): (usize, usize),
) -> Made {
    let mut value = input;
    for (number, stride) in [(1, stride), (2, 1)] {
        let path = format!("{path}.conv{number}");
        value = graph.relu(format!("{path}.activ"), value)?;
        let window = same(kernel, stride, graph.size(value));
        value = graph.depthwise(format!("{path}.conv.dw_conv"), value, window)?;
        value = graph.pointwise(format!("{path}.conv.pw_conv"), value, filters)?;
        value = graph.norm_with(format!("{path}.bn"), value, EPS)?;
    }
    Ok(value)
}

/// 3x3 max-pooling and, where the width is not the cell's, a 1x1 convolution and norm.
pub(super) fn max_pool(graph: &mut GraphBuilder, path: &str, input: NodeId, filters: usize, stride: usize) -> Made {
    let window = same(3, stride, graph.size(input));
    let value = graph.max_pool(format!("{path}.maxpool"), input, window)?;
    if graph.channels(value) == filters {
        return Ok(value);
    }
    let value = graph.pointwise(format!("{path}.conv"), value, filters)?;
    graph.norm_with(format!("{path}.bn"), value, EPS)
}

/// 3x3 average pooling.
pub(super) fn avg_pool(graph: &mut GraphBuilder, path: &str, input: NodeId, stride: usize) -> Made {
    let window = same(3, stride, graph.size(input));
    graph.avg_pool(format!("{path}.avgpool"), input, window)
}
