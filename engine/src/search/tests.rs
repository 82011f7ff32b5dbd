//! Searches on the [machine](crate::predict::fake) whose every cost is known.

use std::ops::ControlFlow;

use super::*;
use crate::clock::Clock;
use crate::cost::total_cost;
use crate::design::{Design, Edit, Family, InputSize, Stage, StageEdit};
use crate::device::Device;
use crate::measure::fake::FakeClock;
use crate::measure::{ArithmeticCanary, MedianRange, SplitMix64, Undisturbed};
use crate::predict::fake::{Machine, QUIET, options, planned};
use crate::store::KernelRun;
use crate::units::{MultAdds, Nanos, Params};
use crate::zoo::preset;

/// Half of the interval that the fake bench tells.
const HALF_WIDTH: f64 = 0.008;

/// What the canary takes at the usual clock.
const CANARY: Nanos = Nanos(50_000);

/// Looking at so few designs takes a moment.
const EFFORT: Effort = Effort { first: 1_500, further: 400 };

/// Measures on the machine; its clock moves as measuring would take.
struct FakeBench {
    machine: Machine,
    clock: FakeClock,
    noise: f64,
    /// How far the processor's clock wanders from turns to turns; a canary tells it.
    wander: f64,
    random: SplitMix64,
    verified: Vec<Design>,
}

impl FakeBench {
    fn new(seed: u64, tile: usize, noise: [f64; 3]) -> Self {
        let (machine, random) = (Machine::new(seed, tile, noise), SplitMix64(seed));
        Self { machine, clock: FakeClock::new(), noise: noise[2], wander: 0.0, random, verified: Vec::new() }
    }

    fn latency(&mut self, design: &Design) -> MedianRange {
        let noise = self.noise * 2.0 * (self.random.unit() - 0.5);
        let median = self.machine.whole(&planned(design).1) * noise.exp();
        let of = |by: f64| Nanos((median * (1.0 + by)) as u64);
        MedianRange { median: of(0.0), low: of(-HALF_WIDTH), high: of(HALF_WIDTH) }
    }
}

impl Bench for FakeBench {
    fn learn(&mut self, asked: Asked<'_>, pulse: Pulse<'_>) -> Result<Option<KernelRun>, SearchError> {
        self.clock.advance(Nanos::from_millis(150));
        let _ = pulse();
        Ok(Some(KernelRun { canary: Some(CANARY), ..self.machine.measure(asked.design) }))
    }

