//! The search itself: looks at designs with a predictor, and says which of them to measure. It measures nothing.

use std::collections::HashSet;

use super::archive::{Archive, Candidate, unbeaten};
use super::goal::{Found, Goal, front};
use super::space::{Knobs, Space};
use super::trust::Trust;
use crate::cost::total_cost;
use crate::design::{Batch, Design, Edit, Fingerprint};
use crate::graph::lower;
use crate::measure::SplitMix64;
use crate::predict::Predictor;
use crate::runtime::{RunOptions, plan_without_weights};
use crate::store::Estimate;
use crate::units::{MultAdds, Nanos, Params};

/// Places on the front, from a fraction of the budget up to it: a measured design is wanted in each.
const PLACES: usize = 44;
const LOWEST: f64 = 0.2;

/// Of what is proposed at once, one in so many is for the very budget.
const FOR_THE_BUDGET: usize = 4;

/// How much less of the budget each of those uses.
const APART: f64 = 0.003;

/// Slower than the budget by so much, a design is still worth to be changed further.
const BEYOND: f64 = 1.08;

/// Designs that are remembered to have been looked at; past that all are forgotten.
const SEEN: usize = 200_000;

/// Scattered designs for each starting design, and how many there are at least.
const SCATTERED: usize = 16;
const SCATTERED_AT_LEAST: usize = 160;

/// Starting designs that are slower than the budget by more are not measured.
const BESIDE: f64 = 1.6;

/// A design that ought to be measured, and what is known of it before.
#[derive(Clone, Debug, PartialEq)]
pub struct Proposal {
    /// The design; its name is its own.
    pub design: Design,
    /// Multiply-accumulates of a run.
    pub mult_adds: MultAdds,
    /// Learned parameters.
    pub params: Params,
    /// What it is predicted to take.
    pub estimate: Estimate,
}

/// An evolutionary search. Whoever owns it decides how long it goes on: [`step`](Self::step) looks at designs,
/// [`propose`](Self::propose) names some to measure, [`take`](Self::take) takes what was measured, and
/// [`look_again`](Self::look_again) a predictor that knows more. The same seed and the same answers give the same proposals.
#[derive(Debug)]
pub struct Search {
    goal: Goal,
    options: RunOptions,
    space: Space,
    random: SplitMix64,
    archive: Archive,
    seen: HashSet<Fingerprint>,
    /// Proposed, or measured before.
    asked: HashSet<Fingerprint>,
    found: Vec<Found>,
    trust: Trust,
    evaluated: usize,
}

impl Search {
    /// A search around `starts`, of which those are left out whose stages are of other kinds than the first one's. `None`
    /// where no design is sound.
    #[must_use]
    pub fn new(goal: Goal, starts: Vec<Design>, options: &RunOptions, seed: u64) -> Option<Self> {
        Some(Self {
            space: Space::around(starts)?,
            archive: Archive::new(goal.budget),
            options: options.clone(),
            random: SplitMix64(seed),
            seen: HashSet::new(),
            asked: HashSet::new(),
            found: Vec::new(),
            trust: Trust::default(),
            evaluated: 0,
            goal,
        })
    }

    /// The same, turning these knobs alone.
    #[must_use]
    pub const fn turning(mut self, knobs: Knobs) -> Self {
        self.space.knobs = knobs;
        self
    }

    /// What was measured in an earlier search for the same goal: it counts, and is not proposed again.
    pub fn resume(&mut self, found: Vec<Found>) {
        self.asked.extend(found.iter().map(|found| found.design.fingerprint()));
        self.found.extend(found);
    }

    /// Looks at so many designs.
    pub fn step(&mut self, predictor: &Predictor, designs: usize) {
        if self.archive.iter().next().is_none() {
            self.begin(predictor);
        }
        let most = Nanos((self.goal.budget.as_f64() * BEYOND) as u64);
        let parents: Vec<Design> =
            self.archive.front(most).into_iter().map(|candidate| candidate.design.clone()).collect();
        for _ in 0..designs {
            let child = self.child(&parents);
            if let Some(child) = child {
                self.look_at(child, predictor);
            }
        }
    }

    /// Predicts anew what was kept: to be called where the predictor has learned.
    pub fn look_again(&mut self, predictor: &Predictor) {
        for candidate in self.archive.drain() {
            if let Some(candidate) = self.candidate(candidate.design, candidate.fingerprint, predictor) {
                self.archive.add(candidate);
            }
        }
    }

