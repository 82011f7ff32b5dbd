//! A network in 8 bits as its arithmetic is said, in plain loops over channels: no words, no places, nothing fused.

use super::layer::Sums;
use super::model::{Model, Rule, kernels_apart};
use crate::graph::{Graph, NodeId, Op, Shape, Window};
use crate::runtime::cpu::kernels::int8::{nearest, requantized};
use crate::runtime::plan::{Planned, Pooling, Work, renames};

/// What a network computes: the result's values.
pub(super) fn run(graph: &Graph, model: &Model, input: &[f32]) -> Vec<f32> {
    let kernels = kernels_apart(graph);
    let mut values: Vec<Vec<u8>> = vec![Vec::new(); graph.nodes().len()];
    values[0] = input.iter().map(|&value| model.quants[0].byte(value)).collect();
    for (id, node) in graph.layers() {
        let kernel = kernels.iter().find(|kernel| kernel.value == id);
        if renames(&node.op) {
            let inputs = node.inputs.iter().map(|&input| {
                let conversion = model.conversion(input, id);
                values[input.0].iter().map(|&byte| conversion.0[usize::from(byte)]).collect()
            });
            let inputs: Vec<Vec<u8>> = inputs.collect();
            values[id.0] = renamed(graph, id, &inputs);
        } else if let Some(kernel) = kernel {
            if model.ends_in_floats && id == graph.output() {
                let Some(Rule::Sums(sums)) = model.of(id) else { panic!("{}", node.path) };
                let scaled = summed(graph, model, kernel, sums, &values);
                return scaled.into_iter().map(|(sum, multiplier)| sum as f32 * multiplier).collect();
            }
            values[id.0] = computed(graph, model, kernel, &values);
        }
    }
    let quant = model.quants[graph.output().0];
    values[graph.output().0].iter().map(|&byte| quant.value(byte)).collect()
}

/// `f(image, channel, y, x)` for every value of a map.
fn each<T>(shape: Shape, mut f: impl FnMut(usize, usize, usize, usize) -> T) -> Vec<T> {
    let mut made = Vec::new();
    for n in 0..shape.batch {
        for c in 0..shape.channels {
            for y in 0..shape.height {
                for x in 0..shape.width {
                    made.push(f(n, c, y, x));
                }
            }
        }
    }
    made
}

fn at(shape: Shape, n: usize, c: usize, y: usize, x: usize) -> usize {
    ((n * shape.channels + c) * shape.height + y) * shape.width + x
}

/// Where the taps of a window lie over a map of `shape`, those outside left out.
fn inside(window: &Window, shape: Shape, y: usize, x: usize) -> impl Iterator<Item = (usize, usize, usize)> {
    let window = *window;
    (0..window.taps()).filter_map(move |tap| {
        let place = |axis: usize, out: usize, tap: usize, length: usize| {
            let place = out * window.stride[axis] + tap * window.dilation[axis];
            place.checked_sub(window.padding[axis]).filter(|&place| place < length)
        };
        let y = place(0, y, tap / window.kernel[1], shape.height)?;
        Some((tap, y, place(1, x, tap % window.kernel[1], shape.width)?))
    })
}

/// Every output's sum and multiplier.
fn summed(graph: &Graph, model: &Model, kernel: &Planned, sums: &Sums, values: &[Vec<u8>]) -> Vec<(i32, f32)> {
    let (read, step) = (kernel.reads[0], kernel.spec.steps[0]);
    let (input, values) = (graph.node(read).output, &values[read.0]);
    let zero = i32::from(model.quants[read.0].zero);
    let weights = sums.weights.as_ref().unwrap();
    let (window, groups) = match step.work {
        Work::Conv { window, groups } => (window, groups),
        Work::Linear => (Window::square(1, 1), 1),
        _ => (Window::square(1, 1), input.channels),
    };
    let (width, out_width) = (input.channels / groups, step.output.channels / groups);
    each(step.output, |n, o, y, x| {
        let filter = &weights[o * width * window.taps()..][..width * window.taps()];
        let mut sum = sums.bias[o];
        for (tap, y, x) in inside(&window, input, y, x) {
            for c in 0..width {
                let value = i32::from(values[at(input, n, o / out_width * width + c, y, x)]) - zero;
                sum += value * i32::from(filter[c * window.taps() + tap]);
            }
        }
        (sum, sums.multipliers[o])
    })
}

