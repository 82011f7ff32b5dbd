//! Does the search find as much as looking at everything? For three budgets, the most mult-adds that a search finds beside the
//! most that an exhaustive sweep of a restricted space has.
//!
//!     cargo run --release -p shufflescope-engine --example search_sweep -- [THREADS] [SECONDS] [BUDGET_US ...]
//!
//! The restricted space: ShuffleNet V2 with seven widths of each of its three stages and a few repeats of each. All of it is
//! predicted, with what the search has learned about kernels; of what is predicted to be within the budget, those with the
//! most mult-adds are measured. In the end the best of both are measured once more in the same turns, and what is within the
//! budget there by the upper end of its interval, at the processor's usual clock, counts. Nothing else should run meanwhile.
//! Promised on a quiet machine: at least 30 measured designs on each front, and at least 98 % of the sweep's mult-adds.

#![allow(clippy::print_stdout, reason = "its result")]

use std::error::Error;
use std::ops::ControlFlow;

use shufflescope_engine::clock::MonotonicClock;
use shufflescope_engine::cost::total_cost;
use shufflescope_engine::design::{Batch, Design, Edit, Family, Stage, StageEdit, round_to};
use shufflescope_engine::device::{Device, DeviceId};
use shufflescope_engine::graph::lower;
use shufflescope_engine::measure::{ArithmeticCanary, SystemWatch};
use shufflescope_engine::predict::Predictor;
use shufflescope_engine::runtime::{RunOptions, plan_without_weights};
use shufflescope_engine::search::{
    Asked, Bench, Capacity, DeviceBench, Effort, Goal, Known, Search, Verified, run, starts,
};
use shufflescope_engine::store::KernelRun;
use shufflescope_engine::units::{MultAdds, Nanos};
use shufflescope_engine::zoo::preset;

/// Widths of each stage relative to ShuffleNet V2 1.0x, and repeats of stages 2, 3 and 4.
const WIDTHS: [f64; 7] = [0.5, 0.75, 1.0, 1.25, 1.5, 1.75, 2.0];
const REPEATS: [&[u32]; 3] = [&[2, 4, 6], &[4, 6, 8, 12], &[2, 4, 6]];

/// Designs that take turns together, and turns that the sweep takes at most.
const TOGETHER: usize = 10;
const TURNS: usize = 16;

/// The best of either that are measured again.
const BEST: usize = TOGETHER / 2;

/// Predictions are off by this much: what is predicted to be so little above the budget may be within it.
const BESIDE: f64 = 1.03;

/// Where few of those are within it, those that are predicted to be so much faster are next.
const FURTHER_DOWN: f64 = 0.97;

struct Row {
    budget: Nanos,
    on_front: usize,
    measured: usize,
    evaluated: usize,
    swept: usize,
    found: Option<MultAdds>,
    best: Option<MultAdds>,
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let threads = arguments.next().map_or(Ok(1), |text| text.parse())?;
    let seconds = arguments.next().map_or(Ok(60), |text| text.parse())?;
    let budgets = arguments.map(|text| text.parse()).collect::<Result<Vec<u64>, _>>()?;
    let budgets = if budgets.is_empty() { vec![1_000, 2_000, 4_000] } else { budgets };
    let options = RunOptions::new(DeviceId::Cpu, threads, 1);
    let (device, clock) = (Device::cpu(), MonotonicClock::new());
    let (mut canary, mut watch) = (ArithmeticCanary::new(), SystemWatch::default());
    let mut bench =
        DeviceBench { device: &device, options: &options, clock: &clock, canary: &mut canary, watch: &mut watch };
    let space = space();
    println!("{options}: {} s for each search, {} designs in the restricted space", seconds, space.len());
    let (mut rows, mut known) = (Vec::new(), Vec::<KernelRun>::new());
    for budget in budgets {
        let budget = Nanos(1_000 * budget);
        let goal = Goal { budget, at_least_mult_adds: None, at_most_params: None, most: Capacity::MultAdds };
        let mut search = Search::new(goal, starts(Family::ShufflenetV2, None), &options, 1).ok_or("no design")?;
        let mut learned = Vec::new();
        let how = (Nanos::from_secs(seconds), Effort::default());
        run(&mut search, Known { runs: known.clone(), peaks: None }, (&mut bench, &clock), how, &mut |news| {
            learned.extend(news.kernels.to_vec());
            ControlFlow::Continue(())
        })?;
        known.extend(learned);
        let (swept, best) = sweep(&space, budget, &options, &mut bench, &mut known)?;
        let found: Vec<Design> =
            search.front().into_iter().rev().take(BEST).map(|found| found.design.clone()).collect();
        let usual_clock = Predictor::new(&known, None).and_then(|predictor| predictor.usual_clock());
        let (of_search, of_sweep) = again(&found, &best, (budget, usual_clock), &mut bench)?;
        rows.push(Row {
            budget,
            on_front: search.front().len(),
            measured: search.found().len(),
            evaluated: search.evaluated(),
            swept,
            found: of_search,
            best: of_sweep,
        });
    }
    print_table(&rows);
    Ok(())
}

