//! Layers as the graphs of this folder write them: shorthands over [`GraphBuilder::push`], one line per layer.

use crate::graph::{Activation, Conv2d, GraphBuilder, LowerError, NodeId, Op, UnitId, Window};

/// Classes of ImageNet, which every network of the zoo tells apart.
const CLASSES: usize = 1000;

/// A layer's value, or why it does not fit its input.
pub(super) type Made = Result<NodeId, LowerError>;

/// Shorthands; every method pushes the layer that it is named for at `path`.
pub(super) trait Layers {
    /// Channels of a value.
    fn channels(&self, value: NodeId) -> usize;
    /// Height and width of a value.
    fn size(&self, value: NodeId) -> [usize; 2];
    /// What follows is repeat `repeat` of the units of stage `stage`.
    fn unit(&mut self, stage: usize, repeat: usize);
    /// A dense convolution without bias.
    fn conv(&mut self, path: impl Into<String>, input: NodeId, out_channels: usize, window: Window) -> Made;
    /// A convolution in groups, without bias.
    fn grouped(
        &mut self,
        path: impl Into<String>,
        input: NodeId,
        out_channels: usize,
        window: Window,
        groups: usize,
    ) -> Made;
    /// One filter per channel, without bias.
    fn depthwise(&mut self, path: impl Into<String>, input: NodeId, window: Window) -> Made;
    /// A dense 1x1 convolution without bias.
    fn pointwise(&mut self, path: impl Into<String>, input: NodeId, out_channels: usize) -> Made;
    /// A dense convolution with bias.
    fn conv_with_bias(&mut self, path: impl Into<String>, input: NodeId, out_channels: usize, window: Window) -> Made;
    /// Batch normalisation.
    fn norm(&mut self, path: impl Into<String>, input: NodeId) -> Made;
    /// Batch normalisation that adds `eps` to the variance.
    fn norm_with(&mut self, path: impl Into<String>, input: NodeId, eps: f64) -> Made;
    fn relu(&mut self, path: impl Into<String>, input: NodeId) -> Made;
    fn max_pool(&mut self, path: impl Into<String>, input: NodeId, window: Window) -> Made;
    fn avg_pool(&mut self, path: impl Into<String>, input: NodeId, window: Window) -> Made;
    fn add(&mut self, path: impl Into<String>, one: NodeId, other: NodeId) -> Made;
    fn concat(&mut self, path: impl Into<String>, parts: &[NodeId]) -> Made;
    /// Fully connected, with bias.
    fn linear(&mut self, path: impl Into<String>, input: NodeId, out_features: usize) -> Made;
    /// The mean of every channel and a fully connected layer over the classes; ends every network but the oldest.
    fn classify(&mut self, pool: &str, linear: &str, input: NodeId) -> Made;
}

impl Layers for GraphBuilder {
    fn channels(&self, value: NodeId) -> usize {
        self.shape(value).channels
    }

    fn size(&self, value: NodeId) -> [usize; 2] {
        let shape = self.shape(value);
        [shape.height, shape.width]
    }

    fn unit(&mut self, stage: usize, repeat: usize) {
        self.set_unit(Some(UnitId { stage, repeat }));
    }

    fn conv(&mut self, path: impl Into<String>, input: NodeId, out_channels: usize, window: Window) -> Made {
        self.grouped(path, input, out_channels, window, 1)
    }

    fn grouped(
        &mut self,
        path: impl Into<String>,
        input: NodeId,
        out_channels: usize,
        window: Window,
        groups: usize,
    ) -> Made {
        let in_channels = self.channels(input);
        self.push(path, Op::Conv2d(Conv2d { in_channels, out_channels, window, groups, bias: false }), &[input])
    }

    fn depthwise(&mut self, path: impl Into<String>, input: NodeId, window: Window) -> Made {
        let channels = self.channels(input);
        self.grouped(path, input, channels, window, channels)
    }

    fn pointwise(&mut self, path: impl Into<String>, input: NodeId, out_channels: usize) -> Made {
        self.conv(path, input, out_channels, Window::square(1, 1))
    }

