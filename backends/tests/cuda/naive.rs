//! What a chain of steps computes, in plain loops on dense maps with 64-bit sums.

use shufflescope_backends::runtime::plan::{Elementwise, KernelSpec, Pooling, Step, Work};
use shufflescope_networks::graph::{Activation, Shape, Window};

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
                                Pooling::MeanCounted { counted } => {
                                    let rows = window.counted_taps(0, map.height, *counted, y);
                                    let columns = window.counted_taps(1, map.width, *counted, x);
                                    values.sum::<f64>() / (rows * columns) as f64
                                }
                            }
                        }
                        Work::GlobalMean => {
                            let pixels = map.height * map.width;
                            let plane = &input[(n * map.channels + c) * pixels..][..pixels];
                            plane.iter().copied().map(f64::from).sum::<f64>() / pixels as f64
                        }
                        Work::GlobalMax => {
                            let pixels = map.height * map.width;
                            let plane = &input[(n * map.channels + c) * pixels..][..pixels];
                            plane.iter().copied().map(f64::from).fold(f64::NEG_INFINITY, f64::max)
                        }
                        Work::LayerNorm { eps } => {
                            let pixel = |c| at(n, c, Some(y), Some(x)).unwrap();
                            let count = map.channels as f64;
                            let mean = (0..map.channels).map(pixel).sum::<f64>() / count;
                            let squares = (0..map.channels).map(|c| (pixel(c) - mean).powi(2)).sum::<f64>();
                            let deviation = (squares / count + f64::from(eps.get())).sqrt();
                            (pixel(c) - mean) / deviation * f64::from(filters[c]) + f64::from(bias[c])
                        }
                        Work::LocalNorm(norm) => {
                            let pixel = |c| at(n, c, Some(y), Some(x)).unwrap();
                            let squares: f64 = norm.neighbours(c, map.channels).map(|c| pixel(c).powi(2)).sum();
                            let [alpha, beta, offset] =
                                [norm.alpha, norm.beta, norm.offset].map(|of| f64::from(of.get()));
                            pixel(c) / (offset + alpha * squares / norm.size as f64).powf(beta)
                        }
                        Work::Elementwise(work) => {
                            let value = at(n, c, Some(y), Some(x)).unwrap();
                            match work {
                                Elementwise::Affine => value * f64::from(filters[c]) + f64::from(bias[c]),
                                Elementwise::Add => value + f64::from(second[made.len()]),
                                Elementwise::PRelu if value < 0.0 => value * f64::from(filters[c]),
                                Elementwise::PRelu => value,
                                Elementwise::Mul => value * f64::from(second[made.len()]),
                                Elementwise::Shift => value + f64::from(second[n * out.channels + c]),
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
    let sigmoid = |value: f64| 1.0 / (1.0 + (-value).exp());
    let softplus = |value: f64| value.exp().ln_1p();
    let [first, second] = activation.coefficients().map(|coefficient| f64::from(coefficient.get()));
    match activation {
        Activation::Relu | Activation::LeakyRelu { .. } if value < 0.0 => first * value,
        Activation::Elu { .. } if value < 0.0 => first * (value.exp() - 1.0),
        Activation::Relu | Activation::LeakyRelu { .. } | Activation::Elu { .. } | Activation::None => value,
        Activation::Relu6 => value.clamp(0.0, 6.0),
        Activation::Clip { .. } => value.clamp(first, second),
        Activation::HardSigmoid { .. } => (first * value + second).clamp(0.0, 1.0),
        Activation::HardSwish => value * (value + 3.0).clamp(0.0, 6.0) / 6.0,
        Activation::Sigmoid => sigmoid(value),
        Activation::Swish { .. } => value * sigmoid(first * value),
        Activation::Tanh => value.tanh(),
        Activation::Gelu => value * (0.5 + integral(value)),
        Activation::GeluTanh => {
            value * sigmoid((8.0 / std::f64::consts::PI).sqrt() * (value + 0.044_715 * value.powi(3)))
        }
        Activation::Mish => value * softplus(value).tanh(),
        Activation::Softplus => softplus(value),
    }
}

/// Of a normal distribution from zero, by Simpson's rule.
fn integral(to: f64) -> f64 {
    const STEPS: u32 = 400;
    let to = to.clamp(-12.0, 12.0);
    let density = |at: f64| (-0.5 * at * at).exp() / (2.0 * std::f64::consts::PI).sqrt();
    let weight = |step: u32| if step == 0 || step == STEPS { 1.0 } else { f64::from(2 + 2 * (step % 2)) };
    let sum: f64 = (0..=STEPS).map(|step| weight(step) * density(to * f64::from(step) / f64::from(STEPS))).sum();
    sum * to / f64::from(STEPS) / 3.0
}
