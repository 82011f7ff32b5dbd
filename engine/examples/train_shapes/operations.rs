//! The layers that Candle would train slowly or not at all, as custom operations with gradients: its grouped convolution
//! is one convolution per group, its batch normalisation about ten passes, its max-pool has no padding.
//!
//! Maps are `[channels, batch * height * width]` here: a channel is one contiguous row, so a pointwise convolution is one
//! matrix product, and splits and concatenations copy whole rows.

use std::sync::{Arc, OnceLock};

use candle_core::{CpuStorage, CustomOp1, CustomOp2, CustomOp3, Layout, Result, Shape, Storage, Tensor, bail};
use rayon::prelude::*;

/// A square window over `batch` maps of `height` by `width` pixels.
#[derive(Clone, Copy)]
pub struct Geometry {
    pub batch: usize,
    pub height: usize,
    pub width: usize,
    pub kernel: usize,
    pub stride: usize,
}

impl Geometry {
    const fn output(&self) -> [usize; 2] {
        // "Same" padding, kernel / 2 on every side.
        [(self.height - 1) / self.stride + 1, (self.width - 1) / self.stride + 1]
    }

    /// Pixels of one channel read and written, the batch's images one after another.
    pub const fn pixels(&self) -> [usize; 2] {
        let [height, width] = self.output();
        [self.batch * self.height * self.width, self.batch * height * width]
    }

    const fn taps(&self) -> usize {
        self.kernel * self.kernel
    }

    /// For every run of pixels that tap `tap` joins: its start among the pixels read (a step of `stride` apart), its
    /// start among the pixels written, and its length.
    fn runs(&self, tap: usize, mut join: impl FnMut(usize, usize, usize)) {
        let (Self { batch, height, width, kernel, stride }, [rows, columns]) = (*self, self.output());
        let (dy, dx, half) = (tap / kernel, tap % kernel, kernel / 2);
        // Columns written whose tap lies inside: half <= column * stride + dx < width + half.
        let first = half.saturating_sub(dx).div_ceil(stride);
        let end = (width + half).saturating_sub(dx).div_ceil(stride).min(columns);
        if first >= end {
            return;
        }
        for image in 0..batch {
            for row in 0..rows {
                let from = row * stride + dy;
                if (half..height + half).contains(&from) {
                    let read = (image * height + from - half) * width + first * stride + dx - half;
                    join(read, (image * rows + row) * columns + first, end - first);
                }
            }
        }
    }

    /// The pixels that each tap of a dense convolution reads: `[channels * taps, pixels written]`.
    pub fn patches(&self, input: &[f32], channels: usize) -> Vec<f32> {
        let ([read, written], taps) = (self.pixels(), self.taps());
        let mut patches = vec![0.0; channels * taps * written];
        patches.par_chunks_mut(written).enumerate().for_each(|(row, patch)| {
            let input = &input[row / taps * read..][..read];
            self.runs(row % taps, |from, to, length| {
                let pixels = input[from..].iter().step_by(self.stride);
                patch[to..to + length].iter_mut().zip(pixels).for_each(|(patch, pixel)| *patch = *pixel);
            });
        });
        patches
    }
}

/// Depthwise convolution: a map and `[channels, taps]` weights.
pub struct Depthwise(pub Geometry);

impl Depthwise {
    fn forward(&self, input: &[f32], weights: &[f32]) -> Vec<f32> {
        let (geometry, [read, written]) = (self.0, self.0.pixels());
        let mut output = vec![0.0; input.len() / read * written];
        let channels = output.par_chunks_mut(written).zip(input.par_chunks(read));
        channels.zip(weights.par_chunks(geometry.taps())).for_each(|((output, input), weights)| {
            for (tap, weight) in weights.iter().enumerate() {
                geometry.runs(tap, |from, to, length| {
                    let output = &mut output[to..to + length];
                    if geometry.stride == 1 {
                        output.iter_mut().zip(&input[from..from + length]).for_each(|(o, i)| *o += weight * i);
                    } else {
                        let input = input[from..].iter().step_by(geometry.stride);
                        output.iter_mut().zip(input).for_each(|(o, i)| *o += weight * i);
                    }
                });
            }
        });
        output
    }

