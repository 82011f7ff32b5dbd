//! How the latency of a design grows with the channels of one stage, and the channels that cost nothing.
//!
//! Some targets compute channels in tiles: up to the end of a tile more of them take as long. Whether this one does is
//! never assumed: only the kernels that were measured on it say so, and where the very kernels of a number of channels
//! were not among them, what is said of it is called predicted.

use std::ops::RangeInclusive;

use serde::Serialize;

use super::look::{Look, Target};
use crate::design::{Design, Edit, StageEdit};
use crate::graph::LoweringError;
use crate::predict::{Predictor, Ratio};
use crate::runtime::RunOptions;
use crate::units::Nanos;

/// Numbers of channels looked at, from half of what the stage has to one and a half times that: in steps of four, of
/// eight where that would be more than this, and so on.
const MOST: u32 = 64;
const STEP: u32 = 4;

/// What free channels cost at most: of the latency, and of what they add to the mult-adds. At the upper end of the band
/// it may be twice that share.
const FREE: f64 = 0.01;
const FREE_SHARE: f64 = 0.25;

/// Free channels add at least this much to the mult-adds; less is not worth a word.
const WORTH: f64 = 0.005;

/// Share of the time of the kernels that change which has to be in measured ones.
const MEASURED: f64 = 0.999;

/// The latency of a design over the channels of one of its stages.
#[derive(Clone, Debug, PartialEq)]
pub struct Staircase {
    /// Index of the stage.
    pub stage: usize,
    /// What the stage has now.
    pub channels: u32,
    /// By channels, what it has now among them.
    pub treads: Vec<Tread>,
}

/// The design with so many channels in the stage.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tread {
    /// Channels of the stage.
    pub channels: u32,
    /// The predicted latency of the whole design.
    pub predicted: Nanos,
    /// Over the latency of the design as it is.
    pub ratio: Ratio,
    /// Multiply-accumulates of the whole design.
    pub mult_adds: u64,
    /// Whether the kernels in which it differs from the design as it is were all measured on the target, of both.
    pub is_measured: bool,
}

/// Channels that a stage could have in the same time. Its JSON form is a contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct FreeChannels {
    /// Index of the stage.
    pub stage: usize,
    /// What it has now.
    pub from: u32,
    /// What it could have.
    pub to: u32,
    /// Whether the kernels of both were measured on the target; otherwise that is predicted from others.
    #[serde(rename = "measured")]
    pub is_measured: bool,
}

impl FreeChannels {
    /// The edit that takes them.
    #[must_use]
    pub const fn edit(&self) -> Edit {
        channels(self.stage, self.to)
    }

    /// `stage3: 232 to 256 channels`
    #[must_use]
    pub fn about(&self) -> String {
        format!("{}: {} to {} channels", Design::stage_name(self.stage), self.from, self.to)
    }

    /// How that is known: `measured`, `predicted`.
    #[must_use]
    pub const fn source(&self) -> &'static str {
        if self.is_measured { "measured" } else { "predicted" }
    }
}

impl Staircase {
    /// Of this stage of `design` on the target that `predictor` knows; `None` where there is no such stage, or the device
    /// plans nothing beforehand.
    ///
    /// # Errors
    /// Where the design itself breaks a rule.
    pub fn of(
        design: &Design,
        stage: usize,
        predictor: &Predictor,
        options: &RunOptions,
    ) -> Result<Option<Self>, LoweringError> {
        let target = Target { predictor, options };
        let now = target.look(design)?;
        Ok(now.and_then(|now| Self::beside(design, stage, &now, target)))
    }

    pub(super) fn beside(design: &Design, stage: usize, now: &Look, target: Target<'_>) -> Option<Self> {
        let present = design.stages.get(stage)?.channels;
        let treads = numbers(present).into_iter().filter_map(|number| {
            let changed = design.apply(&channels(stage, number));
            // Some numbers break a rule: groups have to divide them.
            let then = changed.check().is_ok().then(|| target.look(&changed).ok().flatten())??;
            Some(Tread {
                channels: number,
                predicted: then.prediction.predicted,
                ratio: then.prediction.over(&now.prediction),
                mult_adds: then.cost.mult_adds.0,
                is_measured: then.prediction.known_of_what_changed(&now.prediction) >= MEASURED
                    && now.prediction.known_of_what_changed(&then.prediction) >= MEASURED,
            })
        });
        Some(Self { stage, channels: present, treads: treads.collect() })
    }

    /// The most channels that cost next to nothing, though they add to the mult-adds.
    #[must_use]
    pub fn free(&self) -> Option<FreeChannels> {
        let at = self.treads.iter().position(|tread| tread.channels == self.channels)?;
        let (now, above) = self.treads.get(at..)?.split_first()?;
        let growth = |tread: &Tread| tread.mult_adds as f64 / now.mult_adds.max(1) as f64 - 1.0;
        let is_free = |tread: &&Tread| {
            let (growth, Ratio { ratio, high, .. }) = (growth(tread), tread.ratio);
            growth >= WORTH && ratio - 1.0 <= FREE_SHARE * growth && high - 1.0 <= 2.0 * FREE_SHARE * growth
        };
        let same = above.iter().take_while(|tread| tread.ratio.ratio - 1.0 <= FREE);
        let last = same.filter(is_free).last()?;
        Some(FreeChannels { stage: self.stage, from: self.channels, to: last.channels, is_measured: last.is_measured })
    }

    /// What a number of channels would take.
    #[must_use]
    pub fn at(&self, channels: u32) -> Option<&Tread> {
        self.treads.iter().find(|tread| tread.channels == channels)
    }

    /// The edit that leads to a tread.
    #[must_use]
    pub const fn edit(&self, channels: u32) -> Edit {
        self::channels(self.stage, channels)
    }
}

const fn channels(stage: usize, channels: u32) -> Edit {
    Edit::Stage { stage, change: StageEdit::Channels(channels) }
}

/// The numbers of channels looked at, `present` among them.
fn numbers(present: u32) -> Vec<u32> {
    let range: RangeInclusive<u32> = present.div_ceil(2).max(1)..=present.saturating_add(present / 2);
    let span = range.end() - range.start();
    let mut step = STEP;
    while span / step > MOST {
        step = step.saturating_mul(2);
    }
    let first = range.start().next_multiple_of(step);
    let mut numbers: Vec<u32> = (first..=*range.end()).step_by(step as usize).chain([present]).collect();
    numbers.sort_unstable();
    numbers.dedup();
    numbers
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_to_one_and_a_half_times_the_channels_are_looked_at_in_steps_and_the_present_number_with_them() {
        let of = numbers(116);
        assert_eq!((of.first(), of.last(), of.len()), (Some(&60), Some(&172), 29));
        assert!(numbers(117).contains(&117) && numbers(117).contains(&116));
        let many = numbers(464);
        assert!(many.contains(&464) && many.windows(2).all(|pair| pair[1] - pair[0] == 8), "{many:?}");
        assert!([1, 2, 8192, u32::MAX].into_iter().all(|present| (1..=67).contains(&numbers(present).len())));
    }
}
