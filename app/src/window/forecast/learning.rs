//! What is known of the ways of running, learned from the store without the window's waiting for it.

use std::collections::VecDeque;
use std::sync::Arc;

use shufflescope_engine::measure::Peaks;
use shufflescope_engine::predict::Predictor;
use shufflescope_engine::runtime::RunOptions;

use crate::kernel_times::way;
use crate::later::Later;
use crate::window::keeper::{Keeper, KernelTimes};
use crate::window::pacer::Pacer;

/// Ways of running that are remembered; the one that was learned first is forgotten.
const MOST: usize = 8;

/// What is known is looked at anew after so many more networks: at once while few are known, later after an eighth.
const LOOK_SHARE: usize = 8;

/// What is known of a way of running.
#[derive(Clone, Copy, Debug)]
pub enum Knowledge<'a> {
    /// The store is being asked.
    Asked,
    /// None of its kernels was ever measured.
    Nothing,
    /// Everything known, and a number by which it is told from what was known before.
    Known(&'a Arc<Predictor>, u64),
}

/// See the module.
#[derive(Debug)]
pub struct Learning {
    targets: VecDeque<Target>,
    wanted: Option<RunOptions>,
    /// What the store was asked for, or is being made of its answer.
    in_work: Option<RunOptions>,
    making: Later<Option<Arc<Predictor>>>,
    generations: u64,
}

/// A way of running.
#[derive(Debug)]
struct Target {
    way: RunOptions,
    known: Option<Arc<Predictor>>,
    generation: u64,
    /// Networks that were measured since.
    since: usize,
}

impl Learning {
    /// Nothing is known yet; `pacer` is woken when something is.
    #[must_use]
    pub fn new(pacer: Pacer) -> Self {
        Self {
            targets: VecDeque::new(),
            wanted: None,
            in_work: None,
            making: Later::new(move || pacer.wake_now()),
            generations: 0,
        }
    }

    /// What is known of running with these options.
    #[must_use]
    pub fn of(&self, options: &RunOptions) -> Knowledge<'_> {
        match self.target(&way(options)) {
            None => Knowledge::Asked,
            Some(Target { known: None, .. }) => Knowledge::Nothing,
            Some(Target { known: Some(known), generation, .. }) => Knowledge::Known(known, *generation),
        }
    }

    /// What predictions with these options are made of.
    #[must_use]
    pub fn predictor(&self, options: &RunOptions) -> Option<&Arc<Predictor>> {
        match self.of(options) {
            Knowledge::Known(known, _) => Some(known),
            Knowledge::Asked | Knowledge::Nothing => None,
        }
    }

    /// Wants to know of running with these options.
    pub fn want(&mut self, options: &RunOptions) {
        self.wanted = Some(way(options));
    }

    /// One more network was measured.
    pub fn noted(&mut self, way: &RunOptions) {
        if let Some(target) = self.targets.iter_mut().find(|target| target.way == *way) {
            target.since = target.since.saturating_add(1);
        }
    }

    /// Looks anew at what is known with these options as soon as there is time for it.
    pub fn look_anew(&mut self, options: &RunOptions) {
        let way = way(options);
        if let Some(target) = self.targets.iter_mut().find(|target| target.way == way) {
            target.since = usize::MAX;
        }
    }

    /// Takes the store's answer; `ceilings` are what the device can do at most, where this window has measured it.
    pub fn fill(&mut self, way: &RunOptions, known: KernelTimes, ceilings: Option<&Peaks>) {
        if self.in_work.as_ref() != Some(way) {
            return;
        }
        let KernelTimes { runs, peaks } = known;
        let peaks = peaks.or_else(|| ceilings.cloned());
        self.making.start(move || Predictor::new(&runs, peaks.as_ref()).map(Arc::new));
    }

    /// Takes what was learned, and asks for what is wanted and not known. What is known already is looked at anew where
    /// enough has been measured since, and only while `is_calm`: it would disturb a measurement.
    pub fn advance(&mut self, keeper: &Keeper, is_calm: bool) {
        if let Some(made) = self.making.take()
            && let Some(way) = self.in_work.take()
        {
            self.generations += 1;
            self.targets.retain(|target| target.way != way);
            // What panicked over these networks would do so again: it is as if there were none.
            let known = made.unwrap_or(None);
            self.targets.push_back(Target { way, known, generation: self.generations, since: 0 });
            if self.targets.len() > MOST {
                self.targets.pop_front();
            }
        }
        let Some(wanted) = self.wanted.as_ref().filter(|_| self.in_work.is_none()) else { return };
        if self.target(wanted).is_none_or(|target| is_calm && target.is_due()) {
            keeper.kernel_times(wanted.clone());
            self.in_work = Some(wanted.clone());
        }
    }

    fn target(&self, way: &RunOptions) -> Option<&Target> {
        self.targets.iter().find(|target| target.way == *way)
    }
}