    /// Gradients of the map and of the weights.
    fn backward(&self, input: &[f32], weights: &[f32], gradient: &[f32]) -> [Vec<f32>; 2] {
        let (geometry, [read, written]) = (self.0, self.0.pixels());
        let mut of_input = vec![0.0; input.len()];
        let mut of_weights = vec![0.0; weights.len()];
        let channels = of_input.par_chunks_mut(read).zip(of_weights.par_chunks_mut(geometry.taps()));
        let given = input.par_chunks(read).zip(weights.par_chunks(geometry.taps()));
        channels.zip(given).zip(gradient.par_chunks(written)).for_each(
            |(((of_input, of_weights), (input, weights)), gradient)| {
                for (tap, weight) in weights.iter().enumerate() {
                    let mut sum = 0.0;
                    geometry.runs(tap, |from, to, length| {
                        let gradient = &gradient[to..to + length];
                        if geometry.stride == 1 {
                            let of_input = &mut of_input[from..from + length];
                            of_input.iter_mut().zip(gradient).for_each(|(i, g)| *i += weight * g);
                            sum += dot(&input[from..from + length], gradient);
                        } else {
                            let of_input = of_input[from..].iter_mut().step_by(geometry.stride);
                            of_input.zip(gradient).for_each(|(i, g)| *i += weight * g);
                            let input = input[from..].iter().step_by(geometry.stride);
                            sum += input.zip(gradient).map(|(i, g)| i * g).sum::<f32>();
                        }
                    });
                    of_weights[tap] = sum;
                }
            },
        );
        [of_input, of_weights]
    }
}

impl CustomOp2 for Depthwise {
    fn name(&self) -> &'static str {
        "depthwise"
    }

    fn cpu_fwd(
        &self,
        input: &CpuStorage,
        input_layout: &Layout,
        weights: &CpuStorage,
        weights_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let output = self.forward(floats(input, input_layout)?, floats(weights, weights_layout)?);
        let [_, written] = self.0.pixels();
        let shape = (output.len() / written, written).into();
        Ok((CpuStorage::F32(output), shape))
    }

    fn bwd(
        &self,
        input: &Tensor,
        weights: &Tensor,
        _: &Tensor,
        gradient: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>)> {
        let [of_input, of_weights] = with_floats([input, weights, gradient], |[input, weights, gradient]| {
            self.backward(input, weights, gradient)
        })?;
        let of_input = Tensor::from_vec(of_input, input.shape(), input.device())?;
        Ok((Some(of_input), Some(Tensor::from_vec(of_weights, weights.shape(), weights.device())?)))
    }
}

/// Maximum over the window; what lies outside the map never wins.
pub struct MaxPool(pub Geometry);

impl MaxPool {
    fn forward(&self, input: &[f32]) -> Vec<f32> {
        let (geometry, [read, written]) = (self.0, self.0.pixels());
        let mut output = vec![f32::NEG_INFINITY; input.len() / read * written];
        output.par_chunks_mut(written).zip(input.par_chunks(read)).for_each(|(output, input)| {
            for tap in 0..geometry.taps() {
                geometry.runs(tap, |from, to, length| {
                    let input = input[from..].iter().step_by(geometry.stride);
                    output[to..to + length].iter_mut().zip(input).for_each(|(o, i)| *o = o.max(*i));
                });
            }
        });
        output
    }

