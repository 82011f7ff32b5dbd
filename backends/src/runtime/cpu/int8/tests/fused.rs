//! Layers that run together, every kind of them drawn at random: what they compute is what they compute one by one.

use proptest::prelude::{ProptestConfig, any, prop_assert, proptest};

use super::*;
use crate::graph::NodeId;
use crate::runtime::cpu::compile::plan as plan_in_floats;
use crate::runtime::plan::Work;
use crate::runtime::random_graph::Dice;

/// What is asked to run together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// A pointwise convolution and a depthwise one.
    Depthwise,
    /// The same with a channel shuffle between them.
    Shuffled,
    /// A pointwise convolution and the mean over its map, perhaps of its sum with another map.
    Mean,
    /// A convolution and the sum with another map.
    Sum,
    /// A stem and its max-pool.
    Stem,
}

const KINDS: [Kind; 5] = [Kind::Depthwise, Kind::Shuffled, Kind::Mean, Kind::Sum, Kind::Stem];

/// A network under construction.
struct Maker {
    dice: Dice,
    builder: GraphBuilder,
}

impl Maker {
    /// A convolution, perhaps with a normalisation behind it.
    fn conv(&mut self, path: &str, value: NodeId, out_channels: usize, (window, groups): (Window, usize)) -> NodeId {
        let in_channels = self.builder.shape(value).channels;
        let conv = Conv2d { in_channels, out_channels, window, groups, bias: self.dice.roll(2) == 0 };
        let value = self.builder.push(path, Op::Conv2d(conv), &[value]).unwrap();
        if self.dice.roll(3) == 0 {
            return value;
        }
        let norm = Op::BatchNorm { channels: out_channels, eps: 1e-5 };
        self.builder.push(format!("{path}.norm"), norm, &[value]).unwrap()
    }

    /// An activation, or none.
    fn activation(&mut self, path: &str, value: NodeId) -> NodeId {
        let usual = [Activation::None, Activation::Relu, Activation::Relu6];
        let activation =
            if self.dice.roll(3) > 0 { self.dice.pick(&usual) } else { self.dice.pick(&Activation::EXAMPLES) };
        self.builder.activation(path, activation, value).unwrap()
    }

    /// A pointwise convolution, in one group or in several, to so many channels or some.
    fn pointwise(&mut self, path: &str, value: NodeId, out_channels: Option<usize>) -> NodeId {
        let in_channels = self.builder.shape(value).channels;
        let out_channels = out_channels.unwrap_or(2 * (1 + self.dice.roll(16)));
        let divides = |groups: &usize| in_channels.is_multiple_of(*groups) && out_channels.is_multiple_of(*groups);
        let possible: Vec<usize> = [1, 1, 2, 3, 4].into_iter().filter(divides).collect();
        // In as many groups as channels it were depthwise itself.
        let groups = Some(self.dice.pick(&possible)).filter(|&groups| groups < out_channels).unwrap_or(1);
        self.conv(path, value, out_channels, (Window::square(1, 1), groups))
    }

    /// The value with its sum with another map, in either order; that lies in words of its own kind, or of others.
    fn sum(&mut self, value: NodeId, other: NodeId) -> NodeId {
        let operands = if self.dice.roll(2) == 0 { [value, other] } else { [other, value] };
        self.builder.push("sum", Op::Add, &operands).unwrap()
    }

    /// A map that is there already, of so many channels.
    fn other(&mut self, value: NodeId, out_channels: usize) -> NodeId {
        let other = self.pointwise("other", value, Some(2 * out_channels));
        let op = match self.dice.roll(3) {
            0 => return self.pointwise("other.whole", value, Some(out_channels)),
            1 => Op::Slice { start: self.dice.roll(out_channels), channels: out_channels },
            _ => {
                let shuffle = Op::ChannelShuffle { groups: 2 };
                let shuffled = self.builder.push("other.shuffle", shuffle, &[other]).unwrap();
                let slice = Op::Slice { start: 0, channels: out_channels };
                return self.builder.push("other.slice", slice, &[shuffled]).unwrap();
            }
        };
        self.builder.push("other.slice", op, &[other]).unwrap()
    }

