//! A search within a time: what is proposed is measured, what its kernels took improves the predictor, and it goes on.

use std::ops::ControlFlow;

use serde::{Deserialize, Serialize};

use super::bench::{Asked, Bench, SearchError};
use super::evolve::{Proposal, Search};
use super::goal::Found;
use crate::clock::Clock;
use crate::design::Design;
use crate::measure::{MeasureError, Peaks};
use crate::predict::{Predictor, most_wanted};
use crate::store::KernelRun;
use crate::units::Nanos;

/// Networks that take turns together: what happens to the machine meanwhile happens to all of them.
const TOGETHER: usize = 10;

/// Networks that a search rests on; where fewer are known it measures some first, for a share of its time at most.
const ENOUGH: usize = 30;
const LEARNING: f64 = 0.25;

/// Networks after which, while learning, what is known is looked at anew, and designs that the least known is chosen from.
const LOOK_AFTER: usize = 6;
const CHOICES: usize = 4;

/// Networks that the predictor is made of: the latest ones.
const LATEST: usize = 500;

/// Networks one after the other that cannot be measured.
const FAILURES: usize = 4;

/// Networks that are measured before it is said that nothing can be learned from any.
const PATIENCE: usize = 12;

/// Looks in a row that bring nothing to measure: then all there is has been found.
const DRY: usize = 3;

/// Designs looked at between two reports.
const BETWEEN_REPORTS: usize = 50;

/// Most of the time that looking at designs may take before the first measurement, and before each of the others.
const FIRST_LOOK: f64 = 0.1;
const OTHER_LOOK: f64 = 0.03;

/// How many designs to look at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Effort {
    /// Before anything is measured.
    pub first: usize,
    /// Before every further measurement.
    pub further: usize,
}

impl Default for Effort {
    fn default() -> Self {
        Self { first: 8_000, further: 2_000 }
    }
}

/// What is known of the target before.
#[derive(Clone, Debug, Default)]
pub struct Known {
    /// The networks whose kernels were measured, the newest last.
    pub runs: Vec<KernelRun>,
    /// What the device can do at most.
    pub peaks: Option<Peaks>,
}

/// What a search is at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    /// Too little is known of the target: kernels are measured.
    Learning,
    /// Designs are looked at and predicted.
    Looking,
    /// Proposals are measured in turns.
    Measuring,
}

/// Where a search stands.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Standing {
    /// What it is at.
    pub phase: Phase,
    /// How much of the time is over, 0 to 1.
    pub fraction: f64,
    /// How much of it is left.
    #[serde(rename = "left_ns")]
    pub left: Nanos,
    /// Designs that were looked at.
    pub evaluated: usize,
    /// Designs that were measured, those of earlier searches included.
    pub measured: usize,
    /// Measured designs on the front.
    pub on_front: usize,
}

/// What is told on the way.
#[derive(Debug)]
pub struct News<'a> {
    /// Where the search stands.
    pub standing: Standing,
    /// What was measured since the last time.
    pub found: &'a [Found],
    /// The kernels that were measured since the last time: to be remembered.
    pub kernels: &'a [KernelRun],
}

/// Called between runs; may stop the search.
pub type Tell<'a> = &'a mut dyn FnMut(&News<'_>) -> ControlFlow<()>;

/// Searches for so long. Whatever was measured is in `search`, and was told, however it ends. Ends before its time where
/// nothing better is found any more.
///
/// # Errors
/// Where nothing can be measured or learned, or `tell` stops it.
pub fn run(
    search: &mut Search,
    known: Known,
    (bench, clock): (&mut dyn Bench, &dyn Clock),
    (time, effort): (Nanos, Effort),
    tell: Tell<'_>,
) -> Result<(), SearchError> {
    let on_front = search.front().len();
    let teller = Teller { clock, begin: clock.now(), time, on_front, tell };
    let mut run = Run { search, known, bench, effort, teller };
    let mut predictor = run.learn()?;
    let mut published = run.search.references(&predictor);
    let mut pace = run.bench.expected(run.search.goal().budget);
    let (mut looks, mut dry, mut failures) = (0, 0, 0);
    while dry < DRY && failures < FAILURES {
        run.look(&predictor, looks == 0)?;
        looks += 1;
        // However little time there is, something is measured.
        let room = usize::try_from(run.teller.left().0 / pace.0.max(1)).unwrap_or(TOGETHER).min(TOGETHER);
        let room = room.max(usize::from(looks == 1));
        if room == 0 {
            break;
        }
        // What is published is half of the first turns, so that what is found does not wait for it.
        let mut turns: Vec<Proposal> = published.drain(..published.len().min(room / 2)).collect();
        turns.extend(run.search.propose(room - turns.len()));
        dry = if turns.is_empty() { dry + 1 } else { 0 };
        if turns.is_empty() {
            continue;
        }
        let start = clock.now();
        let measured = run.measure(&turns, predictor.usual_clock())?;
        failures = if measured == 0 { failures + 1 } else { 0 };
        pace = Nanos(clock.now().since(start).0 / turns.len() as u64);
        if let Some(knows_more) = run.predictor() {
            predictor = knows_more;
            run.search.look_again(&predictor);
        }
    }
    run.teller.tell(run.search, Phase::Looking, (&[], &[]))
}

struct Run<'a> {
    search: &'a mut Search,
    known: Known,
    bench: &'a mut dyn Bench,
    effort: Effort,
    teller: Teller<'a>,
}

