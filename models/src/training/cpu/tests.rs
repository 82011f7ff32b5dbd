//! The passes against the reference runtime and against finite differences.

use super::super::parameters::{Layout, Parameters};
use super::*;
use crate::design::{
    Activation as Choice, Batch, Block, Bottleneck, DepthwiseSeparable, Design, DownSampling, Head, InputSize,
    InterleavedGroup, InvertedResidual, ShuffleV1, ShuffleV2, SqueezeExcitation, Stage, Stem, StemConv, StrideAt,
    Xception,
};
use crate::graph::{Activation, Conv2d, Graph, GraphBuilder, LowerError, NodeId, Op, Shape, Window, lower};
use crate::runtime::{Isa, reference};
use crate::weights::Weights;

/// Numbers between -1 and 1 that look random.
pub(in super::super) fn random(count: usize, seed: u64) -> Vec<f32> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 40) as f32 / (1 << 23) as f32 - 1.0
    };
    (0..count).map(|_| next()).collect()
}

/// Pictures as the trainer lays them out, and as the runtimes do.
fn pictures(shape: Shape, batch: usize) -> [Vec<f32>; 2] {
    let each = shape.channels * shape.height * shape.width;
    let ours: Vec<f32> = random(each * batch, 5).iter().map(|value| 2.0 * value).collect();
    let theirs = (0..batch).flat_map(|picture| ours.iter().skip(picture).step_by(batch).copied()).collect();
    [ours, theirs]
}

/// A network, random parameters of it, a batch of pictures, and what its loss weighs each logit with.
struct Case {
    graph: Graph,
    network: Network,
    parameters: Parameters,
    pictures: Vec<f32>,
    weights: Vec<f32>,
}

impl Case {
    fn new(graph: Graph, batch: usize) -> Self {
        let parameters = Parameters::from_weights(&graph, &Weights::seeded(&graph, 3)).unwrap();
        let network = Network::new(&graph, &parameters.layout, batch).unwrap();
        let [pictures, _] = pictures(graph.input_shape(), batch);
        let weights = random(graph.node(graph.output()).output.channels * batch, 9);
        Self { graph, network, parameters, pictures, weights }
    }

    fn loss(&mut self, parameters: &[f32]) -> f64 {
        let logits = self.network.forward(parameters, &self.pictures);
        logits.iter().zip(&self.weights).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum()
    }

    /// Along the gradient of each parameter the loss rises as fast as the gradient says.
    fn check(mut self) {
        let values = self.parameters.values.clone();
        self.loss(&values);
        let mut gradient = vec![f32::NAN; values.len()];
        let weights = self.weights.clone();
        self.network.backward(&values, &weights, &mut gradient);
        assert!(gradient.iter().all(|value| value.is_finite()), "{}", self.graph.name);
        let slots = self.parameters.layout.slots().to_vec();
        let norm = |of: &[f32]| of.iter().map(|value| f64::from(value * value)).sum::<f64>().sqrt();
        let whole = norm(&gradient);
        let (mut considered, mut close) = (0, 0);
        for slot in slots {
            let of = &gradient[slot.place.clone()];
            let length = norm(of);
            // What hardly matters is lost in rounding: convolutions before a normalisation of few values.
            if length < 2e-3 * whole {
                continue;
            }
            let size = norm(&values[slot.place.clone()]).max(0.1);
            let mut measured = |h: f64| {
                let mut along = |sign: f64| {
                    let mut moved = values.clone();
                    for (value, gradient) in moved[slot.place.clone()].iter_mut().zip(of) {
                        *value += (sign * h * f64::from(*gradient) / length) as f32;
                    }
                    self.loss(&moved)
                };
                (along(1.0) - along(-1.0)) / (2.0 * h)
            };
            // Where steps disagree they have crossed corners of activations and maxima, and differences say nothing; that
            // the tape of Candle gives the same gradients is tested beside it.
            let [long, short] = [4e-3, 1e-3].map(|h| measured(h * size) / length);
            considered += 1;
            if (long - short).abs() < 0.05 {
                assert!((short - 1.0).abs() < 0.3, "{} {}: {long} {short}", self.graph.name, slot.name);
            }
            close += usize::from((long - 1.0).abs().min((short - 1.0).abs()) < 0.05);
        }
        assert!(2 * close >= considered, "{}: {close} of {considered}", self.graph.name);
    }

