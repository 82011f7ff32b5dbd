//! Operands that contradict one another make no step: kernels would read or write where nobody said they may.

use super::super::map::{Map, row_room};
use super::super::unfit::Unfit;
use super::*;
use crate::graph::Window;

/// `images` of `words` rows each, one behind the other from word `at` on.
fn map(at: usize, images: usize, words: usize, size: [usize; 2]) -> Map {
    let room = row_room(size[0] * size[1]);
    Map { rows: (0..images * words).map(|row| (at + row * room) as u32).collect(), channels: words, size }
}

fn tables() -> impl Iterator<Item = &'static WordTable> {
    Level::ALL.into_iter().filter(|level| level.available()).map(WordTable::of)
}

/// A 3x3 convolution of two images from two words to three, of 6x20 pixels.
fn product() -> ProductSpec {
    let panel =
        |output: usize| WordPanel { quads: 1, outputs: output, inputs: 0, words: 2, weights: output * 2 * 9 * 4 };
    ProductSpec {
        input: map(0, 2, 2, [6, 20]),
        out_words: 3,
        out_size: [6, 20],
        window: Window::square(3, 1),
        panels: (0..3).map(panel).collect(),
        weights: Some(vec![0; 3 * 2 * 9 * 4 + 16]),
        bias: vec![0; 12],
        multipliers: vec![1.0; 12],
        summand: Some((map(4000, 2, 3, [6, 20]), Sum { of: [1.0; 2], zeros: [0; 2] })),
        zeros: [0, 0],
        bounds: Bounds::NONE,
        lookup: None,
        sink: ProductSink::Rows(map(1000, 2, 3, [6, 20])),
    }
}

/// The same with a window of one pixel.
fn pointwise() -> ProductSpec {
    let panel = |output: usize| WordPanel { quads: 1, outputs: output, inputs: 0, words: 2, weights: output * 2 * 4 };
    ProductSpec {
        window: Window::square(1, 1),
        panels: (0..3).map(panel).collect(),
        weights: Some(vec![0; 3 * 2 * 4 + 16]),
        ..product()
    }
}

/// A depthwise convolution of maps of 6x5 pixels, to two images of two words.
fn planes() -> PlanesSpec {
    PlanesSpec {
        size: [6, 5],
        output: map(1000, 2, 2, [6, 5]),
        window: Window::square(3, 1),
        weights: Some(vec![1; 8 * 9]),
        bias: vec![0; 8],
        multipliers: vec![1.0; 8],
        zeros: [0, 0],
        bounds: Bounds::NONE,
        lookup: None,
    }
}

