//! Shapes that nobody draws but anybody can write into a file.

use super::not_finite::check_input;
use super::*;
use crate::runtime::cpu::CompileError;

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, ..ProptestConfig::default() })]

    /// Windows wider than the map, padding larger than it, on one side only, steps and gaps beyond its end.
    #[test]
    fn any_window_equals_plain_loops(seed in any::<u64>()) {
        let mut dice = Dice(seed);
        let sides = [1, 1, 2, 3, 7, 16, 17, 40];
        let groups = dice.pick(&[1, 1, 2, 3]);
        let channels = groups * (1 + dice.roll(3));
        let shape = Shape::new(1 + dice.roll(2), channels, dice.pick(&sides), dice.pick(&sides));
        let mut window = Window {
            kernel: [0; 2].map(|_: usize| dice.pick(&[1, 1, 2, 3, 4, 7])),
            stride: [0; 2].map(|_: usize| dice.pick(&[1, 1, 2, 3, 9, 1000, 1 << 30, usize::MAX])),
            padding: [0; 2].map(|_: usize| dice.pick(&[0, 0, 1, 2, 50])),
            padding_end: [0; 2].map(|_: usize| dice.pick(&[0, 0, 1, 2, 50])),
            dilation: [0; 2].map(|_: usize| dice.pick(&[1, 1, 2, 3, 40])),
        };
        for axis in 0..2 {
            if window.kernel[axis] == 1 && dice.roll(2) == 0 {
                window.dilation[axis] = usize::MAX;
            }
        }
        let conv = |out_channels, groups| Op::Conv2d(Conv2d { in_channels: channels, out_channels, window, groups, bias: true });
        let ops = [conv(groups * 4, groups), conv(channels, channels), Op::MaxPool(window), Op::AvgPool(window)];
        for op in ops {
            let mut builder = GraphBuilder::new("hostile", shape);
            let input = builder.input();
            let Ok(made) = builder.push("layer", op, &[input]) else { continue };
            if dice.roll(2) == 0 {
                let again = Op::Conv2d(Conv2d {
                    in_channels: builder.shape(made).channels,
                    out_channels: 9,
                    window: Window { padding_end: [dice.roll(2), dice.roll(3)], ..Window::square(1, 1) },
                    groups: 1,
                    bias: false,
                });
                builder.push("again", again, &[made]).unwrap();
            }
            let graph = builder.finish();
            let outcome = check_input(&graph, &seeded_input(shape, 3));
            prop_assert!(outcome.is_ok(), "{}", outcome.unwrap_err());
        }
    }
}

/// Zeros behind the map only: its rows as they are do not have them.
#[test]
fn a_pointwise_window_with_padding_behind_the_map_does_not_read_past_its_rows() {
    for padding_end in [[1, 0], [0, 2], [3, 3], [40, 40]] {
        let mut builder = GraphBuilder::new("behind", Shape::new(2, 8, 4, 4));
        let window = Window { padding_end, ..Window::square(1, 1) };
        let conv = Conv2d { in_channels: 8, out_channels: 8, window, groups: 1, bias: true };
        builder.push("conv", Op::Conv2d(conv), &[builder.input()]).unwrap();
        check(&builder.finish()).unwrap();
    }
}

#[test]
fn a_residual_of_a_single_pixel_is_read_alone() {
    let mut builder = GraphBuilder::new("single", Shape::new(3, 12, 2, 2));
    let conv = |kernel: usize| {
        Op::Conv2d(Conv2d {
            in_channels: 12,
            out_channels: 12,
            window: Window::inside(kernel, 1),
            groups: 1,
            bias: true,
        })
    };
    let input = builder.input();
    let one = builder.push("one", conv(2), &[input]).unwrap();
    let other = builder.push("other", conv(2), &[input]).unwrap();
    builder.push("sum", Op::Add, &[other, one]).unwrap();
    check(&builder.finish()).unwrap();
}

#[test]
fn feature_maps_beyond_32_bits_are_refused_before_anything_is_allocated() {
    for shape in [Shape::new(1 << 10, 1 << 14, 16, 16), Shape::new(1 << 16, 1 << 15, 1, 3)] {
        let mut builder = GraphBuilder::new("vast", shape);
        builder.push("relu", Op::Activation(Activation::Relu), &[builder.input()]).unwrap();
        let error = Network::new(&builder.finish(), &Weights::default(), None, 1).unwrap_err();
        assert!(matches!(error, CompileError::TooLarge { floats, .. } if floats >= u32::MAX as usize), "{error}");
        assert!(error.to_string().contains("`vast`") && error.to_string().contains("lower batch"), "{error}");
    }
}

#[test]
fn a_run_that_panicked_is_the_last_one() {
    let graph = preset("shufflenet-v2-x0.5", 1);
    let mut network = Network::new(&graph, &Weights::seeded(&graph, 1), None, 3).unwrap();
    network.run().unwrap();
    let mut marks = 0;
    let mut mark = || {
        marks += 1;
        assert!(marks < 4, "as asked");
    };
    assert!(network.run_marked(&mut mark).is_err());
    let error = network.run().unwrap_err();
    assert!(error.to_string().contains("prepare the network again"), "{error}");
    assert!(network.run_marked(&mut || {}).is_err());
    assert_eq!(network.threads(), 3);
}
