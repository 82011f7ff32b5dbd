//! Operands that contradict one another make no step: kernels would read or write where nobody said they may.

mod curves;

use super::Isa;
use super::map::{Map, row_room};
use super::program::{Conflict, Program};
use super::table::Table;
use super::*;
use crate::graph::Window;
use crate::runtime::parameters::Filters;

/// `images` of `channels` rows each, one behind the other from float `at` on.
fn map(at: usize, images: usize, channels: usize, size: [usize; 2]) -> Map {
    let room = row_room(size[0] * size[1]);
    Map { rows: (0..images * channels).map(|row| (at + row * room) as u32).collect(), channels, size }
}

fn kernels() -> Kernels {
    Kernels::in_floats(Isa::detect())
}

fn table() -> &'static Table {
    kernels().table
}

fn weights(count: usize) -> Filters {
    Filters::Values(vec![0.5; count])
}

/// A 3x3 convolution of two images from 8 to 12 channels of 6x5 pixels, with a residual.
fn spec() -> ConvolutionSpec {
    ConvolutionSpec {
        input: map(0, 2, 8, [6, 5]),
        out_channels: 12,
        out_size: [6, 5],
        groups: 1,
        window: Window::square(3, 1),
        weights: weights(12 * 8 * 9),
        bias: vec![0.5; 12],
        residual: Some(map(1000, 2, 12, [6, 5])),
        epilogue: Epilogue::NONE,
        sink: Sink::Rows(map(2000, 2, 12, [6, 5])),
    }
}

fn planes(channels: usize, input: [usize; 2], window: Window, output: [usize; 2]) -> Result<Planes, Unfit> {
    let parameters = (weights(channels * window.taps()), vec![0.5; channels]);
    Planes::new(table(), window, input, map(3000, 2, channels, output), parameters, Epilogue::NONE)
}

