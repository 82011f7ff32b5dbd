//! Sweeps of the present design: axes as a person types them, and the points finished so far.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use shufflescope_engine::design::Design;
use shufflescope_engine::measure::MeasureKey;
use shufflescope_engine::model::Model;
use shufflescope_engine::runtime::RunOptions;
use shufflescope_engine::store::{Kept, Kind, RunContext, Store, StoreError};
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

/// The last sweep. Its finished points are rows of their own in the store, where other windows and the command line find
/// them.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SweepPoints {
    /// The design that was swept.
    pub base: String,
    /// The keys of its points, in order.
    latest: Vec<String>,
    /// Combinations that cannot be.
    pub skipped: Vec<Skipped>,
    #[serde(skip)]
    finished: BTreeMap<String, PointResult>,
}

/// A sweep before it begins.
#[derive(Debug)]
pub struct SweepPlan {
    options: RunOptions,
    points: SweepPoints,
    /// Every point with its key.
    all: Vec<(String, Point)>,
}

impl SweepPoints {
    /// The sweeps kept under this name, with their finished points.
    pub(super) fn load(store: &Store, name: &str) -> Result<Vec<Kept<Self>>, StoreError> {
        let mut sweeps = store.kept::<Self>(Kind::Sweep, name)?;
        for sweep in &mut sweeps {
            let RunContext { machine, version, .. } = &sweep.context;
            for key in &sweep.result.latest {
                // The key says how a point ran.
                let is_own =
                    |kept: &Kept<PointResult>| kept.context.machine == *machine && kept.context.version == *version;
                if let Some(point) = store.kept(Kind::Point, key)?.into_iter().rev().find(is_own) {
                    sweep.finished = sweep.finished.max(point.finished);
                    sweep.result.finished.insert(key.clone(), point.result);
                }
            }
        }
        Ok(sweeps)
    }

    /// The finished points, in order, and how many there are in all.
    #[must_use]
    pub fn latest(&self) -> (Vec<PointResult>, usize) {
        let finished = self.latest.iter().filter_map(|key| self.finished.get(key).cloned());
        (finished.collect(), self.latest.len())
    }

    pub(super) fn take(&mut self, key: String, result: PointResult) {
        self.finished.insert(key, result);
    }
}

impl SweepPlan {
    /// Plans a sweep of this design.
    pub(super) fn new(sweep: &Sweep, base: &Design, care: &Care, options: &RunOptions) -> Result<Self, String> {
        let plan = sweep.points(base, options).map_err(|error| error.to_string())?;
        if plan.points.is_empty() {
            let reason = plan.skipped.first().map_or("there is no point", |skipped| skipped.reason.as_str());
            return Err(format!("nothing to measure: {reason}"));
        }
        let all: Vec<(String, Point)> = plan.points.into_iter().map(|point| (key(&point, care), point)).collect();
        let latest = all.iter().map(|(key, _)| key.clone()).collect();
        let finished = BTreeMap::new();
        let points = SweepPoints { base: base.name.clone(), latest, skipped: plan.skipped, finished };
        Ok(Self { options: options.clone(), points, all })
    }

    /// Takes the points that are finished on this machine; where all are, they are forgotten and measured again.
    pub(super) fn look_up(&mut self, store: &Store, machine: Option<&str>) -> Result<(), StoreError> {
        let context = |point: &Point| RunContext::new(machine, &point.options);
        for (key, point) in &self.all {
            let known = store.kept(Kind::Point, key)?;
            if let Some(known) = known.into_iter().rev().find(|known| known.context == context(point)) {
                self.points.finished.insert(key.clone(), known.result);
            }
        }
        if self.points.finished.len() == self.all.len() {
            self.points.finished.clear();
            self.all.iter().try_for_each(|(key, point)| store.forget(Kind::Point, key, &context(point)))?;
        }
        Ok(())
    }

    /// What is known, the options it began with, and what is missing.
    pub(super) fn begin(self, care: &Care) -> (SweepPoints, RunOptions, Vec<Step>) {
        let Self { options, points, all } = self;
        let missing = all.into_iter().filter(|(key, _)| !points.finished.contains_key(key));
        let steps = missing.map(|(_, point)| step(point, care)).collect();
        (points, options, steps)
    }
}

pub(super) fn key(point: &Point, care: &Care) -> String {
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
        let (points, _, steps) = SweepPlan::new(&sweep, &base, &care, &options).unwrap().begin(&care);
        assert_eq!((steps.len(), points.latest().1, points.skipped.len()), (2, 2, 2));
        let none = Sweep { groups: vec![7], ..Sweep::default() };
        assert!(SweepPlan::new(&none, &base, &care, &options).unwrap_err().contains("nothing to measure"));
    }

    #[test]
    fn points_finished_here_are_not_measured_again_unless_all_are_and_those_of_others_are() {
        let (care, options) = (Care::default(), RunOptions::new(DeviceId::Cpu, 1, 1));
        let base = zoo::preset("shufflenet-v2-x1.0").unwrap();
        let sweep = Sweep { widths: vec![0.5, 1.0], ..Sweep::default() };
        let store = Store::in_memory().unwrap();
        let plan = || SweepPlan::new(&sweep, &base, &care, &options).unwrap();
        let missing = || {
            let mut plan = plan();
            plan.look_up(&store, Some("a machine")).unwrap();
            plan.begin(&care).2.len()
        };
        let here = RunContext::new(Some("a machine"), &options);
        let elsewhere = RunContext { machine: "another".into(), ..here.clone() };
        let earlier = RunContext { version: "0.1.0".into(), ..here.clone() };
        let keep = |at: usize, context: &RunContext| {
            let (key, point) = plan().all.swap_remove(at);
            store.keep(Kind::Point, &key, &Kept::now(context.clone(), finished(&point))).unwrap();
        };
        for context in [&elsewhere, &earlier] {
            keep(0, context);
            keep(1, context);
        }
        assert_eq!(missing(), 2, "of another machine and of another version");
        keep(1, &here);
        assert_eq!(missing(), 1);
        keep(0, &here);
        assert_eq!(missing(), 2, "all are finished: all again");
        assert_eq!(missing(), 2, "and the old ones are gone");

        let kept = Kept::now(elsewhere, plan().points);
        store.keep(Kind::Sweep, "all", &kept).unwrap();
        let loaded = SweepPoints::load(&store, "all").unwrap();
        assert_eq!(loaded[0].result.latest().0.len(), 2, "a sweep comes back with the points of its own machine");
    }

    fn finished(point: &Point) -> PointResult {
        let json = serde_json::json!({
            "at": point.at, "design": point.design, "mult_adds": 1, "params": 1, "memory_access": 1,
            "latency": {
                "median_ns": 5, "low_ns": 4, "high_ns": 6, "min_ns": 4, "p90_ns": null, "p99_ns": null, "samples": 9,
                "coverage": 0.95,
            },
            "images_per_second": 2.0, "threads": 1, "instruction_set": null, "warnings": [],
        });
        serde_json::from_value(json).unwrap()
    }
}