    /// With the batch's statistics the runtimes' reference computes the same logits.
    fn agrees_with_the_reference(mut self) {
        let values = self.parameters.values.clone();
        let logits = self.network.forward(&values, &self.pictures);
        self.parameters.running = self.network.statistics().to_vec();
        let batch = self.network.batch();
        let [_, theirs] = pictures(self.graph.input_shape(), batch);
        let classes = logits.len() / batch;
        let each = theirs.len() / batch;
        for picture in 0..batch {
            let input = &theirs[picture * each..][..each];
            let wanted = reference::run(&self.graph, &self.parameters.weights(), input).unwrap();
            for (class, wanted) in wanted.iter().enumerate().take(classes) {
                let given = logits[class * batch + picture];
                let gap = (given - wanted).abs();
                assert!(gap < 2e-3 * wanted.abs().max(1.0), "{}: {given} {wanted}", self.graph.name);
            }
        }
    }
}

pub(in super::super) type Build = Box<dyn Fn(&mut GraphBuilder, NodeId) -> Result<NodeId, LowerError>>;

/// Between two pointwise convolutions, pooled.
pub(in super::super) fn between(name: &str, middle: &Build) -> Graph {
    let mut builder = GraphBuilder::new(name, Shape::new(1, 3, 6, 5));
    let pointwise = |from, to| {
        Op::Conv2d(Conv2d { in_channels: from, out_channels: to, window: Window::square(1, 1), groups: 1, bias: true })
    };
    let first = builder.push("first", pointwise(3, 8), &[builder.input()]).unwrap();
    let value = middle(&mut builder, first).unwrap();
    let channels = builder.shape(value).channels;
    let value = builder.push("last", pointwise(channels, 4), &[value]).unwrap();
    builder.push("pool", Op::GlobalAvgPool, &[value]).unwrap();
    builder.finish()
}

fn one(op: Op) -> Build {
    Box::new(move |builder, value| builder.push("op", op, &[value]))
}

fn conv(out_channels: usize, window: Window, groups: usize, bias: bool) -> Build {
    one(Op::Conv2d(Conv2d { in_channels: 8, out_channels, window, groups, bias }))
}