impl Target {
    fn is_due(&self) -> bool {
        let known = self.known.as_ref().map_or(0, |known| known.networks());
        self.since > known / LOOK_SHARE
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use shufflescope_engine::design::Batch;
    use shufflescope_engine::device::{DeviceId, Machine};
    use shufflescope_engine::graph::lower;
    use shufflescope_engine::runtime::plan_without_weights;
    use shufflescope_engine::store::{KernelRun, RunContext, Store, Timestamp};
    use shufflescope_engine::units::Nanos;
    use shufflescope_engine::zoo;

    use super::*;
    use crate::window::keeper::Answer;

    fn options(threads: usize) -> RunOptions {
        RunOptions::new(DeviceId::Cpu, threads, 4)
    }

    fn run(name: &str) -> KernelRun {
        let design = zoo::preset(name).unwrap();
        let graph = lower(&design, Batch(1)).unwrap();
        let plan = plan_without_weights(&graph, &way(&options(1))).unwrap();
        let kernels = plan.kernels.into_iter().filter_map(|kernel| kernel.spec);
        let kernels: Vec<_> = kernels.map(|spec| (spec, Nanos(1_000))).collect();
        let whole = Nanos(1_000 * kernels.len() as u64);
        let design = design.fingerprint();
        KernelRun { when: Timestamp(7), model: name.into(), design, whole, canary: None, kernels, estimate: None }
    }

    /// Goes on until something is known of these options, or not known for good.
    fn learn(learning: &mut Learning, keeper: &Keeper, options: &RunOptions, is_done: impl Fn(&Knowledge<'_>) -> bool) {
        let start = Instant::now();
        while !is_done(&learning.of(options)) {
            assert!(start.elapsed() < Duration::from_secs(60), "nothing is learned");
            learning.advance(keeper, true);
            for answer in keeper.poll() {
                let Answer::KernelTimes(way, known) = answer else { panic!("{answer:?}") };
                learning.fill(&way, known.unwrap(), None);
            }
            std::thread::yield_now();
        }
    }

    #[test]
    fn what_is_known_is_of_one_way_of_running_and_looked_at_anew_when_more_was_measured_and_nothing_is_disturbed() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap().store;
        let context = |threads| RunContext::new(Machine::detect().cpu_model.as_deref(), &way(&options(threads)));
        store.note_kernels(&context(1), &run("shufflenet-v2-x0.5")).unwrap();
        let keeper = Keeper::new(Some(folder.path()), Pacer::default());
        let mut learning = Learning::new(Pacer::default());
        learning.want(&options(1));
        assert!(matches!(learning.of(&options(1)), Knowledge::Asked));
        learn(&mut learning, &keeper, &options(1), |known| matches!(known, Knowledge::Known(..)));
        assert_eq!(learning.predictor(&options(1)).unwrap().networks(), 1);
        learning.want(&options(2));
        learn(&mut learning, &keeper, &options(2), |known| matches!(known, Knowledge::Nothing));

        store.note_kernels(&context(1), &run("mobilenet-v2-x1.0")).unwrap();
        learning.want(&options(1));
        learning.advance(&keeper, true);
        assert!(learning.in_work.is_none(), "nobody has said that there is more");
        learning.noted(&way(&options(1)));
        learning.advance(&keeper, false);
        assert!(learning.in_work.is_none(), "something is being measured");
        learn(&mut learning, &keeper, &options(1), |known| match known {
            Knowledge::Known(known, generation) => known.networks() == 2 && *generation == 3,
            Knowledge::Asked | Knowledge::Nothing => false,
        });
        learning.look_anew(&options(1));
        learning.advance(&keeper, true);
        assert_eq!(learning.in_work, Some(way(&options(1))));
    }
}
