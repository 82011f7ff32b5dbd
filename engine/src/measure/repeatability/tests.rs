use super::*;
use crate::clock::Clock;
use crate::measure::fake::{FakeClock, Noise, NoisyMachine};
use crate::measure::statistics::median;
use crate::measure::within_run::within_run;

/// A quarter of a second of one fresh process on a noisy machine.
fn process(noise: Noise, run: f64, seed: u64) -> Vec<Nanos> {
    let clock = FakeClock::new();
    let mut machine = NoisyMachine::new(&clock, noise, seed);
    let (start, mut samples) = (clock.now(), Vec::new());
    while clock.now().since(start) < Nanos::from_millis(250) || samples.len() < 5 {
        let time = machine.run(run);
        clock.advance(time);
        samples.push(time);
    }
    samples
}

fn medians(noise: Noise, run: f64, seed: u64, processes: u64) -> Vec<Nanos> {
    (0..processes).map(|at| median(&process(noise, run, seed * 1_000 + at)).unwrap()).collect()
}

/// Of 400 runs of so many processes, how many intervals hold the median of all runs; each machine remembers twelve
/// earlier runs, or none.
fn covered(noise: Noise, run: f64, processes: u64, remembers: bool) -> usize {
    let truth = rounded(run * 1.000_5);
    (0..400)
        .filter(|&seed| {
            let runs = (1..=12).map(|at| medians(noise, run, seed * 100 + at, 1)).collect();
            let earlier = [EarlierRuns { same_model: true, runs }];
            let scatter = Scatter::of(&earlier).filter(|_| remembers);
            let medians = medians(noise, run, seed * 100, processes);
            let within = within_run(&[&process(noise, run, seed * 100_000)]).unwrap();
            let (interval, repeatability) = between_runs(&medians, within, scatter, None).unwrap();
            assert_eq!(interval.coverage, 0.95);
            assert!(repeatability.degrees_of_freedom > 0.0);
            interval.low <= truth && truth <= interval.high
        })
        .count()
}

const NOISES: [Noise; 4] = [Noise::INDEPENDENT, Noise::AUTOCORRELATED, Noise::DRIFTING, Noise::OFFSET];

#[test]
fn one_process_with_a_memory_holds_93_to_97_times_in_100_under_every_noise() {
    for noise in NOISES {
        for run in [0.4e6, 2.2e6, 8e6, 20e6] {
            let hits = covered(noise, run, 1, true);
            assert!((368..=392).contains(&hits), "{hits} of 400 at {run} ns: {noise:?}");
        }
    }
}

#[test]
fn three_and_five_processes_without_a_memory_hold_93_to_97_times_in_100_under_every_noise() {
    for processes in [3, 5] {
        for noise in NOISES {
            for run in [0.4e6, 2.2e6, 8e6, 20e6] {
                let hits = covered(noise, run, processes, false);
                assert!((368..=392).contains(&hits), "{hits} of 400, {processes} processes at {run} ns: {noise:?}");
            }
        }
    }
}

#[test]
fn one_process_alone_knows_nothing_of_other_runs_and_says_so() {
    let within = Interval { low: Nanos(99), high: Nanos(101), coverage: 0.95 };
    let (interval, repeatability) = between_runs(&[Nanos(100)], within, None, None).unwrap();
    assert_eq!((interval.low, interval.high, interval.coverage), (Nanos(99), Nanos(101), 0.0));
    assert_eq!((repeatability.basis, repeatability.is_earned()), (Basis::Unknown, false));
    assert_eq!(between_runs(&[], within, None, None), None);
}

#[test]
fn few_earlier_runs_are_not_enough() {
    let within = Interval { low: Nanos(99), high: Nanos(101), coverage: 0.95 };
    let runs =
        |count: u64| EarlierRuns { same_model: true, runs: (0..count).map(|at| vec![Nanos(100 + at)]).collect() };
    let basis = |count| between_runs(&[Nanos(100)], within, Scatter::of(&[runs(count)]), None).unwrap().1.basis;
    assert_eq!(basis(4), Basis::Unknown);
    assert_eq!(basis(5), Basis::EarlierRuns);
}

#[test]
fn processes_that_differ_more_than_earlier_runs_decide_and_the_other_way_round() {
    let within = Interval { low: Nanos(999), high: Nanos(1_001), coverage: 0.95 };
    let steady = Scatter { between_runs: 0.001, between_processes: 0.001, canary: None, degrees_of_freedom: 30.0 };
    let wild = Scatter { between_runs: 0.2, ..steady };
    let processes = [950, 1_000, 1_050].map(Nanos);
    let (interval, repeatability) = between_runs(&processes, within, Some(steady), None).unwrap();
    assert_eq!((repeatability.basis, repeatability.scatter), (Basis::Processes, None));
    assert_eq!((interval.low, interval.high), (Nanos(882), Nanos(1_131)));
    let (interval, repeatability) = between_runs(&processes, within, Some(wild), None).unwrap();
    assert_eq!((repeatability.basis, repeatability.scatter), (Basis::EarlierRuns, Some(wild)));
    assert!(interval.low < Nanos(700) && interval.high > Nanos(1_400), "{interval:?}");
}

