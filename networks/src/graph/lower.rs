//! From a design to its graph. Layer paths are torchvision's where torchvision has the network.

use thiserror::Error;

use super::{Activation, Conv2d, Graph, GraphBuilder, LowerError, NodeId, Op, Shape, UnitId, Window};
use crate::design::{Batch, Block, Design, DesignErrors, Unit};

mod bottleneck;
mod interleaved_group;
mod mobile;
mod names;
mod shuffle_v1;
mod shuffle_v2;
mod xception;

use names::{Names, below, sequential};

/// A design that cannot become a graph.
#[derive(Clone, Debug, Error, PartialEq)]
pub enum LoweringError {
    /// The design breaks rules.
    #[error(transparent)]
    Design(#[from] DesignErrors),
    /// A layer does not fit; with a checked design this cannot happen.
    #[error(transparent)]
    Layer(#[from] LowerError),
}

/// The graph of a design for one batch.
///
/// # Errors
/// Every rule that the design breaks.
pub fn lower(design: &Design, batch: Batch) -> Result<Graph, LoweringError> {
    design.check_with(batch)?;
    let input = Shape::new(batch.0 as usize, 3, design.input.height as usize, design.input.width as usize);
    let mut graph = GraphBuilder::new(design.name.clone(), input);
    let names = Names::of(design);
    let value = stem(design, &names, &mut graph)?;
    let value = stages(design, &names, &mut graph, value)?;
    head(design, &names, &mut graph, value)?;
    Ok(graph.finish())
}

fn stem(design: &Design, names: &Names, graph: &mut GraphBuilder) -> Result<NodeId, LowerError> {
    let mut value = graph.input();
    for (index, conv) in design.stem.convs.iter().enumerate() {
        let window = Window::square(conv.kernel as usize, conv.stride as usize);
        value = graph.conv_bn(names.stem(index), value, (conv.channels as usize, window, 1), design.stem.activation)?;
    }
    if design.stem.max_pool {
        value = graph.push("maxpool", Op::MaxPool(Window::square(3, 2)), &[value])?;
    }
    Ok(value)
}

fn stages(design: &Design, names: &Names, graph: &mut GraphBuilder, input: NodeId) -> Result<NodeId, LowerError> {
    let mut value = input;
    for (index, stage) in design.stages.iter().enumerate() {
        for repeat in 0..stage.repeats {
            graph.set_unit(Some(UnitId { stage: index, repeat: repeat as usize }));
            let path = names.unit(design, index, repeat);
            let unit = Unit {
                input: graph.shape(value).channels as u32,
                output: stage.channels,
                stride: if repeat == 0 { stage.stride } else { 1 },
            };
            value = match &stage.block {
                Block::ShuffleV2(block) => shuffle_v2::unit(graph, &path, block, unit, value)?,
                Block::ShuffleV1(block) => {
                    shuffle_v1::unit(graph, &path, block, unit, (index, repeat) == (0, 0), value)?
                }
                Block::InvertedResidual(block) => mobile::inverted_residual(graph, &path, block, unit, value)?,
                Block::DepthwiseSeparable(block) => mobile::depthwise_separable(graph, &path, block, unit, value)?,
                Block::Bottleneck(block) => bottleneck::unit(graph, &path, block, unit, value)?,
                Block::InterleavedGroup(block) => interleaved_group::unit(graph, &path, block, unit, value)?,
                Block::Xception(block) => xception::unit(graph, &path, block, unit, value)?,
            };
        }
    }
    graph.set_unit(None);
    Ok(value)
}

fn head(design: &Design, names: &Names, graph: &mut GraphBuilder, input: NodeId) -> Result<NodeId, LowerError> {
    let mut value = input;
    if let Some(channels) = design.head.conv {
        value = graph.conv_bn(
            names.head(design),
            value,
            (channels as usize, Window::square(1, 1), 1),
            design.head.activation,
        )?;
    }
    value = graph.push(names.pool(), Op::GlobalAvgPool, &[value])?;
    let linear = Op::Linear {
        in_features: graph.shape(value).channels,
        out_features: design.classes as usize,
        bias: design.head.bias,
    };
    graph.push(names.classifier(), linear, &[value])
}

/// Squeeze-and-excitation under `path.se`, named as torchvision's module: pool, 1x1, ReLU, 1x1, sigmoid, product.
fn squeeze_excitation(
    graph: &mut GraphBuilder,
    path: &str,
    reduction: u32,
    input: NodeId,
) -> Result<NodeId, LowerError> {
    let channels = graph.shape(input).channels;
    let hidden = (channels / reduction.max(1) as usize).max(1);
    let fully_connected = |in_channels, out_channels| {
        Op::Conv2d(Conv2d { in_channels, out_channels, window: Window::square(1, 1), groups: 1, bias: true })
    };
    let pooled = graph.push(below(path, "se.avgpool"), Op::GlobalAvgPool, &[input])?;
    let squeezed = graph.push(below(path, "se.fc1"), fully_connected(channels, hidden), &[pooled])?;
    let squeezed = graph.activation(below(path, "se.activation"), Activation::Relu, squeezed)?;
    let gate = graph.push(below(path, "se.fc2"), fully_connected(hidden, channels), &[squeezed])?;
    let gate = graph.activation(below(path, "se.scale_activation"), Activation::Sigmoid, gate)?;
    graph.push(below(path, "se.scale"), Op::Scale, &[input, gate])
}
