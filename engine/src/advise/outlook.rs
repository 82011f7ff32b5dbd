//! Whether a change makes a design faster on a target.

use std::fmt;

use serde::Serialize;

use crate::predict::Ratio;

/// A change of less than this is none that anybody would make.
const WORTH: f64 = 0.005;

/// What the predicted change of latency promises. A guideline is a rule of thumb: on some devices its remedy buys nothing,
/// and that has to be said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outlook {
    /// Faster, by the whole of the band.
    Helps,
    /// Faster in the middle of the band, and not at its upper end.
    MayHelp,
    /// Not faster, or by less than half a percent.
    DoesNotHelp,
}

impl Outlook {
    /// What this change of latency promises.
    #[must_use]
    pub fn of(Ratio { ratio, low: _, high }: Ratio) -> Self {
        match ratio {
            _ if high < 1.0 => Self::Helps,
            ratio if ratio > 1.0 - WORTH => Self::DoesNotHelp,
            _ => Self::MayHelp,
        }
    }
}

impl fmt::Display for Outlook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Helps => "helps here",
            Self::MayHelp => "may help here",
            Self::DoesNotHelp => "does not help here",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_faster_does_not_help_and_what_may_be_slower_only_may() {
        for (ratio, low, high, outlook) in [
            (0.88, 0.86, 0.90, Outlook::Helps),
            (0.997, 0.996, 0.998, Outlook::Helps),
            (0.97, 0.93, 1.01, Outlook::MayHelp),
            (0.997, 0.99, 1.004, Outlook::DoesNotHelp),
            (1.004, 0.994, 1.015, Outlook::DoesNotHelp),
            (1.2, 1.1, 1.3, Outlook::DoesNotHelp),
        ] {
            assert_eq!(Outlook::of(Ratio { ratio, low, high }), outlook, "{ratio}");
        }
    }
}