    fn kind(&mut self, kind: Kind) {
        let input = self.builder.input();
        match kind {
            Kind::Depthwise | Kind::Shuffled => {
                let value = self.pointwise("first", input, None);
                let mut value = self.activation("first.act", value);
                let channels = self.builder.shape(value).channels;
                if kind == Kind::Shuffled {
                    value = self.builder.push("shuffle", Op::ChannelShuffle { groups: 2 }, &[value]).unwrap();
                }
                let dilated = Window { dilation: [2; 2], padding: [2; 2], padding_end: [2; 2], ..Window::square(3, 1) };
                let windows = [Window::square(3, 1), Window::square(3, 2), Window::square(5, 1), dilated];
                let window = self.dice.pick(&windows);
                let value = self.conv("depthwise", value, channels, (window, channels));
                let value = self.activation("depthwise.act", value);
                self.pointwise("last", value, None);
            }
            Kind::Mean => {
                let value = self.pointwise("before", input, None);
                let made = self.pointwise("first", value, None);
                let channels = self.builder.shape(made).channels;
                // What is added has to be there before.
                let made = if self.dice.roll(2) == 0 {
                    let other = self.other(value, channels);
                    let made = self.pointwise("second", made, Some(channels));
                    self.sum(made, other)
                } else {
                    made
                };
                let value = self.activation("act", made);
                self.builder.push("mean", Op::GlobalAvgPool, &[value]).unwrap();
            }
            Kind::Sum => {
                let value = self.pointwise("before", input, None);
                let channels = 1 + self.dice.roll(24);
                let other = self.other(value, channels);
                let window = self.dice.pick(&[Window::square(1, 1), Window::square(3, 1), Window::square(5, 1)]);
                let made = self.conv("first", value, channels, (window, 1));
                let value = self.sum(made, other);
                let value = self.activation("act", value);
                // Sums are read by more than one, as in networks.
                let next = self.pointwise("next", value, None);
                self.builder.push("list", Op::Concat, &[value, next]).unwrap();
            }
            Kind::Stem => {
                let kernel = self.dice.pick(&[3, 5, 7]);
                let (stride, channels) = (1 + self.dice.roll(2), 1 + self.dice.roll(20));
                let value = self.conv("first", input, channels, (Window::square(kernel, stride), 1));
                let value = self.activation("act", value);
                self.builder.push("pool", Op::MaxPool(Window::square(3, 2)), &[value]).unwrap();
            }
        }
    }
}

fn network(kind: Kind, seed: u64) -> Graph {
    let mut dice = Dice(seed);
    let shape = if kind == Kind::Stem {
        Shape::new(1 + dice.roll(2), 1 + dice.roll(4), 1 + dice.roll(80), 33 + dice.roll(40))
    } else {
        let sides = [2, 3, 5, 7, 7, 14, 16, 17, 28, 33];
        Shape::new(1 + dice.roll(2), 1 + dice.roll(24), dice.pick(&sides), dice.pick(&sides))
    };
    let mut maker = Maker { dice, builder: GraphBuilder::new(format!("{kind:?} {seed}"), shape) };
    maker.kind(kind);
    maker.builder.finish()
}

/// Whether a plan has what is asked for.
fn has(plan: &crate::runtime::KernelPlan, kind: Kind) -> bool {
    plan.kernels.iter().filter_map(|kernel| kernel.spec.as_ref()).any(|spec| match (kind, spec.steps.as_slice()) {
        (Kind::Depthwise | Kind::Shuffled, [first, next]) => next.work.is_depthwise(first.output, next.output),
        (Kind::Mean, [_, next]) => next.work == Work::GlobalMean,
        (Kind::Stem, [_, next]) => matches!(next.work, Work::Pool { .. }),
        (Kind::Sum, [step]) => step.epilogue.residual,
        _ => false,
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn what_runs_together_computes_what_it_does_apart(seed in any::<u64>(), kind in 0..KINDS.len(), odd in any::<bool>()) {
        let graph = network(KINDS[kind], seed);
        let plan = plan(&graph, Fusing::Full);
        prop_assert!(has(&plan, KINDS[kind]) && plan.is_partition_of(&graph), "{plan:#?}");
        let mut weights = Weights::seeded(&graph, 7);
        if odd {
            odd_scales(&graph, &mut weights, seed);
        }
        let outcome = check_with(&graph, &weights);
        prop_assert!(outcome.is_ok(), "{}", outcome.unwrap_err());
    }
}

#[test]
fn what_runs_together_is_what_does_so_in_floats() {
    for name in ["shufflenet-v2-x1.0", "shufflenet-v1-g3-x1.0", "mobilenet-v2-x1.0", "resnet-50"] {
        let graph = lower(&zoo::preset(name).unwrap(), Batch(1)).unwrap();
        let layers = |plan: crate::runtime::KernelPlan| {
            let mut kernels: Vec<_> = plan.kernels.into_iter().map(|kernel| kernel.layers).collect();
            kernels.sort();
            kernels
        };
        let (found, expected) = (plan(&graph, Fusing::Full), plan_in_floats(&graph, Fusing::Full));
        assert!(found.is_partition_of(&graph));
        assert_eq!(layers(found), layers(expected), "{name}");
    }
}
