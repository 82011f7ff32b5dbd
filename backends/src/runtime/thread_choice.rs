//! How many of the threads asked for a network runs on: no more than there are cores, and none that do not help.
//!
//! Each thread more makes every phase of a run end a little later, so that from some number on they only take cores away
//! from others. Where that is depends on network and machine, so it is found by running: half as many take turns with as
//! many as asked for, then half of those, for as long as fewer are hardly slower.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::units::Nanos;

/// How much longer fewer threads may take than the fastest number: less cannot be told apart in so short a time.
const HARDLY_SLOWER: f64 = 0.02;
/// How much longer fewer threads take where still fewer are not worth a try.
const MUCH_SLOWER: f64 = 0.10;
/// Runs longer than this are not tried: what threads cost a run is nothing beside it.
const LONGEST_RUN: Nanos = Nanos::from_millis(20);
/// How long those that did not run last may still be looking for work before they sleep, which takes a core.
const SETTLING: Nanos = Nanos(500_000);
/// Time of a turn's runs that count.
const TURN: Nanos = Nanos::from_millis(2);
/// Rounds of turns at least and at most, and the time after which there are no more than the least.
const ROUNDS: [usize; 2] = [3, 15];
const LONGEST_RACE: Nanos = Nanos::from_millis(60);
/// How much slower one is where two rounds are enough to say so.
const OBVIOUS: f64 = 0.30;

/// How many threads a network runs on, and why.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ThreadChoice {
    /// Threads asked for.
    pub asked: usize,
    /// Cores that the process may use; no more threads than these are ever used.
    pub cores: usize,
    /// Threads that run: of those tried the fewest that are hardly (2 %) slower than the fastest.
    pub used: usize,
    /// The other numbers that took turns with them before the measurement, the most threads first; none where a run takes
    /// so long that more threads are no question.
    pub tried: Vec<TriedThreads>,
}

/// Another number of threads than the one that runs.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TriedThreads {
    /// So many.
    pub threads: usize,
    /// Time of a run relative to that with the threads that are used, in a few turns: a rough figure.
    pub ratio: f64,
}

impl ThreadChoice {
    /// Whether as many run as were asked for.
    #[must_use]
    pub const fn is_as_asked(&self) -> bool {
        self.used == self.asked
    }

    /// What was found, in words: `8 take 1.03 of the time of 4, 2 take 1.41`.
    #[must_use]
    pub fn describe(&self) -> String {
        let of = |(index, tried): (usize, &TriedThreads)| {
            let TriedThreads { threads, ratio } = tried;
            let take = if *threads == 1 { "takes" } else { "take" };
            let what = if index == 0 { format!(" of the time of {}", self.used) } else { String::new() };
            format!("{threads} {take} {ratio:.2}{what}")
        };
        let mut facts: Vec<String> = self.tried.iter().enumerate().map(of).collect();
        if self.cores < self.asked {
            let cores = if self.cores == 1 { "core" } else { "cores" };
            facts.insert(0, format!("the process may use {} {cores}", self.cores));
        }
        facts.join(", ")
    }
}

/// One of two networks that take turns; times its next run.
pub(super) type Run<'a, E> = &'a mut dyn FnMut() -> Result<Nanos, E>;

/// Says how much time the second of two networks takes relative to the first, or nothing where that is no question.
pub(super) type Race<'a, N, E> = &'a mut dyn FnMut(&mut N, &mut N) -> Result<Option<f64>, E>;

/// The numbers of threads that are tried, the most first: as many as there may be, halves of them, and those up to which
/// all cores are `alike`.
fn candidates(most: usize, alike: &[usize]) -> Vec<usize> {
    let halves = std::iter::successors(Some(most.max(1)), |&threads| (threads > 1).then(|| threads.div_ceil(2)));
    let mut all: Vec<usize> =
        halves.chain(alike.iter().copied().filter(|&threads| 0 < threads && threads < most)).collect();
    all.sort_unstable_by(|a, b| b.cmp(a));
    all.dedup();
    all
}

