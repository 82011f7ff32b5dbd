//! How parameters follow their gradients.

use super::parameters::Layout;
use super::request::Optimiser;
use crate::weights::Role;

/// Adam's shares of the past, and what is added to its divisor.
const BETA: [f32; 2] = [0.9, 0.999];
const EPSILON: f32 = 1e-8;

/// The state of an optimiser: what it remembers of the steps before.
#[derive(Clone, Debug, PartialEq)]
pub struct Descent {
    kind: Optimiser,
    /// Which parameters decay: weights of convolutions and linear layers.
    decays: Vec<std::ops::Range<usize>>,
    /// Adam's mean of gradients; the direction of SGD.
    pub(super) first: Vec<f32>,
    /// Adam's mean of their squares; empty for SGD.
    pub(super) second: Vec<f32>,
    /// Steps taken.
    pub(super) steps: usize,
}

impl Descent {
    /// Nothing remembered yet.
    #[must_use]
    pub fn new(kind: Optimiser, layout: &Layout) -> Self {
        let count = layout.parameters();
        let decays = layout.slots().iter().filter(|slot| matches!(slot.role, Role::ConvWeight | Role::LinearWeight));
        let second = if kind == Optimiser::AdamW { vec![0.0; count] } else { vec![] };
        Self {
            kind,
            decays: decays.map(|slot| slot.place.clone()).collect(),
            first: vec![0.0; count],
            second,
            steps: 0,
        }
    }

    /// A step of this rate; `decay` is taken off weights as a share of it.
    pub fn step(&mut self, values: &mut [f32], gradients: &[f32], rate: f32, decay: f32) {
        self.steps += 1;
        for place in &self.decays {
            if let Some(values) = values.get_mut(place.clone()) {
                values.iter_mut().for_each(|value| *value -= rate * decay * *value);
            }
        }
        match self.kind {
            Optimiser::AdamW => {
                let steps = self.steps.min(1 << 20) as i32;
                let [share, squared] = BETA;
                let corrected = rate / (1.0 - share.powi(steps));
                let widened = 1.0 / (1.0 - squared.powi(steps));
                let means = self.first.iter_mut().zip(&mut self.second);
                for ((value, gradient), (mean, square)) in values.iter_mut().zip(gradients).zip(means) {
                    *mean += (1.0 - share) * (gradient - *mean);
                    *square += (1.0 - squared) * (gradient * gradient - *square);
                    *value -= corrected * *mean / ((*square * widened).sqrt() + EPSILON);
                }
            }
            Optimiser::Sgd { momentum } => {
                for ((value, gradient), direction) in values.iter_mut().zip(gradients).zip(&mut self.first) {
                    *direction = momentum * *direction + gradient;
                    *value -= rate * (gradient + momentum * *direction);
                }
            }
        }
    }
}

/// Share of the highest rate when `done` of the training is over: a rise, then half a cosine down to nothing.
#[must_use]
pub fn schedule(done: f64, warm_up: f64) -> f64 {
    let done = done.clamp(0.0, 1.0);
    if done < warm_up {
        (done / warm_up).max(0.01)
    } else {
        let fall = (done - warm_up) / (1.0 - warm_up).max(1e-9);
        0.5 + 0.5 * (std::f64::consts::PI * fall).cos()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::{Graph, GraphBuilder, Op, Shape};

    fn graph() -> Graph {
        let mut builder = GraphBuilder::new("net", Shape::new(1, 2, 1, 1));
        builder.push("fc", Op::Linear { in_features: 2, out_features: 1, bias: true }, &[builder.input()]).unwrap();
        builder.finish()
    }

    #[test]
    fn adam_takes_the_steps_of_pytorchs() {
        // torch.optim.AdamW([p], lr=0.1, weight_decay=0.5) with gradients [1, -2], [0.5, 0]; the bias does not decay here.
        let mut descent = Descent::new(Optimiser::AdamW, &Layout::of(&graph()));
        let mut values = [1.0, 2.0, 3.0];
        descent.step(&mut values, &[1.0, -2.0, 0.0], 0.1, 0.5);
        // 1 * 0.95 - 0.1, 2 * 0.95 + 0.1
        for (value, wanted) in values.iter().zip([0.85, 2.0, 3.0]) {
            assert!((value - wanted).abs() < 1e-5, "{values:?}");
        }
        descent.step(&mut values, &[0.5, 0.0, 0.0], 0.1, 0.5);
        // Means 0.14 and -0.18 over 0.19, squares 0.001249 and 0.003996 over 0.001999.
        let step = |mean: f64, square: f64| 0.1 * (mean / 0.19) / (square / 0.001_999).sqrt();
        let wanted = [0.85 * 0.95 - step(0.14, 0.001_249), 2.0 * 0.95 - step(-0.18, 0.003_996), 3.0];
        for (value, wanted) in values.iter().zip(wanted) {
            assert!((f64::from(*value) - wanted).abs() < 1e-4, "{values:?} {wanted}");
        }
    }

    #[test]
    fn momentum_goes_down_a_bowl_and_rests_at_its_bottom() {
        let mut descent = Descent::new(Optimiser::Sgd { momentum: 0.9 }, &Layout::of(&graph()));
        let mut values = [4.0, -3.0, 1.0];
        for _ in 0..300 {
            let gradients = values.map(|value| value - 0.5);
            descent.step(&mut values, &gradients, 0.05, 0.0);
        }
        assert!(values.iter().all(|value| (value - 0.5).abs() < 1e-3), "{values:?}");
    }

    #[test]
    fn the_rate_rises_falls_and_ends_at_nothing() {
        let rates: Vec<f64> = (0..=100).map(|done| schedule(f64::from(done) / 100.0, 0.1)).collect();
        assert!(rates[0] > 0.0 && rates[..=10].is_sorted() && rates[10..].iter().rev().is_sorted());
        assert!((rates[10] - 1.0).abs() < 1e-9 && rates[100] < 1e-9 && (rates[55] - 0.5).abs() < 1e-9);
        assert!((schedule(7.0, 0.1), schedule(-1.0, 0.0)) == (schedule(1.0, 0.1), 1.0));
    }
}
