use serde_json::{Value, json};

mod threads;

use super::*;
use crate::device::{CardState, CoreKind, Throttle};
use crate::measure::{Basis, MarkedRun};
use crate::units::NanosDelta;

const MS: u64 = 1_000_000;

fn key(device: DeviceId, protocol: Protocol) -> MeasureKey {
    let design = serde_json::from_value(json!("00000000deadbeef")).unwrap();
    MeasureKey { design, options: RunOptions { runtime: Runtime::Candle, ..RunOptions::new(device, 2, 1) }, protocol }
}

fn circumstances(kernels: usize) -> Circumstances {
    let kernel =
        |index: usize| KernelLabel { layers: vec![format!("layer{index}")], label: "pointwise".into(), launches: 1 };
    let conditions = Conditions { usable_cores: Some(2), ..Conditions::default() };
    Circumstances {
        key: key(DeviceId::Cpu, Protocol::live()),
        kernels: (0..kernels).map(kernel).collect(),
        conditions,
        scatter: None,
    }
}

fn process(whole: impl IntoIterator<Item = u64>, marked: &[(u64, Vec<u64>)]) -> ProcessSamples {
    let warm_up = WarmUp { first_run: Nanos(9 * MS), runs: 10, time: Nanos(50 * MS), settled: true };
    let timer = TimerQuality { precision: Nanos(25), read_cost: Nanos(20) };
    let mut process = ProcessSamples::new(warm_up, timer, 2, 1);
    process.whole = whole.into_iter().map(Nanos).collect();
    process.enqueue = process.whole.clone();
    process.canary = vec![Nanos(2 * MS); 2];
    process.stopped = Some(Stop::Time);
    let run = |(whole, kernels): &(u64, Vec<u64>)| MarkedRun {
        whole: Nanos(*whole),
        kernels: kernels.iter().copied().map(Nanos).collect(),
        clock: ClockDomain::Host,
    };
    process.marked = marked.iter().map(run).collect();
    process
}

fn summary(circumstances: &Circumstances, processes: &[ProcessSamples]) -> Measurement {
    Measurement::summarise(circumstances, processes).unwrap()
}

/// Ten steady samples and five marked runs that give no reason for a warning.
fn quiet() -> ProcessSamples {
    process((0..10).map(|i| 5 * MS + i), &vec![(5 * MS, vec![3 * MS, 2 * MS]); 5])
}

#[test]
fn kernels_and_unaccounted_add_up_to_the_marked_whole_exactly() {
    let runs: [(u64, Vec<u64>); 3] =
        [(5_600, vec![3_000, 2_001]), (5_500, vec![3_100, 1_999]), (5_700, vec![2_900, 2_000])];
    let measured = summary(&circumstances(2), &[process([5_000, 5_010, 5_020], &runs)]);
    let breakdown = measured.breakdown.unwrap();
    let medians: Vec<_> = breakdown.kernels.iter().map(|kernel| kernel.median).collect();
    assert_eq!(medians, [Nanos(3_000), Nanos(2_000)]);
    assert_eq!((breakdown.kernels[0].low, breakdown.kernels[0].high), (Nanos(2_900), Nanos(3_100)));
    assert_eq!((breakdown.sum, breakdown.marked_whole), (Nanos(5_000), Nanos(5_600)));
    assert_eq!(breakdown.unaccounted, NanosDelta(600));
    assert_eq!(breakdown.marking_overhead, Some(5_600.0 / 5_010.0));
    assert_eq!(breakdown.samples, 3);
}

#[test]
fn unaccounted_time_is_negative_where_medians_add_up_to_more_than_the_whole() {
    let runs: [(u64, Vec<u64>); 3] = [(20, vec![10, 10, 0]), (20, vec![10, 0, 10]), (20, vec![0, 10, 10])];
    let measured = summary(&circumstances(3), &[process([20, 20, 20], &runs)]);
    let breakdown = measured.breakdown.unwrap();
    assert_eq!((breakdown.sum, breakdown.unaccounted), (Nanos(30), NanosDelta(-10)));
}

#[test]
fn a_partial_result_without_a_marked_run_has_no_breakdown() {
    assert_eq!(summary(&circumstances(2), &[process([5, 6], &[])]).breakdown, None);
}