#[test]
fn a_convolution_of_operands_that_contradict_one_another_is_refused() {
    type Change = (&'static str, fn(&mut ProductSpec));
    let changes: [Change; 18] = [
        ("a bias too few", |spec| _ = spec.bias.pop()),
        ("a multiplier too many", |spec| spec.multipliers.push(1.0)),
        ("a weight too few", |spec| _ = spec.weights.as_mut().unwrap().pop()),
        ("a panel too few", |spec| _ = spec.panels.pop()),
        ("a panel of too many words", |spec| spec.panels[0].quads = 3),
        ("a panel of none", |spec| spec.panels[1].quads = 0),
        ("a panel out of order", |spec| spec.panels.swap(0, 1)),
        ("a panel that reads behind the last word", |spec| spec.panels[2].inputs = 1),
        ("a panel that reads beyond counting", |spec| spec.panels[2].inputs = usize::MAX),
        ("weights elsewhere", |spec| spec.panels[1].weights += 1),
        ("a larger output", |spec| spec.sink = ProductSink::Rows(map(1000, 2, 3, [6, 21]))),
        ("another size", |spec| spec.out_size = [6, 21]),
        ("a word more", |spec| spec.out_words = 4),
        ("a smaller summand", |spec| spec.summand = Some((map(4000, 2, 3, [6, 19]), Sum::default()))),
        ("a summand of fewer words", |spec| spec.summand = Some((map(4000, 2, 2, [6, 20]), Sum::default()))),
        ("another stride", |spec| spec.window.stride = [2, 2]),
        ("an image too few", |spec| spec.sink = ProductSink::Rows(map(1000, 1, 3, [6, 20]))),
        ("part of an image", |spec| _ = spec.input.rows.pop()),
    ];
    for table in tables() {
        assert!(Product::new(table, product(), 2).is_ok() && ByRows::new(table, product(), 2).is_ok(), "{table:?}");
        for (what, change) in changes {
            let changed = || {
                let mut spec = product();
                change(&mut spec);
                spec
            };
            assert!(Product::new(table, changed(), 2).is_err(), "{table:?}: {what}");
            assert!(ByRows::new(table, changed(), 2).is_err(), "{table:?}, by rows: {what}");
        }
    }
}

#[test]
fn a_depthwise_convolution_of_operands_that_contradict_one_another_is_refused() {
    type Change = (&'static str, fn(&mut PlanesSpec));
    let changes: [Change; 6] = [
        ("a bias too few", |spec| _ = spec.bias.pop()),
        ("a multiplier too few", |spec| _ = spec.multipliers.pop()),
        ("a weight too many", |spec| spec.weights.as_mut().unwrap().push(1)),
        ("a word too few", |spec| spec.output = map(1000, 4, 1, [6, 5])),
        ("a larger output", |spec| spec.output.size = [6, 6]),
        ("a larger window", |spec| spec.window = Window::square(5, 1)),
    ];
    let input = || map(0, 2, 2, [6, 5]);
    for table in tables() {
        let made = |input: Map, spec| Planes::new(table, spec).and_then(|planes| Depthwise::new(input, planes, 2));
        assert!(made(input(), planes()).is_ok());
        for (what, change) in changes {
            let mut spec = planes();
            change(&mut spec);
            assert!(made(input(), spec).is_err(), "{table:?}: {what}");
        }
        assert!(made(map(0, 2, 2, [6, 6]), planes()).is_err() && made(map(0, 1, 2, [6, 5]), planes()).is_err());
    }
}

#[test]
fn what_follows_a_convolution_that_makes_something_else_is_refused() {
    for table in tables() {
        let mean =
            |words, size| ProductSink::Mean { output: map(6000, 2, words, size), multiplier: 1.0, zeros: [0; 2] };
        let depthwise = |size, words| {
            let output = map(6000, 2, words, size);
            let (weights, channels) = (Some(vec![1; 4 * words * 9]), 4 * words);
            let (bias, multipliers) = (vec![0; channels], vec![1.0; channels]);
            ProductSink::Depthwise(Box::new(
                Planes::new(table, PlanesSpec { size, output, weights, bias, multipliers, ..planes() }).unwrap(),
            ))
        };
        let largest = |size| ProductSink::Largest(map(6000, 2, 3, size));
        let product = |sink, spec: ProductSpec| Product::new(table, ProductSpec { sink, ..spec }, 2).is_ok();
        let by_rows = |sink, spec: ProductSpec| ByRows::new(table, ProductSpec { sink, ..spec }, 2).is_ok();
        assert!(product(mean(3, [1, 1]), pointwise()) && product(depthwise([6, 20], 3), pointwise()));
        assert!(by_rows(largest([3, 10]), self::product()));
        assert!(!product(mean(2, [1, 1]), pointwise()) && !product(mean(3, [6, 20]), pointwise()));
        assert!(!product(depthwise([6, 20], 2), pointwise()) && !product(depthwise([6, 19], 3), pointwise()));
        assert!(!product(mean(3, [1, 1]), self::product()) && !product(depthwise([6, 20], 3), self::product()));
        assert!(!product(largest([3, 10]), self::product()) && !by_rows(largest([3, 9]), self::product()));
        assert!(!by_rows(mean(3, [1, 1]), self::product()) && !by_rows(depthwise([6, 20], 3), self::product()));
    }
}

#[test]
fn a_linear_layer_of_operands_that_contradict_one_another_is_refused() {
    let spec = |sink: Sink, rows: usize| LinearSpec {
        input: map(0, 2, 3, [1, 1]),
        output: map(100, 2, rows, [1, 1]),
        weights: Some(vec![0; 3 * 10]),
        bias: vec![0; 10],
        multipliers: vec![1.0; 10],
        sink,
    };
    let bytes = || Sink::Bytes { zero: 0, bounds: Bounds::NONE, lookup: None };
    for table in tables() {
        let made = |change: fn(&mut LinearSpec), (sink, rows): (Sink, usize)| {
            let mut spec = spec(sink, rows);
            change(&mut spec);
            Linear::new(table, spec, 1).is_ok()
        };
        assert!(made(|_| {}, (Sink::Floats, 10)) && made(|_| {}, (bytes(), 3)));
        assert!(!made(|_| {}, (Sink::Floats, 3)) && !made(|_| {}, (bytes(), 10)));
        assert!(!made(|spec| _ = spec.weights.as_mut().unwrap().pop(), (bytes(), 3)));
        assert!(!made(|spec| _ = spec.bias.pop(), (Sink::Floats, 10)));
        assert!(!made(|spec| spec.input = map(0, 2, 3, [1, 2]), (bytes(), 3)));
        assert!(!made(|spec| spec.input = map(0, 1, 3, [1, 1]), (bytes(), 3)));
    }
}

#[test]
fn steps_between_maps_of_other_shapes_are_refused() {
    let table = WordTable::of(Level::Portable);
    let (a, b, small) = (map(0, 2, 2, [3, 3]), map(500, 2, 2, [3, 3]), map(900, 2, 2, [1, 1]));
    let quant = Quant { scale: 1.0, zero: 0 };
    let fits = |made: Result<Int8Step, Unfit>| made.is_ok();
    let quantize = |input: Map| Quantize::new(table, (input, b.clone()), quant, 1).map(Int8Step::Quantize);
    assert!(fits(quantize(map(0, 2, 7, [3, 3]))) && !fits(quantize(map(0, 2, 9, [3, 3]))));
    let repack = |sources| Repack::new(table, (a.clone(), b.clone()), sources, 1).map(Int8Step::Repack);
    assert!(fits(repack(vec![Some((1, 3)); 8])) && !fits(repack(vec![None; 7])));
    assert!(!fits(repack(vec![Some((2, 0)); 8])) && !fits(repack(vec![Some((0, 4)); 8])));
    let elementwise =
        |how| Elementwise::new(table, (a.clone(), b.clone()), how, (Bounds::NONE, None), 1).map(Int8Step::Elementwise);
    let add = |other: &Map| elementwise(How::Add { other: other.clone(), of: [1.0; 2], zeros: [0; 3] });
    assert!(fits(add(&a)) && fits(add(&small)));
    assert!(!fits(add(&map(900, 2, 1, [1, 1]))) && !fits(add(&map(900, 2, 2, [3, 2]))));
    let lists = |count| elementwise(How::Lookup(vec![Lookup::of(quant, quant, |value| value); count]));
    assert!(fits(lists(1)) && fits(lists(8)) && !fits(lists(2)));
    let average = |count| {
        let how = (vec![1.0; count], [0; 2]);
        Average::new(table, (a.clone(), small.clone()), None, how, 1).map(Int8Step::Average)
    };
    assert!(fits(average(1)) && !fits(average(2)));
    let largest = |window| Largest::new(table, (a.clone(), b.clone()), window, 1).map(Int8Step::Largest);
    assert!(fits(largest(Some(Window::square(3, 1)))) && !fits(largest(None)));
}
