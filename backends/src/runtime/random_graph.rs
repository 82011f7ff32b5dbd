//! Random networks of every kind of layer, for tests of whole runtimes against the reference.

use crate::graph::{Activation, Conv2d, Graph, GraphBuilder, LocalNorm, LowerError, NodeId, Op, Shape, Window};

/// Numbers that look random, the same for the same seed.
pub struct Dice(pub u64);

impl Dice {
    pub fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) as usize) % sides
    }

    pub fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.roll(from.len())]
    }
}

/// A network of up to a dozen layers of any kind; layers that do not fit are left out.
pub fn random_graph(seed: u64) -> Graph {
    let mut dice = Dice(seed);
    let sides = [1, 2, 5, 7, 7, 8, 14, 14, 15, 16, 17, 28, 33];
    let shape = Shape::new(1 + dice.roll(3), 1 + dice.roll(24), dice.pick(&sides), dice.pick(&sides));
    let mut builder = GraphBuilder::new(format!("random {seed}"), shape);
    let mut values = vec![builder.input()];
    for index in 0..2 + dice.roll(12) {
        // Mostly a chain, as networks are.
        let value = if dice.roll(4) > 0 { values[values.len() - 1] } else { dice.pick(&values) };
        let path = format!("layer{index}");
        let pushed = match dice.roll(26) {
            0..=8 => random_conv(&mut dice, &mut builder, &path, value, &values),
            9 => builder.push(path, Op::Slice { start: dice.roll(4), channels: 1 + dice.roll(8) }, &[value]),
            10 => builder.push(path, Op::ChannelShuffle { groups: 1 + dice.roll(4) }, &[value]),
            11 => {
                let others = [value, dice.pick(&values), dice.pick(&values)];
                builder.push(path, Op::Concat, &others[..2 + dice.roll(2)])
            }
            12 => builder.push(path, Op::Add, &[value, dice.pick(&values)]),
            13 => builder.push(path, Op::MaxPool(pooling_window(&mut dice)), &[value]),
            14 => builder.push(path, Op::AvgPool(pooling_window(&mut dice)), &[value]),
            15 => builder
                .push(format!("{path}.mean"), Op::GlobalAvgPool, &[value])
                .and_then(|gate| builder.push(format!("{path}.gate"), Op::Activation(Activation::Sigmoid), &[gate]))
                .and_then(|gate| builder.push(path, Op::Scale, &[value, gate])),
            16 => builder.push(format!("{path}.flat"), Op::Flatten, &[value]).and_then(|flat| {
                let in_features = builder.shape(flat).channels;
                let linear = Op::Linear { in_features, out_features: 1 + dice.roll(40), bias: dice.roll(2) == 0 };
                builder.push(path, linear, &[flat])
            }),
            17 => {
                let channels = builder.shape(value).channels;
                builder.push(path, Op::BatchNorm { channels, eps: 1e-5 }, &[value])
            }
            _ => random_other(&mut dice, &mut builder, &path, value, &values),
        };
        values.extend(pushed);
    }
    builder.finish()
}

/// What networks from elsewhere have.
fn random_other(
    dice: &mut Dice,
    builder: &mut GraphBuilder,
    path: &str,
    value: NodeId,
    values: &[NodeId],
) -> Result<NodeId, LowerError> {
    let Shape { channels, height, width, .. } = builder.shape(value);
    match dice.roll(8) {
        0 => builder.push(path, Op::Activation(dice.pick(&Activation::EXAMPLES)), &[value]),
        1 => builder.push(path, Op::PRelu { channels: dice.pick(&[1, channels]) }, &[value]),
        2 => builder.push(path, Op::Affine { channels, shift: dice.roll(2) == 0 }, &[value]),
        // Rounding errors of channels that are nearly alike are not made large.
        3 => builder.push(path, Op::LayerNorm { channels, eps: 0.5 }, &[value]),
        4 => {
            let (alpha, beta) = (dice.pick(&[0.1, 1.0]), dice.pick(&[0.75, 0.5]));
            let norm = LocalNorm { size: 1 + dice.roll(6), alpha: alpha.into(), beta: beta.into(), offset: 1.0.into() };
            builder.push(path, Op::LocalNorm(norm), &[value])
        }
        5 => {
            let (rounds_up, counts) = (dice.roll(2) == 0, dice.roll(2) == 0);
            let pool = Op::average_pool(pooling_window(dice), [height, width], rounds_up, counts);
            builder.push(path, pool, &[value])
        }
        6 => {
            let most = builder.push(format!("{path}.most"), Op::GlobalMaxPool, &[value])?;
            builder.push(path, Op::Shift, &[value, most])
        }
        _ => {
            // A gate of each value where there is one of the size, or one gate for all channels of a pixel.
            let other = dice.pick(values);
            let fits = builder.shape(other) == builder.shape(value);
            let start = dice.roll(channels);
            let first = builder.push(format!("{path}.first"), Op::Slice { start, channels: 1 }, &[value])?;
            let gate =
                if fits { other } else { builder.push(format!("{path}.all"), Op::Repeat { channels }, &[first])? };
            let gate = builder.push(format!("{path}.gate"), Op::Activation(Activation::Sigmoid), &[gate])?;
            builder.push(path, Op::Mul, &[value, gate])
        }
    }
}

