//! What is said of a change after it was tried.

use shufflescope_engine::measure::Difference;

use super::trial::Tried;
use crate::window::format;

/// What came of trying a change: the measured ratio with its 95 % interval, and the verdict.
#[must_use]
pub fn said_of(tried: &Tried) -> String {
    match &tried.measured {
        Ok(comparison) => {
            let ratio = &comparison.ratio;
            let verdict = match comparison.verdict {
                Difference::Faster => "faster",
                Difference::Slower => "slower",
                Difference::Same => "the same",
                Difference::Undecided => "undecided",
            };
            format!("measured {}: {verdict}", format::ratio(ratio.ratio, ratio.low, ratio.high))
        }
        Err(reason) => format!("not measured: {reason}"),
    }
}
