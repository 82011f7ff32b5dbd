//! Activations and their slopes, one value at a time.

use crate::graph::Activation;

/// An activation's value and slope at `x`. At a corner the slope is that of the left side, as in PyTorch.
pub(super) fn value_and_slope(activation: Activation, x: f32) -> [f32; 2] {
    let [first, second] = activation.coefficients().map(|coefficient| coefficient.get());
    let clip = |low: f32, high: f32| [x.max(low).min(high), if x > low && x < high { 1.0 } else { 0.0 }];
    match activation {
        Activation::None => [x, 1.0],
        Activation::Relu => clip(0.0, f32::INFINITY),
        Activation::Relu6 => clip(0.0, 6.0),
        Activation::Clip { .. } => clip(first, second),
        Activation::LeakyRelu { .. } => {
            if x > 0.0 {
                [x, 1.0]
            } else {
                [first * x, first]
            }
        }
        Activation::Elu { .. } => {
            if x > 0.0 {
                [x, 1.0]
            } else {
                [first * x.exp_m1(), first * x.exp()]
            }
        }
        Activation::HardSigmoid { .. } => {
            let value = first * x + second;
            [value.clamp(0.0, 1.0), if value > 0.0 && value < 1.0 { first } else { 0.0 }]
        }
        Activation::HardSwish => {
            let gate = (x + 3.0).clamp(0.0, 6.0) / 6.0;
            [x * gate, gate + if x > -3.0 && x < 3.0 { x / 6.0 } else { 0.0 }]
        }
        Activation::Sigmoid => {
            let value = sigmoid(x);
            [value, value * (1.0 - value)]
        }
        Activation::Swish { .. } => {
            let gate = sigmoid(first * x);
            [x * gate, gate + x * first * gate * (1.0 - gate)]
        }
        Activation::Tanh => {
            let value = x.tanh();
            [value, 1.0 - value * value]
        }
        Activation::Gelu => {
            let below = 0.5 * (1.0 + candle_core::cpu::erf::erf_f32(x * std::f32::consts::FRAC_1_SQRT_2));
            let density = (-0.5 * x * x).exp() * 0.398_942_3;
            [x * below, below + x * density]
        }
        Activation::GeluTanh => {
            let scale = 0.797_884_6;
            let inner = (scale * (x + 0.044_715 * x * x * x)).tanh();
            let slope = (1.0 - inner * inner) * scale * (1.0 + 3.0 * 0.044_715 * x * x);
            [0.5 * x * (1.0 + inner), 0.5 * (1.0 + inner) + 0.5 * x * slope]
        }
        Activation::Mish => {
            let inner = softplus(x).tanh();
            [x * inner, inner + x * (1.0 - inner * inner) * sigmoid(x)]
        }
        Activation::Softplus => [softplus(x), sigmoid(x)],
    }
}

fn sigmoid(x: f32) -> f32 {
    1.0 / (1.0 + (-x).exp())
}

fn softplus(x: f32) -> f32 {
    x.max(0.0) + (-x.abs()).exp().ln_1p()
}

/// The limits that an activation is, where it is nothing else.
pub(super) fn limits(activation: Activation) -> Option<[f32; 2]> {
    match activation {
        Activation::Relu => Some([0.0, f32::INFINITY]),
        Activation::Relu6 => Some([0.0, 6.0]),
        Activation::Clip { low, high } => Some([low.get(), high.get()]),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_slope_is_that_of_the_curve() {
        for activation in Activation::EXAMPLES {
            for step in 0..80 {
                // Away from corners, which are at halves and whole numbers.
                let (x, h) = (step as f32 * 0.1 - 4.0 + 0.03, 4e-3);
                let [up, down] = [x + h, x - h].map(|x| f64::from(value_and_slope(activation, x)[0]));
                let measured = (up - down) / f64::from((x + h) - (x - h));
                let slope = f64::from(value_and_slope(activation, x)[1]);
                assert!((slope - measured).abs() < 2e-3, "{activation} at {x}: {slope} {measured}");
            }
        }
    }
}