fn computed(graph: &Graph, model: &Model, kernel: &Planned, values: &[Vec<u8>]) -> Vec<u8> {
    let (read, step) = (kernel.reads[0], kernel.spec.steps[0]);
    let (input, first) = (graph.node(read).output, &values[read.0]);
    let quant = |node: NodeId| model.quants[node.0];
    let (from, to) = (quant(read), quant(kernel.value));
    let window = if let Work::Pool { window, .. } = step.work {
        window
    } else {
        Window { kernel: [input.height, input.width], ..Window::inside(1, 1) }
    };
    // The other operand, or its one value for each channel.
    let second = |n: usize, c: usize, y: usize, x: usize| {
        let read = kernel.reads[1];
        let shape = graph.node(read).output;
        let (y, x) = if shape.pixels() == 1 { (0, 0) } else { (y, x) };
        i32::from(values[read.0][at(shape, n, c, y, x)]) - i32::from(quant(read).zero)
    };
    let value = |n, c, y, x| i32::from(first[at(input, n, c, y, x)]) - i32::from(from.zero);
    match model.of(kernel.value).unwrap() {
        Rule::Sums(sums) => {
            let sums = summed(graph, model, kernel, sums, values);
            sums.into_iter().map(|(sum, multiplier)| requantized(sum, multiplier, to.zero)).collect()
        }
        Rule::Lookup(lookups) => each(step.output, |n, c, y, x| {
            let lookup = lookups.get(c).unwrap_or(&lookups[0]);
            lookup.0[usize::from(first[at(input, n, c, y, x)])]
        }),
        Rule::Largest => {
            let conversion = model.conversion(read, kernel.value);
            each(step.output, |n, c, y, x| {
                let bytes = inside(&window, input, y, x).map(|(_, y, x)| first[at(input, n, c, y, x)]);
                conversion.0[usize::from(bytes.max().unwrap())]
            })
        }
        Rule::Mean(multipliers) => {
            let is_whole =
                !matches!(step.work, Work::Pool { pooling: Pooling::Mean | Pooling::MeanCounted { .. }, .. });
            each(step.output, |n, c, y, x| {
                let sum: i32 = inside(&window, input, y, x).map(|(_, y, x)| value(n, c, y, x)).sum();
                let pixel = if is_whole { 0 } else { y * step.output.width + x };
                requantized(sum, multipliers[pixel], to.zero)
            })
        }
        Rule::Add([a, b]) => each(step.output, |n, c, y, x| {
            let sum = value(n, c, y, x) as f32 * a + second(n, c, y, x) as f32 * b;
            (nearest(sum) + i32::from(to.zero)).clamp(0, 255) as u8
        }),
        Rule::Multiply(multiplier) => {
            each(step.output, |n, c, y, x| requantized(value(n, c, y, x) * second(n, c, y, x), *multiplier, to.zero))
        }
    }
}

fn renamed(graph: &Graph, id: NodeId, inputs: &[Vec<u8>]) -> Vec<u8> {
    let node = graph.node(id);
    let of = |input: usize| (graph.node(node.inputs[input]).output, &inputs[input]);
    let (first, bytes) = of(0);
    match node.op {
        Op::Slice { start, .. } => each(node.output, |n, c, y, x| bytes[at(first, n, start + c, y, x)]),
        Op::ChannelShuffle { groups } => {
            let width = node.output.channels / groups;
            each(node.output, |n, c, y, x| bytes[at(first, n, c % groups * width + c / groups, y, x)])
        }
        Op::Repeat { .. } => each(node.output, |n, _, y, x| bytes[at(first, n, 0, y, x)]),
        Op::Concat => each(node.output, |n, mut c, y, x| {
            let mut input = 0;
            while c >= of(input).0.channels {
                c -= of(input).0.channels;
                input += 1;
            }
            let (shape, bytes) = of(input);
            bytes[at(shape, n, c, y, x)]
        }),
        _ => bytes.clone(),
    }
}