    fn verify(&mut self, asked: &[Asked<'_>], pulse: Pulse<'_>) -> Result<Vec<Option<Verified>>, SearchError> {
        let mut verified = Vec::new();
        let slower = (self.wander * (2.0 * self.random.unit() - 1.0)).exp();
        let by = |time: Nanos| Nanos((time.as_f64() * slower) as u64);
        let canary = Some(by(CANARY));
        for asked in asked {
            self.clock.advance(Nanos::from_millis(400));
            if pulse().is_break() {
                return Err(crate::measure::MeasureError::Cancelled.into());
            }
            let mut run = KernelRun { estimate: asked.estimate, canary, ..self.machine.measure(asked.design) };
            run.whole = by(run.whole);
            run.kernels.iter_mut().for_each(|(_, time)| *time = by(*time));
            let MedianRange { median, low, high } = self.latency(asked.design);
            let latency = MedianRange { median: by(median), low: by(low), high: by(high) };
            verified.push(Some(Verified { latency, canary, kernels: Some(run) }));
            self.verified.push(asked.design.clone());
        }
        Ok(verified)
    }
}

fn within(budget: f64) -> Goal {
    Goal { budget: Nanos(budget as u64), at_least_mult_adds: None, at_most_params: None, most: Capacity::MultAdds }
}

fn searched(search: &mut Search, bench: &mut FakeBench, seconds: u64) {
    let clock = bench.clock.clone();
    let time = Nanos::from_secs(seconds);
    run(search, Known::default(), (bench, &clock), (time, EFFORT), &mut |_| ControlFlow::Continue(())).unwrap();
}

fn base() -> Design {
    preset("shufflenet-v2-x1.0").unwrap()
}

/// Mult-adds and true nanoseconds of every combination of a few widths and repeats of the three stages.
fn swept(machine: &Machine) -> Vec<(f64, u64)> {
    const WIDTHS: [f64; 6] = [0.5, 0.75, 1.0, 1.25, 1.5, 1.75];
    const REPEATS: [[u32; 3]; 8] =
        [[2, 4, 2], [2, 8, 2], [2, 8, 4], [4, 4, 4], [4, 8, 4], [4, 12, 4], [6, 8, 6], [2, 12, 6]];
    let mut all = Vec::new();
    for number in 0..WIDTHS.len().pow(3) * REPEATS.len() {
        let (widths, repeats) = (number / REPEATS.len(), REPEATS[number % REPEATS.len()]);
        let base = base();
        let edits = base.stages.iter().enumerate().flat_map(|(stage, of)| {
            let width = WIDTHS[widths / WIDTHS.len().pow(stage as u32) % WIDTHS.len()];
            let channels = crate::design::round_to(f64::from(of.channels) * width, 4);
            [StageEdit::Channels(channels), StageEdit::Repeats(repeats[stage])]
                .map(|change| Edit::Stage { stage, change })
        });
        let design = base.apply(&Edit::All(edits.collect()));
        // As in the search, no stage is narrower than the one before it, nor more than four times as wide.
        let is_like_the_base = |pair: &[Stage]| (pair[0].channels..=4 * pair[0].channels).contains(&pair[1].channels);
        if design.stages.windows(2).all(is_like_the_base) && design.check().is_ok() {
            let (graph, plan) = planned(&design);
            all.push((machine.whole(&plan), total_cost(&graph).mult_adds.0));
        }
    }
    all
}

#[test]
fn the_best_of_a_restricted_space_is_found_within_two_percent_on_three_budgets() {
    for (tile, share) in [(1, 0.5), (16, 1.0), (1, 2.0)] {
        let machine = Machine::new(3, tile, [0.0; 3]);
        let budget = share * machine.whole(&planned(&base()).1);
        let all = swept(&machine);
        assert!(all.len() > 700, "{}", all.len());
        let best = all.iter().filter(|(time, _)| time * (1.0 + HALF_WIDTH) <= budget).map(|(_, has)| *has).max();
        let best = best.unwrap();
        let mut search = Search::new(within(budget), vec![base()], &options(), 9).unwrap().turning(Knobs::STAGES);
        searched(&mut search, &mut FakeBench::new(3, tile, [0.0; 3]), 20);
        let found = search.front().last().unwrap().mult_adds.0;
        let ratio = found as f64 / best as f64;
        assert!(ratio >= 0.98, "{share} with tiles of {tile}: {found} for {best}, {ratio}");
        assert!(search.front().iter().all(|found| found.latency.high.as_f64() <= budget));
    }
}

#[test]
fn half_a_minute_fills_the_front_with_thirty_designs_that_are_within_the_budget_and_beat_each_other_in_one_thing_only()
{
    let usual = Machine::new(5, 1, QUIET).whole(&planned(&base()).1);
    let goal = within(0.9 * usual);
    let mut search = Search::new(goal, starts(Family::ShufflenetV2, None), &options(), 1).unwrap();
    let mut bench = FakeBench::new(5, 1, [QUIET[0], QUIET[1], 0.01]);
    searched(&mut search, &mut bench, 35);
    let front = search.front();
    assert!(front.len() >= 30, "{} of {}", front.len(), search.found().len());
    for pair in front.windows(2) {
        assert!(pair[0].latency.median < pair[1].latency.median && pair[0].mult_adds < pair[1].mult_adds);
    }
    for found in &front {
        assert!(found.latency.high <= goal.budget && found.design.check().is_ok());
        assert_eq!(found.mult_adds, total_cost(&planned(&found.design).0).mult_adds);
    }
    let (fastest, slowest) = (front[0].latency.median.as_f64(), front[front.len() - 1].latency.high.as_f64());
    assert!(fastest < 0.4 * goal.budget.as_f64() && slowest > 0.97 * goal.budget.as_f64(), "{fastest} {slowest}");
    // A network as it was published is measured beside them, under its name.
    assert!(search.found().iter().any(|found| found.design == preset("shufflenet-v2-x0.5").unwrap()));
    let mut names: Vec<&str> = search.found().iter().map(|found| found.design.name.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), search.found().len(), "each has a name of its own");
}

#[test]
fn the_same_seed_finds_the_same_and_another_one_other_designs() {
    let found = |seed| {
        let mut search = Search::new(within(2.5e6), vec![base()], &options(), seed).unwrap();
        searched(&mut search, &mut FakeBench::new(7, 8, QUIET), 8);
        search.found().to_vec()
    };
    let first = found(1);
    assert!(first.len() > 5, "{}", first.len());
    assert_eq!(first, found(1));
    assert_ne!(first, found(2));
}

