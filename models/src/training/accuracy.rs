//! How many of the held-out pictures a network tells right, and between which shares the truth lies.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};
use thiserror::Error;

/// The normal distribution's quantile for an interval that holds the truth 95 times in 100.
const QUANTILE: f64 = 1.959_963_984_540_054;

/// Which pictures an accuracy is of: without them it says nothing.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub struct DataName {
    /// What a person calls the data.
    pub name: String,
    /// All of its pictures, trained on and held out.
    pub pictures: u64,
}

impl fmt::Display for DataName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plural = if self.pictures == 1 { "" } else { "s" };
        write!(f, "`{}` ({} picture{plural})", self.name, self.pictures)
    }
}

/// A measured accuracy: pictures told right among those that were not trained on.
///
/// The interval is Wilson's at 95 %, which is right also for few pictures and for shares near 0 and 1.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Accuracy {
    /// Held-out pictures that were told right.
    correct: u64,
    /// Held-out pictures.
    held_out: u64,
    /// The lower end of the 95 % interval, from 0 to 1.
    low: f64,
    /// The upper end of the 95 % interval, from 0 to 1.
    high: f64,
    /// The pictures.
    data: DataName,
}

/// What an accuracy is computed from: an interval in a file that does not follow from it is not believed.
#[derive(Deserialize, JsonSchema)]
struct Counts {
    correct: u64,
    held_out: u64,
    data: DataName,
}

/// Counts that are no accuracy.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum AccuracyError {
    /// There is nothing to be right about.
    #[error("no picture was held out, so there is no accuracy")]
    NothingHeldOut,
    /// More right answers than questions.
    #[error("{correct} of {held_out} held-out pictures cannot have been told right")]
    MoreThanAll {
        /// Right ones.
        correct: u64,
        /// All of them.
        held_out: u64,
    },
}

impl Accuracy {
    /// `correct` of `held_out` pictures of the data.
    ///
    /// # Errors
    /// Where nothing was held out, or more was right than there was.
    pub fn new(correct: u64, held_out: u64, data: DataName) -> Result<Self, AccuracyError> {
        if held_out == 0 {
            return Err(AccuracyError::NothingHeldOut);
        }
        if correct > held_out {
            return Err(AccuracyError::MoreThanAll { correct, held_out });
        }
        let (low, high) = wilson(correct, held_out);
        Ok(Self { correct, held_out, low, high, data })
    }

    /// Held-out pictures that were told right.
    #[must_use]
    pub const fn correct(&self) -> u64 {
        self.correct
    }

    /// Held-out pictures.
    #[must_use]
    pub const fn held_out(&self) -> u64 {
        self.held_out
    }

    /// The share that was told right, from 0 to 1.
    #[must_use]
    pub fn share(&self) -> f64 {
        self.correct as f64 / self.held_out as f64
    }

    /// The lower end of the 95 % interval, from 0 to 1.
    #[must_use]
    pub const fn low(&self) -> f64 {
        self.low
    }

    /// The upper end of the 95 % interval, from 0 to 1.
    #[must_use]
    pub const fn high(&self) -> f64 {
        self.high
    }

    /// The pictures.
    #[must_use]
    pub const fn data(&self) -> &DataName {
        &self.data
    }

    /// With the data that it is of: `93 % [86, 97] on 100 held-out pictures of `desk` (412 pictures)`.
    #[must_use]
    pub fn in_full(&self) -> String {
        let plural = if self.held_out == 1 { "" } else { "s" };
        format!("{self} on {} held-out picture{plural} of {}", self.held_out, self.data)
    }
}

impl fmt::Display for Accuracy {
    /// `93 % [86, 97]`. Only all is 100 %, and only none is 0 %.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let whole = match (self.correct, self.held_out) {
            (0, _) => 0.0,
            (correct, held_out) if correct == held_out => 100.0,
            _ => (100.0 * self.share()).round().clamp(1.0, 99.0),
        };
        write!(f, "{whole:.0} % [{:.0}, {:.0}]", 100.0 * self.low, 100.0 * self.high)
    }
}

impl<'de> Deserialize<'de> for Accuracy {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let Counts { correct, held_out, data } = Counts::deserialize(from)?;
        Self::new(correct, held_out, data).map_err(serde::de::Error::custom)
    }
}

/// Wilson's score interval (1927) at 95 %.
fn wilson(correct: u64, all: u64) -> (f64, f64) {
    let (n, z) = (all as f64, QUANTILE);
    let share = correct as f64 / n;
    let centre = share + z * z / (2.0 * n);
    let reach = z * (share * (1.0 - share) / n + z * z / (4.0 * n * n)).sqrt();
    let scale = 1.0 + z * z / n;
    // Exactly 0 and 1 at the ends, where rounding would leave a trace of something else.
    let low = if correct == 0 { 0.0 } else { ((centre - reach) / scale).clamp(0.0, share) };
    let high = if correct == all { 1.0 } else { ((centre + reach) / scale).clamp(share, 1.0) };
    (low, high)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn desk(correct: u64, held_out: u64) -> Accuracy {
        Accuracy::new(correct, held_out, DataName { name: "desk".into(), pictures: 412 }).unwrap()
    }

    #[test]
    fn the_interval_is_wilsons() {
        // What R's prop.test(x, n, correct = FALSE) computes, by the same formula in Python's doubles.
        for (correct, all, low, high) in
            [(93, 100, 0.862_504_9, 0.965_680_7), (1, 10, 0.017_876_2, 0.404_150_0), (5, 10, 0.236_593_1, 0.763_406_9)]
        {
            let accuracy = desk(correct, all);
            assert!((accuracy.low() - low).abs() < 1e-6, "{correct} of {all}: {}", accuracy.low());
            assert!((accuracy.high() - high).abs() < 1e-6, "{correct} of {all}: {}", accuracy.high());
        }
        assert_eq!((desk(0, 7).low(), desk(7, 7).high()), (0.0, 1.0));
        assert!(desk(0, 7).high() < 0.4 && desk(7, 7).low() > 0.6);
    }

    #[test]
    fn it_is_said_as_people_read_it_and_never_rounded_to_all_or_nothing() {
        assert_eq!(desk(93, 100).to_string(), "93 % [86, 97]");
        assert_eq!(desk(100, 100).to_string(), "100 % [96, 100]");
        assert_eq!(desk(999, 1000).to_string(), "99 % [99, 100]");
        assert_eq!(desk(1, 1000).to_string(), "1 % [0, 1]");
        assert_eq!(desk(93, 100).in_full(), "93 % [86, 97] on 100 held-out pictures of `desk` (412 pictures)");
    }

    #[test]
    fn what_is_no_accuracy_is_refused_also_from_a_file_and_a_wrong_interval_is_not_believed() {
        let data = || DataName { name: "desk".into(), pictures: 9 };
        assert_eq!(Accuracy::new(0, 0, data()), Err(AccuracyError::NothingHeldOut));
        assert_eq!(Accuracy::new(3, 2, data()), Err(AccuracyError::MoreThanAll { correct: 3, held_out: 2 }));
        let text = serde_json::to_string(&desk(9, 10)).unwrap();
        assert_eq!(serde_json::from_str::<Accuracy>(&text).unwrap(), desk(9, 10));
        let boasting = text.replace(&format!("{}", desk(9, 10).low()), "0.899");
        assert_ne!(boasting, text);
        assert_eq!(serde_json::from_str::<Accuracy>(&boasting).unwrap(), desk(9, 10));
        assert!(serde_json::from_str::<Accuracy>(&text.replace("\"held_out\":10", "\"held_out\":0")).is_err());
    }
}