#[test]
fn until_a_machine_has_shown_its_slow_changes_they_are_assumed() {
    let within = Interval { low: Nanos(999_000), high: Nanos(1_001_000), coverage: 0.95 };
    let alike = [1_000_000, 1_001_000, 999_000, 1_002_000, 998_000].map(Nanos);
    // Student's t with four degrees of freedom is 2.776: 3 % become 8.3 %.
    let (interval, known) = between_runs(&alike, within, None, Some(0.03)).unwrap();
    assert_eq!((interval.low, interval.high), (Nanos(920_080), Nanos(1_086_860)));
    assert_eq!((known.basis, known.degrees_of_freedom), (Basis::Assumed, 4.0));
    let apart = [1_000_000, 1_300_000, 800_000, 1_200_000, 700_000].map(Nanos);
    assert_eq!(between_runs(&apart, within, None, Some(0.03)).unwrap().1.basis, Basis::Processes);
    let shown = Scatter { between_runs: 0.01, between_processes: 0.0, canary: None, degrees_of_freedom: 9.0 };
    let (interval, known) = between_runs(&alike, within, Some(shown), Some(0.03)).unwrap();
    assert_eq!(known.basis, Basis::EarlierRuns);
    assert!(interval.high < Nanos(1_030_000), "what was shown counts, not what is assumed: {interval:?}");
    let (interval, known) = between_runs(&alike[..1], within, None, Some(0.03)).unwrap();
    assert_eq!((interval.coverage, known.basis), (0.0, Basis::Unknown), "one process shows nothing of others");
}

#[test]
fn runs_that_follow_each_other_and_are_alike_say_less_than_their_number() {
    let runs = |order: [u64; 12]| {
        let runs = order.map(|step| vec![Nanos(1_000_000 + 10_000 * step)]).to_vec();
        Scatter::of(&[EarlierRuns { same_model: true, runs }]).unwrap()
    };
    let mixed = runs([0, 6, 1, 7, 2, 8, 3, 9, 4, 10, 5, 11]);
    let drifting = runs([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
    assert_eq!(mixed.degrees_of_freedom, 11.0);
    assert_eq!(drifting.degrees_of_freedom, 4.0, "not below what is enough to speak of");
    assert!((1.1..1.5).contains(&(drifting.between_runs / mixed.between_runs)), "{drifting:?} {mixed:?}");
}

#[test]
fn scatter_is_told_apart_into_runs_and_processes() {
    // Runs differ by a factor of 1.1, processes of a run by 1.01.
    let run = |factor: f64| [0.99, 1.0, 1.01].map(|process| rounded(1e6 * factor * process)).to_vec();
    let earlier = [EarlierRuns { same_model: false, runs: [0.9, 1.0, 1.1, 0.9, 1.0, 1.1].map(run).to_vec() }];
    let scatter = Scatter::of(&earlier).unwrap();
    assert!((0.085..0.1).contains(&scatter.between_runs), "{scatter:?}");
    assert!((0.009..0.011).contains(&scatter.between_processes), "{scatter:?}");
    assert_eq!(scatter.degrees_of_freedom, 5.0);
    // Runs of one process each: nothing is known of processes, all of it is between runs.
    let single = [0.9, 1.0, 1.1].map(|factor| vec![rounded(1e6 * factor)]).to_vec();
    let scatter = Scatter::of(&[EarlierRuns { same_model: true, runs: single }]).unwrap();
    assert!((scatter.between_runs - 0.1).abs() < 0.01 && scatter.between_processes == 0.0, "{scatter:?}");
}

#[test]
fn a_model_is_judged_by_all_models_or_by_its_own_runs_where_they_scatter_more() {
    let steady = |same_model| EarlierRuns { same_model, runs: vec![vec![Nanos(1_000_000)]; 8] };
    let runs: Vec<Vec<Nanos>> = (0..8).map(|run| vec![Nanos::from_millis(1 + run % 2)]).collect();
    let wild = |same_model| EarlierRuns { same_model, runs: runs.clone() };
    let alone = Scatter::of(&[wild(true)]).unwrap();
    assert_eq!(Scatter::of(&[steady(false), wild(true)]), Some(alone));
    let together = Scatter::of(&[steady(true), wild(false)]).unwrap();
    assert!((0.1..0.9 * alone.between_runs).contains(&together.between_runs), "{together:?}");
    let few = EarlierRuns { same_model: true, runs: runs[..7].to_vec() };
    assert_ne!(Scatter::of(&[steady(false), few.clone()]), Scatter::of(&[few]), "seven do not count alone");
    assert_eq!(Scatter::of(&[EarlierRuns { same_model: true, runs: vec![vec![Nanos(5)]] }]), None);
    let zero = EarlierRuns { same_model: true, runs: vec![vec![Nanos::ZERO]; 9] };
    assert_eq!(Scatter::of(&[zero]), None, "a clock that shows zero tells nothing");
}