#[test]
fn a_convolution_of_operands_that_contradict_one_another_is_refused_with_what_they_are() {
    type Change = (&'static str, fn(&mut ConvolutionSpec));
    let changes: [Change; 22] = [
        ("a bias too few", |spec| _ = spec.bias.pop()),
        ("a weight too many", |spec| spec.weights = weights(12 * 8 * 9 + 1)),
        ("no groups", |spec| spec.groups = 0),
        ("groups that do not divide", |spec| spec.groups = 3),
        ("fewer weights in groups", |spec| spec.groups = 4),
        ("no outputs", |spec| spec.out_channels = 0),
        ("outputs that nobody has weights for", |spec| spec.out_channels = 13),
        ("a larger output", |spec| spec.out_size = [6, 6]),
        ("padding that would make it larger", |spec| spec.window.padding_end = [2, 1]),
        ("padding beyond counting", |spec| spec.window.padding = [usize::MAX; 2]),
        ("gaps beyond counting", |spec| spec.window.dilation = [usize::MAX; 2]),
        ("no window", |spec| spec.window.kernel = [0, 3]),
        ("a window beyond counting", |spec| spec.window.kernel = [usize::MAX; 2]),
        ("no steps", |spec| spec.window.stride = [0; 2]),
        ("part of an image", |spec| _ = spec.input.rows.pop()),
        ("no images", |spec| spec.input.rows.clear()),
        ("no channels", |spec| spec.input.channels = 0),
        ("an empty map", |spec| spec.input.size = [0, 5]),
        ("a residual of other pixels", |spec| spec.residual = Some(map(1000, 2, 12, [5, 5]))),
        ("a residual of other images", |spec| spec.residual = Some(map(1000, 1, 12, [6, 5]))),
        ("an output of fewer channels", |spec| spec.sink = Sink::Rows(map(2000, 2, 11, [6, 5]))),
        ("an output of other pixels", |spec| spec.sink = Sink::Rows(map(2000, 2, 12, [6, 4]))),
    ];
    assert!(Convolution::new(kernels(), spec(), 2).is_ok() && Winograd::new(table(), spec(), 2).is_ok());
    for (what, change) in changes {
        let changed = || {
            let mut spec = spec();
            change(&mut spec);
            spec
        };
        let error = Convolution::new(kernels(), changed(), 2).map(drop).unwrap_err();
        assert!(!error.to_string().is_empty(), "{what}");
        assert_eq!(Winograd::new(table(), changed(), 2).map(drop), Err(error), "{what}");
    }
    let grouped = ConvolutionSpec { groups: 2, weights: weights(12 * 4 * 9), ..spec() };
    assert!(Winograd::new(table(), grouped, 2).is_err(), "Winograd's way has no groups");
    let means = ConvolutionSpec { sink: Sink::Mean(map(2000, 2, 12, [1, 1])), ..spec() };
    assert!(Winograd::new(table(), means, 2).is_err(), "nor means");
    let means = ConvolutionSpec { sink: Sink::Mean(map(2000, 2, 12, [1, 2])), ..spec() };
    assert!(Convolution::new(kernels(), means, 2).is_err(), "a mean is one pixel");
}

#[test]
fn a_depthwise_layer_behind_a_convolution_has_each_channel_once_and_its_pixels() {
    let window = Window::square(3, 2);
    let with = |input, order: Vec<usize>| {
        let planes = Box::new(planes(12, input, window, [3, 3]).unwrap());
        let sink = Sink::Depthwise { planes, channels: order };
        Convolution::new(kernels(), ConvolutionSpec { sink, ..spec() }, 2).map(drop)
    };
    assert_eq!(with([6, 5], (0..12).rev().collect()), Ok(()));
    assert!(with([5, 5], (0..12).collect()).is_err(), "other pixels");
    let twice = with([6, 5], [vec![3], (1..12).collect()].concat()).unwrap_err();
    assert!(twice.to_string().contains("each once"), "two threads would write channel 3: {twice}");
    assert!(with([6, 5], (0..11).collect()).is_err() && with([6, 5], (1..13).collect()).is_err());

    assert!(planes(12, [6, 5], window, [3, 4]).is_err(), "another output");
    assert!(planes(12, [0, 5], window, [0, 3]).is_err(), "no pixels");
    let vast = usize::MAX / 4;
    let one = Map { rows: vec![0], channels: 1, size: [vast, vast] };
    let flat = Planes::new(table(), Window::square(1, 1), [vast; 2], one, (weights(1), vec![0.0]), Epilogue::NONE);
    assert!(matches!(flat.map(drop), Err(Unfit::TooLarge(_))), "pixels that cannot be counted");

    let planes = || planes(12, [6, 5], window, [3, 3]).unwrap();
    assert!(Depthwise::new(map(0, 2, 12, [6, 5]), planes(), 2).is_ok());
    for input in [map(0, 2, 12, [5, 6]), map(0, 1, 12, [6, 5]), map(0, 4, 6, [6, 5]), map(0, 2, 13, [6, 5])] {
        assert!(Depthwise::new(input, planes(), 2).is_err());
    }
}

#[test]
fn a_stem_of_operands_that_contradict_one_another_is_refused() {
    let spec = |pooled, output| StemSpec {
        input: map(0, 2, 3, [32, 32]),
        output: map(7000, 2, 8, output),
        conv_size: [16, 16],
        window: Window::square(3, 2),
        weights: weights(8 * 27),
        bias: vec![0.5; 8],
        epilogue: Epilogue::NONE,
        pooled,
    };
    let made = |spec| StemConv::new(table(), spec, 2).map(drop);
    assert_eq!((made(spec(false, [16, 16])), made(spec(true, [8, 8]))), (Ok(()), Ok(())));
    assert!(made(spec(true, [16, 16])).is_err() && made(spec(false, [8, 8])).is_err(), "an output of other pixels");
    assert!(made(StemSpec { conv_size: [17, 16], ..spec(true, [8, 8]) }).is_err());
    assert!(made(StemSpec { output: map(7000, 1, 8, [16, 16]), ..spec(false, [16, 16]) }).is_err(), "other images");
    assert!(made(StemSpec { bias: vec![0.5; 7], ..spec(false, [16, 16]) }).is_err());
    assert!(made(StemSpec { weights: weights(8 * 26), ..spec(false, [16, 16]) }).is_err());
    assert!(
        made(StemSpec { input: map(0, 2, 3, [32, 31]), window: Window::inside(3, 2), ..spec(false, [16, 16]) })
            .is_err()
    );
}

#[test]
fn pooling_fully_connected_and_rowwise_steps_of_other_shapes_are_refused() {
    let (input, window) = (|| map(0, 2, 8, [6, 5]), Some(Window::square(3, 2)));
    let reduce = |output, window| Reduce::new(table(), input(), output, (Pooling::Max, window), 2).map(drop);
    assert_eq!((reduce(map(900, 2, 8, [3, 3]), window), reduce(map(900, 2, 8, [1, 1]), None)), (Ok(()), Ok(())));
    for output in [map(900, 2, 8, [3, 4]), map(900, 1, 16, [3, 3]), map(900, 2, 7, [3, 3])] {
        assert!(reduce(output, window).is_err());
    }
    assert!(reduce(map(900, 2, 8, [1, 2]), None).is_err() && reduce(map(900, 2, 9, [1, 1]), None).is_err());
    let vast = Window { kernel: [1, 1], stride: [1, 1], padding: [usize::MAX / 2, 0], ..Window::square(1, 1) };
    let rows = usize::MAX / 2 + 6;
    let output = Map { rows: vec![0; 16], channels: 8, size: [rows, 5] };
    assert!(matches!(reduce(output, Some(vast)), Err(Unfit::TooLarge(_))), "cannot be counted");

    let dense = |input, output, weights: usize, biases: usize| {
        Linear::new(kernels(), (input, output), &self::weights(weights), &vec![0.5; biases], Epilogue::NONE, 2)
            .map(drop)
    };
    let (single, out) = (|| map(0, 2, 20, [1, 1]), || map(900, 2, 18, [1, 1]));
    assert_eq!(dense(single(), out(), 360, 18), Ok(()));
    assert!(dense(single(), out(), 359, 18).is_err() && dense(single(), out(), 360, 17).is_err());
    assert!(
        dense(map(0, 2, 20, [1, 2]), out(), 360, 18).is_err() && dense(map(0, 1, 20, [1, 1]), out(), 360, 18).is_err()
    );
    assert!(dense(Map { channels: 0, ..single() }, out(), 0, 18).is_err());

    let rowwise =
        |other, factor, output| Rowwise::new(table(), (input(), other, output), factor, Epilogue::NONE, 2).map(drop);
    let same = || map(900, 2, 8, [6, 5]);
    let gate = |pixels| Factor::Gate(map(1900, 2, 8, pixels));
    let with = |map| Some((map, Combine::Multiply));
    assert_eq!(rowwise(with(same()), gate([1, 1]), same()), Ok(()));
    assert!(rowwise(with(map(900, 2, 8, [5, 5])), Factor::One, same()).is_err(), "shorter rows would be read past");
    assert!(rowwise(None, Factor::One, map(900, 2, 8, [5, 5])).is_err(), "or written past");
    assert!(rowwise(None, gate([1, 2]), same()).is_err());
    assert!(rowwise(None, Factor::Shift(map(1900, 2, 7, [1, 1])), same()).is_err());
    assert!(rowwise(None, Factor::Slopes(vec![0.5; 7]), same()).is_err());
    assert!(rowwise(None, Factor::Affine { scale: vec![1.0; 8], shift: vec![1.0; 7] }, same()).is_err());
}

#[test]
fn normalisations_of_other_shapes_are_refused() {
    let layer =
        |scales: usize, shifts: usize| Norm::Layer { scale: vec![1.0; scales], shift: vec![0.0; shifts], eps: 1e-5 };
    let norm = |output, norm| ChannelNorm::new(table(), (map(0, 2, 8, [6, 5]), output), norm, 2).map(drop);
    let same = || map(900, 2, 8, [6, 5]);
    assert_eq!(norm(same(), layer(8, 8)), Ok(()));
    assert!(norm(same(), layer(7, 8)).is_err() && norm(same(), layer(8, 9)).is_err());
    for output in [map(900, 1, 8, [6, 5]), map(900, 2, 7, [6, 5]), map(900, 2, 8, [5, 5])] {
        assert!(norm(output, layer(8, 8)).is_err());
    }
}

#[test]
fn a_program_refuses_rows_outside_the_arena_and_memory_that_two_steps_share() {
    let relu = |from: usize, to: usize| {
        let maps = (map(from, 1, 1, [4, 4]), None, map(to, 1, 1, [4, 4]));
        Step::Rowwise(Box::new(Rowwise::new(table(), maps, Factor::One, Epilogue::NONE, 1).unwrap()))
    };
    let program = |steps, phases, floats| Program::new(steps, phases, floats, 2).map(drop);
    let one = |phase| [phase].to_vec();
    assert_eq!(program(vec![relu(0, 16)], one(0..1), 32), Ok(()));
    assert_eq!(program(vec![relu(0, 0)], one(0..1), 16), Ok(()), "in place");
    assert_eq!(program(vec![relu(0, 16)], one(0..1), 31), Err(Conflict::OutOfBounds { step: 0 }));
    assert_eq!(program(vec![relu(0, 8)], one(0..1), 32), Err(Conflict::Overlap { phase: 0 }));
    assert_eq!(program(vec![relu(0, 16), relu(16, 32)], one(0..2), 48), Err(Conflict::Overlap { phase: 0 }));
    assert_eq!(program(vec![relu(0, 16), relu(16, 32)], vec![0..1, 1..2], 48), Ok(()));
    assert_eq!(program(vec![relu(0, 16)], one(0..2), 32), Err(Conflict::NoStep { phase: 0 }));

    // Rows whose end cannot be counted.
    let vast = Map { rows: vec![u32::MAX], channels: 1, size: [usize::MAX / 2, 3] };
    let maps = (vast.clone(), None, vast);
    let step = Rowwise::new(table(), maps, Factor::One, Epilogue::NONE, 1).unwrap();
    assert_eq!(program(vec![Step::Rowwise(Box::new(step))], one(0..1), 64), Err(Conflict::OutOfBounds { step: 0 }));
}
