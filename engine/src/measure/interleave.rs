//! Measures several networks in one process in turns, so that whatever the machine does meanwhile meets all of them.
//!
//! A round is one block of each network, 20 to 50 ms long. The order within a round is drawn anew for every two rounds;
//! the second has the reverse order of the first, so that a steady drift favours nobody. Run counts vary by 20 % so
//! that no network falls into step with something periodic. Every block begins with a run that is not timed, however
//! long a run is, for the caches still hold another network.
//!
//! What a network takes also depends on where it happens to lie in memory, and no number of rounds shows that. So the
//! rounds are shared among several *sittings*, each of which has its networks prepared anew: fresh processes, or one
//! after another in the same process.

use std::ops::ControlFlow;

use serde::{Deserialize, Serialize};

use super::compare::PairedSamples;
use super::interleaved::{Block, Interleaved, Round, RowRecord};
use super::protocol::{SteadyRule, WarmUpRules};
use super::sampler::{LARGEST_BATCH, runs_per_sample, warm_up};
use super::samples::Discard;
use super::statistics::SplitMix64;
use super::timed::{CLOCK_FAULTS_ALLOWED, unmarked_runs};
use super::{Canary, MeasureError};
use crate::clock::Clock;
use crate::device::DeviceId;
use crate::runtime::{Executable, Marks};
use crate::units::Nanos;

/// Most samples of a block, before the jitter; shorter runs are averaged, so that raw samples stay few.
const SAMPLES_PER_BLOCK: u64 = 64;

/// How far the numbers of the rounds of two sittings lie apart: even, and more than a sitting has.
const ROUNDS_APART: usize = 1 << 20;

/// Time between two reports.
const SPACING: Nanos = Nanos::from_millis(30);

/// Sittings that a verdict rests on where nobody asks for another number. With five the 95 % interval is 2.8 standard
/// errors to each side; with three it is 4.3, and with two 12.7.
const SITTINGS: usize = 5;

/// All numbers that decide how networks are measured in turns.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct InterleaveRules {
    /// How often one process prepares its networks anew.
    #[serde(default = "once")]
    pub sittings: usize,
    /// Rounds that are always taken in one sitting.
    pub minimum_rounds: usize,
    /// Further rounds are taken up to this many while the ratios are not known well enough.
    pub maximum_rounds: usize,
    /// Relative half-width of every network's ratio to the first, as far as this sitting's rounds tell, that is well
    /// enough.
    pub half_width: f64,
    /// No further rounds of a sitting beyond the minimum after this time.
    #[serde(rename = "maximum_time_ns")]
    pub maximum_time: Nanos,
    /// What a block lasts before the jitter; a single run where that is longer.
    #[serde(rename = "block_ns")]
    pub block: Nanos,
    /// How far run counts vary: 0.2 is ± 20 %.
    pub jitter: f64,
    /// Timer ticks that a sample lasts at least; shorter runs are averaged.
    pub ticks_per_sample: u64,
    /// When each network's warm-up is over.
    pub warm_up: WarmUpRules,
    /// Decides orders and run counts.
    pub seed: u64,
}

const fn once() -> usize {
    1
}

impl InterleaveRules {
    /// Numbers for this many fresh processes. One process sits down five times; five or more share the rounds in the same
    /// way. Fewer than five, of which Student's t asks more, take as many rounds each as [`Self::one_sitting`] says.
    #[must_use]
    pub const fn in_processes(processes: usize) -> Self {
        let alone = Self::one_sitting();
        if processes > 1 && processes < SITTINGS {
            return alone;
        }
        Self {
            sittings: if processes > 1 { 1 } else { SITTINGS },
            minimum_rounds: 8,
            maximum_rounds: 40,
            half_width: 0.0075,
            maximum_time: Nanos::from_secs(8),
            ..alone
        }
    }

    /// 32 to 160 rounds of 35 ms blocks: about 1.2 s per network on a quiet machine, after 0.3 to 1.5 s of warm-up. One
    /// sitting alone decides nothing.
    #[must_use]
    pub const fn one_sitting() -> Self {
        Self {
            sittings: 1,
            minimum_rounds: 32,
            maximum_rounds: 160,
            half_width: 0.004,
            maximum_time: Nanos::from_secs(40),
            block: Nanos::from_millis(35),
            jitter: 0.2,
            ticks_per_sample: 100,
            warm_up: WarmUpRules {
                minimum_runs: 3,
                minimum_time: Nanos::from_millis(300),
                maximum_time: Nanos::from_millis(1_500),
                patience: Nanos::from_secs(3),
                steady: SteadyRule::Drift { runs: 10, within: 0.02 },
            },
            seed: 2_018,
        }
    }

    /// These numbers for a device: a GPU's warm-up lasts longer, for its clocks rise slowly.
    #[must_use]
    pub fn on(mut self, device: DeviceId) -> Self {
        if device.is_gpu() {
            self.warm_up.minimum_time = self.warm_up.minimum_time.max(Nanos::from_millis(500));
        }
        self
    }

