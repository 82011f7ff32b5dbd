use super::*;
use crate::measure::fake::{FakeCanary, FakeClock, FakeExecutable};
use crate::measure::{Difference, MINIMUM_ROUNDS, PairedSamples, compare};

/// Networks whose runs take these times, measured in turns.
fn measure(clock: &FakeClock, times: &[Nanos], rules: &InterleaveRules) -> Interleaved {
    let mut rows: Vec<FakeExecutable> = times.iter().map(|&time| FakeExecutable::new(clock, move |_| time)).collect();
    let mut rows: Vec<&mut dyn Executable> = rows.iter_mut().map(|row| row as &mut dyn Executable).collect();
    let mut samples = Interleaved::new(clock.quality());
    let mut canary = FakeCanary::steady(clock);
    interleave(&mut rows, rules, clock, &mut canary, &mut samples, &mut |_| ControlFlow::Continue(())).unwrap();
    samples
}

const MILLI: Nanos = Nanos::from_millis(1);

#[test]
fn every_round_has_one_block_of_every_network_and_the_next_is_often_its_reverse() {
    let samples = measure(&FakeClock::new(), &[MILLI; 4], &InterleaveRules::one_sitting());
    assert_eq!(samples.rounds.len(), 32);
    assert_eq!(samples.canary.len(), 33);
    let orders: Vec<Vec<usize>> =
        samples.rounds.iter().map(|round| round.blocks.iter().map(|block| block.row).collect()).collect();
    for pair in orders.chunks(2) {
        let mut sorted = pair[0].clone();
        sorted.sort_unstable();
        assert_eq!(sorted, [0, 1, 2, 3]);
        assert!(pair[0].iter().eq(pair[1].iter().rev()));
    }
    // Every network stands at every place, and not always behind the same one.
    for place in 0..4 {
        let mut there: Vec<usize> = orders.iter().map(|order| order[place]).collect();
        there.sort_unstable();
        there.dedup();
        assert_eq!(there, [0, 1, 2, 3], "place {place}");
    }
}

#[test]
fn a_block_lasts_20_to_50_ms_and_its_run_count_varies() {
    let samples = measure(&FakeClock::new(), &[Nanos::from_millis(2)], &InterleaveRules::one_sitting());
    let counts: Vec<usize> = samples.rounds.iter().map(|round| round.blocks[0].samples.len()).collect();
    let (least, most) = (counts.iter().min().unwrap(), counts.iter().max().unwrap());
    assert!((13..=15).contains(least) && (19..=21).contains(most), "{counts:?}");
    assert!(
        samples.rounds.iter().flat_map(|round| &round.blocks[0].samples).all(|&time| time == Nanos::from_millis(2))
    );
}

#[test]
fn further_rounds_are_taken_only_while_a_ratio_is_not_known_well() {
    let clock = FakeClock::new();
    let rounds = |swing: u64, rules: InterleaveRules| {
        let mut steady = FakeExecutable::new(&clock, |_| Nanos::from_millis(50));
        let mut swinging =
            FakeExecutable::new(&clock, move |run| Nanos::from_millis(50 + if run % 3 == 0 { swing } else { 0 }));
        let mut samples = Interleaved::new(clock.quality());
        let mut canary = FakeCanary::steady(&clock);
        interleave(&mut [&mut steady, &mut swinging], &rules, &clock, &mut canary, &mut samples, &mut |_| {
            ControlFlow::Continue(())
        })
        .unwrap();
        samples.rounds.len()
    };
    let rules = InterleaveRules::one_sitting();
    assert_eq!(rounds(0, rules), 32);
    assert!((40..160).contains(&rounds(1, rules)), "{}", rounds(1, rules));
    assert_eq!(rounds(30, rules), 160);
    // Time is up before: two runs a block, about 222 ms per round with the canary's 2.
    assert!((44..=47).contains(&rounds(30, InterleaveRules { maximum_time: Nanos::from_secs(10), ..rules })));
}

