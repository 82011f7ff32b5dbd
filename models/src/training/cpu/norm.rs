//! Batch normalisation of one channel by its own mean and variance, and the limits of the activation behind it.

use super::kernels::NormArgs;
use super::table::Table;

/// Floats whose sums are added up in 32 bits.
const PART: usize = 1 << 13;

/// Mean and variance of a channel in a batch.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Statistics {
    /// The mean.
    pub mean: f32,
    /// The mean square of the distances from it.
    pub variance: f32,
}

impl Statistics {
    /// Of a row's values. `guess` is near their mean, or any of them.
    pub(super) fn of(table: &Table, row: &[f32], guess: f32) -> Self {
        let [mut sum, mut squares] = [0.0_f64; 2];
        for part in row.chunks(PART) {
            let [of_sum, of_squares] = table.moments(part, guess);
            sum += f64::from(of_sum);
            squares += f64::from(of_squares);
        }
        let count = row.len().max(1) as f64;
        let off = sum / count;
        Self { mean: (f64::from(guess) + off) as f32, variance: (squares / count - off * off).max(0.0) as f32 }
    }
}

/// A normalisation's parameters for one channel.
#[derive(Clone, Copy)]
pub(super) struct Channel {
    pub weight: f32,
    pub bias: f32,
    pub eps: f32,
    pub limits: [f32; 2],
}

impl Channel {
    fn arguments(&self, statistics: Statistics) -> NormArgs {
        let scale = self.weight / (statistics.variance + self.eps).sqrt();
        let shift = self.bias - statistics.mean * scale;
        let [low, high] = self.limits;
        NormArgs { centre: statistics.mean, scale, shift, low, high, flat: 0.0, tilt: 0.0 }
    }

    /// Writes the normalised values.
    pub fn forward(&self, table: &Table, statistics: Statistics, row: &[f32], out: &mut [f32]) {
        table.normalise(row, out, &self.arguments(statistics));
    }

    /// Makes the row's gradient of that of the normalised values; returns those of weight and bias.
    pub fn backward(&self, table: &Table, statistics: Statistics, row: &[f32], gradient: &mut [f32]) -> [f32; 2] {
        let mut norm = self.arguments(statistics);
        let [mut passed, mut tilted] = [0.0_f64; 2];
        for (row, gradient) in row.chunks(PART).zip(gradient.chunks(PART)) {
            let [of_passed, of_tilted] = table.norm_sums(row, gradient, &norm);
            passed += f64::from(of_passed);
            tilted += f64::from(of_tilted);
        }
        let inverse = 1.0 / f64::from(statistics.variance + self.eps).sqrt();
        let share = f64::from(norm.scale) / row.len().max(1) as f64;
        norm.flat = (share * passed) as f32;
        norm.tilt = (share * tilted * inverse * inverse) as f32;
        table.norm_gradient(row, gradient, &norm);
        [(tilted * inverse) as f32, passed as f32]
    }
}