#[test]
fn without_samples_or_with_other_kernels_there_is_no_measurement() {
    let none = |processes: &[ProcessSamples]| Measurement::summarise(&circumstances(2), processes).unwrap_err();
    assert!(matches!(none(&[]), MeasureError::NoSamples));
    assert!(matches!(none(&[quiet(), process([], &[])]), MeasureError::NoSamples));
    assert!(matches!(none(&[process([5], &[(5, vec![5])])]), MeasureError::Marks { planned: 2, marked: 1 }));
}

#[test]
fn percentiles_are_null_until_there_are_enough_samples() {
    let few = serde_json::to_value(summary(&circumstances(2), &[process(1..=63, &[])])).unwrap();
    assert_eq!((&few["whole"]["p90_ns"], &few["whole"]["p99_ns"]), (&Value::Null, &Value::Null));
    let many = serde_json::to_value(summary(&circumstances(2), &[process(1..=662, &[])])).unwrap();
    assert_eq!((&many["whole"]["p90_ns"], &many["whole"]["p99_ns"]), (&json!(596), &json!(656)));
}

#[test]
fn the_json_has_the_fields_that_exports_promise() {
    let value = serde_json::to_value(summary(&circumstances(2), &[quiet()])).unwrap();
    let names = |value: &Value| -> Vec<String> { value.as_object().unwrap().keys().cloned().collect() };
    for name in ["device", "runtime", "threads", "batch", "mode", "whole", "breakdown", "warm_up", "timer", "canary"]
        .into_iter()
        .chain(["conditions", "processes", "discarded", "warnings"])
    {
        assert!(names(&value).contains(&name.to_owned()), "{name}");
    }
    assert_eq!(
        (&value["device"], &value["runtime"], &value["mode"]),
        (&json!("cpu"), &json!("candle"), &json!("live"))
    );
    let whole = json!({
        "median_ns": 5_000_004, "low_ns": 5_000_001, "high_ns": 5_000_008, "min_ns": 5_000_000,
        "p90_ns": null, "p99_ns": null, "samples": 10, "coverage": 0.0,
        "within_run": { "low_ns": 5_000_001, "high_ns": 5_000_008, "coverage": 0.978515625 },
    });
    assert_eq!(value["whole"], whole);
    let kernel = json!({
        "layers": ["layer0"], "label": "pointwise", "median_ns": 3_000_000, "low_ns": 3_000_000, "high_ns": 3_000_000,
    });
    assert_eq!(value["breakdown"]["kernels"][0], kernel);
    assert_eq!(value["breakdown"]["sum_ns"], json!(5_000_000));
    assert_eq!(value["breakdown"]["unaccounted_ns"], json!(0));
    assert_eq!(value["processes"][0]["whole_ns"].as_array().unwrap().len(), 10);
    assert_eq!(value["enqueue"], Value::Null);
    assert_eq!(value["conditions"]["load_average"], Value::Null);
}

#[test]
fn a_measurement_knows_the_key_it_was_made_for() {
    let circumstances = circumstances(2);
    assert_eq!(summary(&circumstances, &[quiet()]).key(), circumstances.key);
}

#[test]
fn a_quiet_measurement_has_no_warnings() {
    assert_eq!(summary(&circumstances(2), &[quiet()]).warnings, []);
}