#[test]
fn a_slow_network_takes_one_run_per_block_and_a_quick_one_averages_several() {
    let samples =
        measure(&FakeClock::new(), &[Nanos::from_millis(400), Nanos(50_000)], &InterleaveRules::one_sitting());
    assert!(samples.rounds.iter().all(|round| round.blocks.iter().any(|block| block.samples.len() == 1)));
    let quick = samples.rows[1];
    assert_eq!((quick.runs_per_sample, quick.samples_per_block), (10, 70));
    assert!(samples.rounds.iter().flat_map(|round| &round.blocks).all(|block| block.samples.len() <= 90));
}

#[test]
fn a_coarse_timer_makes_samples_longer() {
    let clock = FakeClock::new().with_precision(Nanos(100_000));
    let samples = measure(&clock, &[MILLI], &InterleaveRules::one_sitting());
    // 100 ticks of 0.1 ms are 10 ms.
    assert_eq!((samples.rows[0].runs_per_sample, samples.rows[0].samples_per_block), (10, 3));
}

/// Networks that take `warm`, and three times that in the first run after another's.
fn measure_with_cold_starts(warm: [Nanos; 2]) -> Interleaved {
    let clock = FakeClock::new();
    // The fakes know what ran last.
    let last = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(usize::MAX));
    let network = |row: usize| {
        let last = last.clone();
        FakeExecutable::new(&clock, move |_| {
            let is_cold = last.swap(row, std::sync::atomic::Ordering::Relaxed) != row;
            if is_cold { warm[row] + warm[row] + warm[row] } else { warm[row] }
        })
    };
    let (mut a, mut b) = (network(0), network(1));
    let (mut samples, mut canary) = (Interleaved::new(clock.quality()), FakeCanary::steady(&clock));
    let rules = InterleaveRules::one_sitting();
    interleave(&mut [&mut a, &mut b], &rules, &clock, &mut canary, &mut samples, &mut |_| ControlFlow::Continue(()))
        .unwrap();
    samples
}

#[test]
fn the_first_run_after_a_switch_is_never_timed_however_long_a_run_is() {
    // A block of 35 ms has two runs of 17.4 ms and one of 17.6.
    for warm in [[MILLI, MILLI], [17_400_000, 17_600_000].map(Nanos), [40, 400].map(Nanos::from_millis)] {
        let samples = measure_with_cold_starts(warm);
        assert_eq!(samples.rounds.len(), 32, "nothing scatters");
        for block in samples.rounds.iter().flat_map(|round| &round.blocks) {
            assert!(block.samples.iter().all(|&time| time == warm[block.row]), "{warm:?}: {block:?}");
        }
    }
}

#[test]
fn a_further_sitting_warms_up_again_and_keeps_what_there_is() {
    let clock = FakeClock::new();
    let rules = InterleaveRules { sittings: 3, minimum_rounds: 9, maximum_rounds: 9, ..InterleaveRules::one_sitting() };
    let (mut samples, mut canary) = (Interleaved::new(clock.quality()), FakeCanary::steady(&clock));
    let (mut fractions, mut warm_ups) = (vec![], vec![]);
    for millis in [1, 2, 3] {
        let mut fresh: Vec<FakeExecutable> =
            (0..2).map(|_| FakeExecutable::new(&clock, move |_| Nanos::from_millis(millis))).collect();
        let mut rows: Vec<&mut dyn Executable> = fresh.iter_mut().map(|row| row as &mut dyn Executable).collect();
        samples.sit_down();
        let mut watch = |progress: &InterleaveProgress<'_>| {
            fractions.push(progress.fraction);
            ControlFlow::Continue(())
        };
        interleave(&mut rows, &rules, &clock, &mut canary, &mut samples, &mut watch).unwrap();
        warm_ups.push(samples.rows[0].warm_up.runs);
    }
    assert_eq!((samples.sittings(), samples.prepared_anew.as_slice(), samples.rounds.len()), (3, &[9, 18][..], 27));
    assert!(warm_ups.iter().all(|&runs| runs >= 100) && warm_ups[2] < warm_ups[0], "0.3 s each: {warm_ups:?}");
    let medians: Vec<Vec<u64>> = samples
        .by_sitting()
        .map(|rounds| rounds.iter().map(|round| round.median(1).unwrap().0 / 1_000_000).collect())
        .collect();
    assert_eq!(medians, [vec![1; 9], vec![2; 9], vec![3; 9]]);
    assert!(
        fractions.is_sorted() && fractions.first() == Some(&0.0) && fractions.last() == Some(&1.0),
        "{fractions:?}"
    );
    // Each sitting begins with an order and its reverse, though nine rounds leave the pair before incomplete.
    for rounds in samples.by_sitting() {
        let order = |round: &Round| round.blocks.iter().map(|block| block.row).collect::<Vec<_>>();
        assert!(order(&rounds[0]).iter().eq(order(&rounds[1]).iter().rev()));
    }
}

