use std::ops::ControlFlow;
use std::sync::{Arc, Mutex};

use super::*;
use crate::clock::Clock;
use crate::measure::fake::{FakeCanary, FakeClock, FakeExecutable, Noise, NoisyMachine};
use crate::measure::{InterleaveRules, interleave};

/// A fresh process measures networks of these nanoseconds in turns on a noisy machine. Whenever networks are prepared
/// they come to lie elsewhere, and each of them is as far off as the noise says that a process is.
fn process(times: &[f64], noise: Noise, rules: &InterleaveRules, seed: u64) -> Interleaved {
    let clock = FakeClock::new();
    let machine = Arc::new(Mutex::new(NoisyMachine::new(&clock, Noise { process: 0.0, ..noise }, seed)));
    let place = Noise { wander: 0.0, jitter: 0.0, drift: 0.0, spikes: 0.0, ..noise };
    let (mut samples, mut canary) = (Interleaved::new(clock.quality()), FakeCanary::steady(&clock));
    for sitting in 0..rules.sittings as u64 {
        let network = |(row, &time): (usize, &f64)| {
            let machine = machine.clone();
            let mut layout = NoisyMachine::new(&clock, place, (seed * 8 + sitting) * 8 + row as u64);
            let time = layout.run(time).as_f64();
            FakeExecutable::new(&clock, move |_| machine.lock().unwrap().run(time))
        };
        let mut rows: Vec<FakeExecutable> = times.iter().enumerate().map(network).collect();
        let mut rows: Vec<&mut dyn crate::runtime::Executable> = rows.iter_mut().map(|row| row as _).collect();
        samples.sit_down();
        interleave(&mut rows, rules, &clock, &mut canary, &mut samples, &mut |_| ControlFlow::Continue(())).unwrap();
    }
    samples
}

/// What comes out of 200 seeds for a B that is A, and for one that is 3 % slower: how often each verdict, and how often
/// the interval contains the truth.
#[derive(Debug, Default, PartialEq)]
struct Outcome {
    /// Faster, slower, same, undecided.
    itself: [usize; 4],
    slower: [usize; 4],
    covered: usize,
}

const SEEDS: usize = 200;

fn simulate(noise: Noise, processes: usize, run: f64) -> Outcome {
    let rules = InterleaveRules::in_processes(processes);
    let mut outcome = Outcome::default();
    for seed in 0..SEEDS {
        let fresh = |process_number| {
            let seed = (seed * 8 + process_number) as u64;
            process(&[run, run, run * 1.03, run], noise, &InterleaveRules { seed, ..rules }, seed)
        };
        let taken: Vec<Interleaved> = (0..processes).map(fresh).collect();
        let floor = NoiseFloor::of(&compare(&PairedSamples::of(&taken, &[0], 3), None).unwrap());
        let against_a = |row| compare(&PairedSamples::of(&taken, &[0, 3], row), Some(floor)).unwrap();
        let (itself, slower) = (against_a(1), against_a(2));
        outcome.itself[itself.verdict as usize] += 1;
        outcome.slower[slower.verdict as usize] += 1;
        outcome.covered += usize::from(itself.ratio.low <= 1.0 && 1.0 <= itself.ratio.high);
    }
    outcome
}

const RUNS: [f64; 3] = [0.4e6, 3e6, 14e6];

/// At most 5 % false verdicts and an interval that keeps its promise, whatever the noise; where sittings do not differ
/// by more than they can be told apart, a slowdown of 3 % is found at least 95 times in 100.
fn assert_honest(name: &str, noise: Noise, processes: usize) {
    for run in RUNS {
        let outcome = simulate(noise, processes, run);
        let about = format!("{name}, {processes} process(es), {run} ns: {outcome:?}");
        println!("{about}");
        let [faster, slower, same, _] = outcome.itself;
        assert!(faster + slower <= SEEDS / 20, "{about}");
        assert!((183..=197).contains(&outcome.covered), "{about}");
        if noise.process > 0.0 {
            assert_eq!(same, 0, "{about}");
            continue;
        }
        assert!(outcome.slower[Difference::Slower as usize] >= SEEDS - SEEDS / 20, "{about}");
        assert_eq!(outcome.slower[Difference::Faster as usize], 0, "{about}");
        assert!(same >= SEEDS / 4, "{about}");
    }
}

