//! A calmer answer for a moving picture: probabilities averaged over the last moments.

use super::{Classification, ClassifierId};
use crate::units::Nanos;

/// An exponential average of probabilities over time.
///
/// Its weight depends on the time between two pictures and not on their number, so that the answer is as calm at 5 frames
/// per second as at 60: what is `time_constant` old counts 1/e of what is new.
#[derive(Clone, Debug)]
pub struct Smoothing {
    time_constant: Option<Nanos>,
    state: Option<State>,
}

#[derive(Clone, Debug)]
struct State {
    classifier: ClassifierId,
    at: Nanos,
    probabilities: Vec<f32>,
}

impl Smoothing {
    /// Averages over about this long; `None` or zero passes every answer on as it is.
    #[must_use]
    pub const fn new(time_constant: Option<Nanos>) -> Self {
        Self { time_constant, state: None }
    }

    /// How long it averages over.
    #[must_use]
    pub const fn time_constant(&self) -> Option<Nanos> {
        self.time_constant
    }

    /// Averages over another time from now on, keeping what there is.
    pub const fn set_time_constant(&mut self, time_constant: Option<Nanos>) {
        self.time_constant = time_constant;
    }

    /// Forgets everything, as for another source of pictures.
    pub fn reset(&mut self) {
        self.state = None;
    }

    /// The average with the answer for the picture of time `at` in it. The answer of another classifier starts anew.
    pub fn update(&mut self, answer: &Classification, at: Nanos) -> &[f32] {
        let state = match self.state.take() {
            Some(mut state)
                if state.classifier == answer.classifier && state.probabilities.len() == answer.probabilities.len() =>
            {
                let share = self.share_of_new(at.since(state.at));
                for (average, new) in state.probabilities.iter_mut().zip(&answer.probabilities) {
                    // Not `average + share * (new - average)`, which need not be `new` at a share of 1.
                    *average = (1.0 - share) * *average + share * new;
                }
                State { at: at.max(state.at), ..state }
            }
            _ => State { classifier: answer.classifier, at, probabilities: answer.probabilities.clone() },
        };
        &self.state.insert(state).probabilities
    }

    /// How much of the new answer enters the average, from 0 to 1.
    fn share_of_new(&self, elapsed: Nanos) -> f32 {
        match self.time_constant {
            Some(constant) if constant > Nanos::ZERO => -(-elapsed.as_f64() / constant.as_f64()).exp_m1() as f32,
            _ => 1.0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::classify::StageTimes;

    const TENTH: u64 = 100;

    fn answer(classifier: ClassifierId, probabilities: &[f32]) -> Classification {
        Classification {
            classifier,
            logits: vec![],
            probabilities: probabilities.to_vec(),
            times: StageTimes::default(),
        }
    }

    fn second() -> Smoothing {
        Smoothing::new(Some(Nanos::from_secs(1)))
    }

    #[test]
    fn after_a_time_constant_the_old_answer_counts_one_over_e_at_any_frame_rate() {
        let id = ClassifierId::next();
        for frames in [1, 10, 100] {
            let mut smoothing = second();
            smoothing.update(&answer(id, &[1.0, 0.0]), Nanos::ZERO);
            for frame in 1..=frames {
                smoothing.update(&answer(id, &[0.0, 1.0]), Nanos::from_millis(1000 * frame / frames));
            }
            let state = smoothing.update(&answer(id, &[0.0, 1.0]), Nanos::from_secs(1)).to_vec();
            assert!((state[0] - (-1.0_f32).exp()).abs() < 1e-5, "{frames} frames: {state:?}");
            assert!((state[0] + state[1] - 1.0).abs() < 1e-5);
        }
    }

    #[test]
    fn turned_off_it_passes_every_answer_on() {
        let id = ClassifierId::next();
        for mut smoothing in [Smoothing::new(None), Smoothing::new(Some(Nanos::ZERO))] {
            smoothing.update(&answer(id, &[1.0, 0.0]), Nanos::ZERO);
            assert_eq!(smoothing.update(&answer(id, &[0.25, 0.75]), Nanos::from_millis(TENTH)), [0.25, 0.75]);
        }
    }

    #[test]
    fn another_classifier_and_a_reset_start_anew() {
        let mut smoothing = second();
        let id = ClassifierId::next();
        smoothing.update(&answer(id, &[1.0, 0.0]), Nanos::ZERO);
        let other = ClassifierId::next();
        assert_eq!(smoothing.update(&answer(other, &[0.0, 1.0]), Nanos::from_millis(TENTH)), [0.0, 1.0]);
        assert_eq!(smoothing.update(&answer(other, &[0.0, 0.5, 0.5]), Nanos::from_millis(TENTH)), [0.0, 0.5, 0.5]);
        smoothing.reset();
        assert_eq!(smoothing.update(&answer(other, &[1.0, 0.0, 0.0]), Nanos::from_millis(TENTH)), [1.0, 0.0, 0.0]);
    }

    #[test]
    fn a_clock_that_goes_back_changes_nothing() {
        let mut smoothing = second();
        let id = ClassifierId::next();
        smoothing.update(&answer(id, &[1.0, 0.0]), Nanos::from_secs(5));
        assert_eq!(smoothing.update(&answer(id, &[0.0, 1.0]), Nanos::from_secs(4)), [1.0, 0.0]);
    }
}