#[test]
fn one_process_sits_down_as_often_as_several_would() {
    let rounds = |processes| {
        let rules = InterleaveRules::in_processes(processes);
        processes * rules.sittings * rules.minimum_rounds
    };
    assert_eq!(rounds(1), rounds(5));
    for processes in 1..=20 {
        assert!(rounds(processes) >= MINIMUM_ROUNDS, "{processes} processes decide nothing");
        assert!(processes * InterleaveRules::in_processes(processes).sittings >= 2);
    }
}

#[test]
fn a_steady_drift_favours_nobody() {
    let clock = FakeClock::new();
    let drifting = || {
        let now = clock.clone();
        FakeExecutable::new(&clock, move |_| Nanos(1_000_000 + now.now().since(Nanos::from_secs(1)).0 / 10_000))
    };
    let (mut a, mut b) = (drifting(), drifting());
    let mut samples = Interleaved::new(clock.quality());
    let mut canary = FakeCanary::steady(&clock);
    let rules = InterleaveRules::one_sitting();
    interleave(&mut [&mut a, &mut b], &rules, &clock, &mut canary, &mut samples, &mut |_| ControlFlow::Continue(()))
        .unwrap();
    let comparison = compare(&PairedSamples::of(&[samples], &[0], 1), None).unwrap();
    assert_eq!(comparison.ratio.verdict(0.0), Difference::Same, "{comparison:?}");
    assert!((comparison.ratio.ratio - 1.0).abs() < 0.002, "{comparison:?}");
}

#[test]
fn a_cancelled_measurement_keeps_its_complete_rounds_and_can_be_continued() {
    let clock = FakeClock::new();
    let mut rows: Vec<FakeExecutable> = (0..2).map(|_| FakeExecutable::new(&clock, |_| MILLI)).collect();
    let mut rows: Vec<&mut dyn Executable> = rows.iter_mut().map(|row| row as &mut dyn Executable).collect();
    let rules = InterleaveRules::one_sitting();
    let (mut samples, mut canary) = (Interleaved::new(clock.quality()), FakeCanary::steady(&clock));
    let stop = |progress: &InterleaveProgress<'_>| match progress.step {
        InterleaveStep::Rounds { done: 5, .. } => ControlFlow::Break(()),
        _ => ControlFlow::Continue(()),
    };
    let error = interleave(&mut rows, &rules, &clock, &mut canary, &mut samples, &mut { stop }).unwrap_err();
    assert!(matches!(error, MeasureError::Cancelled));
    assert_eq!(samples.rounds.len(), 5);
    assert_eq!(compare(&PairedSamples::of(&[samples.clone()], &[0], 1), None).unwrap().verdict, Difference::Undecided);

    let mut warmed_up = false;
    let mut watch = |progress: &InterleaveProgress<'_>| {
        warmed_up |= matches!(progress.step, InterleaveStep::WarmUp { .. });
        ControlFlow::Continue(())
    };
    interleave(&mut rows, &rules, &clock, &mut canary, &mut samples, &mut watch).unwrap();
    assert!(!warmed_up);
    assert_eq!(samples, measure(&FakeClock::new(), &[MILLI; 2], &rules));
}