    fn conv_with_bias(&mut self, path: impl Into<String>, input: NodeId, out_channels: usize, window: Window) -> Made {
        let in_channels = self.channels(input);
        self.push(path, Op::Conv2d(Conv2d { in_channels, out_channels, window, groups: 1, bias: true }), &[input])
    }

    fn norm(&mut self, path: impl Into<String>, input: NodeId) -> Made {
        self.norm_with(path, input, 1e-5)
    }

    fn norm_with(&mut self, path: impl Into<String>, input: NodeId, eps: f64) -> Made {
        let channels = self.channels(input);
        self.push(path, Op::BatchNorm { channels, eps }, &[input])
    }

    fn relu(&mut self, path: impl Into<String>, input: NodeId) -> Made {
        self.activation(path, Activation::Relu, input)
    }

    fn max_pool(&mut self, path: impl Into<String>, input: NodeId, window: Window) -> Made {
        self.push(path, Op::MaxPool(window), &[input])
    }

    fn avg_pool(&mut self, path: impl Into<String>, input: NodeId, window: Window) -> Made {
        self.push(path, Op::AvgPool(window), &[input])
    }

    fn add(&mut self, path: impl Into<String>, one: NodeId, other: NodeId) -> Made {
        self.push(path, Op::Add, &[one, other])
    }

    fn concat(&mut self, path: impl Into<String>, parts: &[NodeId]) -> Made {
        self.push(path, Op::Concat, parts)
    }

    fn linear(&mut self, path: impl Into<String>, input: NodeId, out_features: usize) -> Made {
        let in_features = self.channels(input);
        self.push(path, Op::Linear { in_features, out_features, bias: true }, &[input])
    }

    fn classify(&mut self, pool: &str, linear: &str, input: NodeId) -> Made {
        self.set_unit(None);
        let pooled = self.push(pool, Op::GlobalAvgPool, &[input])?;
        self.linear(linear, pooled, CLASSES)
    }
}

/// Padding so that the output has `1 / stride` of the input's pixels, rounded up, an odd pixel of padding below and right:
/// TensorFlow's `SAME`.
pub(super) fn same(kernel: usize, stride: usize, input: [usize; 2]) -> Window {
    let total = input.map(|length| (length.div_ceil(stride) * stride - stride + kernel).saturating_sub(length));
    let padding = total.map(|total| total / 2);
    let padding_end = [0, 1].map(|axis| total[axis] - padding[axis]);
    Window { padding_end, ..Window::padded([kernel; 2], stride, padding) }
}

/// The three fully connected layers of AlexNet and VGG over a map of `side` x `side` pixels, at these `names` in
/// torchvision's `classifier`.
///
/// # Errors
/// Where the map is neither of that size nor a whole multiple of it, whose mean over equal tiles is taken then.
pub(super) fn large_classifier(graph: &mut GraphBuilder, input: NodeId, side: usize, names: [usize; 3]) -> Made {
    let mut value = input;
    let [height, width] = graph.size(value);
    if [height, width] != [side; 2] {
        if !height.is_multiple_of(side) || !width.is_multiple_of(side) {
            let path = "avgpool".into();
            let reason = format!(
                "the classifier reads {side}x{side} pixels, this input leaves {height}x{width}; an input of 224x224 \
                 leaves as many as it reads, and one that leaves a whole multiple of them fits too"
            );
            return Err(LowerError { path, reason });
        }
        let tile = [height / side, width / side];
        value = graph.avg_pool("avgpool", value, Window { stride: tile, ..Window::padded(tile, 1, [0; 2]) })?;
    }
    value = graph.push("flatten", Op::Flatten, &[value])?;
    let [first, second, last] = names;
    for index in [first, second] {
        value = graph.linear(format!("classifier.{index}"), value, 4096)?;
        value = graph.relu(format!("classifier.{}", index + 1), value)?;
    }
    graph.linear(format!("classifier.{last}"), value, CLASSES)
}