#[test]
fn verdicts_are_honest_with_independent_noise() {
    for processes in [1, 3, 5] {
        assert_honest("independent", Noise::INDEPENDENT, processes);
    }
}

#[test]
fn verdicts_are_honest_with_autocorrelated_noise() {
    for processes in [1, 3, 5] {
        assert_honest("autocorrelated", Noise::AUTOCORRELATED, processes);
    }
}

#[test]
fn verdicts_are_honest_on_a_machine_that_drifts() {
    for processes in [1, 3, 5] {
        assert_honest("drifting", Noise::DRIFTING, processes);
    }
}

#[test]
fn verdicts_are_honest_where_every_sitting_is_off_by_percents() {
    for processes in [1, 3, 5] {
        assert_honest("offset", Noise::OFFSET, processes);
    }
}

fn pairs(ratios: impl IntoIterator<Item = f64>) -> PairedSamples {
    let pair = |ratio: f64| (Nanos(1_000_000), Nanos((ratio * 1e6) as u64));
    PairedSamples::from_times(&vec![ratios.into_iter().map(pair).collect(); 2])
}

#[test]
fn the_verdict_follows_the_interval_and_the_margin() {
    let verdict = |ratio: f64, floor: Option<f64>| {
        compare(&pairs([ratio; 15]), floor.map(|share| NoiseFloor { share })).unwrap().verdict
    };
    assert_eq!(verdict(1.03, None), Difference::Slower);
    assert_eq!(verdict(0.97, None), Difference::Faster);
    assert_eq!(verdict(1.005, None), Difference::Same);
    assert_eq!(verdict(1.005, Some(0.05)), Difference::Same);
    assert_eq!(
        verdict(1.03, Some(0.05)),
        Difference::Undecided,
        "the same is what lies within 1 %, whatever the floor"
    );
    assert_eq!(verdict(1.03, Some(0.001)), Difference::Slower, "the floor never lowers the margin below 1 %");
    let torn =
        PairedSamples::from_times(&[0.97, 1.05].map(|ratio| vec![(Nanos(1_000_000), Nanos((ratio * 1e6) as u64)); 15]));
    assert_eq!(compare(&torn, None).unwrap().verdict, Difference::Undecided);
}

#[test]
fn the_interval_alone_decides_and_its_ends_count() {
    let verdict = |low, high, margin| RatioInterval { ratio: f64::midpoint(low, high), low, high }.verdict(margin);
    for (low, high, margin, expected) in [
        (1.011, 1.02, 0.01, Difference::Slower),
        (1.01, 1.02, 0.01, Difference::Undecided),
        (1.011, 1.02, 0.0, Difference::Slower),
        (1.005, 1.02, 0.0, Difference::Undecided),
        (1.04, 1.06, 0.05, Difference::Undecided),
        (1.051, 1.06, 0.05, Difference::Slower),
        (0.97, 0.99, 0.01, Difference::Faster),
        (0.97, 0.9905, 0.01, Difference::Undecided),
        (0.991, 1.01, 0.01, Difference::Same),
        (0.991, 1.01, 0.3, Difference::Same),
        (0.98, 1.02, 0.3, Difference::Undecided),
        (0.990, 1.0, 0.01, Difference::Undecided),
    ] {
        assert_eq!(verdict(low, high, margin), expected, "{low} to {high} with {margin}");
    }
}