    /// Whether to end the sitting after these rounds. Looks at the intervals only every eight rounds, for that takes time.
    fn is_enough(&self, samples: &Interleaved, elapsed: Nanos) -> bool {
        let done = samples.sitting().len();
        if done < self.minimum_rounds {
            return false;
        }
        done >= self.maximum_rounds
            || elapsed >= self.maximum_time
            || ((done - self.minimum_rounds).is_multiple_of(8) && self.is_on_target(samples))
    }

    fn is_on_target(&self, samples: &Interleaved) -> bool {
        let half_width = |row| PairedSamples::of_rounds(samples.sitting(), &[0], row).rough_half_width();
        (1..samples.rows.len()).all(|row| half_width(row).is_some_and(|half_width| half_width <= self.half_width))
    }

    /// The order of the networks in round `round`, from 0: each pair of rounds is a random order and its reverse.
    #[must_use]
    pub fn order(&self, round: usize, rows: usize) -> Vec<usize> {
        let mut order: Vec<usize> = (0..rows).collect();
        self.random(round / 2, 0).shuffle(&mut order);
        if !round.is_multiple_of(2) {
            order.reverse();
        }
        order
    }

    /// Samples of a block in round `round`: `base` with the jitter, rounded up or down at random; always one where one
    /// fills the block, for a second would double a slow network's time.
    fn samples(&self, base: u64, round: usize, row: usize) -> u64 {
        if base <= 1 {
            return 1;
        }
        let mut random = self.random(round, row as u64 + 1);
        let wanted = base as f64 * (1.0 + self.jitter * (2.0 * random.unit() - 1.0));
        ((wanted + random.unit()).floor() as u64).max(1)
    }

    /// A generator of its own for every round and purpose, so that continued rounds do not depend on where they began.
    fn random(&self, round: usize, purpose: u64) -> SplitMix64 {
        let mut mixed = SplitMix64(self.seed ^ (round as u64).rotate_left(32) ^ purpose.rotate_left(56));
        SplitMix64(mixed.next())
    }
}

/// Where measuring in turns stands.
#[derive(Debug)]
pub struct InterleaveProgress<'a> {
    /// What is going on in this sitting.
    pub step: InterleaveStep,
    /// How much of all sittings is over, 0 to 1.
    pub fraction: f64,
    /// Time since the beginning.
    pub elapsed: Nanos,
    /// What is left at the pace so far if no ratio settles early; `None` until a round is complete.
    pub left: Option<Nanos>,
    /// The samples so far; they can be compared at any time.
    pub samples: &'a Interleaved,
}

/// One step of measuring in turns.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum InterleaveStep {
    /// A network runs without its times being kept.
    WarmUp {
        /// Which network, from 0.
        row: usize,
        /// How many there are.
        rows: usize,
        /// How much of its longest warm-up is over, 0 to 1.
        fraction: f64,
    },
    /// Rounds are taken.
    Rounds {
        /// Complete rounds.
        done: usize,
        /// Most rounds there may be.
        most: usize,
    },
}

impl InterleaveStep {
    /// How much of the sitting is over, 0 to 1; warm-up counts as a tenth.
    fn fraction(self) -> f64 {
        const WARM_UP: f64 = 0.1;
        match self {
            Self::WarmUp { row, rows, fraction } => WARM_UP * (row as f64 + fraction) / rows.max(1) as f64,
            Self::Rounds { done, most } => WARM_UP + (1.0 - WARM_UP) * (done as f64 / most.max(1) as f64).min(1.0),
        }
    }
}