/// Every layer that the trainer knows.
pub(in super::super) fn layers() -> Vec<(&'static str, Build)> {
    let odd = Window { kernel: [3, 2], stride: [2, 1], padding: [1, 0], padding_end: [1, 1], dilation: [1, 2] };
    let mut layers: Vec<(&'static str, Build)> = vec![
        ("pointwise", conv(13, Window::square(1, 1), 1, false)),
        ("pointwise in groups", conv(12, Window::square(1, 1), 4, true)),
        ("strided pointwise", conv(5, Window::square(1, 2), 1, false)),
        ("dense 3x3", conv(6, Window::square(3, 1), 1, true)),
        ("dense 3x3 /2 in groups", conv(10, Window::square(3, 2), 2, false)),
        ("odd window", conv(4, odd, 1, false)),
        ("depthwise 3x3", conv(8, Window::square(3, 1), 8, true)),
        ("depthwise 3x3 /2", conv(8, Window::square(3, 2), 8, false)),
        ("depthwise 5x5 /2", conv(8, Window::square(5, 2), 8, false)),
        ("depthwise 7x7", conv(8, Window::square(7, 1), 8, false)),
        ("two filters a channel", conv(16, Window::square(3, 1), 8, false)),
        ("norm", one(Op::BatchNorm { channels: 8, eps: 1e-5 })),
        ("prelu", one(Op::PRelu { channels: 8 })),
        ("one slope", one(Op::PRelu { channels: 1 })),
        ("affine", one(Op::Affine { channels: 8, shift: true })),
        ("max-pool", one(Op::MaxPool(Window::square(3, 2)))),
        ("avg-pool", one(Op::AvgPool(Window::square(3, 2)))),
        ("shuffle", one(Op::ChannelShuffle { groups: 2 })),
        (
            "norm and relu",
            Box::new(|builder, value| {
                let value = builder.push("norm", Op::BatchNorm { channels: 8, eps: 1e-5 }, &[value])?;
                builder.activation("relu", Activation::Relu, value)
            }),
        ),
        (
            "norm and relu6, read twice",
            Box::new(|builder, value| {
                let norm = builder.push("norm", Op::BatchNorm { channels: 8, eps: 1e-5 }, &[value])?;
                let limited = builder.activation("relu6", Activation::Relu6, norm)?;
                builder.push("sum", Op::Add, &[limited, norm])
            }),
        ),
        (
            "split, one half on, joined and shuffled",
            Box::new(|builder, value| {
                let left = builder.push("left", Op::Slice { start: 0, channels: 4 }, &[value])?;
                let right = builder.push("right", Op::Slice { start: 4, channels: 4 }, &[value])?;
                let conv =
                    Conv2d { in_channels: 4, out_channels: 4, window: Window::square(3, 1), groups: 1, bias: false };
                let right = builder.push("conv", Op::Conv2d(conv), &[right])?;
                let value = builder.push("joined", Op::Concat, &[left, right])?;
                builder.push("shuffle", Op::ChannelShuffle { groups: 2 }, &[value])
            }),
        ),
        (
            "part of a map read again",
            Box::new(|builder, value| {
                let part = builder.push("part", Op::Slice { start: 2, channels: 4 }, &[value])?;
                let conv =
                    Conv2d { in_channels: 4, out_channels: 8, window: Window::square(1, 1), groups: 1, bias: false };
                let part = builder.push("conv", Op::Conv2d(conv), &[part])?;
                builder.push("sum", Op::Add, &[part, value])
            }),
        ),
        (
            "product",
            Box::new(|builder, value| {
                let gate = builder.activation("gate", Activation::Sigmoid, value)?;
                builder.push("product", Op::Mul, &[value, gate])
            }),
        ),
        (
            "gate of channels",
            Box::new(|builder, value| {
                let pooled = builder.push("mean", Op::GlobalAvgPool, &[value])?;
                let gate = builder.activation("gate", Activation::Sigmoid, pooled)?;
                let scaled = builder.push("scaled", Op::Scale, &[value, gate])?;
                builder.push("shifted", Op::Shift, &[scaled, pooled])
            }),
        ),
    ];
    for activation in Activation::EXAMPLES.into_iter().filter(|activation| *activation != Activation::None) {
        layers.push((activation.name(), one(Op::Activation(activation))));
    }
    layers
}

#[test]
fn the_gradient_of_every_layer_is_that_of_finite_differences() {
    for (name, middle) in layers() {
        // A batch that is no multiple of any register.
        Case::new(between(name, &middle), 5).check();
    }
}

#[test]
fn every_layer_computes_what_the_reference_does_on_every_instruction_set() {
    for isa in Isa::all_available() {
        for (name, middle) in layers() {
            let mut case = Case::new(between(name, &middle), 3);
            case.network = case.network.on(isa);
            case.agrees_with_the_reference();
        }
    }
}

#[test]
fn every_instruction_set_gives_the_same_gradients() {
    for (name, middle) in layers() {
        let mut found: Vec<Vec<f32>> = vec![];
        for isa in Isa::all_available() {
            let mut case = Case::new(between(name, &middle), 17);
            case.network = case.network.on(isa);
            let values = case.parameters.values.clone();
            case.loss(&values);
            let mut gradient = vec![0.0; values.len()];
            case.network.backward(&values, &case.weights.clone(), &mut gradient);
            found.push(gradient);
        }
        let most = found[0].iter().fold(0.0_f32, |most, value| most.max(value.abs()));
        for other in &found[1..] {
            let gap = found[0].iter().zip(other).fold(0.0_f32, |gap, (a, b)| gap.max((a - b).abs()));
            assert!(gap < 1e-3 * most, "{name}: {gap} of {most}");
        }
    }
}