#[test]
fn each_reason_to_doubt_is_told_with_its_figures() {
    let warnings = |change: fn(&mut Circumstances, &mut ProcessSamples)| {
        let (mut circumstances, mut process) = (circumstances(2), quiet());
        change(&mut circumstances, &mut process);
        summary(&circumstances, &[process]).warnings
    };
    let rough = warnings(|_, process| process.whole = (0..10).map(|i| Nanos(5 * MS + i * 200_000)).collect());
    assert!(matches!(rough[..], [Warning::Rough { half_width }] if (0.11..0.13).contains(&half_width)), "{rough:?}");
    let few = warnings(|_, process| process.whole.truncate(3));
    assert_eq!(few, [Warning::FewSamples { samples: 3, coverage: 0.75 }]);
    let marking = warnings(|_, process| process.marked.iter_mut().for_each(|run| run.whole = Nanos(6 * MS)));
    assert!(matches!(marking[..], [Warning::MarkingOverhead { ratio }] if ratio > 1.19), "{marking:?}");
    let unsettled = warnings(|_, process| process.warm_up.settled = false);
    assert_eq!(unsettled, [Warning::NotSettled { runs: 10, time: Nanos(50 * MS) }]);
    let drift =
        warnings(|_, process| process.canary = [2_000_000, 2_000_000, 2_300_000, 2_300_000].map(Nanos).to_vec());
    assert!(matches!(drift[..], [Warning::CanaryDrift { drift }] if (drift - 0.15).abs() < 1e-9), "{drift:?}");
    let once = warnings(|_, process| process.canary = [2_000_000, 2_000_000, 9_000_000, 2_000_000].map(Nanos).to_vec());
    assert_eq!(once, [], "a single disturbed reading says nothing of the number");
    let preempted = warnings(|_, process| process.set_aside(Discard::Preempted, Nanos(9 * MS), Nanos(9 * MS)));
    assert_eq!(preempted, [], "one sample of eleven is no reason to doubt the ten");
    let preempted = warnings(|_, process| {
        for _ in 0..4 {
            process.set_aside(Discard::Preempted, Nanos(9 * MS), Nanos(9 * MS));
        }
    });
    assert_eq!(preempted, [Warning::Disturbed { cause: Discard::Preempted, share: 4.0 / 14.0 }]);
    let busy = warnings(|circumstances, _| circumstances.conditions.others_cpu_share = Some(0.5));
    assert_eq!(busy, [Warning::BusyMachine { share: 0.5 }]);
    let coarse = warnings(|_, process| process.runs_per_sample = 4);
    assert_eq!(coarse, [Warning::CoarseTimer { precision: Nanos(25), runs_per_sample: 4 }]);
    let threads = warnings(|circumstances, process| {
        process.threads = 4;
        circumstances.conditions.usable_cores = Some(3);
    });
    let expected =
        [Warning::ThreadsDiffer { asked: 2, used: 4 }, Warning::MoreThreadsThanCores { threads: 4, cores: 3 }];
    assert_eq!(threads, expected);
    let emulated = warnings(|circumstances, _| circumstances.conditions.emulator = Some("QEMU".into()));
    assert_eq!(emulated, [Warning::Emulated { by: "QEMU".into() }]);
    let kind = |mhz, cores: &[usize]| CoreKind { capacity: None, max_mhz: Some(mhz), cores: cores.to_vec() };
    let on_cores = |kinds: Vec<CoreKind>| {
        let mut circumstances = circumstances(2);
        circumstances.conditions.cores = kinds;
        summary(&circumstances, &[quiet()]).warnings
    };
    let mixed = on_cores(vec![kind(2_400, &[3]), kind(1_800, &[0, 1, 2])]);
    let kinds = "1 of up to 2400 MHz and 3 of up to 1800 MHz".into();
    assert_eq!(mixed, [Warning::MixedCores { threads: 2, kinds, fastest: 1 }]);
    assert_eq!(on_cores(vec![kind(2_400, &[3, 4])]), [], "kept to the fastest");
    assert_eq!(on_cores(vec![kind(2_400, &[3, 4]), kind(1_800, &[0])]), [], "there is a fast core for each thread");
    let unknown = warnings(|circumstances, _| circumstances.conditions = Conditions::default());
    assert_eq!(unknown, [], "unknown conditions are no reason for a warning");
}

#[test]
fn only_a_gpu_can_be_launch_bound() {
    let mut circumstances = circumstances(2);
    assert_eq!(summary(&circumstances, &[quiet()]).enqueue, None);
    circumstances.key = key(DeviceId::Cuda(0), Protocol::live());
    let measured = summary(&circumstances, &[quiet()]);
    assert_eq!(measured.warnings, [Warning::LaunchBound { ratio: 1.0, device_time: None }]);
    assert_eq!(measured.launch_bound(), measured.warnings.first());
    let mut waiting = quiet();
    waiting.enqueue = vec![Nanos(MS); 10];
    let measured = summary(&circumstances, &[waiting]);
    assert_eq!(measured.enqueue.unwrap().median, Nanos(MS));
    assert_eq!(measured.warnings, []);
}

/// A run of 5 ms for the host: 1 ms of enqueuing, 4 ms of the device, of which the marked runs know 2.5 and 1.4 ms.
fn on_gpu() -> ProcessSamples {
    let mut process = quiet();
    process.enqueue = vec![Nanos(MS); 10];
    let kernels = vec![Nanos(25 * MS / 10), Nanos(14 * MS / 10)];
    process.marked = vec![MarkedRun { whole: Nanos(41 * MS / 10), kernels, clock: ClockDomain::Device }; 5];
    process.device = (0..5).map(|run| Nanos(4 * MS + run)).collect();
    process.transfer = [90, 70, 80, 75, 85].map(|micros| Nanos(1_000 * micros)).to_vec();
    process
}