/// The restricted space, each with its mult-adds.
fn space() -> Vec<(Design, MultAdds)> {
    let Some(base) = preset("shufflenet-v2-x1.0") else { return Vec::new() };
    let mut all = vec![base];
    for (stage, repeats) in REPEATS.iter().enumerate() {
        let vary = |design: &Design| {
            let channels = design.stages.get(stage).map_or(2, |stage| stage.channels);
            let choices = WIDTHS.iter().flat_map(|width| repeats.iter().map(move |repeats| (*width, *repeats)));
            let changed = choices.map(|(width, repeats)| {
                let channels = round_to(f64::from(channels) * width, 4);
                let edits = [StageEdit::Channels(channels), StageEdit::Repeats(repeats)];
                design.apply(&Edit::All(edits.map(|change| Edit::Stage { stage, change }).to_vec()))
            });
            changed.collect::<Vec<Design>>()
        };
        all = all.iter().flat_map(vary).collect();
    }
    // As in the search, no stage is narrower than the one before it, nor more than four times as wide.
    let is_like_the_starts = |pair: &[Stage]| (pair[0].channels..=4 * pair[0].channels).contains(&pair[1].channels);
    all.retain(|design| design.stages.windows(2).all(is_like_the_starts));
    let sized = |design: Design| Some((total_cost(&lower(&design, Batch(1)).ok()?).mult_adds, design));
    let mut sized: Vec<(MultAdds, Design)> = all.into_iter().filter_map(sized).collect();
    sized.sort_by_key(|(mult_adds, _)| std::cmp::Reverse(*mult_adds));
    sized.into_iter().map(|(mult_adds, design)| (design, mult_adds)).collect()
}

/// How many designs were predicted, and the measured ones with the most mult-adds within the budget.
fn sweep(
    space: &[(Design, MultAdds)],
    budget: Nanos,
    options: &RunOptions,
    bench: &mut dyn Bench,
    known: &mut Vec<KernelRun>,
) -> Result<(usize, Vec<Design>), Box<dyn Error>> {
    let mut best: Vec<Design> = Vec::new();
    let mut asked: Vec<usize> = Vec::new();
    let mut beside = BESIDE;
    for _ in 0..TURNS {
        let predictor = Predictor::new(known, None).ok_or("nothing is known")?;
        let is_near = |design: &Design| {
            let graph = lower(design, Batch(1)).ok()?;
            let plan = plan_without_weights(&graph, options)?;
            Some(predictor.predict(&graph, &plan).predicted.as_f64() <= beside * budget.as_f64())
        };
        let next: Vec<usize> = (0..space.len())
            .filter(|at| !asked.contains(at) && is_near(&space[*at].0) == Some(true))
            .take(TOGETHER)
            .collect();
        let turns: Vec<Asked<'_>> = next.iter().map(|&at| Asked { design: &space[at].0, estimate: None }).collect();
        let measured = bench.verify(&turns, &mut || ControlFlow::Continue(()))?;
        let before = best.len();
        for (&at, measured) in next.iter().zip(measured) {
            let Some(measured) = measured else { continue };
            let latency = measured.at_usual_clock(predictor.usual_clock());
            known.extend(measured.kernels);
            if latency.high <= budget {
                best.push(space[at].0.clone());
            }
        }
        if 2 * (best.len() - before) < next.len() {
            beside *= FURTHER_DOWN;
        }
        asked.extend(next);
        if best.len() >= BEST {
            break;
        }
    }
    best.truncate(BEST);
    Ok((space.len(), best))
}

/// The most mult-adds within the budget of each of both, measured in the same turns.
fn again(
    found: &[Design],
    best: &[Design],
    (budget, usual_clock): (Nanos, Option<Nanos>),
    bench: &mut dyn Bench,
) -> Result<(Option<MultAdds>, Option<MultAdds>), Box<dyn Error>> {
    let turns: Vec<Asked<'_>> = found.iter().chain(best).map(|design| Asked { design, estimate: None }).collect();
    let measured = bench.verify(&turns, &mut || ControlFlow::Continue(()))?;
    let is_within = |measured: &Verified| measured.at_usual_clock(usual_clock).high <= budget;
    let most = |designs: &[Design], measured: &[Option<Verified>]| {
        let within = designs.iter().zip(measured).filter(|(_, measured)| measured.as_ref().is_some_and(is_within));
        within.filter_map(|(design, _)| Some(total_cost(&lower(design, Batch(1)).ok()?).mult_adds)).max()
    };
    let (of_search, of_sweep) = measured.split_at(found.len().min(measured.len()));
    Ok((most(found, of_search), most(best, of_sweep)))
}

fn print_table(rows: &[Row]) {
    println!(
        "\n{:>9} {:>9} {:>9} {:>10} {:>12} {:>9} {:>12} {:>8}  promised",
        "budget", "on front", "measured", "looked at", "search", "swept", "sweep", "ratio"
    );
    let text = |most: Option<MultAdds>| most.map_or_else(|| "none".into(), |most| most.to_string());
    for row in rows {
        let ratio = row.found.zip(row.best).map(|(found, best)| found.as_f64() / best.as_f64().max(1.0));
        println!(
            "{:>9} {:>9} {:>9} {:>10} {:>12} {:>9} {:>12} {:>8}  30 on front, ratio 0.98",
            row.budget.to_string(),
            row.on_front,
            row.measured,
            row.evaluated,
            text(row.found),
            row.swept,
            text(row.best),
            ratio.map_or_else(|| "-".into(), |ratio| format!("{ratio:.3}")),
        );
    }
}