/// Units of every kind with every setting that changes what is computed.
pub(in super::super) fn blocks() -> Vec<Block> {
    let se = Some(SqueezeExcitation { reduction: 4 });
    let swish = Choice::HardSwish;
    vec![
        Block::ShuffleV2(ShuffleV2::default()),
        Block::ShuffleV2(ShuffleV2 { groups: 2, se, residual: true, split: 0.25, ..ShuffleV2::default() }),
        Block::ShuffleV2(ShuffleV2 { shuffle: false, depthwise_first: true, kernel: 5, ..ShuffleV2::default() }),
        Block::ShuffleV2(ShuffleV2 { down_sampling: DownSampling::Paper, activation: swish, ..ShuffleV2::default() }),
        Block::ShuffleV1(ShuffleV1 { groups: 2, se, ..ShuffleV1::default() }),
        Block::InvertedResidual(InvertedResidual { expansion: 2, groups: 2, ..InvertedResidual::default() }),
        Block::InvertedResidual(InvertedResidual { expansion: 1, ..InvertedResidual::default() }),
        Block::DepthwiseSeparable(DepthwiseSeparable { activation: Choice::None, ..DepthwiseSeparable::default() }),
        Block::Bottleneck(Bottleneck { groups: 2, se, ..Bottleneck::default() }),
        Block::Bottleneck(Bottleneck { stride_at: StrideAt::First, ..Bottleneck::default() }),
        Block::InterleavedGroup(InterleavedGroup { expansion: 2, ..InterleavedGroup::default() }),
        Block::Xception(Xception::default()),
    ]
}

/// A small network of these units.
pub(in super::super) fn design(block: Block, kind: usize) -> Design {
    let stage = |channels, stride| Stage { channels, repeats: 2, stride, block: block.clone() };
    Design {
        name: format!("block {kind}: {:?}", block.kind()),
        family: Default::default(),
        width: None,
        classes: 5,
        input: InputSize::square(32),
        stem: Stem {
            convs: vec![StemConv { channels: 8, kernel: 3, stride: 2 }],
            activation: Choice::Relu,
            max_pool: kind.is_multiple_of(2),
        },
        stages: vec![stage(16, 2), stage(32, if kind.is_multiple_of(2) { 1 } else { 2 })],
        head: Head { conv: Some(16), activation: Choice::Relu, bias: true },
    }
}

#[test]
fn every_block_that_a_design_can_have_has_right_gradients() {
    for (kind, block) in blocks().into_iter().enumerate() {
        Case::new(lower(&design(block, kind), Batch(1)).unwrap(), 8).check();
    }
}

#[test]
fn every_block_computes_what_the_reference_does() {
    for (kind, block) in blocks().into_iter().enumerate() {
        Case::new(lower(&design(block, kind), Batch(1)).unwrap(), 2).agrees_with_the_reference();
    }
}

#[test]
fn a_layer_that_is_not_known_is_refused_with_its_name() {
    let graph = between("unknown", &one(Op::LayerNorm { channels: 8, eps: 1e-5 }));
    let said = Network::new(&graph, &Layout::of(&graph), 2).unwrap_err().to_string();
    assert!(said.contains("layer `op`") && said.contains("train a design"), "{said}");
}

#[test]
fn parameters_come_back_as_the_weights_that_they_were() {
    let graph = lower(&design(Block::ShuffleV2(ShuffleV2::default()), 0), Batch(1)).unwrap();
    let weights = Weights::seeded(&graph, 11);
    assert_eq!(Parameters::from_weights(&graph, &weights).unwrap().weights(), weights);
    let made_up = Parameters::made_up(&graph, 1);
    made_up.weights().check(&graph).unwrap();
    assert_ne!(made_up, Parameters::made_up(&graph, 2));
}
