use super::*;
use crate::measure::fake::{FakeCanary, FakeClock, FakeExecutable};
use crate::measure::{CanaryReport, Stop};

const fn ms(millis: u64) -> Nanos {
    Nanos::from_millis(millis)
}

fn take(exe: &mut FakeExecutable, protocol: &Protocol, clock: &FakeClock) -> Result<ProcessSamples, MeasureError> {
    sample(exe, protocol, clock, &mut FakeCanary::steady(clock), &mut |_| ControlFlow::Continue(()))
}

/// A network whose marked runs take as long as its unmarked ones.
fn steady(clock: &FakeClock, run: Nanos) -> FakeExecutable {
    FakeExecutable::new(clock, move |_| run).with_kernels(1, move |_| vec![run])
}

#[test]
fn a_live_measurement_takes_exactly_the_runs_that_fit_its_budget() {
    let clock = FakeClock::new();
    let mut exe = FakeExecutable::new(&clock, |_| ms(5))
        .with_kernels(2, |_| vec![Nanos(3_000_000), Nanos(1_500_000)])
        .with_mark_cost(Nanos(500_000));
    let samples = take(&mut exe, &Protocol::live(), &clock).unwrap();

    // 2 ms of canary and 16 times two unmarked runs and a marked one of 5.5 ms are 250 ms.
    assert_eq!(samples.whole, vec![ms(5); 32]);
    let marked = MarkedRun { whole: Nanos(5_500_000), kernels: vec![Nanos(3_000_000), Nanos(1_500_000)] };
    assert_eq!(samples.marked, vec![marked; 16]);
    assert_eq!(samples.stopped, Some(Stop::Time));
    assert_eq!(samples.warm_up, WarmUp { first_run: ms(5), runs: 10, time: ms(50), settled: true });
    assert_eq!(samples.canary, [ms(2), ms(2)]);
    assert_eq!(exe.runs(), 10 + 32 + 16);
}

#[test]
fn a_fast_network_stops_at_200_samples_of_which_a_third_is_marked() {
    let clock = FakeClock::new();
    let samples = take(&mut steady(&clock, Nanos(500_000)), &Protocol::live(), &clock).unwrap();
    assert_eq!(samples.counts(), RunCounts { unmarked: 134, marked: 66 });
    assert_eq!(samples.stopped, Some(Stop::Samples));
}

#[test]
fn a_network_of_60_ms_still_gets_five_unmarked_and_more_marked_runs() {
    let clock = FakeClock::new();
    let samples = take(&mut steady(&clock, ms(60)), &Protocol::live(), &clock).unwrap();
    assert_eq!(samples.counts(), RunCounts { unmarked: 5, marked: 4 });
    assert_eq!(samples.canary.len(), 3);
}

#[test]
fn a_huge_network_ends_after_five_runs() {
    let clock = FakeClock::new();
    let mut exe = steady(&clock, Nanos::from_secs(10));
    let samples = take(&mut exe, &Protocol::live(), &clock).unwrap();
    assert_eq!(samples.counts(), RunCounts { unmarked: 3, marked: 1 });
    assert_eq!((samples.warm_up.runs, samples.warm_up.settled), (1, false));
    assert_eq!(exe.runs(), 5);
}

#[test]
fn runs_too_short_for_the_timer_are_batched_and_told_per_run() {
    let clock = FakeClock::new().with_precision(Nanos(25));
    let mut exe = steady(&clock, Nanos(600));
    let samples = take(&mut exe, &Protocol::live(), &clock).unwrap();
    assert_eq!(samples.runs_per_sample, 5, "2500 ns are 100 ticks");
    assert_eq!(samples.whole, vec![Nanos(600); 134]);
    assert_eq!(exe.runs(), samples.warm_up.runs as u64 + 5 * 134 + 66);
}

#[test]
fn rigorous_mode_stops_as_soon_as_its_target_is_reached() {
    let clock = FakeClock::new();
    let samples = take(&mut steady(&clock, ms(10)), &Protocol::rigorous(), &clock).unwrap();
    assert_eq!(samples.warm_up.time, Nanos::from_secs(1));
    assert_eq!(samples.stopped, Some(Stop::Target));
    assert_eq!(samples.counts(), RunCounts { unmarked: 48, marked: 12 });
    assert_eq!(samples.canary.len(), 4, "at the start, twice between blocks, at the end");
}

#[test]
fn rigorous_mode_uses_its_whole_time_while_the_median_is_uncertain() {
    let clock = FakeClock::new();
    let wave = |run: u64| if run.is_multiple_of(2) { ms(8) } else { ms(12) };
    let mut exe = FakeExecutable::new(&clock, wave).with_kernels(1, move |run| vec![wave(run)]);
    let samples = take(&mut exe, &Protocol::rigorous(), &clock).unwrap();
    assert_eq!(samples.stopped, Some(Stop::Time));
    assert!(samples.counts().total() > 270, "{:?}", samples.counts());
}

#[test]
fn a_processor_that_throttles_shows_in_the_canary() {
    let clock = FakeClock::new();
    let throttled = Nanos::from_secs(3);
    let (at_run, at_canary) = (clock.clone(), clock.clone());
    let slower = move |clock: &FakeClock, normal: u64| {
        if clock.now() > throttled { normal * 5 / 4 } else { normal }
    };
    let mut exe = FakeExecutable::new(&clock, move |_| Nanos(slower(&at_run, 5_000_000)));
    let mut canary = FakeCanary::new(&clock, move |_| Nanos(slower(&at_canary, 2_000_000)));
    let mut protocol = Protocol::rigorous();
    protocol.sampling.early = None;
    let samples = sample(&mut exe, &protocol, &clock, &mut canary, &mut |_| ControlFlow::Continue(())).unwrap();
    let report = CanaryReport::of(samples.canary.iter().copied());
    assert_eq!((report.first, report.drift), (Some(ms(2)), Some(0.25)));
    assert_eq!(samples.whole.last(), Some(&Nanos(6_250_000)), "the slow samples are kept");
}