/// Networks of two layers with a channel shuffle between them that backends compute in one launch without it.
pub fn shuffled_chains() -> Vec<Graph> {
    let plain = Window::square(1, 1);
    let conv = |(in_channels, out_channels), window, groups| {
        Op::Conv2d(Conv2d { in_channels, out_channels, window, groups, bias: true })
    };
    let (pointwise, depthwise) = (conv((6, 6), plain, 1), conv((6, 6), Window::square(3, 1), 6));
    let chains = [
        ("pointwise, depthwise", (6, 7), pointwise, depthwise),
        ("depthwise, pointwise", (6, 7), depthwise, pointwise),
        ("pointwise, mean", (6, 7), pointwise, Op::GlobalAvgPool),
        ("stem, pooling", (3, 32), conv((3, 6), Window::square(3, 2), 1), Op::MaxPool(Window::square(3, 2))),
    ];
    let graph = |(name, (channels, side), first, second)| -> Result<Graph, LowerError> {
        let mut builder = GraphBuilder::new(name, Shape::new(2, channels, side, side));
        let made = builder.push("first", first, &[builder.input()])?;
        let shuffled = builder.push("shuffle", Op::ChannelShuffle { groups: 2 }, &[made])?;
        builder.push("second", second, &[shuffled])?;
        Ok(builder.finish())
    };
    chains.into_iter().map(|chain| graph(chain).unwrap()).collect()
}

fn random_window(dice: &mut Dice) -> Window {
    if dice.roll(2) == 0 {
        return Window::square(dice.pick(&[1, 3, 3, 5, 7]), 1 + dice.roll(2));
    }
    let kernel = [1 + dice.roll(4), dice.pick(&[1, 2, 3, 7])];
    let dilation = [1 + dice.roll(2), 1 + dice.roll(2)];
    let padding = [0, 1].map(|axis| dice.roll(1 + kernel[axis] * dilation[axis] / 2));
    let end = |start: usize, dice: &mut Dice| if dice.roll(2) == 0 { start } else { dice.roll(1 + start.max(1)) };
    let padding_end = padding.map(|start| end(start, dice));
    Window { kernel, stride: [1 + dice.roll(3), 1 + dice.roll(3)], padding, padding_end, dilation }
}

/// A window that never lies wholly in the padding, where a maximum has no value.
fn pooling_window(dice: &mut Dice) -> Window {
    let window = random_window(dice);
    let half = |padding: [usize; 2]| [0, 1].map(|axis| padding[axis].min(window.kernel[axis] / 2));
    let (padding, padding_end) = (half(window.padding), half(window.padding_end));
    Window { dilation: [1; 2], padding, padding_end, ..window }
}

/// A convolution with what usually follows it.
fn random_conv(
    dice: &mut Dice,
    builder: &mut GraphBuilder,
    path: &str,
    value: NodeId,
    values: &[NodeId],
) -> Result<NodeId, LowerError> {
    let in_channels = builder.shape(value).channels;
    let groups = dice.pick(&[1, 1, 2, 3, in_channels, in_channels]);
    let per_group = if groups == in_channels && dice.roll(4) > 0 { 1 } else { 1 + dice.roll(40 / groups.min(20)) };
    let window = if dice.roll(2) == 0 { Window::square(1, 1) } else { random_window(dice) };
    let conv = Conv2d { in_channels, out_channels: groups * per_group, window, groups, bias: dice.roll(2) == 0 };
    let mut made = builder.push(path, Op::Conv2d(conv), &[value])?;
    if dice.roll(3) > 0 {
        let norm = Op::BatchNorm { channels: conv.out_channels, eps: 1e-5 };
        made = builder.push(format!("{path}.norm"), norm, &[made])?;
    }
    if dice.roll(3) == 0 {
        // Mostly does not fit.
        let other = dice.pick(values);
        made = builder.push(format!("{path}.sum"), Op::Add, &[made, other]).unwrap_or(made);
    }
    let usual = [Activation::None, Activation::Relu, Activation::Relu6, Activation::HardSwish];
    let activation = if dice.roll(2) == 0 { dice.pick(&usual) } else { dice.pick(&Activation::EXAMPLES) };
    builder.activation(format!("{path}.act"), activation, made)
}