    /// Up to so many designs to measure next, no design twice: some that are predicted to fill the budget, the others where
    /// the measured front has gaps, or could be better.
    pub fn propose(&mut self, count: usize) -> Vec<Proposal> {
        let budget = self.goal.budget.as_f64();
        let open = self.open();
        let mut picked: Vec<usize> = Vec::new();
        for aim in 0..count.div_ceil(FOR_THE_BUDGET) {
            let most = budget * (1.0 - APART * aim as f64);
            let fits = |&at: &usize| self.trust.high(&open[at].estimate) <= most && !picked.contains(&at);
            picked.extend((0..open.len()).rev().find(fits));
        }
        let places = self.places(&open);
        let mut taken = [false; PLACES];
        for at in front(&self.goal, &self.found) {
            taken[place(places, self.found[at].latency.median.as_f64())] = true;
        }
        // The whole range first, then what lies between.
        for wanted in (0..PLACES).map(|number| number * 17 % PLACES).filter(|&place| !taken[place]) {
            let is_here = |&at: &usize| place(places, self.trust.median(&open[at].estimate)) == wanted;
            let best = (0..open.len()).rev().find(|at| is_here(at) && !picked.contains(at));
            picked.extend(best.filter(|_| picked.len() < count));
        }
        let mut gains: Vec<(usize, f64)> =
            (0..open.len()).filter(|at| !picked.contains(at)).map(|at| (at, self.gain(open[at]))).collect();
        gains.sort_by(|a, b| b.1.total_cmp(&a.1));
        picked.extend(gains.into_iter().map(|(at, _)| at));
        picked.truncate(count);
        let proposals: Vec<Proposal> = picked.into_iter().map(|at| self.proposal(open[at])).collect();
        self.asked.extend(proposals.iter().map(|proposal| proposal.design.fingerprint()));
        proposals
    }

    /// The starting designs that are not much slower than the budget, nor measured yet: published networks beside which the
    /// found ones are put.
    pub fn references(&mut self, predictor: &Predictor) -> Vec<Proposal> {
        let mut references = Vec::new();
        for design in self.space.starts().to_vec() {
            let fingerprint = design.fingerprint();
            let Some(candidate) = self.candidate(design, fingerprint.clone(), predictor) else { continue };
            let is_near = candidate.estimate.predicted.as_f64() <= BESIDE * self.goal.budget.as_f64();
            if is_near && self.asked.insert(fingerprint) {
                let Candidate { design, mult_adds, params, estimate, .. } = candidate;
                references.push(Proposal { design, mult_adds, params, estimate });
            }
        }
        references
    }

    /// A random design of those that are searched, near the budget as far as can be told: what is worth to be known where
    /// little is.
    pub fn sample(&mut self, predictor: Option<&Predictor>) -> Option<Design> {
        let near = |this: &Self, design: &Design| {
            let Some(predictor) = predictor else { return true };
            let known = this.candidate(design.clone(), design.fingerprint(), predictor);
            let share = known.map_or(f64::INFINITY, |known| known.estimate.predicted.as_f64())
                / this.goal.budget.as_f64().max(1.0);
            (0.5 * LOWEST..=BESIDE).contains(&share)
        };
        let mut last = None;
        for _ in 0..SCATTERED {
            let Some(design) = self.space.scattered(&mut self.random) else { continue };
            let is_near = near(self, &design);
            last = Some(design);
            if is_near {
                break;
            }
        }
        last
    }

    /// What was measured of what was proposed.
    pub fn take(&mut self, found: Vec<Found>) {
        found.iter().for_each(|found| self.trust.learn(found));
        self.asked.extend(found.iter().map(|found| found.design.fingerprint()));
        self.found.extend(found);
    }

    /// What is searched for.
    #[must_use]
    pub const fn goal(&self) -> &Goal {
        &self.goal
    }

    /// How designs are run.
    #[must_use]
    pub const fn options(&self) -> &RunOptions {
        &self.options
    }

    /// The designs that the search starts from.
    #[must_use]
    pub fn starts(&self) -> &[Design] {
        self.space.starts()
    }

    /// Everything that was measured, in the order measured.
    #[must_use]
    pub fn found(&self) -> &[Found] {
        &self.found
    }

    /// The measured designs that meet the goal and that nothing beats, the fastest first.
    #[must_use]
    pub fn front(&self) -> Vec<&Found> {
        front(&self.goal, &self.found).into_iter().map(|at| &self.found[at]).collect()
    }

    /// How many designs were looked at.
    #[must_use]
    pub const fn evaluated(&self) -> usize {
        self.evaluated
    }