impl Run<'_> {
    /// What is known or, where that is little, can be learned in a share of the time.
    fn learn(&mut self) -> Result<Predictor, SearchError> {
        let most = self.teller.share(LEARNING);
        let (mut predictor, mut measured, mut failures) = (self.predictor(), 0, 0);
        // The first ones are those that found designs are made of.
        let mut starts = self.search.starts().to_vec().into_iter();
        let mut next_look = self.known.runs.len() + LOOK_AFTER;
        while self.known.runs.len() < ENOUGH
            && (self.teller.elapsed() < most || (self.known.runs.is_empty() && measured < PATIENCE))
        {
            let Some(design) = starts.next().or_else(|| self.wanted(predictor.as_ref())) else { break };
            let Self { bench, teller, search, .. } = self;
            let asked = Asked { design: &design, estimate: None };
            let mut pulse = || teller.pulse(search, Phase::Learning);
            match bench.learn(asked, &mut pulse) {
                Ok(learned) => {
                    failures = 0;
                    teller.tell(search, Phase::Learning, (&[], learned.as_slice()))?;
                    self.known.runs.extend(learned);
                }
                Err(error) if error.is_cancelled() || failures + 1 >= FAILURES => return Err(error),
                Err(_) => failures += 1,
            }
            measured += 1;
            if self.known.runs.len() >= next_look {
                predictor = self.predictor();
                next_look = self.known.runs.len() + LOOK_AFTER;
            }
        }
        self.predictor().ok_or(SearchError::NothingLearned { measured })
    }

    /// Of a few designs near the budget the one that is known the least.
    fn wanted(&mut self, predictor: Option<&Predictor>) -> Option<Design> {
        let mut choices: Vec<Design> = (0..CHOICES).filter_map(|_| self.search.sample(predictor)).collect();
        let at = most_wanted(&choices, predictor, self.search.options())?;
        (at < choices.len()).then(|| choices.swap_remove(at))
    }

    fn predictor(&mut self) -> Option<Predictor> {
        let runs = &mut self.known.runs;
        runs.drain(..runs.len().saturating_sub(LATEST));
        Predictor::new(runs, self.known.peaks.as_ref())
    }

    /// Looks at designs, for a share of the time at most.
    fn look(&mut self, predictor: &Predictor, is_first: bool) -> Result<(), SearchError> {
        let (designs, share) =
            if is_first { (self.effort.first, FIRST_LOOK) } else { (self.effort.further, OTHER_LOOK) };
        let (start, most) = (self.teller.clock.now(), self.teller.share(share));
        let mut looked = 0;
        while looked < designs && self.teller.clock.now().since(start) < most {
            let few = BETWEEN_REPORTS.min(designs - looked);
            self.search.step(predictor, few);
            looked += few;
            self.teller.tell(self.search, Phase::Looking, (&[], &[]))?;
        }
        Ok(())
    }

    /// Measures these in turns; how many could be.
    fn measure(&mut self, turns: &[Proposal], usual_clock: Option<Nanos>) -> Result<usize, SearchError> {
        let asked: Vec<Asked<'_>> = turns
            .iter()
            .map(|proposal| Asked { design: &proposal.design, estimate: Some(proposal.estimate) })
            .collect();
        let Self { bench, teller, search, .. } = self;
        let verified = bench.verify(&asked, &mut || teller.pulse(search, Phase::Measuring))?;
        let (mut found, mut kernels) = (Vec::new(), Vec::new());
        for (proposal, verified) in turns.iter().zip(verified) {
            let Some(verified) = verified else { continue };
            let latency = verified.at_usual_clock(usual_clock);
            let Proposal { design, mult_adds, params, estimate } = proposal.clone();
            found.push(Found { design, mult_adds, params, predicted: estimate.predicted, latency });
            kernels.extend(verified.kernels);
        }
        search.take(found.clone());
        teller.on_front = search.front().len();
        teller.tell(search, Phase::Measuring, (&found, &kernels))?;
        self.known.runs.extend(kernels);
        Ok(found.len())
    }
}

/// Tells where the search stands, and how much of its time is over.
struct Teller<'a> {
    clock: &'a dyn Clock,
    begin: Nanos,
    time: Nanos,
    on_front: usize,
    tell: Tell<'a>,
}

impl Teller<'_> {
    fn elapsed(&self) -> Nanos {
        self.clock.now().since(self.begin)
    }

    fn left(&self) -> Nanos {
        self.time.since(self.elapsed())
    }

    fn share(&self, share: f64) -> Nanos {
        Nanos((self.time.as_f64() * share) as u64)
    }

    fn pulse(&mut self, search: &Search, phase: Phase) -> ControlFlow<()> {
        match self.tell(search, phase, (&[], &[])) {
            Ok(()) => ControlFlow::Continue(()),
            Err(_) => ControlFlow::Break(()),
        }
    }

    fn tell(
        &mut self,
        search: &Search,
        phase: Phase,
        (found, kernels): (&[Found], &[KernelRun]),
    ) -> Result<(), SearchError> {
        let standing = Standing {
            phase,
            fraction: self.elapsed().share_of(self.time).min(1.0),
            left: self.left(),
            evaluated: search.evaluated(),
            measured: search.found().len(),
            on_front: self.on_front,
        };
        match (self.tell)(&News { standing, found, kernels }) {
            ControlFlow::Continue(()) => Ok(()),
            ControlFlow::Break(()) => Err(MeasureError::Cancelled.into()),
        }
    }
}
