//! Whether what an experiment claims holds on this device: from intervals, never from single numbers.

use serde::{Deserialize, Serialize};

use super::Claim;
use crate::measure::{Comparison, Difference, RatioInterval};

/// Whether a claim holds on this device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// Every row shows it.
    Holds,
    /// A row shows the opposite, or all rows show that there is no difference of 1 %.
    DoesNotHold,
    /// Neither.
    Undecided,
}

/// What one row says about the claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Evidence {
    /// The interval clears the margin in the claimed direction.
    For,
    /// The interval clears the margin in the other direction.
    Against,
    /// The interval lies within 1 %: no difference.
    None,
    /// None of these, or there are too few rounds or sittings.
    Open,
}

impl Verdict {
    /// The words shown.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Holds => "holds",
            Self::DoesNotHold => "does not hold",
            Self::Undecided => "undecided",
        }
    }

    /// The verdict of a column from its rows, the first one left out.
    #[must_use]
    pub fn of_rows(rows: &[Evidence]) -> Self {
        let all = |evidence| !rows.is_empty() && rows.iter().all(|&row| row == evidence);
        if rows.contains(&Evidence::Against) || all(Evidence::None) {
            Self::DoesNotHold
        } else if all(Evidence::For) {
            Self::Holds
        } else {
            Self::Undecided
        }
    }

    /// The verdict of an experiment from its columns: what all of them say, otherwise undecided.
    #[must_use]
    pub fn of_columns(columns: &[Self]) -> Self {
        match columns.first() {
            Some(&first) if columns.iter().all(|&column| column == first) => first,
            _ => Self::Undecided,
        }
    }

    /// The rule, in words.
    #[must_use]
    pub const fn rule(claim: Claim) -> &'static str {
        match claim {
            Claim::FirstIsFastest => {
                "A column holds if every row is slower than the first, counted per mult-add (the paper's channels are \
                 rounded): the whole interval of its rate, relative to the first row's, lies below the margin. It does \
                 not hold if any row is faster by the same measure, or if all lie within 1 %. Otherwise it is \
                 undecided. The margin is 1 %, or the noise floor where that is larger. The experiment's verdict is \
                 what all its columns say; where they disagree it is undecided."
            }
            Claim::FirstIsSlowest => {
                "A column holds if every row is faster than the first, counted per mult-add: the whole interval of its \
                 rate, relative to the first row's, lies above the margin. It does not hold if any row is slower by \
                 the same measure, or if all lie within 1 %. Otherwise it is undecided. The margin is 1 %, or \
                 the noise floor where that is larger. The experiment's verdict is what all its columns say; where \
                 they disagree it is undecided."
            }
        }
    }
}

impl std::fmt::Display for Verdict {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.name())
    }
}

impl Evidence {
    /// What a row says: `per_mult_add` is the interval of its rate per mult-add relative to the first row's.
    #[must_use]
    pub fn of(claim: Claim, comparison: &Comparison, per_mult_add: &RatioInterval) -> Self {
        match (claim, comparison.verdict_on(&per_mult_add.inverse())) {
            (_, Difference::Same) => Self::None,
            (_, Difference::Undecided) => Self::Open,
            (Claim::FirstIsFastest, Difference::Slower) | (Claim::FirstIsSlowest, Difference::Faster) => Self::For,
            (Claim::FirstIsFastest, Difference::Faster) | (Claim::FirstIsSlowest, Difference::Slower) => Self::Against,
        }
    }

    /// The words shown.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::For => "as claimed",
            Self::Against => "opposite",
            Self::None => "no difference",
            Self::Open => "open",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn evidence(claim: Claim, low: f64, high: f64, rounds: usize) -> Evidence {
        of_sittings(claim, low, high, (rounds, 5), 0.01)
    }

    fn of_sittings(claim: Claim, low: f64, high: f64, (rounds, sittings): (usize, usize), margin: f64) -> Evidence {
        let (ratio, verdict) = (RatioInterval { ratio: f64::midpoint(low, high), low, high }, Difference::Undecided);
        let comparison = Comparison { ratio: ratio.inverse(), verdict, margin, rounds, sittings, processes: 1 };
        Evidence::of(claim, &comparison, &ratio)
    }

    #[test]
    fn a_row_speaks_only_where_its_whole_interval_clears_the_margin() {
        let fastest = |low, high| evidence(Claim::FirstIsFastest, low, high, 30);
        assert_eq!(fastest(0.90, 0.98), Evidence::For);
        assert_eq!(fastest(0.90, 0.995), Evidence::Open);
        assert_eq!(fastest(0.995, 1.005), Evidence::None);
        assert_eq!(fastest(1.02, 1.04), Evidence::Against);
        let slowest = |low, high| evidence(Claim::FirstIsSlowest, low, high, 30);
        assert_eq!(slowest(1.02, 1.2), Evidence::For);
        assert_eq!(slowest(0.90, 0.98), Evidence::Against);
        assert_eq!(evidence(Claim::FirstIsFastest, 0.5, 0.6, 29), Evidence::Open, "too few rounds");
        let one_sitting = of_sittings(Claim::FirstIsFastest, 0.5, 0.6, (90, 1), 0.01);
        assert_eq!(one_sitting, Evidence::Open, "another sitting could differ by anything");
        let noisy = |low, high| of_sittings(Claim::FirstIsFastest, low, high, (90, 5), 0.05);
        assert_eq!(noisy(0.97, 1.03), Evidence::Open, "a noisy machine cannot show that there is no difference");
        assert_eq!([noisy(0.91, 0.94), noisy(0.91, 0.96)], [Evidence::For, Evidence::Open]);
    }

    #[test]
    fn one_row_that_shows_the_opposite_is_enough_and_one_open_row_leaves_it_open() {
        use Evidence::{Against, For, Open};
        assert_eq!(Verdict::of_rows(&[For, For]), Verdict::Holds);
        assert_eq!(Verdict::of_rows(&[For, Against]), Verdict::DoesNotHold);
        assert_eq!(Verdict::of_rows(&[For, Open]), Verdict::Undecided);
        assert_eq!(Verdict::of_rows(&[Evidence::None, For]), Verdict::Undecided);
        assert_eq!(Verdict::of_rows(&[Evidence::None, Evidence::None]), Verdict::DoesNotHold);
        assert_eq!(Verdict::of_rows(&[]), Verdict::Undecided);
    }

    #[test]
    fn columns_that_disagree_leave_the_experiment_undecided() {
        use Verdict::{DoesNotHold, Holds, Undecided};
        assert_eq!(Verdict::of_columns(&[Holds, Holds]), Holds);
        assert_eq!(Verdict::of_columns(&[Holds, DoesNotHold]), Undecided);
        assert_eq!(Verdict::of_columns(&[DoesNotHold]), DoesNotHold);
        assert_eq!(Verdict::of_columns(&[]), Undecided);
    }
}