    fn begin(&mut self, predictor: &Predictor) {
        for start in self.space.starts().to_vec() {
            self.look_at(start, predictor);
        }
        let scattered = (SCATTERED * self.space.starts().len()).max(SCATTERED_AT_LEAST);
        for _ in 0..scattered {
            if let Some(design) = self.space.scattered(&mut self.random) {
                self.look_at(design, predictor);
            }
        }
    }

    fn child(&mut self, parents: &[Design]) -> Option<Design> {
        let Self { space, random, .. } = self;
        if parents.is_empty() {
            return space.scattered(random);
        }
        // Half of them from the slow end of the front, where the budget is.
        let mut parent = || {
            let from = if random.unit() < 0.5 { parents.len() * 4 / 5 } else { 0 };
            parents.get(from + random.below(parents.len() - from))
        };
        let (a, b) = (parent()?, parent()?);
        let mixed = if random.unit() < 0.25 { space.mixed([a, b], random) } else { None };
        match mixed {
            Some(mixed) if random.unit() < 0.5 => Some(mixed),
            Some(mixed) => space.varied(&mixed, random),
            None => space.varied(a, random),
        }
    }

    fn look_at(&mut self, design: Design, predictor: &Predictor) {
        let fingerprint = design.fingerprint();
        if self.seen.len() > SEEN {
            self.seen.clear();
        }
        if !self.seen.insert(fingerprint.clone()) {
            return;
        }
        if let Some(candidate) = self.candidate(design, fingerprint, predictor) {
            self.evaluated += 1;
            self.archive.add(candidate);
        }
    }

    fn candidate(&self, design: Design, fingerprint: Fingerprint, predictor: &Predictor) -> Option<Candidate> {
        let graph = lower(&design, Batch(self.options.batch)).ok()?;
        let plan = plan_without_weights(&graph, &self.options)?;
        let cost = total_cost(&graph);
        let estimate = predictor.predict(&graph, &plan).estimate();
        Some(Candidate {
            design,
            fingerprint,
            mult_adds: cost.mult_adds,
            params: cost.params,
            outside: self.goal.outside(cost.mult_adds, cost.params),
            capacity: self.goal.most.of(cost.mult_adds, cost.params),
            estimate,
        })
    }

    /// The candidates that are worth to be measured: within bounds, expected to be within the budget, not asked for, and
    /// beaten by no other of them nor by what was measured. The fastest first, so that the last has the most capacity.
    fn open(&self) -> Vec<&Candidate> {
        let budget = self.goal.budget.as_f64();
        let is_open = |candidate: &&Candidate| {
            candidate.outside <= 0.0
                && self.trust.high(&candidate.estimate) <= budget
                && !self.asked.contains(&candidate.fingerprint)
        };
        let mut open = unbeaten(self.archive.iter().filter(is_open).collect());
        open.retain(|candidate| self.gain(candidate) > 1.0);
        open
    }

    /// Its capacity over the most that was measured to be as fast.
    fn gain(&self, candidate: &Candidate) -> f64 {
        let median = self.trust.median(&candidate.estimate);
        let most = self.found.iter().filter(|found| self.goal.is_met_by(found));
        let most = most.filter(|found| found.latency.median.as_f64() <= median);
        let most = most.map(|found| self.goal.most.of(found.mult_adds, found.params)).max();
        candidate.capacity as f64 / most.unwrap_or(0).max(1) as f64
    }

    /// The latencies between which there are places.
    fn places(&self, open: &[&Candidate]) -> [f64; 2] {
        let budget = self.goal.budget.as_f64();
        let measured = front(&self.goal, &self.found).first().map(|&at| self.found[at].latency.median.as_f64());
        let fastest = open.first().map(|candidate| self.trust.median(&candidate.estimate));
        let fastest = [measured, fastest].into_iter().flatten().fold(budget, f64::min);
        [fastest.max(LOWEST * budget), budget]
    }

    fn proposal(&self, candidate: &Candidate) -> Proposal {
        let Candidate { design, fingerprint, mult_adds, params, estimate, .. } = candidate;
        let name = format!("{}-found-{:.8}", self.space.name(), fingerprint.to_string());
        let mut design = design.apply(&Edit::Rename(name));
        // Its channels are no table's any more.
        design.width = None;
        Proposal { design, mult_adds: *mult_adds, params: *params, estimate: *estimate }
    }
}

/// The place of a latency between two, from 0.
fn place([low, high]: [f64; 2], latency: f64) -> usize {
    let share = (latency.max(1.0) / low.max(1.0)).ln() / (high.max(1.0) / low.max(1.0)).ln().max(1e-9);
    ((share.max(0.0) * PLACES as f64) as usize).min(PLACES - 1)
}