fn gpu_circumstances() -> Circumstances {
    Circumstances { key: key(DeviceId::Cuda(0), Protocol::live()), ..circumstances(2) }
}

#[test]
fn on_a_gpu_host_device_enqueue_and_transfer_are_numbers_of_their_own() {
    let measured = summary(&gpu_circumstances(), &[on_gpu()]);
    assert_eq!(measured.whole.median, Nanos(5 * MS + 4));
    assert_eq!(measured.enqueue.map(|enqueue| enqueue.median), Some(Nanos(MS)));
    let breakdown = measured.breakdown.as_ref().unwrap();
    assert_eq!(breakdown.clock, ClockDomain::Device);
    assert_eq!((breakdown.sum, breakdown.marked_whole), (Nanos(39 * MS / 10), Nanos(41 * MS / 10)));
    assert_eq!(breakdown.unaccounted, NanosDelta(MS as i64 / 5));
    let overhead = breakdown.marking_overhead.unwrap();
    assert_eq!(overhead, (41 * MS / 10) as f64 / (4 * MS + 2) as f64, "of the device's unmarked time");
    assert_eq!(measured.warnings, []);
    let json = serde_json::to_value(&measured).unwrap();
    let range = |median: u64, low: u64, high: u64| json!({ "median_ns": median, "low_ns": low, "high_ns": high });
    assert_eq!(json["device_time"], range(4 * MS + 2, 4 * MS, 4 * MS + 4));
    assert_eq!(json["transfer"], range(80_000, 70_000, 90_000));
    assert_eq!(json["breakdown"]["clock"], json!("device"));
    assert_eq!(json["processes"][0]["device_ns"].as_array().unwrap().len(), 5);
    assert_eq!(json["processes"][0]["transfer_ns"][0], json!(90_000));
    assert_eq!(serde_json::from_value::<Measurement>(json).unwrap(), measured);
}

#[test]
fn a_card_that_held_its_clocks_down_is_told_and_one_that_cannot_be_asked_is_not() {
    let with = |card: CardState| {
        let mut circumstances = gpu_circumstances();
        circumstances.conditions.card = Some(card);
        summary(&circumstances, &[on_gpu()])
    };
    let hot = CardState {
        sm_clock_mhz: Some(1_200),
        throttled: Some(true),
        throttled_by: [Throttle::Heat].into(),
        readings: 2,
        ..CardState::default()
    };
    let measured = with(hot.clone());
    assert_eq!(measured.warnings, [Warning::CardThrottled { by: "heat".into(), sm_clock_mhz: Some(1_200) }]);
    let json = serde_json::to_value(&measured).unwrap();
    assert_eq!(json["conditions"]["card"]["sm_clock_mhz"], json!(1_200));
    assert_eq!(json["conditions"]["card"]["power_w"], Value::Null);
    assert_eq!(serde_json::from_value::<Measurement>(json).unwrap(), measured);
    assert_eq!(with(CardState { throttled: Some(false), ..hot }).warnings, []);
    assert_eq!(with(CardState::default()).warnings, [], "unknown is no reason for a warning");
}

#[test]
fn device_times_are_unknown_unless_every_timestamp_can_be_believed() {
    let unknown = |change: fn(&mut ProcessSamples)| {
        let mut second = on_gpu();
        change(&mut second);
        let measured = summary(&gpu_circumstances(), &[on_gpu(), second]);
        assert_eq!(serde_json::to_value(&measured).unwrap()["device_time"], Value::Null);
        measured.breakdown.unwrap()
    };
    let breakdown = unknown(|process| process.discard(Discard::NoTimestamps));
    assert_eq!((breakdown.clock, breakdown.marking_overhead), (ClockDomain::Device, None));
    // One run that the host had to mark: it is all there is, for two clocks do not mix.
    let breakdown = unknown(|process| {
        process.discard(Discard::NoTimestamps);
        process.marked[2] = MarkedRun { whole: Nanos(6 * MS), kernels: vec![Nanos(MS); 2], clock: ClockDomain::Host };
    });
    assert_eq!((breakdown.clock, breakdown.samples, breakdown.marked_whole), (ClockDomain::Host, 1, Nanos(6 * MS)));
    assert_eq!(breakdown.marking_overhead, Some((6 * MS) as f64 / (5 * MS + 4) as f64), "of the host's unmarked time");
    unknown(|process| process.device.clear());
}

