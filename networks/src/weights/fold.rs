//! Merges an inference batch normalisation into the convolution before it.
//!
//! `gamma * (conv(x) - mean) / sqrt(var + eps) + beta` is a convolution with weights scaled per output channel by
//! `gamma / sqrt(var + eps)` and the bias `beta - mean * scale` (Ioffe and Szegedy 2015, section 3.1).

use thiserror::Error;

use super::WeightTensor;

/// The four vectors of a batch normalisation, `[channels]` each.
#[derive(Clone, Copy, Debug)]
pub struct BatchNormTensors<'a> {
    /// Scale, gamma.
    pub weight: &'a [f32],
    /// Shift, beta.
    pub bias: &'a [f32],
    /// Mean subtracted.
    pub running_mean: &'a [f32],
    /// Variance divided by.
    pub running_var: &'a [f32],
    /// Added to the variance.
    pub eps: f64,
}

/// A convolution that does what a convolution and its batch normalisation did.
#[derive(Clone, Debug, PartialEq)]
pub struct Folded {
    /// `[out, in / groups, height, width]`, as before.
    pub weight: WeightTensor,
    /// `[out]`.
    pub bias: Vec<f32>,
}

/// Tensors whose sizes do not belong together.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error(
    "a convolution weight of shape {shape:?} with {values} values does not fold with {channels} channels of `{vector}`"
)]
pub struct FoldError {
    /// Shape of the convolution's weight.
    pub shape: Vec<usize>,
    /// Its number of values.
    pub values: usize,
    /// The vector that does not fit.
    pub vector: &'static str,
    /// Its length.
    pub channels: usize,
}

/// Folds `norm` into the convolution's `weight` and (where it has one) `bias`, computing in 64 bits.
///
/// # Errors
/// Where the vectors do not have one element per output channel.
pub fn fold(weight: &WeightTensor, bias: Option<&[f32]>, norm: BatchNormTensors<'_>) -> Result<Folded, FoldError> {
    let out = weight.shape.first().copied().unwrap_or(0);
    let fit =
        |vector, channels| FoldError { shape: weight.shape.clone(), values: weight.values.len(), vector, channels };
    for (vector, values) in [
        ("bias of the convolution", bias),
        ("weight", Some(norm.weight)),
        ("bias", Some(norm.bias)),
        ("running_mean", Some(norm.running_mean)),
        ("running_var", Some(norm.running_var)),
    ] {
        if let Some(values) = values
            && values.len() != out
        {
            return Err(fit(vector, values.len()));
        }
    }
    if weight.shape.iter().product::<usize>() != weight.values.len() || weight.values.is_empty() {
        return Err(fit("weight", norm.weight.len()));
    }
    let mut values = Vec::with_capacity(weight.values.len());
    let mut shifts = Vec::with_capacity(out);
    let per_channel = weight.values.len() / out;
    let channels = weight.values.chunks_exact(per_channel).zip(norm.weight).zip(norm.bias);
    let statistics = norm.running_mean.iter().zip(norm.running_var);
    let biases = bias.into_iter().flatten().copied().chain(std::iter::repeat(0.0));
    for ((((filter, &gamma), &beta), (&mean, &var)), bias) in channels.zip(statistics).zip(biases) {
        let scale = f64::from(gamma) / (f64::from(var) + norm.eps).sqrt();
        values.extend(filter.iter().map(|&value| (f64::from(value) * scale) as f32));
        shifts.push((f64::from(beta) + (f64::from(bias) - f64::from(mean)) * scale) as f32);
    }
    Ok(Folded { weight: WeightTensor { shape: weight.shape.clone(), values }, bias: shifts })
}

#[cfg(test)]
mod tests {
    use super::*;

    const NORM: BatchNormTensors<'_> = BatchNormTensors {
        weight: &[2.0, -1.0],
        bias: &[0.5, 0.0],
        running_mean: &[1.0, 3.0],
        running_var: &[4.0, 0.25],
        eps: 0.0,
    };

    #[test]
    fn folding_scales_each_output_channel_and_shifts_by_the_mean() {
        let weight = WeightTensor { shape: vec![2, 3, 1, 1], values: vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0] };
        let folded = fold(&weight, None, NORM).unwrap();
        // scale = 2 / 2 = 1 and -1 / 0.5 = -2; shift = 0.5 - 1 * 1 and 0 - 3 * -2.
        assert_eq!(folded.weight.values, [1.0, 2.0, 3.0, -8.0, -10.0, -12.0]);
        assert_eq!(folded.weight.shape, weight.shape);
        assert_eq!(folded.bias, [-0.5, 6.0]);
        let biased = fold(&weight, Some(&[10.0, 20.0]), NORM).unwrap();
        assert_eq!(biased.bias, [9.5, -34.0]);
    }

    #[test]
    fn eps_keeps_a_zero_variance_finite() {
        let weight = WeightTensor { shape: vec![1, 1, 1, 1], values: vec![1.0] };
        let norm =
            BatchNormTensors { weight: &[1.0], bias: &[0.0], running_mean: &[0.0], running_var: &[0.0], eps: 1e-4 };
        assert_eq!(fold(&weight, None, norm).unwrap().weight.values, [100.0]);
    }

    #[test]
    fn vectors_of_another_length_are_refused_by_name() {
        let weight = WeightTensor { shape: vec![2, 1, 1, 1], values: vec![1.0, 2.0] };
        let error = fold(&weight, None, BatchNormTensors { running_mean: &[1.0], ..NORM }).unwrap_err();
        assert_eq!((error.vector, error.channels), ("running_mean", 1));
        assert!(fold(&weight, Some(&[1.0]), NORM).is_err());
        assert!(fold(&WeightTensor { shape: vec![2, 2, 1, 1], ..weight }, None, NORM).is_err());
    }
}
