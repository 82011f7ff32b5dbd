use super::*;
use crate::graph::GraphBuilder;

fn one_layer(op: Op, input: Shape) -> Graph {
    let mut builder = GraphBuilder::new("layer", input);
    builder.push("layer", op, &[builder.input()]).unwrap();
    builder.finish()
}

fn counting(shape: Shape) -> Vec<f32> {
    (0..shape.elements().0).map(|i| i as f32).collect()
}

#[test]
fn a_strided_padded_depthwise_convolution_gives_the_values_worked_out_by_hand() {
    let shape = Shape::new(1, 2, 3, 3);
    let conv = Conv2d { in_channels: 2, out_channels: 2, window: Window::square(3, 2), groups: 2, bias: true };
    let graph = one_layer(Op::Conv2d(conv), shape);
    let weights: Weights = [
        // A box on the first channel, the centre tap times 10 on the second.
        (
            "layer.weight".to_owned(),
            WeightTensor {
                shape: vec![2, 1, 3, 3],
                values: [[1.0; 9], [0.0, 0.0, 0.0, 0.0, 10.0, 0.0, 0.0, 0.0, 0.0]].concat(),
            },
        ),
        ("layer.bias".to_owned(), WeightTensor { shape: vec![2], values: vec![0.5, -1.0] }),
    ]
    .into_iter()
    .collect();
    let result = run(&graph, &weights, &counting(shape)).unwrap();
    // Sums of the 2x2 corners of 0..9, and the corners of 9..18 times 10.
    assert_eq!(result, [8.5, 12.5, 20.5, 24.5, 89.0, 109.0, 149.0, 169.0]);
}

#[test]
fn shuffle_moves_channels_as_its_definition_says() {
    let shape = Shape::new(1, 6, 1, 1);
    let result =
        run(&one_layer(Op::ChannelShuffle { groups: 2 }, shape), &Weights::default(), &counting(shape)).unwrap();
    assert_eq!(result, [0.0, 3.0, 1.0, 4.0, 2.0, 5.0]);
}

#[test]
fn padding_never_wins_a_maximum_but_counts_in_an_average() {
    let shape = Shape::new(1, 1, 2, 2);
    let window = Window::square(3, 2);
    let input = [-4.0, -3.0, -2.0, -9.0];
    let pool = |op| run(&one_layer(op, shape), &Weights::default(), &input).unwrap();
    assert_eq!(pool(Op::MaxPool(window)), [-2.0]);
    assert_eq!(pool(Op::AvgPool(window)), [-2.0]);
}

#[test]
fn a_maximum_is_not_a_number_where_one_of_its_values_is_not_wherever_that_stands() {
    let shape = Shape::new(1, 1, 1, 3);
    let graph = one_layer(Op::MaxPool(Window::padded([1, 3], 1, [0, 1])), shape);
    for (at, expected) in [(0, [true, true, false]), (1, [true; 3]), (2, [false, true, true])] {
        let mut input = [1.0, f32::INFINITY, -2.0];
        input[at] = f32::NAN;
        let result = run(&graph, &Weights::default(), &input).unwrap();
        assert_eq!(result.iter().map(|value| value.is_nan()).collect::<Vec<_>>(), expected);
    }
}