#[test]
fn a_device_that_waits_for_the_host_is_launch_bound_and_one_far_from_the_host_says_where_the_rest_goes() {
    let warnings = |enqueue: u64, device: u64| {
        let mut process = on_gpu();
        process.enqueue = vec![Nanos(enqueue); 10];
        process.device = vec![Nanos(device); 5];
        process.marked.clear();
        summary(&gpu_circumstances(), &[process])
    };
    let measured = warnings(3 * MS, 2 * MS);
    let bound = Warning::LaunchBound { ratio: 1.5, device_time: Some(Nanos(2 * MS)) };
    assert_eq!((measured.launch_bound(), measured.warnings.len()), (Some(&bound), 1));
    assert!(bound.to_string().contains("150 % of the 2.00 ms that the device computes"), "{bound}");
    assert!(warnings(2 * MS, 2 * MS).launch_bound().is_some(), "at least as long is enough");
    let measured = warnings(MS, 2 * MS);
    assert_eq!(measured.launch_bound(), None);
    let (whole, device_time, enqueue) = (Nanos(5 * MS + 4), Nanos(2 * MS), Nanos(MS));
    assert_eq!(measured.warnings, [Warning::HostLatency { whole, device_time, enqueue }]);
    let text = measured.warnings[0].to_string();
    assert!(text.contains("computes for 2.00 ms of the 5.00 ms") && text.contains("the other 3.00 ms"), "{text}");
    assert_eq!(warnings(MS, 4 * MS).warnings, [], "enqueuing and the way there are worth no word");
    let old = json!({ "kind": "launch-bound", "ratio": 0.97, "message": "" });
    let read: Warning = serde_json::from_value(old).unwrap();
    assert_eq!(read, Warning::LaunchBound { ratio: 0.97, device_time: None });
    assert!(read.to_string().contains("97 % of the whole time"), "{read}");
}

#[test]
fn a_measurement_of_an_earlier_version_reads_as_one_whose_device_times_are_unknown() {
    let measured = summary(&circumstances(2), &[quiet()]);
    let mut json = serde_json::to_value(&measured).unwrap();
    let mut forget = |path: &str, name: &str| {
        let object = json.pointer_mut(path).and_then(Value::as_object_mut).unwrap();
        assert!(object.remove(name).is_some(), "{path}/{name}");
    };
    forget("", "device_time");
    forget("", "transfer");
    forget("/breakdown", "clock");
    forget("/processes/0", "device_ns");
    forget("/processes/0", "transfer_ns");
    assert_eq!(serde_json::from_value::<Measurement>(json).unwrap(), measured);
}

#[test]
fn rigorous_mode_says_when_processes_or_precision_are_missing() {
    let mut circumstances = circumstances(2);
    circumstances.key = key(DeviceId::Cpu, Protocol::rigorous());
    let other = process((0..10).map(|i| 6 * MS + i), &vec![(6 * MS, vec![3 * MS, 3 * MS]); 5]);
    let measured = summary(&circumstances, &[quiet(), other]);
    let found = &measured.warnings;
    assert!(found.contains(&Warning::FewProcesses { processes: 2, minimum: 3 }), "{found:?}");
    assert!(found.iter().any(|warning| matches!(warning, Warning::TargetNotReached { target: 0.01, .. })), "{found:?}");
    assert_eq!((measured.warm_up.runs, measured.whole.samples, measured.processes.len()), (20, 20, 2));
    let alike = summary(&circumstances, &[quiet(), quiet(), quiet()]);
    assert_eq!(alike.warnings, []);
}

#[test]
fn earlier_runs_say_how_a_fresh_run_would_repeat_and_the_run_itself_says_its_own() {
    let mut circumstances = circumstances(2);
    let scatter = Scatter { between_runs: 0.02, between_processes: 0.0, canary: None, degrees_of_freedom: 1e6 };
    circumstances.scatter = Some(scatter);
    let measured = summary(&circumstances, &[quiet()]);
    let whole = measured.whole;
    // 1.96 times 2 %, on the scale of logarithms.
    assert_eq!((whole.low, whole.high, whole.coverage), (Nanos(4_807_797), Nanos(5_199_895), 0.95));
    assert!(whole.half_width_within_run().unwrap() < 1e-5);
    assert_eq!(whole.certainty(), "a fresh run within ± 3.9 %; this run ± 0.0 %");
    let expected = Repeatability { basis: Basis::EarlierRuns, degrees_of_freedom: 1e6, scatter: Some(scatter) };
    assert_eq!(measured.repeatability, Some(expected));
    circumstances.scatter = None;
    let measured = summary(&circumstances, &[quiet()]);
    assert!(!measured.whole.is_repeatable());
    assert_eq!(measured.whole.certainty(), "how a fresh run would repeat is not known yet; this run ± 0.0 %");
}