#[test]
fn what_is_found_at_one_clock_is_compared_with_what_is_found_at_another() {
    let mut search = Search::new(within(4e6), vec![base()], &options(), 1).unwrap();
    let mut bench = FakeBench { wander: 0.08, ..FakeBench::new(7, 8, [0.0; 3]) };
    searched(&mut search, &mut bench, 14);
    assert!(search.found().len() > 20, "{}", search.found().len());
    for found in search.found() {
        let truth = bench.machine.whole(&planned(&found.design).1);
        let off = found.latency.median.as_f64() / truth - 1.0;
        assert!(off.abs() < 0.001, "{off}");
    }
}

#[test]
fn bounds_hold_for_what_is_on_the_front_and_params_can_be_what_is_wanted() {
    let usual = Machine::new(5, 1, [0.0; 3]).whole(&planned(&base()).1);
    let goal = Goal {
        at_least_mult_adds: Some(MultAdds(110_000_000)),
        at_most_params: Some(Params(1_900_000)),
        most: Capacity::Params,
        ..within(usual)
    };
    let mut search = Search::new(goal, starts(Family::ShufflenetV2, None), &options(), 1).unwrap();
    searched(&mut search, &mut FakeBench::new(5, 1, [0.0; 3]), 20);
    let front = search.front();
    let least = front.last().map(|found| found.params.0);
    assert!(least.is_some_and(|params| params > 1_800_000), "{least:?}");
    assert!(front.iter().all(|found| found.mult_adds.0 >= 110_000_000 && found.params.0 <= 1_900_000));
    assert!(front.windows(2).all(|pair| pair[0].params < pair[1].params));
}

#[test]
fn a_search_goes_on_with_what_was_measured_and_measures_none_of_it_again() {
    let goal = within(3e6);
    let search = |seed| Search::new(goal, vec![base()], &options(), seed).unwrap();
    let (mut first, mut bench) = (search(1), FakeBench::new(2, 1, QUIET));
    searched(&mut first, &mut bench, 8);
    let kept = first.found().to_vec();
    let best = first.front().last().unwrap().mult_adds;
    let mut second = search(1);
    second.resume(kept.clone());
    searched(&mut second, &mut bench, 8);
    assert_eq!(second.found()[..kept.len()], kept);
    assert!(second.found().len() > kept.len());
    assert!(second.front().last().unwrap().mult_adds >= best);
    let mut prints: Vec<String> = bench.verified.iter().map(|design| design.fingerprint().to_string()).collect();
    prints.sort_unstable();
    prints.dedup();
    assert_eq!(prints.len(), bench.verified.len());
}