#[test]
fn normalisations_over_channels_give_the_values_worked_out_by_hand() {
    let shape = Shape::new(1, 3, 1, 2);
    // Pixels (1, 2, 3) and (0, 0, 6): means 2 and 2, variances 2/3 and 8.
    let input = [1.0, 0.0, 2.0, 0.0, 3.0, 6.0];
    let layer = one_layer(Op::LayerNorm { channels: 3, eps: 1.0 }, shape);
    let vector = |name: &str, values: [f32; 3]| {
        (format!("layer.{name}"), WeightTensor { shape: vec![3], values: values.to_vec() })
    };
    let weights = || [vector("weight", [1.0, 2.0, 3.0]), vector("bias", [0.0, 0.5, 0.0])].into_iter().collect();
    let (low, half) = ((5.0_f32 / 3.0).sqrt(), 2.0_f32 / 3.0);
    let result = run(&layer, &weights(), &input).unwrap();
    for (value, expected) in result.iter().zip([-1.0 / low, -half, 0.5, 0.5 - 2.0 * half, 3.0 / low, 4.0]) {
        assert!((value - expected).abs() < 1e-6, "{result:?}");
    }
    // Squares of the channel and its neighbours: 5, 14, 13 and 0, 36, 36.
    let norm = LocalNorm { size: 3, alpha: 3.0.into(), beta: 1.0.into(), offset: 1.0.into() };
    let result = run(&one_layer(Op::LocalNorm(norm), shape), &Weights::default(), &input).unwrap();
    for (value, expected) in result.iter().zip([1.0 / 6.0, 0.0, 2.0 / 15.0, 0.0, 3.0 / 14.0, 6.0 / 37.0]) {
        assert!((value - expected).abs() < 1e-6, "{result:?}");
    }
    let affine = one_layer(Op::Affine { channels: 3, shift: true }, shape);
    assert_eq!(run(&affine, &weights(), &input).unwrap(), [1.0, 0.0, 4.5, 0.5, 9.0, 18.0]);
    let slopes = one_layer(Op::PRelu { channels: 3 }, shape);
    let weights = [vector("weight", [0.5, 2.0, 0.0])].into_iter().collect();
    let result = run(&slopes, &weights, &input.map(|value| 1.0 - value)).unwrap();
    assert_eq!(result, [0.0, 1.0, -2.0, 1.0, 0.0, 0.0]);
}

#[test]
fn padding_that_does_not_count_is_left_out_of_a_mean() {
    let shape = Shape::new(1, 1, 2, 2);
    let input = [-4.0, -3.0, -2.0, -9.0];
    let mean = |window: Window, counts| {
        let op = Op::average_pool(window, [2, 2], true, counts);
        run(&one_layer(op, shape), &Weights::default(), &input).unwrap()
    };
    // Rounding up adds a second row and column of windows, which reach one pixel beyond the padding.
    assert_eq!(mean(Window::square(3, 2), false), [-4.5, -6.0, -5.5, -9.0]);
    assert_eq!(mean(Window::square(3, 2), true), [-2.0, -2.0, -11.0 / 6.0, -2.25]);
    let window = Window::padded([2; 2], 2, [1; 2]);
    assert_eq!(mean(window, true), [-1.0, -0.75, -0.5, -2.25]);
    assert_eq!(mean(window, false), [-4.0, -3.0, -2.0, -9.0]);
    let most = one_layer(Op::GlobalMaxPool, shape);
    assert_eq!(run(&most, &Weights::default(), &input).unwrap(), [-2.0]);
}

#[test]
fn products_shifts_and_repeated_channels_broadcast_as_their_definitions_say() {
    let mut builder = GraphBuilder::new("gates", Shape::new(1, 1, 2, 2));
    let input = builder.input();
    let wide = builder.push("wide", Op::Repeat { channels: 2 }, &[input]).unwrap();
    let square = builder.push("square", Op::Mul, &[wide, wide]).unwrap();
    let most = builder.push("most", Op::GlobalMaxPool, &[wide]).unwrap();
    builder.push("shift", Op::Shift, &[square, most]).unwrap();
    let result = run(&builder.finish(), &Weights::default(), &[1.0, -2.0, 0.0, 3.0]).unwrap();
    assert_eq!(result, [4.0, 7.0, 3.0, 12.0, 4.0, 7.0, 3.0, 12.0]);
}

#[test]
fn missing_weights_and_wrong_inputs_are_errors() {
    let shape = Shape::new(1, 2, 1, 1);
    let graph = one_layer(Op::BatchNorm { channels: 2, eps: 1e-5 }, shape);
    let error = run(&graph, &Weights::default(), &counting(shape)).unwrap_err().to_string();
    assert!(error.contains("4 missing") && error.contains("layer.running_var: expected [2]"), "{error}");
    let error = run(&graph, &Weights::seeded(&graph, 1), &[1.0]).unwrap_err();
    assert!(matches!(error, ReferenceError::Input { given: 1, .. }));
}