#[test]
fn on_a_gpu_enqueue_time_and_whole_time_are_kept_apart() {
    let clock = FakeClock::new();
    let mut exe = FakeExecutable::new(&clock, |_| ms(5)).with_enqueue(ms(1));
    let samples = take(&mut exe, &Protocol::live(), &clock).unwrap();
    assert!(samples.whole.iter().all(|&whole| whole == ms(5)));
    assert!(samples.enqueue.iter().all(|&enqueue| enqueue == ms(1)));
    assert_eq!(samples.enqueue.len(), samples.whole.len());
}

#[test]
fn cancelling_before_the_first_run_runs_nothing() {
    let clock = FakeClock::new();
    let mut exe = steady(&clock, ms(5));
    let result =
        sample(&mut exe, &Protocol::live(), &clock, &mut FakeCanary::steady(&clock), &mut |_| ControlFlow::Break(()));
    assert!(matches!(result, Err(MeasureError::Cancelled)));
    assert_eq!(exe.runs(), 0);
}

#[test]
fn cancelling_while_sampling_acts_within_30_ms_and_a_run() {
    let clock = FakeClock::new();
    let mut exe = steady(&clock, ms(20));
    let wanted = clock.now() + ms(100);
    let now = clock.clone();
    let mut progress = |_: &Progress<'_>| {
        if now.now() >= wanted { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    let result = sample(&mut exe, &Protocol::live(), &clock, &mut FakeCanary::steady(&clock), &mut progress);
    assert!(matches!(result, Err(MeasureError::Cancelled)));
    assert!(clock.now().since(wanted) <= ms(50), "{}", clock.now().since(wanted));
}

#[test]
fn progress_is_told_every_30_ms_and_as_soon_as_five_samples_are_in() {
    let clock = FakeClock::new();
    let mut exe = steady(&clock, ms(5));
    let (now, mut reports) = (clock.clone(), Vec::new());
    let mut progress = |progress: &Progress<'_>| {
        let samples = progress.samples.map_or(0, |samples| samples.counts().total());
        reports.push((now.now(), progress.phase, samples, progress.has_first_result()));
        assert!((0.0..=1.0).contains(&progress.fraction));
        ControlFlow::Continue(())
    };
    sample(&mut exe, &Protocol::live(), &clock, &mut FakeCanary::steady(&clock), &mut progress).unwrap();

    let first_result = reports.iter().position(|report| report.3).unwrap();
    assert_eq!(reports[first_result].2, 5);
    assert_eq!(reports[0].1, Phase::WarmUp);
    for (index, pair) in reports.windows(2).enumerate() {
        let gap = pair[1].0.since(pair[0].0);
        assert!(gap >= ms(30) || index + 1 == first_result, "{gap} before report {}", index + 1);
        assert!(gap <= ms(40), "{gap}");
    }
}

#[test]
fn a_sample_spoiled_by_the_clock_is_left_out_and_counted() {
    let clock = FakeClock::new();
    let back = clock.clone();
    let mut exe = FakeExecutable::new(&clock, move |run| {
        if run == 31 {
            back.set_back(ms(8));
        }
        ms(5)
    });
    let samples = take(&mut exe, &Protocol::live(), &clock).unwrap();
    assert_eq!(samples.discarded.into_iter().collect::<Vec<_>>(), [(Discard::ClockWentBack, 1)]);
    assert!(samples.whole.iter().all(|&whole| whole == ms(5)));
}

#[test]
fn a_clock_that_keeps_going_back_ends_the_measurement() {
    let clock = FakeClock::new();
    let back = clock.clone();
    let mut exe = FakeExecutable::new(&clock, move |run| {
        if run >= 30 {
            back.set_back(ms(8));
        }
        ms(5)
    });
    let result = take(&mut exe, &Protocol::live(), &clock);
    assert!(matches!(result, Err(MeasureError::Clock { times: 21 })), "{result:?}");
}

#[test]
fn a_runtime_that_marks_other_kernels_than_planned_is_an_error() {
    let clock = FakeClock::new();
    let mut exe = FakeExecutable::new(&clock, |_| ms(5)).with_kernels(3, |_| vec![ms(1); 2]);
    let result = take(&mut exe, &Protocol::live(), &clock);
    assert!(matches!(result, Err(MeasureError::Marks { planned: 3, marked: 2 })), "{result:?}");
}

#[test]
fn refining_adds_a_round_without_warming_up_again() {
    let clock = FakeClock::new();
    let mut exe = steady(&clock, ms(5));
    let protocol = Protocol::live();
    let mut samples = take(&mut exe, &protocol, &clock).unwrap();
    let (before, runs) = (samples.counts(), exe.runs());
    let mut canary = FakeCanary::steady(&clock);
    refine(&mut exe, &protocol, &clock, &mut canary, &mut samples, &mut |_| ControlFlow::Continue(())).unwrap();
    assert_eq!(samples.counts().total(), 2 * before.total());
    assert_eq!(exe.runs(), runs + before.total() as u64);
    assert_eq!(samples.canary.len(), 4);
}
