use super::*;
use crate::measure::fake::{FakeCanary, FakeClock, FakeExecutable};
use crate::measure::{CanaryReport, Counts, SetAside, Stop, Undisturbed};

const fn ms(millis: u64) -> Nanos {
    Nanos::from_millis(millis)
}

fn take(exe: &mut FakeExecutable, protocol: &Protocol, clock: &FakeClock) -> Result<ProcessSamples, MeasureError> {
    take_while(exe, protocol, clock, &mut FakeCanary::steady(clock), &mut |_| ControlFlow::Continue(()))
}

fn take_while(
    exe: &mut FakeExecutable,
    protocol: &Protocol,
    clock: &FakeClock,
    canary: &mut dyn Canary,
    progress: &mut dyn FnMut(&Progress<'_>) -> ControlFlow<()>,
) -> Result<ProcessSamples, MeasureError> {
    sample(exe, protocol, Instruments { clock, canary, watch: &mut Undisturbed }, progress)
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

    // 15 times two unmarked runs and a marked one of 5.5 ms, two unmarked ones, and 2 ms of canary every 60 ms.
    assert_eq!(samples.whole, vec![ms(5); 32]);
    let marked = MarkedRun {
        whole: Nanos(5_500_000),
        kernels: vec![Nanos(3_000_000), Nanos(1_500_000)],
        clock: ClockDomain::Host,
    };
    assert_eq!(samples.marked, vec![marked; 15]);
    assert_eq!(samples.stopped, Some(Stop::Time));
    assert_eq!(samples.warm_up, WarmUp { first_run: ms(5), runs: 10, time: ms(50), settled: true });
    assert_eq!(samples.canary, [ms(2); 5]);
    assert_eq!(exe.runs(), 10 + 32 + 15);
}

#[test]
fn a_fast_network_uses_its_time_and_a_third_of_its_samples_is_marked() {
    let clock = FakeClock::new();
    let samples = take(&mut steady(&clock, Nanos(500_000)), &Protocol::live(), &clock).unwrap();
    assert_eq!(samples.counts(), RunCounts { unmarked: 320, marked: 160 });
    assert_eq!(samples.stopped, Some(Stop::Time));
    let samples = take(&mut steady(&clock, Nanos(50_000)), &Protocol::live(), &clock).unwrap();
    assert_eq!(samples.counts(), RunCounts { unmarked: 1_334, marked: 666 });
    assert_eq!(samples.stopped, Some(Stop::Samples));
}

#[test]
fn a_network_of_60_ms_still_gets_five_unmarked_and_more_marked_runs() {
    let clock = FakeClock::new();
    let samples = take(&mut steady(&clock, ms(60)), &Protocol::live(), &clock).unwrap();
    assert_eq!(samples.counts(), RunCounts { unmarked: 5, marked: 4 });
    assert_eq!(samples.canary.len(), 10);
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
    assert_eq!(samples.whole, vec![Nanos(600); 1_334]);
    assert_eq!(exe.runs(), samples.warm_up.runs as u64 + 5 * 1_334 + 666);
}

#[test]
fn rigorous_mode_stops_as_soon_as_its_target_is_reached() {
    let clock = FakeClock::new();
    let samples = take(&mut steady(&clock, ms(10)), &Protocol::rigorous(), &clock).unwrap();
    assert_eq!(samples.warm_up.time, Nanos::from_secs(1));
    assert_eq!(samples.stopped, Some(Stop::Target));
    assert_eq!(samples.counts(), RunCounts { unmarked: 48, marked: 11 });
    assert_eq!(samples.canary.len(), 7, "at the start, five times between blocks, at the end");
}

#[test]
fn rigorous_mode_uses_its_whole_time_while_the_median_is_uncertain() {
    let clock = FakeClock::new();
    // Fast for 160 ms, slow for the next 240.
    let wave = |run: u64| if run % 40 < 20 { ms(8) } else { ms(12) };
    let mut exe = FakeExecutable::new(&clock, wave).with_kernels(1, move |run| vec![wave(run)]);
    let samples = take(&mut exe, &Protocol::rigorous(), &clock).unwrap();
    assert_eq!(samples.stopped, Some(Stop::Time));
    assert!((80..=120).contains(&samples.counts().total()), "{:?}", samples.counts());
}

#[test]
fn a_processor_that_throttles_shows_in_the_canary() {
    let clock = FakeClock::new();
    let throttled = Nanos::from_millis(2_500);
    let (at_run, at_canary) = (clock.clone(), clock.clone());
    let slower = move |clock: &FakeClock, normal: u64| {
        if clock.now() > throttled { normal * 5 / 4 } else { normal }
    };
    let mut exe = FakeExecutable::new(&clock, move |_| Nanos(slower(&at_run, 5_000_000)));
    let mut canary = FakeCanary::new(&clock, move |_| Nanos(slower(&at_canary, 2_000_000)));
    let mut protocol = Protocol::rigorous();
    protocol.sampling.early = None;
    let samples = take_while(&mut exe, &protocol, &clock, &mut canary, &mut |_| ControlFlow::Continue(())).unwrap();
    let report = CanaryReport::of(samples.canary.iter().copied());
    assert_eq!(report.first, Some(ms(2)));
    assert!((0.2..=0.25).contains(&report.drift.unwrap()), "{report:?}");
    let slow = samples.set_aside.last().copied();
    let expected = SetAside { cause: Discard::ClockDrop, whole: Nanos(6_250_000), enqueue: Nanos(6_250_000) };
    assert_eq!(slow, Some(expected), "the slow samples are kept, with their cause");
    assert!(samples.whole.iter().all(|&whole| whole == ms(5)));
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
    let result = take_while(&mut exe, &Protocol::live(), &clock, &mut FakeCanary::steady(&clock), &mut |_| {
        ControlFlow::Break(())
    });
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
    let result = take_while(&mut exe, &Protocol::live(), &clock, &mut FakeCanary::steady(&clock), &mut progress);
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
    take_while(&mut exe, &Protocol::live(), &clock, &mut FakeCanary::steady(&clock), &mut progress).unwrap();

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

const fn us(micros: u64) -> Nanos {
    Nanos(1_000 * micros)
}

/// A network of two kernels that the host waits 200 us for and that the device computes in 95.
fn on_gpu(clock: &FakeClock) -> FakeExecutable {
    FakeExecutable::new(clock, |_| us(200))
        .with_kernels(2, |_| vec![us(60), us(30)])
        .with_mark_cost(us(5))
        .with_enqueue(us(40))
        .with_transfer(|transfer| us(70 + transfer))
}

/// Everything is over after some 60 samples.
fn brief() -> Protocol {
    let mut protocol = Protocol::live();
    protocol.sampling.maximum_samples = 60;
    protocol
}

#[test]
fn a_device_with_timestamps_times_its_kernels_and_beside_each_marked_run_one_without_marks() {
    let clock = FakeClock::new();
    let mut exe = on_gpu(&clock).with_device(|run| Some(us(if run % 2 == 0 { 95 } else { 96 })));
    let samples = take(&mut exe, &brief(), &clock).unwrap();
    assert_eq!(samples.counts(), RunCounts { unmarked: 40, marked: 20 });
    assert_eq!((samples.whole, samples.enqueue), (vec![us(200); 40], vec![us(40); 40]), "the host's times are apart");
    assert_eq!(samples.device.len(), 20);
    assert!(samples.device.iter().all(|time| [us(95), us(96)].contains(time)), "{:?}", samples.device);
    for run in &samples.marked {
        assert_eq!((run.clock, &run.kernels), (ClockDomain::Device, &vec![us(60), us(30)]));
        assert!([us(95), us(96)].contains(&run.whole), "of the same clock as its kernels: {run:?}");
    }
    assert_eq!(samples.transfer, (70..75).map(us).collect::<Vec<_>>());
    assert_eq!(exe.runs(), samples.warm_up.runs as u64 + 40 + 2 * 20);
}

#[test]
fn what_has_no_timestamps_is_marked_by_the_host_and_runs_no_more_often_for_it() {
    let clock = FakeClock::new();
    for mut exe in [on_gpu(&clock), on_gpu(&clock).with_device(|_| None)] {
        let samples = take(&mut exe, &brief(), &clock).unwrap();
        let marked = MarkedRun { whole: us(100), kernels: vec![us(60), us(30)], clock: ClockDomain::Host };
        assert_eq!((samples.marked, samples.device), (vec![marked; 20], vec![]));
        assert_eq!(samples.discarded.len(), 0, "unknown from the beginning is nothing left out");
        assert_eq!(exe.runs(), samples.warm_up.runs as u64 + 60);
    }
}

#[test]
fn timestamps_that_fail_in_the_middle_are_counted_and_not_believed() {
    let clock = FakeClock::new();
    let warm_up = take(&mut on_gpu(&clock), &brief(), &clock).unwrap().warm_up.runs as u64;
    // The first two marked runs and the one beside the first are timed; then the one beside the second fails, or a
    // marked run further on.
    for failing in [warm_up + 7, warm_up + 20] {
        let mut exe = on_gpu(&clock).with_device(move |run| (run < failing).then_some(us(95)));
        let samples = take(&mut exe, &brief(), &clock).unwrap();
        assert!(samples.discarded[&Discard::NoTimestamps] > 0 && !samples.device.is_empty());
        assert!(!samples.has_device_times());
        assert_eq!(samples.counts(), RunCounts { unmarked: 40, marked: 20 }, "and it ends as ever");
    }
}

#[test]
fn a_device_time_of_zero_is_a_bug_and_no_number() {
    let clock = FakeClock::new();
    let result = take(&mut on_gpu(&clock).with_device(|_| Some(Nanos::ZERO)), &brief(), &clock);
    assert!(matches!(result, Err(MeasureError::NoTime)), "{result:?}");
}

#[test]
fn a_device_that_is_lost_ends_the_measurement_with_what_it_means() {
    use crate::runtime::DeviceFault;
    let clock = FakeClock::new();
    let lost = |run| (run == 30).then(|| DeviceFault::Lost { reason: "reset".into() });
    let error = take(&mut on_gpu(&clock).with_fault(lost), &brief(), &clock).unwrap_err();
    assert!(error.to_string().contains("was lost (reset)") && error.to_string().contains("try again"), "{error}");
    let cause = std::error::Error::source(&error).and_then(|cause| cause.downcast_ref::<DeviceFault>());
    assert!(cause.is_some_and(DeviceFault::ends_process), "whoever owns the process finds the cause: {error:?}");
}

/// Counts that change while the clock stands in certain intervals.
struct Scripted {
    clock: FakeClock,
    counts: Box<dyn Fn(Nanos) -> Counts>,
}

impl Watch for Scripted {
    fn read(&mut self) -> Counts {
        (self.counts)(self.clock.now())
    }
}

/// What is taken of a network of 5 ms while `counts` says what gets in the way since the first second.
fn disturbed(counts: impl Fn(Nanos) -> Counts + 'static) -> ProcessSamples {
    let clock = FakeClock::new();
    let mut exe = steady(&clock, ms(5));
    let start = clock.now();
    let mut watch = Scripted { clock: clock.clone(), counts: Box::new(move |now| counts(now.since(start))) };
    let mut canary = FakeCanary::steady(&clock);
    let instruments = Instruments { clock: &clock, canary: &mut canary, watch: &mut watch };
    sample(&mut exe, &Protocol::live(), instruments, &mut |_| ControlFlow::Continue(())).unwrap()
}

#[test]
fn samples_during_which_the_system_took_a_core_away_are_set_aside_with_that_cause() {
    // Warm-up ends at 50 ms, the canary at 52: 103 ms lies in one run.
    let once = disturbed(|since| Counts { preemptions: Some(u64::from(since > ms(103))), repaints: 0 });
    let sample = SetAside { cause: Discard::Preempted, whole: ms(5), enqueue: ms(5) };
    assert_eq!(once.set_aside, [sample]);
    assert_eq!(once.discarded.get(&Discard::Preempted), Some(&1));
    assert_eq!(once.headline().len(), once.counts().unmarked - 1);
}

#[test]
fn samples_during_a_repaint_are_set_aside_and_a_window_that_always_paints_still_gets_a_result() {
    let painting = |since: Nanos| u64::from(since > ms(100)) + u64::from(since > ms(130));
    let some = disturbed(move |since| Counts { preemptions: None, repaints: painting(since) });
    assert!((3..=6).contains(&some.set_aside.len()), "{:?}", some.set_aside);
    assert!(some.set_aside.iter().all(|sample| sample.cause == Discard::Repaint));
    let always = disturbed(|_| Counts { preemptions: None, repaints: 1 });
    assert!(always.whole.is_empty());
    assert_eq!(always.headline().len(), always.counts().unmarked);
}

#[test]
fn blocks_beside_a_slow_canary_are_set_aside_as_a_drop_of_the_clock() {
    let clock = FakeClock::new();
    let mut exe = steady(&clock, ms(5));
    // Readings at 0, 60, 120, ... ms of sampling: the second and third are slow.
    let slow = |reading: u64| if (1..=2).contains(&reading) { ms(3) } else { ms(2) };
    let mut canary = FakeCanary::new(&clock, slow);
    let protocol = Protocol::live();
    let samples = take_while(&mut exe, &protocol, &clock, &mut canary, &mut |_| ControlFlow::Continue(())).unwrap();
    assert!(samples.set_aside.iter().all(|sample| sample.cause == Discard::ClockDrop));
    // Three blocks of 60 ms touch a slow reading; two runs of three are unmarked.
    assert!((22..=26).contains(&samples.set_aside.len()), "{}", samples.set_aside.len());
    let discarded = samples.discarded.get(&Discard::ClockDrop).copied();
    assert_eq!(discarded, Some(samples.set_aside.len() as u64));
}
