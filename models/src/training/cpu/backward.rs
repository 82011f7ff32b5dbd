//! From the gradient of the logits to those of all parameters.

use rayon::prelude::*;

use super::curve::value_and_slope;
use super::forward::{Context, source};
use super::geometry::Geometry;
use super::network::Network;
use super::norm::{Channel, Statistics};
use super::plan::{Given, Step, Work};
use super::product::{Matrix, Source, multiply, multiply_columns};
use super::rows::{Row, Rows};
use super::window::{filter, filter_weights, max_pool_gradient};

impl Network {
    /// The gradients of all parameters, from that of the last forward pass's logits, `[classes, picture]`, with the same
    /// parameters.
    pub fn backward(&mut self, parameters: &[f32], of_logits: &[f32], of_parameters: &mut [f32]) {
        of_parameters.fill(0.0);
        for (&row, values) in self.plan.output[1].iter().zip(of_logits.chunks(self.batch)) {
            self.gradients.get_mut(row).copy_from_slice(values);
        }
        let context = Context { table: self.table, batch: self.batch, parameters };
        for step in self.plan.steps.iter().rev() {
            for &row in &step.back.zero {
                self.gradients.get_mut(row).fill(0.0);
            }
            let mut pass = Pass {
                step,
                context,
                rows: &self.rows,
                statistics: &self.statistics,
                gradients: &mut self.gradients,
                of_parameters: &mut *of_parameters,
            };
            pass.run();
            merge(&mut self.gradients, &step.back.merge);
        }
    }
}

/// Adds what was made in place to what is there.
fn merge(gradients: &mut Rows, pairs: &[[usize; 2]]) {
    let into: Vec<usize> = pairs.iter().map(|pair| pair[1]).collect();
    let mut sums = gradients.take(&into);
    sums.par_iter_mut().zip(pairs).for_each(|(sum, pair)| {
        sum.iter_mut().zip(gradients.get(pair[0])).for_each(|(sum, value)| *sum += value);
    });
    gradients.put(&into, sums);
}

/// One step of the way back.
struct Pass<'a> {
    step: &'a Step,
    context: Context<'a>,
    rows: &'a Rows,
    statistics: &'a [Statistics],
    gradients: &'a mut Rows,
    of_parameters: &'a mut [f32],
}

