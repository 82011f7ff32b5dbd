//! How large everything is written, as a factor.

use std::ops::RangeInclusive;

/// The factors that can be had.
pub const RANGE: RangeInclusive<f32> = 0.8..=2.0;

/// The usual factor.
const USUAL: f32 = 1.0;

/// Steps in a factor of one.
const STEPS: f32 = 10.0;

/// A change of the size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TextSize {
    /// One step up.
    Larger,
    /// One step down.
    Smaller,
    /// Back to where it began.
    Usual,
}

impl TextSize {
    /// The factor that follows this one, within the range and on a step.
    #[must_use]
    pub fn after(self, now: f32) -> f32 {
        let steps = (now * STEPS).round();
        let steps = match self {
            Self::Larger => steps + 1.0,
            Self::Smaller => steps - 1.0,
            Self::Usual => USUAL * STEPS,
        };
        (steps / STEPS).clamp(*RANGE.start(), *RANGE.end())
    }

    /// Why it would change nothing.
    #[must_use]
    pub fn obstacle(self, now: f32) -> Option<&'static str> {
        if self.after(now) != now {
            return None;
        }
        Some(match self {
            Self::Larger => "The text is as large as it gets",
            Self::Smaller => "The text is as small as it gets",
            Self::Usual => "The text has its usual size",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_stay_within_the_range_and_lead_back() {
        let mut size = 1.0;
        for _ in 0..30 {
            size = TextSize::Larger.after(size);
        }
        assert_eq!(size, 2.0);
        assert!(TextSize::Larger.obstacle(size).is_some() && TextSize::Smaller.obstacle(size).is_none());
        for _ in 0..30 {
            size = TextSize::Smaller.after(size);
        }
        assert_eq!((size, TextSize::Usual.after(size)), (0.8, 1.0));
        assert_eq!(TextSize::Larger.after(1.1), 1.2);
        assert!(TextSize::Usual.obstacle(1.0).is_some());
    }
}