#[test]
fn whoever_cancels_keeps_what_was_told_and_progress_tells_the_time_left() {
    let mut search = Search::new(within(3e6), vec![base()], &options(), 1).unwrap();
    let mut bench = FakeBench::new(2, 1, QUIET);
    let clock = bench.clock.clone();
    let (begin, time) = (clock.now(), Nanos::from_secs(60));
    let (mut told, mut kernels, mut phases) = (Vec::new(), 0, Vec::new());
    let ended = run(&mut search, Known::default(), (&mut bench, &clock), (time, EFFORT), &mut |news| {
        let Standing { phase, fraction, left, .. } = news.standing;
        assert_eq!(left, time.since(clock.now().since(begin)));
        assert!((0.0..=1.0).contains(&fraction));
        phases.push(phase);
        told.extend(news.found.to_vec());
        kernels += news.kernels.len();
        if told.len() >= 15 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    assert!(ended.unwrap_err().is_cancelled());
    assert!(told.len() >= 15 && told.len() < 40);
    assert_eq!(search.found(), told, "what was measured is there and was told");
    assert!(kernels > told.len(), "what is learned first is told too");
    for phase in [Phase::Learning, Phase::Looking, Phase::Measuring] {
        assert!(phases.contains(&phase), "{phase:?}");
    }
}

#[test]
fn where_nothing_can_be_learned_that_is_said() {
    struct Busy(FakeClock);
    impl Bench for Busy {
        fn learn(&mut self, _: Asked<'_>, _: Pulse<'_>) -> Result<Option<KernelRun>, SearchError> {
            self.0.advance(Nanos::from_millis(200));
            Ok(None)
        }

        fn verify(&mut self, _: &[Asked<'_>], _: Pulse<'_>) -> Result<Vec<Option<Verified>>, SearchError> {
            unreachable!("nothing was learned")
        }
    }
    let clock = FakeClock::new();
    let mut search = Search::new(within(3e6), vec![base()], &options(), 1).unwrap();
    let (mut busy, how) = (Busy(clock.clone()), (Nanos::from_secs(4), EFFORT));
    let ended = run(&mut search, Known::default(), (&mut busy, &clock), how, &mut |_| ControlFlow::Continue(()));
    let Err(SearchError::NothingLearned { measured }) = ended else { panic!("there is nothing to predict from") };
    assert_eq!(measured, 12);
}

#[test]
fn families_start_from_their_published_widths_with_one_input() {
    let names = |family| starts(family, None).into_iter().map(|design| design.name).collect::<Vec<String>>();
    assert_eq!(
        names(Family::ShufflenetV2),
        ["shufflenet-v2-x0.5", "shufflenet-v2-x1.0", "shufflenet-v2-x1.5", "shufflenet-v2-x2.0"]
    );
    assert_eq!((names(Family::ShufflenetV1).len(), names(Family::MobilenetV2).len()), (8, 6));
    assert!(names(Family::Custom).is_empty());
    for (input, side) in [(None, 224), (Some(InputSize::square(96)), 96)] {
        let all = starts(Family::MobilenetV2, input);
        assert!(all.iter().all(|design| design.input == InputSize::square(side)));
        assert!(all.iter().all(|design| design.check().is_ok()));
    }
    assert!(Search::new(within(1e6), vec![], &options(), 1).is_none());
    let broken = base().apply(&Edit::Classes(0));
    assert!(Search::new(within(1e6), vec![broken], &options(), 1).is_none());
}

#[test]
fn every_knob_is_turned_and_every_design_is_sound_and_within_bounds() {
    for family in [Family::ShufflenetV2, Family::ShufflenetV1, Family::MobilenetV2] {
        let designs = starts(family, None);
        let space = super::space::Space::around(designs.clone()).unwrap();
        let mut random = SplitMix64(8);
        let mut design = designs[1].clone();
        let (mut changed, mut mixed) = (0, 0);
        for _ in 0..300 {
            let other = space.scattered(&mut random).unwrap();
            mixed += usize::from(space.mixed([&design, &other], &mut random).is_some());
            let Some(next) = space.varied(&design, &mut random) else { continue };
            assert!(next.check().is_ok() && next.input == design.input && next.classes == 1000);
            assert!(next.stages.iter().zip(&design.stages).all(|(a, b)| a.stride == b.stride));
            for design in [&next, &other] {
                assert!(design.stages.windows(2).all(|pair| pair[1].channels <= 4 * pair[0].channels), "{design:?}");
                let fewest = |stage: usize| designs.iter().map(|start| start.stages[stage].repeats).min().unwrap();
                assert!(design.stages.iter().enumerate().all(|(at, stage)| 2 * stage.repeats >= fewest(at)));
            }
            changed += 1;
            design = next;
        }
        assert!(changed > 250 && mixed > 30, "{family:?}: {changed} {mixed}");
        let kernels = design.stages.iter().any(|stage| stage.block.kernel() != 3);
        let widths = design.stages.iter().zip(&designs[1].stages).any(|(a, b)| a.channels != b.channels);
        let repeats = design.stages.iter().zip(&designs[1].stages).any(|(a, b)| a.repeats != b.repeats);
        assert!(kernels && widths && repeats, "{family:?}: {design:?}");
        assert!(design.stages.windows(2).all(|pair| pair[0].channels <= pair[1].channels));
    }
}

#[test]
fn a_device_measures_what_is_asked_in_turns_with_its_kernels_and_stops_at_once() {
    let small = |name: &str| preset(name).unwrap().apply(&Edit::Input(InputSize::square(32)));
    let designs = [small("shufflenet-v2-x0.5"), small("shufflenet-v2-x1.0")];
    let asked: Vec<Asked<'_>> = designs.iter().map(|design| Asked { design, estimate: None }).collect();
    let (device, clock) = (Device::cpu(), crate::clock::MonotonicClock::new());
    let (mut canary, mut watch) = (ArithmeticCanary::new(), Undisturbed);
    let mut bench =
        DeviceBench { device: &device, options: &options(), clock: &clock, canary: &mut canary, watch: &mut watch };
    let verified = bench.verify(&asked, &mut || ControlFlow::Continue(())).unwrap();
    for (verified, design) in verified.iter().zip(&designs) {
        let Verified { latency, kernels, .. } = verified.as_ref().unwrap();
        assert!(Nanos::ZERO < latency.low && latency.low <= latency.median && latency.median <= latency.high);
        // On a busy machine what kernels take says nothing.
        if let Some(run) = kernels {
            assert_eq!((&run.model, run.kernels.len()), (&design.name, planned(design).1.kernels.len()));
        }
    }
    let mut left = 2;
    let ended = bench.verify(&asked, &mut || {
        left -= 1;
        if left > 0 { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    });
    assert!(ended.unwrap_err().is_cancelled());
    let mut at_once = || ControlFlow::Break(());
    assert!(bench.learn(asked[0], &mut at_once).unwrap_err().is_cancelled());
}
