//! From the axes of a sweep to its points: edited designs with their options, or the reason why there is none.

use serde::{Deserialize, Serialize};

use super::SweepError;
use crate::design::{Batch, BlockEdit, Design, Edit, limits};
use crate::measure::MeasureKey;
use crate::runtime::RunOptions;

/// Most combinations of one sweep.
const MOST_POINTS: usize = 10_000;

/// Most threads of one point.
const MOST_THREADS: usize = 1_024;

/// The axes; an empty one leaves the design or the options as they are.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Sweep {
    /// Widths of the design's family.
    pub widths: Vec<f64>,
    /// Groups of the 1x1 convolutions of every stage.
    pub groups: Vec<u32>,
    /// Images per run.
    pub batches: Vec<u32>,
    /// CPU threads.
    pub threads: Vec<usize>,
}

/// One value of each axis; `None` where the axis is empty.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Combination {
    /// The width.
    pub width: Option<f64>,
    /// The groups.
    pub groups: Option<u32>,
    /// Images per run.
    pub batch: u32,
    /// CPU threads.
    pub threads: usize,
}

/// Something to measure.
#[derive(Clone, Debug, PartialEq)]
pub struct Point {
    /// Where it stands on the axes.
    pub at: Combination,
    /// The edited design.
    pub design: Design,
    /// How to run it.
    pub options: RunOptions,
}

/// A combination that cannot be.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Skipped {
    /// Where it stands on the axes.
    pub at: Combination,
    /// What is wrong with it and what would be right.
    pub reason: String,
}

/// All combinations of a sweep.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Points {
    /// Those that can be measured, thread counts together (each needs a process of its own), then widths rising.
    pub points: Vec<Point>,
    /// Those that cannot.
    pub skipped: Vec<Skipped>,
}

impl Sweep {
    /// Every combination with `base` edited accordingly: first the width, then the groups. Channels are the family's
    /// for that width and never moved to fit the groups: a combination that does not divide is skipped with the reason.
    ///
    /// # Errors
    /// Where there are more than 10,000 combinations.
    pub fn points(&self, base: &Design, options: &RunOptions) -> Result<Points, SweepError> {
        let axes = [self.widths.len(), self.groups.len(), self.batches.len(), self.threads.len()];
        let points = axes.iter().fold(1_usize, |product, &length| product.saturating_mul(length.max(1)));
        if points > MOST_POINTS {
            return Err(SweepError::TooMany { points, most: MOST_POINTS });
        }
        let or_none = |values: &[f64]| or_default(values, None, Some);
        let mut all = Points::default();
        for threads in or_default(&self.threads, options.threads, |threads| threads) {
            for width in or_none(&self.widths) {
                for groups in or_default(&self.groups, None, Some) {
                    for batch in or_default(&self.batches, options.batch, |batch| batch) {
                        let at = Combination { width, groups, batch, threads };
                        match at.apply(base, options) {
                            Ok(point) => all.points.push(point),
                            Err(reason) => all.skipped.push(Skipped { at, reason }),
                        }
                    }
                }
            }
        }
        Ok(all)
    }
}

/// The values of an axis, or the one that stands for an empty one.
fn or_default<T: Copy, U>(values: &[T], default: U, of: impl Fn(T) -> U) -> Vec<U> {
    if values.is_empty() { vec![default] } else { values.iter().map(|&value| of(value)).collect() }
}

impl Combination {
    fn apply(&self, base: &Design, options: &RunOptions) -> Result<Point, String> {
        if !(1..=MOST_THREADS).contains(&self.threads) {
            return Err(format!("{} threads: must be from 1 to {MOST_THREADS}", self.threads));
        }
        let mut design = base.clone();
        if let Some(width) = self.width {
            let allowed = design.family.widths();
            if !allowed.contains(&width) {
                return Err(format!("width {width}: this family has {} to {}", allowed.start(), allowed.end()));
            }
            design = design.at_width(width).ok_or_else(|| {
                format!("width {width}: the channels of `{}` follow no table, so it has no widths", base.name)
            })?;
        }
        if let Some(groups) = self.groups {
            design = design.apply(&Edit::Blocks(BlockEdit::Groups(groups)));
        }
        if let Some(label) = self.label() {
            design.name = format!("{}{label}", base.name).chars().take(200).collect();
        }
        if !limits::BATCH.contains(&self.batch) {
            return Err(format!(
                "batch {}: must be from {} to {}",
                self.batch,
                limits::BATCH.start(),
                limits::BATCH.end()
            ));
        }
        design
            .check_with(Batch(self.batch))
            .map_err(|errors| errors.errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))?;
        let options = RunOptions { batch: self.batch, threads: self.threads, ..options.clone() };
        Ok(Point { at: *self, design, options })
    }

    /// What was edited, behind the design's name.
    fn label(&self) -> Option<String> {
        let width = self.width.map(|width| format!(" width {width}"));
        let groups = self.groups.map(|groups| format!(" g{groups}"));
        let label: String = [width, groups].into_iter().flatten().collect();
        (!label.is_empty()).then_some(label)
    }
}

