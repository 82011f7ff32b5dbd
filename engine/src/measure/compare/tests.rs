use std::ops::ControlFlow;
use std::sync::{Arc, Mutex};

use super::*;
use crate::measure::fake::{FakeCanary, FakeClock, FakeExecutable, Noise, NoisyMachine};
use crate::measure::{Clock, InterleaveRules, interleave};

/// Measures networks of these nanoseconds in turns on a noisy machine.
fn on_a_noisy_machine(times: &[f64], seed: u64) -> Interleaved {
    let clock = FakeClock::new();
    let machine = Arc::new(Mutex::new(NoisyMachine::new(&clock, Noise::DRIFTING, seed)));
    let network = |&time: &f64| {
        let machine = machine.clone();
        FakeExecutable::new(&clock, move |_| machine.lock().unwrap().run(time))
    };
    let mut rows: Vec<FakeExecutable> = times.iter().map(network).collect();
    let mut rows: Vec<&mut dyn crate::runtime::Executable> = rows.iter_mut().map(|row| row as _).collect();
    let rules = InterleaveRules { seed, ..InterleaveRules::standard() };
    let mut samples = Interleaved::new(clock.quality());
    let mut canary = FakeCanary::steady(&clock);
    interleave(&mut rows, &rules, &clock, &mut canary, &mut samples, &mut |_| ControlFlow::Continue(())).unwrap();
    samples
}

/// How often each verdict comes out of 200 seeds, for B this much slower than A; the third network is A again and
/// gives the noise floor.
fn verdicts(run: f64, slowdown: f64) -> [usize; 4] {
    let mut counts = [0; 4];
    for seed in 0..200 {
        let samples = [on_a_noisy_machine(&[run, run * (1.0 + slowdown), run], seed)];
        let floor = NoiseFloor::of(&compare(&PairedSamples::of(&samples, 0, 2), None).unwrap());
        let verdict = compare(&PairedSamples::of(&samples, 0, 1), Some(floor)).unwrap().verdict;
        counts[verdict as usize] += 1;
    }
    counts
}

#[test]
fn a_network_against_itself_gives_at_most_5_percent_false_verdicts_over_200_seeds() {
    for run in [0.4e6, 3e6, 14e6] {
        let [faster, slower, same, undecided] = verdicts(run, 0.0);
        assert!(faster + slower <= 10, "{run} ns: {faster} faster, {slower} slower of 200");
        assert!(same >= 100, "{run} ns: {same} same, {undecided} undecided of 200");
    }
}

#[test]
fn a_slowdown_of_3_percent_is_found_at_least_95_times_in_100() {
    for run in [0.4e6, 3e6, 14e6] {
        let found = verdicts(run, 0.03);
        assert!(found[Difference::Slower as usize] >= 190, "{run} ns: {found:?} of 200");
        assert_eq!(found[Difference::Faster as usize], 0);
    }
}

fn pairs(ratios: impl IntoIterator<Item = f64>) -> PairedSamples {
    let pair = |ratio: f64| (Nanos(1_000_000), Nanos((ratio * 1e6) as u64));
    PairedSamples::from_times(&[ratios.into_iter().map(pair).collect()])
}

#[test]
fn the_verdict_follows_the_interval_and_the_margin() {
    let verdict = |ratio: f64, floor: Option<f64>| {
        compare(&pairs([ratio; 30]), floor.map(|share| NoiseFloor { share })).unwrap().verdict
    };
    assert_eq!(verdict(1.03, None), Difference::Slower);
    assert_eq!(verdict(0.97, None), Difference::Faster);
    assert_eq!(verdict(1.005, None), Difference::Same);
    assert_eq!(verdict(1.03, Some(0.05)), Difference::Same);
    assert_eq!(verdict(1.03, Some(0.001)), Difference::Slower, "the floor never lowers the margin below 1 %");
    let wide = pairs((0..30).map(|round| if round % 2 == 0 { 0.97 } else { 1.05 }));
    assert_eq!(compare(&wide, None).unwrap().verdict, Difference::Undecided);
}

#[test]
fn fewer_than_30_rounds_decide_nothing_and_no_round_is_an_error() {
    let few = compare(&pairs([1.5; 29]), None).unwrap();
    assert_eq!((few.verdict, few.rounds), (Difference::Undecided, 29));
    assert!((few.ratio.ratio - 1.5).abs() < 1e-9);
    assert!(matches!(compare(&pairs([]), None), Err(MeasureError::NoSamples)));
    let stopped_clock = PairedSamples::from_times(&[vec![(Nanos::ZERO, Nanos(5)); 40]]);
    assert!(matches!(compare(&stopped_clock, None), Err(MeasureError::NoSamples)));
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
    let rounds = || pairs((0..40).map(|round| 1.0 + f64::from(round % 7) / 100.0));
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

#[test]
fn the_rough_half_width_is_about_that_of_the_bootstrap() {
    let samples = [on_a_noisy_machine(&[1e6, 1.02e6], 7)];
    let pairs = PairedSamples::of(&samples, 0, 1);
    let (rough, bootstrap) = (pairs.rough_half_width().unwrap(), pairs.interval().unwrap().half_width());
    assert!((0.7..1.4).contains(&(rough / bootstrap)), "{rough} and {bootstrap}");
    assert_eq!(super::tests::pairs([1.0; 3]).rough_half_width(), None);
}

#[test]
fn the_middle_mean_leaves_a_quarter_out_at_each_end() {
    assert_eq!(middle_mean(&mut [900.0, 3.0, -70.0, 1.0, 2.0, -80.0, 800.0, 4.0]), Some(2.5));
    assert_eq!(middle_mean(&mut [7.0, 1.0, 4.0]), Some(4.0));
    assert_eq!(middle_mean(&mut [5.0, 1.0, 90.0, 2.0, 3.0]), Some(10.0 / 3.0));
    assert_eq!(middle_mean(&mut []), None);
}

#[test]
fn the_noise_floor_is_the_farther_end_of_the_interval() {
    let twins = |ratio: f64| NoiseFloor::of(&compare(&pairs([ratio; 30]), None).unwrap()).share;
    assert!((twins(1.02) - 0.02).abs() < 1e-6);
    assert!((twins(1.0 / 1.02) - 0.02).abs() < 1e-5);
}

#[test]
fn a_comparison_in_json_has_its_interval_beside_the_verdict() {
    let comparison = compare(&pairs([1.25; 30]), None).unwrap();
    let json = serde_json::to_value(comparison).unwrap();
    assert_eq!(json["verdict"], "slower");
    assert_eq!(json["low"], json["high"]);
    assert_eq!(serde_json::from_value::<Comparison>(json).unwrap(), comparison);
}
