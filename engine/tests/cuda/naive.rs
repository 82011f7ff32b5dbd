//! What a chain of steps computes, in plain loops on dense maps with 64-bit sums.

use shufflescope_engine::graph::{Activation, Shape, Window};
use shufflescope_engine::runtime::plan::{Elementwise, KernelSpec, Pooling, Step, Work};

/// Values `[batch, channels, height, width]`.
pub type Dense = Vec<f32>;

/// Filters and biases of each step.
pub type Weights = Vec<(Vec<f32>, Vec<f32>)>;

pub fn run(spec: &KernelSpec, weights: &Weights, input: &[f32], second: &[f32]) -> Dense {
    let mut value = input.to_vec();
    for (index, step) in spec.steps.iter().enumerate() {
        value = compute(spec.input_of(index), step, &weights[index], &value, second);
    }
    value
}

fn compute(map: Shape, step: &Step, (filters, bias): &(Vec<f32>, Vec<f32>), input: &[f32], second: &[f32]) -> Dense {
    let out = step.output;
    let at = |n: usize, c: usize, y: Option<usize>, x: Option<usize>| {
        let (y, x) = (y.filter(|&y| y < map.height)?, x.filter(|&x| x < map.width)?);
        Some(f64::from(input[((n * map.channels + c) * map.height + y) * map.width + x]))
    };
    let mut made = Vec::new();
    for n in 0..out.batch {
        for c in 0..out.channels {
            for y in 0..out.height {
                for x in 0..out.width {
                    let value = match &step.work {
                        Work::Conv { window, groups } => {
                            let (inputs, outputs) = (map.channels / groups, out.channels / groups);
                            let mut sum = f64::from(bias[c]);
                            for (tap, y, x) in taps(window, y, x) {
                                for i in 0..inputs {
                                    let weight = filters[(c * inputs + i) * window.taps() + tap];
                                    let value = at(n, c / outputs * inputs + i, y, x);
                                    sum += value.map_or(0.0, |value| value * f64::from(weight));
                                }
                            }
                            sum
                        }
                        Work::Linear => {
                            let row = &filters[c * map.channels..][..map.channels];
                            let image = &input[n * map.channels..][..map.channels];
                            let products = row.iter().zip(image).map(|(&w, &x)| f64::from(w) * f64::from(x));
                            f64::from(bias[c]) + products.sum::<f64>()
                        }
                        Work::Pool { pooling, window } => {
                            let values = taps(window, y, x).filter_map(|(_, y, x)| at(n, c, y, x));
                            match pooling {
                                Pooling::Max => {
                                    values.fold(
                                        f64::NEG_INFINITY,
                                        |most, v| if most.is_nan() || most > v { most } else { v },
                                    )
                                }
                                Pooling::Mean => values.sum::<f64>() / window.taps() as f64,
                            }
                        }
                        Work::GlobalMean => {
                            let pixels = map.height * map.width;
                            let plane = &input[(n * map.channels + c) * pixels..][..pixels];
                            plane.iter().copied().map(f64::from).sum::<f64>() / pixels as f64
                        }
                        Work::Elementwise(work) => {
                            let value = at(n, c, Some(y), Some(x)).unwrap();
                            match work {
                                Elementwise::Affine => value * f64::from(filters[c]) + f64::from(bias[c]),
                                Elementwise::Add => value + f64::from(second[made.len()]),
                                Elementwise::Gate => value * f64::from(second[n * out.channels + c]),
                                Elementwise::Identity => value,
                            }
                        }
                        Work::Rename => unreachable!("no kernel"),
                    };
                    let residual = if step.epilogue.residual { f64::from(second[made.len()]) } else { 0.0 };
                    made.push(activate(step.epilogue.activation, value + residual) as f32);
                }
            }
        }
    }
    made
}

fn taps(window: &Window, y: usize, x: usize) -> impl Iterator<Item = (usize, Option<usize>, Option<usize>)> + '_ {
    let place = |axis: usize, out: usize, tap: usize| {
        (out * window.stride[axis] + tap * window.dilation[axis]).checked_sub(window.padding[axis])
    };
    (0..window.taps()).map(move |tap| (tap, place(0, y, tap / window.kernel[1]), place(1, x, tap % window.kernel[1])))
}

fn activate(activation: Activation, value: f64) -> f64 {
    match activation {
        Activation::Relu if value < 0.0 => 0.0,
        Activation::Relu | Activation::None => value,
        Activation::Relu6 => value.clamp(0.0, 6.0),
        Activation::HardSwish => value * (value + 3.0).clamp(0.0, 6.0) / 6.0,
        Activation::Sigmoid => 1.0 / (1.0 + (-value).exp()),
    }
}