/// The name under which a result is kept: what runs, how, and by which protocol. Equal for equal keys in every run of
/// this version, whatever the design is called.
#[must_use]
pub fn run_key(key: &MeasureKey) -> String {
    let MeasureKey { design, options, protocol } = key;
    // `Debug` spells out every number of the protocol.
    let numbers = crate::design::fnv1a_64(format!("{protocol:?}").as_bytes());
    format!("{design} {} {}-{numbers:016x}", options.key(), protocol.mode)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::device::{DeviceId, Precision};
    use crate::measure::Protocol;
    use crate::zoo::preset;

    fn options() -> RunOptions {
        RunOptions::new(DeviceId::Cpu, 2, 1)
    }

    fn points(design: &str, sweep: &Sweep) -> Points {
        sweep.points(&preset(design).unwrap(), &options()).unwrap()
    }

    #[test]
    fn every_combination_is_a_point_and_an_empty_axis_changes_nothing() {
        let sweep = Sweep { widths: vec![0.5, 1.0, 2.0], batches: vec![1, 8], threads: vec![1, 2], ..Sweep::default() };
        let all = points("shufflenet-v2-x1.0", &sweep);
        assert_eq!((all.points.len(), all.skipped.len()), (12, 0));
        let threads: Vec<usize> = all.points.iter().map(|point| point.options.threads).collect();
        assert!(threads.is_sorted(), "points of one thread count share a process");
        let wide = &all.points[4];
        assert_eq!((wide.at.width, wide.options.batch), (Some(2.0), 1));
        assert_eq!(wide.design.stages[0].channels, 244);
        assert_eq!(wide.design.name, "shufflenet-v2-x1.0 width 2");

        let alone = points("shufflenet-v2-x1.0", &Sweep::default());
        let [point] = alone.points.as_slice() else { panic!("{alone:?}") };
        assert_eq!((&point.design, &point.options), (&preset("shufflenet-v2-x1.0").unwrap(), &options()));
    }

    #[test]
    fn combinations_that_cannot_be_are_skipped_with_the_reason() {
        let sweep = Sweep { widths: vec![0.01, 1.0], groups: vec![1, 4, 5], ..Sweep::default() };
        let all = points("shufflenet-v2-x1.0", &sweep);
        // 116 / 2 channels do not divide into 4 groups; 5 is no choice; no family has width 0.01.
        assert_eq!(all.points.len(), 1);
        let reasons: Vec<&str> = all.skipped.iter().map(|skipped| skipped.reason.as_str()).collect();
        assert_eq!(reasons.len(), 5);
        assert!(reasons[0].contains("this family has 0.25 to 2.5"), "{reasons:?}");
        assert!(reasons[3].contains("do not divide into 4 groups"), "{reasons:?}");
        assert!(reasons[4].contains("must be one of 1, 2, 3, 4, 8"), "{reasons:?}");
    }

    #[test]
    fn shufflenet_v1_takes_the_channels_that_its_table_has_for_the_groups() {
        let sweep = Sweep { widths: vec![1.0], groups: vec![1, 3, 8], ..Sweep::default() };
        let all = points("shufflenet-v1-g3-x1.0", &sweep);
        let channels: Vec<u32> = all.points.iter().map(|point| point.design.stages[0].channels).collect();
        assert_eq!(channels, [144, 240, 384], "{:?}", all.skipped);
    }

    #[test]
    fn a_design_without_a_table_has_no_widths_and_silly_options_are_refused() {
        let custom = Design { family: crate::design::Family::Custom, ..preset("shufflenet-v2-x1.0").unwrap() };
        let sweep = Sweep { widths: vec![1.5], ..Sweep::default() };
        let all = sweep.points(&custom, &options()).unwrap();
        assert!(all.points.is_empty() && all.skipped[0].reason.contains("follow no table"), "{all:?}");
        let sweep = Sweep { batches: vec![0, 1], threads: vec![0, 1], ..Sweep::default() };
        let all = points("shufflenet-v2-x1.0", &sweep);
        assert_eq!((all.points.len(), all.skipped.len()), (1, 3));
    }

    #[test]
    fn a_sweep_without_end_is_refused_before_anything_is_made() {
        let sweep = Sweep { widths: vec![1.0; 1000], batches: vec![1; 1000], ..Sweep::default() };
        let error = sweep.points(&preset("shufflenet-v2-x1.0").unwrap(), &options()).unwrap_err();
        assert_eq!(error, SweepError::TooMany { points: 1_000_000, most: 10_000 });
    }

    #[test]
    fn a_key_is_stable_and_tells_runs_apart() {
        let sweep = Sweep { widths: vec![0.5, 1.0], batches: vec![1, 8], threads: vec![1, 2], ..Sweep::default() };
        let all = points("shufflenet-v2-x1.0", &sweep).points;
        let key = |point: &Point, protocol| {
            run_key(&MeasureKey { design: point.design.fingerprint(), options: point.options.clone(), protocol })
        };
        let mut keys: Vec<String> = all.iter().map(|point| key(point, Protocol::live())).collect();
        keys.extend(all.iter().map(|point| key(point, Protocol::rigorous())));
        let mut unique = keys.clone();
        unique.sort_unstable();
        unique.dedup();
        assert_eq!((unique.len(), keys.len()), (16, 16));
        assert!(keys[0].contains(" cpu tuned t1 b1 live-"), "{}", keys[0]);
        let renamed = Point { design: all[0].design.apply(&Edit::Rename("other".into())), ..all[0].clone() };
        assert_eq!(key(&renamed, Protocol::live()), keys[0]);
        let mut half = all[0].clone();
        (half.options.device, half.options.precision) = (DeviceId::Gpu(0), Precision::F16);
        assert!(key(&half, Protocol::live()).contains(" gpu:0 tuned f16 t1 b1 live-"));
    }
}