#[test]
fn too_few_rounds_or_a_single_sitting_decide_nothing_and_no_round_is_an_error() {
    let few = compare(&pairs([1.5; 14]), None).unwrap();
    assert_eq!((few.verdict, few.rounds, few.sittings), (Difference::Undecided, 28, 2));
    assert!((few.ratio.ratio - 1.5).abs() < 1e-9);
    let process = |rounds| vec![(Nanos(1_000_000), Nanos(1_500_000)); rounds];
    let alone = compare(&PairedSamples::from_times(&[process(90), vec![]]), None).unwrap();
    assert_eq!((alone.verdict, alone.sittings, alone.processes), (Difference::Undecided, 1, 1));
    for too_little in [vec![], vec![process(0)], vec![process(1)], vec![vec![(Nanos::ZERO, Nanos(5)); 40]]] {
        let nothing = compare(&PairedSamples::from_times(&too_little), None);
        assert!(matches!(nothing, Err(MeasureError::NoSamples)), "{nothing:?}");
    }
}

/// Two sittings at 1.00 and 1.04 in logarithms: half their difference is the standard error, and t is 12.7.
#[test]
fn the_interval_is_students_over_the_sittings() {
    let process = |ratio: f64| vec![(Nanos(1_000_000), Nanos((ratio * 1e6) as u64)); 20];
    let interval = PairedSamples::from_times(&[process(1.0), process(1.04)]).interval().unwrap();
    let (mean, error) = (1.04_f64.ln() / 2.0, 1.04_f64.ln() / 2.0);
    for (end, expected) in
        [(interval.ratio, mean), (interval.low, mean - 12.7062 * error), (interval.high, mean + 12.7062 * error)]
    {
        assert!((end.ln() - expected).abs() < 1e-5, "{interval:?}");
    }
}

#[test]
fn as_time_is_the_geometric_mean_of_its_copies() {
    let mut samples = process(&[1e6; 3], Noise::INDEPENDENT, &InterleaveRules::one_sitting(), 1);
    for round in &mut samples.rounds {
        for block in &mut round.blocks {
            block.samples = vec![Nanos([1_000_000, 3_000_000, 4_000_000][block.row]); 3];
        }
    }
    let ratio =
        |copies: &[usize]| PairedSamples::of(&[samples.clone(), samples.clone()], copies, 1).interval().unwrap().ratio;
    assert!((ratio(&[0]) - 3.0).abs() < 1e-9);
    assert!((ratio(&[0, 2]) - 1.5).abs() < 1e-9, "the copies take 1 and 4 ms");
}

#[test]
fn one_process_counts_by_its_sittings_and_several_by_themselves() {
    let rules = InterleaveRules::in_processes(1);
    let one = process(&[1e6, 1e6], Noise::INDEPENDENT, &rules, 3);
    assert_eq!((one.sittings(), rules.sittings), (5, 5));
    let comparison = |processes: &[Interleaved]| compare(&PairedSamples::of(processes, &[0], 1), None).unwrap();
    let alone = comparison(std::slice::from_ref(&one));
    assert_eq!((alone.sittings, alone.processes, alone.rounds), (5, 1, one.rounds.len()));
    assert_eq!(alone.effort(), format!("{} rounds in 1 process that prepared its networks 5 times", one.rounds.len()));
    let two = comparison(&[one.clone(), one]);
    assert_eq!((two.sittings, two.processes), (2, 2));
}

#[test]
fn processes_that_disagree_widen_the_interval() {
    let process = |ratio: f64| vec![(Nanos(1_000_000), Nanos((ratio * 1e6) as u64)); 20];
    let agreeing = compare(&PairedSamples::from_times(&[process(1.04), process(1.04), process(1.04)]), None).unwrap();
    assert_eq!((agreeing.verdict, agreeing.processes, agreeing.rounds), (Difference::Slower, 3, 60));
    let torn = compare(&PairedSamples::from_times(&[process(1.00), process(1.04), process(1.08)]), None).unwrap();
    assert_eq!(torn.verdict, Difference::Undecided);
    assert!(torn.ratio.low < 1.001 && torn.ratio.high > 1.079, "{torn:?}");
}

