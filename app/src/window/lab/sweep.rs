//! Sweeps of the present design: axes as a person types them, and the points finished so far.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use shufflescope_engine::design::Design;
use shufflescope_engine::measure::{MeasureKey, Measurement};
use shufflescope_engine::model::Model;
use shufflescope_engine::runtime::RunOptions;
use shufflescope_engine::sweep::{AxisError, Point, PointResult, Skipped, Sweep, parse_counts, parse_numbers, run_key};

use crate::window::bench::{Care, Step, Task, Work};
use crate::worker::Job;

/// The axes as typed; an empty one leaves the design or the options as they are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SweepTexts {
    /// `0.5..2.0:0.5`
    pub widths: String,
    /// `1,2,4`
    pub groups: String,
    /// `1,8`
    pub batches: String,
    /// `1,2`
    pub threads: String,
}

impl Default for SweepTexts {
    fn default() -> Self {
        Self { widths: "0.5..2.0:0.5".into(), groups: String::new(), batches: String::new(), threads: String::new() }
    }
}

impl SweepTexts {
    /// The axes, or what is wrong with widths, groups, batches and threads.
    ///
    /// # Errors
    /// One error for each text that is no axis.
    pub fn parse(&self) -> Result<Sweep, Box<[Option<AxisError>; 4]>> {
        fn axis<T>(text: &str, parse: fn(&str) -> Result<Vec<T>, AxisError>) -> (Vec<T>, Option<AxisError>) {
            match text.trim() {
                "" => (Vec::new(), None),
                text => match parse(text) {
                    Ok(values) => (values, None),
                    Err(error) => (Vec::new(), Some(error)),
                },
            }
        }
        let (widths, wrong_widths) = axis(&self.widths, parse_numbers);
        let (groups, wrong_groups) = axis(&self.groups, parse_counts);
        let (batches, wrong_batches) = axis(&self.batches, parse_counts);
        let (threads, wrong_threads) = axis(&self.threads, parse_counts);
        let wrong = [wrong_widths, wrong_groups, wrong_batches, wrong_threads];
        if wrong.iter().any(Option::is_some) {
            return Err(Box::new(wrong));
        }
        let threads = threads.into_iter().map(|count| count as usize).collect();
        Ok(Sweep { widths, groups, batches, threads })
    }
}

/// Finished points, of this sweep and earlier ones.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SweepPoints {
    /// The design that was swept last.
    pub base: String,
    /// The keys of the last sweep's points, in order.
    latest: Vec<String>,
    /// Combinations of the last sweep that cannot be.
    pub skipped: Vec<Skipped>,
    finished: BTreeMap<String, PointResult>,
}

impl SweepPoints {
    /// The last sweep's finished points, in order, and how many it has in all.
    #[must_use]
    pub fn latest(&self) -> (Vec<PointResult>, usize) {
        let finished = self.latest.iter().filter_map(|key| self.finished.get(key).cloned());
        (finished.collect(), self.latest.len())
    }

    /// Plans a sweep: what is not finished yet, or everything again where nothing is missing.
    pub(super) fn start(
        &mut self,
        sweep: &Sweep,
        base: &Design,
        care: &Care,
        options: &RunOptions,
    ) -> Result<Vec<Step>, String> {
        let plan = sweep.points(base, options).map_err(|error| error.to_string())?;
        if plan.points.is_empty() {
            let reason = plan.skipped.first().map_or("there is no point", |skipped| skipped.reason.as_str());
            return Err(format!("nothing to measure: {reason}"));
        }
        let key = |point: &Point| key(point, care);
        self.base.clone_from(&base.name);
        self.latest = plan.points.iter().map(key).collect();
        self.skipped = plan.skipped;
        if self.latest.iter().all(|key| self.finished.contains_key(key)) {
            for key in &self.latest {
                self.finished.remove(key);
            }
        }
        let missing = plan.points.into_iter().filter(|point| !self.finished.contains_key(&key(point)));
        Ok(missing.map(|point| step(point, care)).collect())
    }

    pub(super) fn take(&mut self, point: &Point, measurement: &Measurement, care: &Care) {
        if let Ok(result) = PointResult::new(point, measurement) {
            self.finished.insert(key(point, care), result);
        }
    }
}

fn key(point: &Point, care: &Care) -> String {
    let protocol = care.protocol.on(point.options.device);
    run_key(&MeasureKey { design: point.design.fingerprint(), options: point.options.clone(), protocol })
}

fn step(point: Point, care: &Care) -> Step {
    let job = Job {
        design: Model::Design(point.design.clone()),
        options: point.options.clone(),
        protocol: care.protocol.on(point.options.device),
        weights: None,
        scatter: None,
    };
    let name = format!("{}, {} thread(s), batch {}", point.design.name, point.options.threads, point.options.batch);
    Step { task: Task::Point(Box::new(point)), name, work: Work::Measure(Box::new(job)) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use shufflescope_engine::device::DeviceId;
    use shufflescope_engine::zoo;

    #[test]
    fn every_wrong_axis_is_told_and_an_empty_one_is_none() {
        let texts = SweepTexts { widths: "x".into(), groups: String::new(), batches: "0".into(), threads: "2".into() };
        let wrong = texts.parse().unwrap_err();
        assert_eq!(wrong.map(|wrong| wrong.is_some()), [true, false, true, false]);
        let sweep = SweepTexts::default().parse().unwrap();
        assert_eq!((sweep.widths, sweep.batches.len()), (vec![0.5, 1.0, 1.5, 2.0], 0));
    }

    #[test]
    fn a_plan_has_a_step_for_every_point_and_says_what_cannot_be() {
        let (care, options) = (Care::default(), RunOptions::new(DeviceId::Cpu, 1, 1));
        let base = zoo::preset("shufflenet-v2-x1.0").unwrap();
        let sweep = Sweep { widths: vec![0.5, 1.0], groups: vec![1, 7], ..Sweep::default() };
        let mut points = SweepPoints::default();
        let steps = points.start(&sweep, &base, &care, &options).unwrap();
        assert_eq!((steps.len(), points.latest().1, points.skipped.len()), (2, 2, 2));
        let none = Sweep { groups: vec![7], ..Sweep::default() };
        assert!(points.start(&none, &base, &care, &options).unwrap_err().contains("nothing to measure"));
    }
}