/// Warms the networks up and adds rounds to `samples` until every ratio to the first network is known well enough, or
/// there are as many rounds as the rules allow. The width of the intervals decides when to stop, never the verdict.
///
/// `samples` that hold rounds of the same networks in this process are continued without warming up again, unless
/// [`Interleaved::sit_down`] says that the networks have been prepared anew. `progress` is called between blocks, at
/// most every 30 ms.
///
/// # Errors
/// Where a run fails, `progress` answers `Break`, or the clock is broken. `samples` then holds the complete rounds so
/// far.
pub fn interleave(
    rows: &mut [&mut dyn Executable],
    rules: &InterleaveRules,
    clock: &dyn Clock,
    canary: &mut dyn Canary,
    samples: &mut Interleaved,
    progress: &mut dyn FnMut(&InterleaveProgress<'_>) -> ControlFlow<()>,
) -> Result<(), MeasureError> {
    let is_of_these = samples.rows.len() == rows.len();
    if !is_of_these && !samples.rows.is_empty() {
        *samples = Interleaved::new(clock.quality());
    }
    let sittings = (samples.sittings(), rules.sittings);
    let mut teller = Teller { clock, sittings, start: clock.now(), last: None, rounds_start: None, to: progress };
    if !is_of_these || samples.has_just_sat_down() {
        warm_up_all(rows, rules, clock, samples, &mut teller)?;
        samples.canary.push(canary.run(clock));
    }
    let start = clock.now();
    teller.rounds_start = Some((start, samples.sitting().len()));
    while !rules.is_enough(samples, clock.now().since(start)) {
        let done = samples.sitting().len();
        // Every sitting draws its own orders, and begins with the first of two that balance each other.
        let number = done + samples.sittings() * ROUNDS_APART;
        let mut round = Round { blocks: Vec::with_capacity(rows.len()) };
        for row in rules.order(number, rows.len()) {
            teller.tell(InterleaveStep::Rounds { done, most: rules.maximum_rounds }, samples)?;
            let Some((exe, record)) = rows.get_mut(row).zip(samples.rows.get(row).copied()) else { continue };
            let count = rules.samples(record.samples_per_block, number, row);
            let taken = block(&mut **exe, record, count, clock, samples)?;
            round.blocks.push(Block { row, samples: taken });
        }
        samples.rounds.push(round);
        samples.canary.push(canary.run(clock));
    }
    teller.last = None;
    let done = samples.sitting().len();
    teller.tell(InterleaveStep::Rounds { done, most: done }, samples)
}

fn warm_up_all(
    rows: &mut [&mut dyn Executable],
    rules: &InterleaveRules,
    clock: &dyn Clock,
    samples: &mut Interleaved,
    teller: &mut Teller<'_>,
) -> Result<(), MeasureError> {
    let count = rows.len();
    let mut records = Vec::with_capacity(count);
    for (row, exe) in rows.iter_mut().enumerate() {
        let (warm_up, run) = warm_up(&mut **exe, rules.warm_up, clock, &mut |fraction| {
            teller.tell(InterleaveStep::WarmUp { row, rows: count, fraction }, samples)
        })?;
        let for_timer = runs_per_sample(run, clock.quality().precision, rules.ticks_per_sample);
        let for_size = rules.block.0 / run.0.max(1) / SAMPLES_PER_BLOCK;
        let runs_per_sample = for_timer.max(for_size).clamp(1, LARGEST_BATCH);
        let sample = run.0.max(1).saturating_mul(runs_per_sample);
        records.push(RowRecord {
            warm_up,
            runs_per_sample,
            samples_per_block: (rules.block.0 / sample).max(1),
            threads: exe.threads(),
            instruction_set: exe.instruction_set(),
        });
    }
    samples.rows = records;
    Ok(())
}

/// One block of a network: a run that meets another network's leavings and is not timed, then those that are.
fn block(
    exe: &mut dyn Executable,
    record: RowRecord,
    count: u64,
    clock: &dyn Clock,
    samples: &mut Interleaved,
) -> Result<Vec<Nanos>, MeasureError> {
    exe.run(clock, Marks::None)?;
    let mut taken = Vec::with_capacity(usize::try_from(count).unwrap_or_default());
    while (taken.len() as u64) < count {
        if let Some(times) = unmarked_runs(exe, clock, record.runs_per_sample.max(1))? {
            taken.push(times.host);
            continue;
        }
        let times = samples.discarded.entry(Discard::ClockWentBack).or_default();
        *times += 1;
        if *times > CLOCK_FAULTS_ALLOWED {
            return Err(MeasureError::Clock { times: *times });
        }
    }
    Ok(taken)
}

/// Passes progress on, not too often, and turns the answer `Break` into [`MeasureError::Cancelled`].
struct Teller<'a> {
    clock: &'a dyn Clock,
    /// Which sitting this is, from 1, and how many there will be.
    sittings: (usize, usize),
    start: Nanos,
    last: Option<Nanos>,
    /// When the rounds began, and how many there were then.
    rounds_start: Option<(Nanos, usize)>,
    to: &'a mut dyn FnMut(&InterleaveProgress<'_>) -> ControlFlow<()>,
}

impl Teller<'_> {
    fn tell(&mut self, step: InterleaveStep, samples: &Interleaved) -> Result<(), MeasureError> {
        let now = self.clock.now();
        if self.last.is_some_and(|last| now.since(last) < SPACING) {
            return Ok(());
        }
        self.last = Some(now);
        let (left, elapsed) = (self.left(step, now), now.since(self.start));
        let (sitting, sittings) = self.sittings;
        let fraction = ((sitting.saturating_sub(1) as f64 + step.fraction()) / sittings.max(1) as f64).min(1.0);
        match (self.to)(&InterleaveProgress { step, fraction, elapsed, left, samples }) {
            ControlFlow::Continue(()) => Ok(()),
            ControlFlow::Break(()) => Err(MeasureError::Cancelled),
        }
    }

    fn left(&self, step: InterleaveStep, now: Nanos) -> Option<Nanos> {
        let (InterleaveStep::Rounds { done, most }, Some((start, before))) = (step, self.rounds_start) else {
            return None;
        };
        let taken = done.checked_sub(before).filter(|&taken| taken > 0)?;
        let round = now.since(start).as_f64() / taken as f64;
        let (sitting, sittings) = self.sittings;
        let to_come = most.saturating_sub(done) + most * sittings.saturating_sub(sitting);
        Some(Nanos((round * to_come as f64) as u64))
    }
}

#[cfg(test)]
mod tests;