#[test]
fn progress_only_rises_and_tells_the_time_left() {
    let clock = FakeClock::new();
    let mut rows: Vec<FakeExecutable> = (0..3).map(|_| FakeExecutable::new(&clock, |_| MILLI)).collect();
    let mut rows: Vec<&mut dyn Executable> = rows.iter_mut().map(|row| row as &mut dyn Executable).collect();
    let (mut fractions, mut halfway) = (Vec::new(), None);
    let mut canary = FakeCanary::steady(&clock);
    let mut samples = Interleaved::new(clock.quality());
    let start = clock.now();
    let mut watch = |progress: &InterleaveProgress<'_>| {
        fractions.push(progress.fraction);
        if matches!(progress.step, InterleaveStep::Rounds { done: 16, .. }) {
            halfway = halfway.or(progress.left);
        }
        ControlFlow::Continue(())
    };
    interleave(&mut rows, &InterleaveRules::one_sitting(), &clock, &mut canary, &mut samples, &mut watch).unwrap();
    assert!(fractions.is_sorted(), "{fractions:?}");
    assert_eq!((fractions.first(), fractions.last()), (Some(&0.0), Some(&1.0)));
    // 144 of at most 160 rounds are left, at about the length of the 32 that there were.
    let (left, whole) = (halfway.unwrap(), clock.now().since(start));
    assert!(left.0 > 4 * whole.0 / 2 && left.0 < 5 * whole.0, "{left} after {whole}");
}

#[test]
fn a_clock_that_goes_back_again_and_again_ends_the_measurement() {
    let clock = FakeClock::new();
    let back = clock.clone();
    let mut exe = FakeExecutable::new(&clock, move |run| {
        if run > 2_000 {
            back.set_back(Nanos::from_millis(5));
        }
        MILLI
    });
    let mut canary = FakeCanary::steady(&clock);
    let mut samples = Interleaved::new(clock.quality());
    let rules = InterleaveRules { minimum_rounds: 1_000, ..InterleaveRules::one_sitting() };
    let result =
        interleave(&mut [&mut exe], &rules, &clock, &mut canary, &mut samples, &mut |_| ControlFlow::Continue(()));
    assert!(matches!(result, Err(MeasureError::Clock { times: 21 })), "{result:?}");
    assert!(samples.rounds.len() > 10);
}

/// As written by this version, and as written before sittings were counted.
#[test]
fn samples_are_written_as_in_the_golden_file() {
    let golden = include_str!("golden.json");
    let samples: Interleaved = serde_json::from_str(golden).unwrap();
    assert_eq!((samples.rows.len(), samples.rounds.len(), samples.sittings()), (2, 2, 2));
    assert_eq!(samples.rows[1].warm_up.first_run, Nanos(5_000_000));
    assert_eq!(samples.rounds[1].blocks[0], Block { row: 1, samples: vec![Nanos(3_000_100)] });
    assert_eq!(samples.discarded[&Discard::ClockWentBack], 1);
    assert_eq!(serde_json::to_string_pretty(&samples).unwrap() + "\n", golden);
    let older = golden.replace("  \"prepared_anew\": [\n    1\n  ],\n", "");
    assert_ne!(older, golden);
    assert_eq!(serde_json::from_str::<Interleaved>(&older).unwrap().sittings(), 1);
}

#[test]
fn a_rows_spread_counts_one_value_per_round() {
    let samples = measure(&FakeClock::new(), &[MILLI, Nanos::from_millis(3)], &InterleaveRules::one_sitting());
    let spread = Interleaved::spread(&[samples], 1).unwrap();
    assert_eq!((spread.median, spread.samples, spread.p90), (Nanos::from_millis(3), 32, None));
}