impl<'a> Pass<'a> {
    fn run(&mut self) {
        let Context { table, batch, parameters } = self.context;
        match &self.step.work {
            Work::Product { weights, bias, groups, geometry } => {
                self.bias(bias.clone());
                self.product(weights.clone(), *groups, geometry.as_ref());
            }
            Work::Depthwise { weights, bias, taps, runs } => {
                self.bias(bias.clone());
                let (rows, gradient) = (self.read(0), self.gradients.all(&self.step.back.gradient));
                let of_weights = self.of_parameters[weights.clone()].par_chunks_mut(*taps);
                of_weights.zip(rows.par_iter().zip(&gradient)).for_each(|(of_weights, (row, gradient))| {
                    filter_weights((table, &runs[0], batch), (row, gradient), of_weights);
                });
                let weights = &parameters[weights.clone()];
                self.give(0, |channel, gradient, of_row, add| {
                    filter((table, &runs[1], batch), &weights[channel * taps..][..*taps], gradient, of_row, add);
                });
            }
            Work::Norm { weight, bias, eps, limits, statistics } => {
                let statistics = &self.statistics[statistics.clone()];
                let (weights, biases) = (&parameters[weight.clone()], &parameters[bias.clone()]);
                let found = self.in_place(|channel, row, gradient| {
                    let norm = Channel { weight: weights[channel], bias: biases[channel], eps: *eps, limits: *limits };
                    norm.backward(table, statistics[channel], row, gradient)
                });
                for (channel, [of_weight, of_bias]) in found.into_iter().enumerate() {
                    self.of_parameters[weight.start + channel] = of_weight;
                    self.of_parameters[bias.start + channel] = of_bias;
                }
            }
            Work::Activation(activation) => {
                self.in_place(|_, row, gradient| {
                    for (gradient, &value) in gradient.iter_mut().zip(row) {
                        *gradient *= value_and_slope(*activation, value)[1];
                    }
                });
            }
            Work::PRelu { slopes } => {
                let values = &parameters[slopes.clone()];
                let found = self.in_place(|channel, row, gradient| {
                    let (slope, mut of_slope) = (values[channel % values.len()], 0.0_f64);
                    for (gradient, &value) in gradient.iter_mut().zip(row) {
                        if value <= 0.0 {
                            of_slope += f64::from(*gradient * value);
                            *gradient *= slope;
                        }
                    }
                    of_slope as f32
                });
                let of_slopes = &mut self.of_parameters[slopes.clone()];
                let count = of_slopes.len();
                found.into_iter().enumerate().for_each(|(channel, of_slope)| of_slopes[channel % count] += of_slope);
            }
            Work::Affine { scale, shift } => {
                let scales = &parameters[scale.clone()];
                let found = self.in_place(|channel, row, gradient| {
                    let products = gradient.iter().zip(row).map(|(a, b)| f64::from(a * b)).sum::<f64>();
                    let sum = gradient.iter().map(|&value| f64::from(value)).sum::<f64>();
                    gradient.iter_mut().for_each(|gradient| *gradient *= scales[channel]);
                    [products as f32, sum as f32]
                });
                for (channel, [of_scale, of_shift]) in found.into_iter().enumerate() {
                    self.of_parameters[scale.start + channel] = of_scale;
                    if let Some(shift) = shift {
                        self.of_parameters[shift.start + channel] = of_shift;
                    }
                }
            }
            Work::MaxPool { runs } => {
                let (rows, output) = (self.read(0), self.rows.all(&self.step.output));
                self.give(0, |channel, gradient, of_row, add| {
                    if !add {
                        of_row.fill(0.0);
                    }
                    max_pool_gradient((table, runs, batch), (rows[channel], output[channel], gradient), of_row);
                });
            }
            Work::AvgPool { weights, runs } => self.give(0, |_, gradient, of_row, add| {
                filter((table, &runs[1], batch), weights, gradient, of_row, add);
            }),
            Work::GlobalAvgPool => self.give(0, |_, gradient, of_row, add| {
                let pixels = of_row.chunks_exact_mut(batch);
                let share = 1.0 / pixels.len() as f32;
                for pixel in pixels {
                    let pairs = pixel.iter_mut().zip(gradient);
                    if add {
                        pairs.for_each(|(value, gradient)| *value += share * gradient);
                    } else {
                        pairs.for_each(|(value, gradient)| *value = share * gradient);
                    }
                }
            }),
            Work::Add => self.give(1, |_, gradient, of_row, add| put(of_row, gradient.iter().copied(), add)),
            Work::Mul => {
                let (first, second) = (self.read(0), self.read(1));
                self.give(1, |channel, gradient, of_row, add| {
                    put(of_row, gradient.iter().zip(first[channel]).map(|(a, b)| a * b), add);
                });
                self.in_place(|channel, _, gradient| {
                    gradient.iter_mut().zip(second[channel]).for_each(|(gradient, factor)| *gradient *= factor);
                });
            }
            Work::Scale => {
                let (first, second) = (self.read(0), self.read(1));
                self.give(1, |channel, gradient, of_row, add| {
                    if !add {
                        of_row.fill(0.0);
                    }
                    for (gradient, pixel) in gradient.chunks_exact(batch).zip(first[channel].chunks_exact(batch)) {
                        let products = gradient.iter().zip(pixel);
                        of_row.iter_mut().zip(products).for_each(|(sum, (a, b))| *sum += a * b);
                    }
                });
                self.in_place(|channel, _, gradient| {
                    for pixel in gradient.chunks_exact_mut(batch) {
                        pixel.iter_mut().zip(second[channel]).for_each(|(gradient, factor)| *gradient *= factor);
                    }
                });
            }
            Work::Shift => self.give(1, |_, gradient, of_row, add| {
                if !add {
                    of_row.fill(0.0);
                }
                for pixel in gradient.chunks_exact(batch) {
                    of_row.iter_mut().zip(pixel).for_each(|(sum, value)| *sum += value);
                }
            }),
        }
    }

