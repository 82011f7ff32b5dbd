//! From pictures to logits.

use rayon::prelude::*;

use super::curve::value_and_slope;
use super::network::Network;
use super::norm::{Channel, Statistics};
use super::plan::{Step, Work};
use super::product::{Matrix, Source, multiply};
use super::rows::{Row, Rows};
use super::table::Table;
use super::window::{filter, max_pool};

/// What a step needs besides its rows.
#[derive(Clone, Copy)]
pub(super) struct Context<'a> {
    pub table: &'a Table,
    pub batch: usize,
    pub parameters: &'a [f32],
}

impl Network {
    /// Logits, `[classes, picture]`, of normalised pictures, `[channel, height, width, picture]`. Normalisations use the
    /// batch's own statistics.
    pub fn forward(&mut self, parameters: &[f32], pictures: &[f32]) -> Vec<f32> {
        let each = pictures.len() / self.plan.input.len().max(1);
        for (&row, values) in self.plan.input.iter().zip(pictures.chunks(each.max(1))) {
            self.rows.get_mut(row).copy_from_slice(values);
        }
        let context = Context { table: self.table, batch: self.batch, parameters };
        for step in &self.plan.steps {
            let mut output = self.rows.take(&step.output);
            step.forward(context, &self.rows, &mut output, &mut self.statistics);
            self.rows.put(&step.output, output);
        }
        self.plan.output[0].iter().flat_map(|&row| self.rows.get(row).iter().copied()).collect()
    }
}

impl Step {
    fn forward(&self, context: Context<'_>, rows: &Rows, output: &mut [Row], statistics: &mut [Statistics]) {
        let Context { table, batch, parameters } = context;
        let first = rows.all(self.inputs.first().map_or(&[][..], Vec::as_slice));
        let second = rows.all(self.inputs.get(1).map_or(&[][..], Vec::as_slice));
        let each = |output: &mut [Row], work: &(dyn Fn(usize, &mut [f32]) + Sync)| {
            output.par_iter_mut().enumerate().for_each(|(channel, row)| work(channel, row));
        };
        match &self.work {
            Work::Product { weights, bias, groups, geometry } => {
                let (ins, outs) = (first.len() / groups, output.len() / groups);
                let taps = geometry.as_ref().map_or(1, super::geometry::Geometry::taps);
                for (group, output) in output.chunks_mut(outs).enumerate() {
                    let source = source(first[group * ins..][..ins].to_vec(), geometry.as_ref(), batch);
                    let values = &parameters[weights.clone()][group * outs * ins * taps..];
                    let matrix = Matrix { values, strides: [ins * taps, taps], taps };
                    let mut output: Vec<&mut [f32]> = output.iter_mut().map(|row| &mut **row).collect();
                    multiply(table, matrix, &source, &mut output, false);
                }
                if let Some(bias) = bias {
                    let bias = &parameters[bias.clone()];
                    each(output, &|channel, row| row.iter_mut().for_each(|value| *value += bias[channel]));
                }
            }
            Work::Depthwise { weights, bias, taps, runs } => {
                let weights = &parameters[weights.clone()];
                let bias = bias.clone().map(|bias| &parameters[bias]);
                each(output, &|channel, row| {
                    let weights = &weights[channel * taps..][..*taps];
                    filter((table, &runs[0], batch), weights, first[channel], row, false);
                    if let Some(bias) = bias {
                        row.iter_mut().for_each(|value| *value += bias[channel]);
                    }
                });
            }
            Work::Norm { weight, bias, eps, limits, statistics: place } => {
                let (weight, bias) = (&parameters[weight.clone()], &parameters[bias.clone()]);
                let channels = output.par_iter_mut().zip(&mut statistics[place.clone()]).enumerate();
                channels.for_each(|(channel, (row, statistics))| {
                    *statistics = Statistics::of(table, first[channel], statistics.mean);
                    let norm = Channel { weight: weight[channel], bias: bias[channel], eps: *eps, limits: *limits };
                    norm.forward(table, *statistics, first[channel], row);
                });
            }
            Work::Activation(activation) => each(output, &|channel, row| {
                for (out, &value) in row.iter_mut().zip(first[channel]) {
                    *out = value_and_slope(*activation, value)[0];
                }
            }),
            Work::PRelu { slopes } => {
                let slopes = &parameters[slopes.clone()];
                each(output, &|channel, row| {
                    let slope = slopes[channel % slopes.len()];
                    for (out, &value) in row.iter_mut().zip(first[channel]) {
                        *out = if value > 0.0 { value } else { slope * value };
                    }
                });
            }
            Work::Affine { scale, shift } => {
                let scale = &parameters[scale.clone()];
                let shift = shift.clone().map(|shift| &parameters[shift]);
                each(output, &|channel, row| {
                    let shift = shift.map_or(0.0, |shift| shift[channel]);
                    row.iter_mut().zip(first[channel]).for_each(|(out, &value)| *out = value * scale[channel] + shift);
                });
            }
            Work::MaxPool { runs } => {
                each(output, &|channel, row| max_pool(table, runs, batch, first[channel], row));
            }
            Work::AvgPool { weights, runs } => {
                each(output, &|channel, row| filter((table, &runs[0], batch), weights, first[channel], row, false));
            }
            Work::GlobalAvgPool => each(output, &|channel, row| {
                row.fill(0.0);
                let pixels = first[channel].chunks_exact(batch);
                let share = 1.0 / pixels.len() as f32;
                pixels.for_each(|pixel| row.iter_mut().zip(pixel).for_each(|(sum, &value)| *sum += value));
                row.iter_mut().for_each(|sum| *sum *= share);
            }),
            Work::Add => each(output, &|channel, row| {
                let pairs = first[channel].iter().zip(second[channel]);
                row.iter_mut().zip(pairs).for_each(|(out, (a, b))| *out = a + b);
            }),
            Work::Mul => each(output, &|channel, row| {
                let pairs = first[channel].iter().zip(second[channel]);
                row.iter_mut().zip(pairs).for_each(|(out, (a, b))| *out = a * b);
            }),
            Work::Scale => each(output, &|channel, row| {
                for (out, pixel) in row.chunks_exact_mut(batch).zip(first[channel].chunks_exact(batch)) {
                    out.iter_mut().zip(pixel.iter().zip(second[channel])).for_each(|(out, (a, b))| *out = a * b);
                }
            }),
            Work::Shift => each(output, &|channel, row| {
                for (out, pixel) in row.chunks_exact_mut(batch).zip(first[channel].chunks_exact(batch)) {
                    out.iter_mut().zip(pixel.iter().zip(second[channel])).for_each(|(out, (a, b))| *out = a + b);
                }
            }),
        }
    }
}

/// The rows of a convolution's window over a map, or of a pointwise one the map's own.
pub(super) fn source<'a>(
    rows: Vec<&'a [f32]>,
    geometry: Option<&'a super::geometry::Geometry>,
    batch: usize,
) -> Source<'a> {
    match geometry {
        None => Source::Rows(rows),
        Some(geometry) => Source::Taps { rows, geometry, batch },
    }
}