    /// The gradient goes to the first tap that won.
    fn backward(&self, [input, output, gradient]: [&[f32]; 3]) -> Vec<f32> {
        let (geometry, [read, written]) = (self.0, self.0.pixels());
        let mut of_input = vec![0.0; input.len()];
        let mut left = gradient.to_vec();
        let given = input.par_chunks(read).zip(output.par_chunks(written));
        let channels = of_input.par_chunks_mut(read).zip(left.par_chunks_mut(written)).zip(given);
        channels.for_each(|((of_input, left), (input, output))| {
            for tap in 0..geometry.taps() {
                geometry.runs(tap, |from, to, length| {
                    let pixels = of_input[from..].iter_mut().zip(&input[from..]).step_by(geometry.stride);
                    let won = left[to..to + length].iter_mut().zip(&output[to..to + length]);
                    for ((of_input, input), (left, output)) in pixels.zip(won) {
                        if input == output {
                            *of_input += std::mem::take(left);
                        }
                    }
                });
            }
        });
        of_input
    }
}

impl CustomOp1 for MaxPool {
    fn name(&self) -> &'static str {
        "max-pool"
    }

    fn cpu_fwd(&self, input: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let output = self.forward(floats(input, layout)?);
        let [_, written] = self.0.pixels();
        let shape = (output.len() / written, written).into();
        Ok((CpuStorage::F32(output), shape))
    }

    fn bwd(&self, input: &Tensor, output: &Tensor, gradient: &Tensor) -> Result<Option<Tensor>> {
        let of_input = with_floats([input, output, gradient], |given| self.backward(given))?;
        Ok(Some(Tensor::from_vec(of_input, input.shape(), input.device())?))
    }
}

/// Mean and variance of every channel.
#[derive(Clone, Debug)]
pub struct Statistics {
    pub mean: Vec<f32>,
    pub variance: Vec<f32>,
}

/// Batch normalisation, and the ReLU after it where there is one: a map, weights and biases.
pub struct Normalise {
    pub eps: f32,
    pub relu: bool,
    /// The statistics to use: those given, or the batch's own, which the forward pass puts here.
    pub statistics: Arc<OnceLock<Statistics>>,
}

impl Normalise {
    fn forward(&self, map: &[f32], weights: &[f32], biases: &[f32]) -> Vec<f32> {
        let pixels = map.len() / weights.len();
        let statistics = self.statistics.get_or_init(|| measure(map, pixels));
        let mut output = vec![0.0; map.len()];
        let channels = output.par_chunks_mut(pixels).zip(map.par_chunks(pixels)).enumerate();
        channels.for_each(|(channel, (output, map))| {
            let scale = weights[channel] / (statistics.variance[channel] + self.eps).sqrt();
            let shift = biases[channel] - statistics.mean[channel] * scale;
            let least = if self.relu { 0.0 } else { f32::NEG_INFINITY };
            output.iter_mut().zip(map).for_each(|(o, i)| *o = (i * scale + shift).max(least));
        });
        output
    }

    /// Gradients of the map, the weights and the biases, where the statistics are the batch's own.
    fn backward(&self, [map, weights, output, gradient]: [&[f32]; 4]) -> [Vec<f32>; 3] {
        let pixels = map.len() / weights.len();
        let statistics = self.statistics.get_or_init(|| measure(map, pixels));
        let mut of_map = vec![0.0; map.len()];
        let (mut of_weights, mut of_biases) = (vec![0.0; weights.len()], vec![0.0; weights.len()]);
        let results = of_map.par_chunks_mut(pixels).zip(&mut of_weights).zip(&mut of_biases).enumerate();
        results.for_each(|(channel, ((of_map, of_weight), of_bias))| {
            let row = |values: &'_ [f32]| {
                channel * values.len() / weights.len()..(channel + 1) * values.len() / weights.len()
            };
            let (map, output, gradient) = (&map[row(map)], &output[row(output)], &gradient[row(gradient)]);
            let mean = statistics.mean[channel];
            let inverse = 1.0 / (statistics.variance[channel] + self.eps).sqrt();
            // Where ReLU gave 0, nothing passes back.
            let least = if self.relu { 0.0 } else { f32::NEG_INFINITY };
            for ((passed, output), gradient) in of_map.iter_mut().zip(output).zip(gradient) {
                *passed = if *output > least { *gradient } else { 0.0 };
            }
            *of_bias = sum(of_map);
            *of_weight = (dot(of_map, map) - mean * *of_bias) * inverse;
            let (flat, tilted) = (*of_bias / pixels as f32, *of_weight * inverse / pixels as f32);
            let scale = weights[channel] * inverse;
            of_map.iter_mut().zip(map).for_each(|(g, i)| *g = scale * (*g - flat - (i - mean) * tilted));
        });
        [of_map, of_weights, of_biases]
    }
}