/// The network on the fewest threads that are hardly slower than the fastest number, and the choice. `make` makes it ready
/// for so many.
///
/// # Errors
/// Where the first cannot be made, or a run fails. What only the others need, and there is not, ends the search.
pub(super) fn fewest_that_help<N, E>(
    (asked, cores): (usize, usize),
    alike: &[usize],
    make: &mut dyn FnMut(usize) -> Result<N, E>,
    race: Race<'_, N, E>,
) -> Result<(N, ThreadChoice), E> {
    let candidates = candidates(asked.min(cores), alike);
    let mut used = candidates[0];
    let mut network = make(used)?;
    // Times relative to the first one's.
    let mut times = vec![(used, 1.0)];
    for &threads in &candidates[1..] {
        let Ok(mut fewer) = make(threads) else { break };
        let Some(ratio) = race(&mut network, &mut fewer)? else { break };
        let time_of = |of: usize| times.iter().find(|(threads, _)| *threads == of).map_or(1.0, |(_, time)| *time);
        let time = ratio * time_of(used);
        times.push((threads, time));
        let fastest = times.iter().map(|(_, time)| *time).fold(f64::INFINITY, f64::min);
        if time <= fastest * (1.0 + HARDLY_SLOWER) {
            (network, used) = (fewer, threads);
        } else if ratio > 1.0 + MUCH_SLOWER {
            break;
        }
    }
    let of_used = times.iter().find(|(threads, _)| *threads == used).map_or(1.0, |(_, time)| *time);
    let others = times.into_iter().filter(|(threads, _)| *threads != used);
    let tried = others.map(|(threads, time)| TriedThreads { threads, ratio: time / of_used }).collect();
    Ok((network, ThreadChoice { asked, cores, used, tried }))
}

/// Lets two networks take turns, and returns the second one's time relative to the first one's: the median over the rounds.
/// `None` where one run takes so long that threads are no question.
///
/// # Errors
/// Where a run fails.
pub(super) fn in_turns<E>([first, second]: [Run<'_, E>; 2]) -> Result<Option<f64>, E> {
    // Before that nothing is in the caches.
    if first()? > LONGEST_RUN {
        return Ok(None);
    }
    second()?;
    let [least, most] = ROUNDS;
    let (mut ratios, mut spent) = (Vec::with_capacity(most), Nanos::ZERO);
    loop {
        let mut times = [Nanos::ZERO; 2];
        for (time, run) in times.iter_mut().zip([&mut *first, &mut *second]) {
            let (median, took) = turn(run)?;
            (*time, spent) = (median, spent + took);
        }
        ratios.push(times[1].share_of(times[0]));
        let is_obvious = || {
            let slower = |ratio: &f64| *ratio > 1.0 + OBVIOUS;
            let faster = |ratio: &f64| *ratio < 1.0 / (1.0 + OBVIOUS);
            ratios.iter().all(slower) || ratios.iter().all(faster)
        };
        let done = ratios.len();
        if done >= most || (done >= least && spent >= LONGEST_RACE) || (done + 1 >= least && is_obvious()) {
            break;
        }
    }
    ratios.sort_unstable_by(f64::total_cmp);
    Ok(Some(ratios[ratios.len() / 2]))
}

/// Runs until nobody else is left who looks for work, then for a while: the median of the latter, and what all took.
fn turn<E>(run: &mut dyn FnMut() -> Result<Nanos, E>) -> Result<(Nanos, Nanos), E> {
    let mut spent = Nanos::ZERO;
    while spent < SETTLING {
        // A clock that stands still must not keep us here.
        spent += run()?.max(Nanos(1_000));
    }
    let (mut times, mut counted) = (Vec::new(), Nanos::ZERO);
    while counted < TURN {
        let time = run()?.max(Nanos(1_000));
        times.push(time);
        counted += time;
    }
    times.sort_unstable();
    Ok((times[times.len() / 2], spent + counted))
}

#[cfg(test)]
mod tests;