/// A process of rigorous mode with two blocks of six samples, beside these readings of the canary.
fn beside(canary: [u64; 3], micros: [u64; 2]) -> ProcessSamples {
    let whole = (0..12).map(|sample| 1_000 * micros[sample / 6] + sample as u64);
    let mut process = process(whole, &vec![(5 * MS, vec![3 * MS, 2 * MS]); 5]);
    process.canary = canary.map(|micros| Nanos(1_000 * micros)).to_vec();
    process.samples_before_canary = vec![0, 6, 12];
    process
}

#[test]
fn rigorous_mode_counts_what_ran_at_the_usual_clock_and_keeps_the_rest_with_its_cause() {
    let mut circumstances = circumstances(2);
    circumstances.key = key(DeviceId::Cpu, Protocol::rigorous());
    let processes = [
        beside([400, 400, 440], [5_000, 6_000]),
        beside([400, 404, 396], [5_000, 5_000]),
        beside([396, 400, 400], [5_000, 5_000]),
        beside([440, 440, 440], [6_000, 6_000]),
    ];
    let measured = summary(&circumstances, &processes);
    assert_eq!((measured.whole.samples, measured.whole.median), (30, Nanos(5_000_004)));
    assert_eq!(measured.discarded.get(&Discard::ClockOff), Some(&18));
    let raw: usize = measured.processes.iter().map(|process| process.whole_ns.len() + process.set_aside.len()).sum();
    assert_eq!((measured.processes.len(), raw), (4, 48), "nothing is lost");
    assert_eq!(measured.warnings, []);
    // On a machine whose canary usually takes 360 us none of this is usual.
    let usual = Some(Nanos(360_000));
    circumstances.scatter =
        Some(Scatter { between_runs: 0.0, between_processes: 0.0, canary: usual, degrees_of_freedom: 0.0 });
    let measured = summary(&circumstances, &processes);
    assert_eq!(measured.whole.samples, 48);
    assert!(matches!(measured.warnings[..], [.., Warning::ClockOff { ratio }] if (1.1..1.13).contains(&ratio)));
    // Its median here is 400 us.
    let at_usual_clock = measured.whole.median.as_f64() * 360.0 / 400.0;
    assert!(measured.whole.low.as_f64() <= at_usual_clock + 1.0, "it reaches to what the usual clock would give");
    let mut live = circumstances.clone();
    live.key = key(DeviceId::Cpu, Protocol::live());
    assert_eq!(summary(&live, &processes).whole.samples, 48, "live mode takes what there is");
}

#[test]
fn the_precision_is_a_part_of_the_key_and_measurements_of_before_it_are_of_32_bits() {
    let mut circumstances = circumstances(2);
    circumstances.key.options = RunOptions { precision: Precision::F16, ..RunOptions::new(DeviceId::Gpu(0), 2, 1) };
    let half = summary(&circumstances, &[quiet()]);
    assert_eq!((half.precision, half.key()), (Precision::F16, circumstances.key.clone()));
    circumstances.key.options.precision = Precision::F32;
    let single = summary(&circumstances, &[quiet()]);
    assert_ne!(single.key(), half.key());
    let mut json = serde_json::to_value(&single).unwrap();
    assert_eq!(json.as_object_mut().unwrap().remove("precision"), Some("f32".into()));
    assert_eq!(serde_json::from_value::<Measurement>(json).unwrap(), single);
}

#[test]
fn where_kernels_come_from_is_told_and_those_made_beforehand_are_a_reason_to_doubt() {
    let of = |code| summary(&gpu_circumstances(), &[ProcessSamples { kernel_code: code, ..on_gpu() }]);
    let compiled = of(Some(KernelCode::Compiled));
    assert_eq!((compiled.kernel_code, compiled.warnings.clone()), (Some(KernelCode::Compiled), of(None).warnings));
    let beforehand = of(Some(KernelCode::Beforehand));
    assert!(beforehand.warnings.contains(&Warning::KernelsMadeBeforehand), "{:?}", beforehand.warnings);
    let json = serde_json::to_value(&beforehand).unwrap();
    assert_eq!(json["kernel_code"], "beforehand");
    assert_eq!(serde_json::from_value::<Measurement>(json).unwrap(), beforehand);
    assert!(serde_json::to_value(of(None)).unwrap().get("kernel_code").is_none());
}
