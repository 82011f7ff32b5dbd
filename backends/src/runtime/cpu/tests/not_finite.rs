//! What is not a number, or not finite, reads the same on every instruction set.

use super::*;

/// Equal, both not a number, or nearly equal and finite.
fn reads_the_same(expected: f32, value: f32, scale: f32) -> bool {
    expected == value || (expected.is_nan() && value.is_nan()) || (expected - value).abs() < 1e-4 * scale
}

/// The result with every instruction set, thread count and fusing, each with what it was made by.
fn results(graph: &Graph, weights: &Weights, input: &[f32]) -> Vec<(String, Vec<f32>)> {
    let mut all = Vec::new();
    for isa in Isa::all_available() {
        for (threads, fusing) in [(1, Fusing::Full), (3, Fusing::Full), (1, Fusing::Apart)] {
            let mut network = Network::with_fusing(graph, weights, Some(isa), threads, fusing).unwrap();
            network.set_input(input);
            network.run().unwrap();
            let (batch, values) = network.output_dims();
            let mut result = vec![0.0; batch * values];
            network.output(&mut result);
            all.push((format!("{isa}, {threads} threads, {fusing:?}"), result));
        }
    }
    all
}

/// Whether any instruction set of this machine computes a layer Winograd's way, whose patches share what is not finite.
fn is_winograds(graph: &Graph, weights: &Weights) -> bool {
    let parameters = Parameters::new(graph, weights).unwrap();
    Isa::all_available().any(|isa| {
        let compiled = compile(graph, Fusing::Full, &parameters, Kernels::in_floats(isa), 1).unwrap();
        compiled.steps.iter().any(|step| matches!(step, Step::Winograd(_)))
    })
}

/// Finite weights: everything is as plain loops say, except that Winograd's patches may say NaN more often.
pub(super) fn check_input(graph: &Graph, input: &[f32]) -> Result<(), String> {
    let weights = Weights::seeded(graph, 7);
    let expected = reference::run(graph, &weights, input).map_err(|error| error.to_string())?;
    let finite = expected.iter().filter(|value| value.is_finite());
    let scale = finite.fold(1.0_f32, |scale, value| scale.max(value.abs()));
    let in_patches = is_winograds(graph, &weights);
    for (how, result) in results(graph, &weights, input) {
        for (index, (&expected, &value)) in expected.iter().zip(&result).enumerate() {
            if !(reads_the_same(expected, value, scale) || in_patches && value.is_nan()) {
                return Err(format!("{how}, value {index}: {value} is not {expected}\n{graph:#?}"));
            }
        }
    }
    Ok(())
}

/// A value that is not finite in place of one of about `every`.
fn spoil(values: &mut [f32], every: usize, dice: &mut Dice) {
    for value in values {
        if dice.roll(every) == 0 {
            *value = dice.pick(&[f32::NAN, -f32::NAN, f32::INFINITY, f32::NEG_INFINITY]);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]

    #[test]
    fn inputs_that_are_not_finite_give_what_plain_loops_give(seed in any::<u64>()) {
        let graph = random_graph(seed);
        let mut input = seeded_input(graph.input_shape(), 3);
        spoil(&mut input, 40, &mut Dice(seed));
        let outcome = check_input(&graph, &input);
        prop_assert!(outcome.is_ok(), "{}", outcome.unwrap_err());
    }

    /// Zeros around a map times such a weight are NaN, or left out: where NaN is certain, it is there.
    #[test]
    fn weights_that_are_not_finite_read_the_same_on_every_instruction_set(seed in any::<u64>()) {
        let graph = random_graph(seed);
        let mut dice = Dice(seed);
        let mut weights = Weights::seeded(&graph, 7);
        for (_, node) in graph.layers().filter(|(_, node)| matches!(node.op, Op::Conv2d(_) | Op::Linear { .. })) {
            let name = format!("{}.weight", node.path);
            let mut weight = weights.get(&name).unwrap().clone();
            spoil(&mut weight.values, 60, &mut dice);
            weights.insert(name, weight);
        }
        let input = seeded_input(graph.input_shape(), 3);
        let expected = reference::run(&graph, &weights, &input).unwrap();
        let all = results(&graph, &weights, &input);
        for (how, result) in &all {
            let lost = expected.iter().zip(result).position(|(expected, value)| expected.is_nan() && !value.is_nan());
            prop_assert!(lost.is_none(), "{how}, value {lost:?} is a number\n{graph:#?}");
        }
        if !is_winograds(&graph, &weights) {
            let class = |values: &[f32]| -> Vec<_> {
                values.iter().map(|value| (value.is_nan(), value.is_infinite(), *value == f32::INFINITY)).collect()
            };
            for (how, result) in &all {
                prop_assert!(class(result) == class(&all[0].1), "{how} differs from {}\n{graph:#?}", all[0].0);
            }
        }
    }
}

/// Every kernel that ends in an activation, and those that stand alone; 49 pixels leave AVX-512 a tail pixel.
#[test]
fn every_activation_behind_every_kernel_keeps_what_is_not_a_number() {
    let kernels = [
        (16, 7, 16, Window::square(1, 1), 1),  // a matrix product
        (6, 9, 6, Window::square(3, 2), 2),    // from columns
        (16, 14, 16, Window::square(3, 1), 1), // Winograd's way
        (3, 33, 8, Window::square(3, 2), 1),   // a stem
        (8, 9, 8, Window::square(3, 1), 8),    // depthwise
        (8, 9, 8, Window::square(3, 2), 8),
        (8, 9, 8, Window { dilation: [2; 2], ..Window::square(3, 1) }, 8),
        (20, 1, 18, Window::square(1, 1), 1), // fully connected
    ];
    let activations = Activation::EXAMPLES;
    for (channels, side, out_channels, window, groups) in kernels {
        for (activation, pool) in
            activations.into_iter().flat_map(|activation| [(activation, false), (activation, true)])
        {
            let mut builder = GraphBuilder::new("kept", Shape::new(2, channels, side, side));
            let input = builder.input();
            let conv = Conv2d { in_channels: channels, out_channels, window, groups, bias: true };
            let value = builder.push("conv", Op::Conv2d(conv), &[input]).unwrap();
            let value = builder.activation("act", activation, value).unwrap();
            if pool {
                builder.push("pool", Op::MaxPool(Window::square(3, 2)), &[value]).unwrap();
            }
            let graph = builder.finish();
            let values = graph.input_shape().elements().0 as usize;
            // Somewhere in the middle, at both ends, and everywhere.
            for at in [0..1, values / 2..values / 2 + 1, values - 1..values, 0..values] {
                let mut input = seeded_input(graph.input_shape(), 3);
                input[at].fill(f32::NAN);
                check_input(&graph, &input).unwrap();
            }
        }
    }
}

#[test]
fn a_maximum_keeps_what_is_not_a_number_wherever_it_stands_in_the_window() {
    for window in [Window::square(3, 2), Window::square(3, 1), Window::inside(2, 2), Window::padded([1, 5], 3, [0, 2])]
    {
        let mut builder = GraphBuilder::new("maximum", Shape::new(1, 1, 5, 19));
        builder.push("pool", Op::MaxPool(window), &[builder.input()]).unwrap();
        let graph = builder.finish();
        for at in 0..5 * 19 {
            let mut input = seeded_input(graph.input_shape(), 3);
            (input[at], input[(at + 1) % 95], input[(at + 20) % 95]) = (f32::NAN, f32::INFINITY, f32::NEG_INFINITY);
            check_input(&graph, &input).unwrap();
        }
    }
}
