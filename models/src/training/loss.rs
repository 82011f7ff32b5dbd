//! Cross entropy between what a network says and what it should have said.

/// What a batch should be told as: a probability for every class and picture, `[classes, picture]`.
#[derive(Clone, Debug, PartialEq)]
pub struct Targets {
    /// The probabilities.
    pub values: Vec<f32>,
    /// Pictures.
    pub batch: usize,
}

impl Targets {
    /// Of pictures of these classes; a share of each label is spread over all classes.
    #[must_use]
    pub fn of_labels(labels: &[usize], classes: usize, smoothing: f32) -> Self {
        let batch = labels.len();
        let mut values = vec![smoothing / classes.max(1) as f32; classes * batch];
        for (picture, &label) in labels.iter().enumerate() {
            if let Some(value) = values.get_mut(label * batch + picture) {
                *value += 1.0 - smoothing;
            }
        }
        Self { values, batch }
    }

    /// What another network says of the same pictures: what it teaches.
    #[must_use]
    pub fn of_logits(logits: &[f32], batch: usize) -> Self {
        let mut values = logits.to_vec();
        softmax(&mut values, batch);
        Self { values, batch }
    }
}

/// What a batch says about the weights.
#[derive(Clone, Debug, PartialEq)]
pub struct Loss {
    /// The mean cross entropy, in nats.
    pub value: f32,
    /// Its gradient by the logits, `[classes, picture]`.
    pub gradient: Vec<f32>,
}

/// The mean cross entropy of logits, `[classes, picture]`.
#[must_use]
pub fn cross_entropy(logits: &[f32], targets: &Targets) -> Loss {
    let batch = targets.batch.max(1);
    let mut gradient = logits.to_vec();
    let logarithms = softmax(&mut gradient, batch);
    let mut sum = 0.0_f64;
    for (row, (logits, wanted)) in logits.chunks(batch).zip(targets.values.chunks(batch)).enumerate() {
        for (picture, (logit, wanted)) in logits.iter().zip(wanted).enumerate() {
            sum -= f64::from(wanted * (logit - logarithms[picture]));
            let gradient = &mut gradient[row * batch + picture];
            *gradient = (*gradient - wanted) / batch as f32;
        }
    }
    Loss { value: (sum / batch as f64) as f32, gradient }
}

/// Makes probabilities of logits; returns the logarithm of each picture's sum of exponentials.
fn softmax(values: &mut [f32], batch: usize) -> Vec<f32> {
    let batch = batch.max(1);
    let mut most = vec![f32::NEG_INFINITY; batch];
    for row in values.chunks(batch) {
        most.iter_mut().zip(row).for_each(|(most, value)| *most = most.max(*value));
    }
    let mut sums = vec![0.0_f32; batch];
    for row in values.chunks(batch) {
        for (picture, value) in row.iter().enumerate() {
            sums[picture] += (value - most[picture]).exp();
        }
    }
    let logarithms: Vec<f32> = sums.iter().zip(&most).map(|(sum, most)| sum.ln() + most).collect();
    for row in values.chunks_mut(batch) {
        row.iter_mut().zip(&logarithms).for_each(|(value, logarithm)| *value = (*value - logarithm).exp());
    }
    logarithms
}

/// The class with the highest logit, for every picture of `[classes, picture]`.
#[must_use]
pub fn best(logits: &[f32], batch: usize) -> Vec<usize> {
    let batch = batch.max(1);
    (0..batch)
        .map(|picture| {
            let column = logits.iter().skip(picture).step_by(batch).enumerate();
            // The first of equals.
            column.max_by(|a, b| a.1.total_cmp(b.1).then(b.0.cmp(&a.0))).map_or(0, |(class, _)| class)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_loss_and_its_gradient_are_those_of_the_formula() {
        // Two pictures, three classes; by hand: -log of the softmax.
        let logits = [1.0, 0.0, 2.0, 0.0, 3.0, 0.0];
        let targets = Targets::of_labels(&[2, 0], 3, 0.0);
        let loss = cross_entropy(&logits, &targets);
        let first = -(3.0_f32 - (1.0_f32.exp() + 2.0_f32.exp() + 3.0_f32.exp()).ln());
        let second = 3.0_f32.ln();
        assert!((loss.value - (first + second) / 2.0).abs() < 1e-6, "{}", loss.value);
        for index in 0..6 {
            let (mut up, mut down) = (logits, logits);
            up[index] += 1e-2;
            down[index] -= 1e-2;
            let slope = (cross_entropy(&up, &targets).value - cross_entropy(&down, &targets).value) / 2e-2;
            assert!((slope - loss.gradient[index]).abs() < 1e-4, "{index}: {slope} {}", loss.gradient[index]);
        }
        assert_eq!(best(&logits, 2), [2, 0]);
    }

    #[test]
    fn smoothed_labels_and_a_teachers_words_are_probabilities() {
        let sum = |targets: &Targets, picture: usize| -> f32 {
            targets.values.iter().skip(picture).step_by(targets.batch).sum()
        };
        let smooth = Targets::of_labels(&[1, 0], 4, 0.2);
        assert!((smooth.values[2] - 0.85).abs() < 1e-6 && (smooth.values[0] - 0.05).abs() < 1e-6);
        let taught = Targets::of_logits(&[1000.0, -3.0, 0.0, 4.0], 2);
        for targets in [smooth, taught] {
            assert!((sum(&targets, 0) - 1.0).abs() < 1e-5 && (sum(&targets, 1) - 1.0).abs() < 1e-5);
        }
    }
}