    /// The rows of a value read.
    fn read(&self, input: usize) -> Vec<&'a [f32]> {
        self.rows.all(self.step.inputs.get(input).map_or(&[][..], Vec::as_slice))
    }

    /// Turns the result's gradient into that of the first value read, row by row.
    fn in_place<R: Send>(&mut self, work: impl Fn(usize, &[f32], &mut [f32]) -> R + Sync) -> Vec<R> {
        let read = self.read(0);
        let mut gradient = self.gradients.take(&self.step.back.gradient);
        let found = gradient
            .par_iter_mut()
            .zip(&read)
            .enumerate()
            .map(|(channel, (gradient, row))| work(channel, row, gradient))
            .collect();
        self.gradients.put(&self.step.back.gradient, gradient);
        found
    }

    /// Makes the gradient of a value read of the result's, row by row; the last argument says whether it is added to what is
    /// there.
    fn give(&mut self, input: usize, work: impl Fn(usize, &[f32], &mut [f32], bool) + Sync) {
        let Some(Some(Given { rows, add })) = self.step.back.given.get(input) else { return };
        let mut given = self.gradients.take(rows);
        let gradient = self.gradients.all(&self.step.back.gradient);
        given.par_iter_mut().enumerate().for_each(|(channel, row)| work(channel, gradient[channel], row, *add));
        drop(gradient);
        self.gradients.put(rows, given);
    }

    fn bias(&mut self, bias: Option<std::ops::Range<usize>>) {
        let Some(bias) = bias else { return };
        let of_biases = self.of_parameters[bias].iter_mut();
        for (of_bias, &row) in of_biases.zip(&self.step.back.gradient) {
            *of_bias = self.gradients.get(row).iter().map(|&value| f64::from(value)).sum::<f64>() as f32;
        }
    }

    fn product(&mut self, weights: std::ops::Range<usize>, groups: usize, geometry: Option<&Geometry>) {
        let Context { table, batch, parameters } = self.context;
        let read = self.read(0);
        let (ins, outs) = (read.len() / groups, self.step.output.len() / groups);
        let taps = geometry.map_or(1, Geometry::taps);
        let depth = ins * taps;
        let given = self.step.back.given.first().and_then(Option::as_ref);
        let mut of_read: Vec<Row> = given.map_or_else(Vec::new, |given| self.gradients.take(&given.rows));
        let gradient = self.gradients.all(&self.step.back.gradient);
        for group in 0..groups {
            let place = weights.start + group * outs * depth..weights.start + (group + 1) * outs * depth;
            let gradient = &gradient[group * outs..][..outs];
            let source = source(read[group * ins..][..ins].to_vec(), geometry, batch);
            self.of_parameters[place.clone()].copy_from_slice(&multiply_columns(table, gradient, &source));
            if let Some(given) = given {
                let rows = gradient.to_vec();
                let source = match geometry {
                    None => Source::Rows(rows),
                    Some(geometry) => Source::Back { rows, geometry, batch },
                };
                // The same weights, with rows and columns changed about.
                let matrix = Matrix { values: &parameters[place], strides: [taps, depth], taps };
                let mut of_read: Vec<&mut [f32]> =
                    of_read[group * ins..][..ins].iter_mut().map(|row| &mut **row).collect();
                multiply(table, matrix, &source, &mut of_read, given.add);
            }
        }
        drop(gradient);
        if let Some(given) = given {
            self.gradients.put(&given.rows, of_read);
        }
    }
}

/// Writes values, or adds them.
fn put(row: &mut [f32], values: impl Iterator<Item = f32>, add: bool) {
    if add {
        row.iter_mut().zip(values).for_each(|(row, value)| *row += value);
    } else {
        row.iter_mut().zip(values).for_each(|(row, value)| *row = value);
    }
}
