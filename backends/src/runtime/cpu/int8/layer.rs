//! Weights as bytes, one scale for each output channel; biases as integers in the scale of the sums.

use crate::runtime::cpu::kernels::int8::Quant;
use crate::runtime::parameters::{Filters, LayerParameters};

/// The most that a sum of products may come to, and a bias half of that: together less than 32 bits hold.
const MOST: f64 = (1_u64 << 30) as f64;
/// The least and the greatest scale of a weight.
const SCALES: [f64; 2] = [1.0 / (1_u64 << 40) as f64, (1_u64 << 40) as f64];

/// A convolution, linear layer or scale and shift in integers.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Sums {
    /// `[out][in / groups][taps]`, from -127 to 127, or -128 where their scale was known; none where only their number is known.
    pub weights: Option<Vec<i8>>,
    /// One for each output channel, for input bytes less the one for zero.
    pub bias: Vec<i32>,
    /// What each output channel's sums are multiplied by.
    pub multipliers: Vec<f32>,
    /// What one step of each output channel's weights is.
    pub scales: Vec<f32>,
}

impl Sums {
    /// From bytes of `input` to bytes of `output`, or to floats. `known` are the scales of the weights where they are known,
    /// for each output channel or one for all: what is a whole number of them stays one.
    ///
    /// # Errors
    /// Why it cannot be, for people.
    pub fn new(
        parameters: &LayerParameters,
        input: Quant,
        output: Option<Quant>,
        known: Option<&[f32]>,
    ) -> Result<Self, String> {
        let LayerParameters { weights, bias } = parameters;
        let Filters::Values(weights) = weights else {
            let ones = vec![1.0; bias.len()];
            return Ok(Self { weights: None, bias: vec![0; bias.len()], multipliers: ones.clone(), scales: ones });
        };
        let (steps, output) = (input.scale, output.map(|output| output.scale));
        let input = f64::from(steps);
        let room = Vec::with_capacity(weights.len());
        let mut made = Self { weights: Some(room), bias: Vec::new(), multipliers: Vec::new(), scales: Vec::new() };
        let filters = weights.chunks_exact(weights.len() / bias.len().max(1));
        for (out, (filter, &bias)) in filters.zip(bias).enumerate() {
            let largest = filter.iter().map(|weight| f64::from(weight.abs())).fold(0.0, f64::max);
            if filter.iter().chain([&bias]).any(|value| !value.is_finite()) {
                return Err("a weight is not a finite number".into());
            }
            let bias = f64::from(bias);
            // Beside a bias that is so much larger, weights are as good as nothing.
            let least = (bias.abs() / (input * MOST / 2.0)).max(SCALES[0]);
            let known = known.and_then(|known| known.get(out).or(known.first()));
            let (scale, ends) = match known.map(|&known| f64::from(known)) {
                // Of weights that are all nothing any scale is right.
                Some(known) if largest < known / 2.0 => (known.max(least), [-128.0, 127.0]),
                Some(known) if bias.abs() / (input * known) >= MOST => {
                    return Err(format!("its bias is too large for sums in steps of {:e}", input * known));
                }
                Some(known) => (known, [-128.0, 127.0]),
                None => ((largest / 127.0).max(least), [-127.0, 127.0]),
            };
            if scale > SCALES[1] {
                return Err("its weights are too large".into());
            }
            // As a file keeps it, so that what is read from there is the same.
            let step = scale as f32;
            let scale = f64::from(step);
            let whole = |value: f64| value.round_ties_even();
            let filter = filter.iter().map(|&weight| whole(f64::from(weight) / scale).clamp(ends[0], ends[1]));
            let most = filter.clone().map(f64::abs).sum::<f64>() * 255.0;
            if most > MOST {
                return Err("it adds up too many products for sums of 32 bits".into());
            }
            let bias = whole(bias / (input * scale));
            // Each operation rounded to 32 bits, as ONNX Runtime and PyTorch do.
            let multiplier = match output {
                // Where bytes of the output are so much finer than a sum, it is noise; and still fits 32 bits.
                Some(output) => (steps * step / output).min((MOST / (most + bias.abs()).max(1.0)) as f32),
                None => steps * step,
            };
            if let Some(weights) = &mut made.weights {
                weights.extend(filter.map(|weight| weight as i8));
            }
            made.bias.push(bias as i32);
            made.multipliers.push(multiplier);
            made.scales.push(step);
        }
        Ok(made)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(weights: &[f32], bias: &[f32], input: Quant, output: Option<Quant>) -> Result<Sums, String> {
        Sums::new(
            &LayerParameters { weights: Filters::Values(weights.to_vec()), bias: bias.to_vec() },
            input,
            output,
            None,
        )
    }

    #[test]
    fn every_output_channel_has_a_scale_of_its_own_and_biases_count_in_it() {
        let (input, output) = (Quant { scale: 0.5, zero: 3 }, Quant { scale: 2.0, zero: 0 });
        let made = of(&[1.27, -0.64, 0.0, 254.0, 1.0, -254.0], &[0.1, -3.0], input, Some(output)).unwrap();
        assert_eq!(made.weights, Some(vec![127, -64, 0, 127, 0, -127]));
        assert_eq!(made.bias, [20, -3]);
        assert_eq!(made.multipliers, [0.0025, 0.5]);
        assert_eq!(of(&[1.27], &[0.0], input, None).unwrap().multipliers, [0.005]);
    }

    #[test]
    fn weights_of_a_known_scale_give_their_bytes_back_and_what_their_sums_cannot_hold_is_refused() {
        let (input, output) = (Quant { scale: 0.02, zero: 3 }, Quant { scale: 0.1, zero: 0 });
        let with = |weights: &[f32], bias: &[f32], known: &[f32]| {
            let parameters = LayerParameters { weights: Filters::Values(weights.to_vec()), bias: bias.to_vec() };
            Sums::new(&parameters, input, Some(output), Some(known))
        };
        for scale in [0.017_f32, 1e-7, 3.3e5] {
            let weights: Vec<f32> = (-128..128).map(|byte| byte as f32 * scale).collect();
            let made = with(&weights, &[1e-9], &[scale]).unwrap();
            assert_eq!(made.weights, Some((-128..=127).collect()));
            assert_eq!(made.scales, [scale]);
        }
        let made = with(&[0.5, -1.0], &[0.0, 0.0], &[0.5, 1.0]).unwrap();
        assert_eq!(made.weights, Some(vec![1, -1]), "one scale for each channel");
        let large = with(&[1e-7], &[5.0], &[1e-7]).unwrap_err();
        assert!(large.contains("bias is too large"), "{large}");
        let nothing = with(&[0.0], &[5.0], &[1e-7]).unwrap();
        let value = nothing.bias[0] as f32 * nothing.multipliers[0];
        assert!((value - 50.0).abs() < 1e-3, "{value} steps of 0.1");
    }

    #[test]
    fn a_bias_that_is_larger_than_all_products_keeps_its_value_and_not_the_weights_theirs() {
        let input = Quant { scale: 1e-12, zero: 0 };
        let made = of(&[1e-3, -1e-3], &[5.0], input, Some(Quant { scale: 0.1, zero: 0 })).unwrap();
        assert_eq!(made.weights, Some(vec![0, 0]));
        let value = made.bias[0] as f32 * made.multipliers[0];
        assert!((value - 50.0).abs() < 1e-3, "{value} steps of 0.1");
    }

    #[test]
    fn what_does_not_fit_32_bits_is_refused() {
        let quant = Quant { scale: 1.0, zero: 0 };
        assert!(of(&vec![1.0; 33_000], &[0.0], quant, None).is_ok());
        assert!(of(&vec![1.0; 34_000], &[0.0], quant, None).unwrap_err().contains("too many products"));
        for weight in [f32::NAN, f32::INFINITY] {
            assert!(of(&[weight], &[0.0], quant, None).unwrap_err().contains("not a finite number"));
        }
        assert!(of(&[1e30], &[0.0], quant, None).unwrap_err().contains("too large"));
        // However fine the output: no product leaves 32 bits.
        let fine = Quant { scale: 1e-12, zero: 0 };
        let made = of(&[1.0; 1000], &[7.0], quant, Some(fine)).unwrap();
        assert!(f64::from(made.multipliers[0]) * (127.0 * 255.0 * 1000.0) < 2.0_f64.powi(31));
    }
}