fn measure(map: &[f32], pixels: usize) -> Statistics {
    let (mean, variance) = map
        .par_chunks(pixels)
        .map(|row| {
            let mean = sum(row) / pixels as f32;
            let squares: f32 =
                row.chunks(4096).map(|part| part.iter().map(|v| (v - mean) * (v - mean)).sum::<f32>()).sum();
            (mean, squares / pixels as f32)
        })
        .unzip();
    Statistics { mean, variance }
}

impl CustomOp3 for Normalise {
    fn name(&self) -> &'static str {
        "normalise"
    }

    fn cpu_fwd(
        &self,
        map: &CpuStorage,
        map_layout: &Layout,
        weights: &CpuStorage,
        weights_layout: &Layout,
        biases: &CpuStorage,
        biases_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let output =
            self.forward(floats(map, map_layout)?, floats(weights, weights_layout)?, floats(biases, biases_layout)?);
        Ok((CpuStorage::F32(output), map_layout.shape().clone()))
    }

    fn bwd(
        &self,
        map: &Tensor,
        weights: &Tensor,
        biases: &Tensor,
        output: &Tensor,
        gradient: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        let [of_map, of_weights, of_biases] =
            with_floats([map, weights, output, gradient], |given| self.backward(given))?;
        let tensor = |values, like: &Tensor| Tensor::from_vec(values, like.shape(), like.device());
        Ok((Some(tensor(of_map, map)?), Some(tensor(of_weights, weights)?), Some(tensor(of_biases, biases)?)))
    }
}

/// Eight running sums, which the compiler keeps in vector registers.
fn dot(a: &[f32], b: &[f32]) -> f32 {
    let ((a, a_rest), (b, b_rest)) = (a.as_chunks::<8>(), b.as_chunks::<8>());
    let mut sums = [0.0; 8];
    for (a, b) in a.iter().zip(b) {
        for lane in 0..8 {
            sums[lane] += a[lane] * b[lane];
        }
    }
    sums.iter().sum::<f32>() + a_rest.iter().zip(b_rest).map(|(a, b)| a * b).sum::<f32>()
}

/// The sum, in parts that keep rounding small.
fn sum(values: &[f32]) -> f32 {
    values
        .chunks(4096)
        .map(|part| {
            let (lanes, rest) = part.as_chunks::<8>();
            let mut sums = [0.0; 8];
            for values in lanes {
                sums.iter_mut().zip(values).for_each(|(sum, value)| *sum += value);
            }
            sums.iter().chain(rest).sum::<f32>()
        })
        .sum()
}

fn floats<'a>(storage: &'a CpuStorage, layout: &Layout) -> Result<&'a [f32]> {
    match (storage, layout.contiguous_offsets()) {
        (CpuStorage::F32(values), Some((begin, end))) => Ok(&values[begin..end]),
        _ => bail!("expected contiguous 32-bit floats"),
    }
}

/// Lends the values of several tensors.
pub fn with_floats<R, const N: usize>(tensors: [&Tensor; N], f: impl FnOnce([&[f32]; N]) -> R) -> Result<R> {
    let mut contiguous = Vec::with_capacity(N);
    for tensor in tensors {
        contiguous.push(tensor.contiguous()?);
    }
    let guards: Vec<_> = contiguous.iter().map(Tensor::storage_and_layout).collect();
    let mut slices = [&[][..]; N];
    for (slice, (storage, layout)) in slices.iter_mut().zip(&guards) {
        *slice = match &**storage {
            Storage::Cpu(storage) => floats(storage, layout)?,
            _ => bail!("training runs on the CPU"),
        };
    }
    Ok(f(slices))
}