#[test]
fn the_same_rounds_always_give_the_same_interval() {
    let rounds = || {
        let process = |of: u64| (0..40).map(|round| (Nanos(1_000), Nanos(1_000 + 10 * (round % (5 + of))))).collect();
        PairedSamples::from_times(&[process(0), process(1), process(2)])
    };
    assert_eq!(rounds().interval(), rounds().interval());
    let interval = rounds().interval().unwrap();
    assert!(interval.low <= interval.ratio && interval.ratio <= interval.high);
    let back = interval.inverse().inverse();
    assert!((back.low - interval.low).abs() < 1e-12 && interval.inverse().low < interval.inverse().high);
}

#[test]
fn a_build_fails_only_for_a_slowdown_that_is_surely_larger_than_allowed() {
    let slower = |ratio: f64| compare(&pairs([ratio; 40]), None).unwrap();
    assert!(slower(1.06).is_slower_by_more_than(0.05));
    assert!(!slower(1.04).is_slower_by_more_than(0.05));
    assert!(!slower(1.005).is_slower_by_more_than(0.0), "within the margin nothing is slower");
}

/// The rounds of one sitting: neighbours alike or not, the interval covers what these very copies would show.
#[test]
fn the_interval_of_a_single_sitting_covers_the_ratio_of_its_copies() {
    for noise in [Noise::INDEPENDENT, Noise::DRIFTING] {
        let covered = |seed: &u64| {
            let samples =
                process(&[3e6; 2], noise, &InterleaveRules { seed: *seed, ..InterleaveRules::one_sitting() }, *seed);
            let interval = PairedSamples::of(&[samples], &[0], 1).interval().unwrap();
            interval.low <= 1.0 && 1.0 <= interval.high
        };
        let covered = (0..200).filter(covered).count();
        assert!((183..=197).contains(&covered), "{covered} of 200, {noise:?}");
    }
}

#[test]
fn the_rough_half_width_is_about_that_of_the_interval() {
    let rules = InterleaveRules { minimum_rounds: 160, ..InterleaveRules::one_sitting() };
    let samples = process(&[1e6, 1.02e6], Noise::INDEPENDENT, &rules, 7);
    let pairs = PairedSamples::of(&[samples], &[0], 1);
    let (rough, interval) = (pairs.rough_half_width().unwrap(), pairs.interval().unwrap().half_width());
    assert!((0.6..1.6).contains(&(rough / interval)), "{rough} and {interval}");
    let three = PairedSamples::from_times(&[vec![(Nanos(1), Nanos(1)); 3]]);
    assert_eq!(three.rough_half_width(), None);
}

#[test]
fn the_middle_mean_leaves_a_quarter_out_at_each_end() {
    assert_eq!(middle_mean(&mut [900.0, 3.0, -70.0, 1.0, 2.0, -80.0, 800.0, 4.0]), Some(2.5));
    assert_eq!(middle_mean(&mut [7.0, 1.0, 4.0]), Some(4.0));
    assert_eq!(middle_mean(&mut [5.0, 1.0, 90.0, 2.0, 3.0]), Some(10.0 / 3.0));
    assert_eq!(middle_mean(&mut []), None);
}

#[test]
fn the_noise_floor_is_how_far_the_copies_ratio_is_from_1() {
    let twins = |ratio: f64| NoiseFloor::of(&compare(&pairs([ratio; 30]), None).unwrap()).share;
    assert!((twins(1.02) - 0.02).abs() < 1e-6);
    assert!((twins(1.0 / 1.02) - 0.02).abs() < 1e-5);
}

#[test]
fn a_comparison_in_json_has_its_interval_beside_the_verdict() {
    let comparison = compare(&pairs([1.25; 30]), None).unwrap();
    let json = serde_json::to_value(comparison).unwrap();
    let expected = serde_json::json!({
        "ratio": comparison.ratio.ratio, "low": comparison.ratio.low, "high": comparison.ratio.high,
        "verdict": "slower", "margin": 0.01, "rounds": 60, "sittings": 2, "processes": 2
    });
    assert_eq!(json, expected);
    assert_eq!(serde_json::from_value::<Comparison>(expected).unwrap(), comparison);
}
