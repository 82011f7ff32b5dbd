//! What is written today is what the golden files say, byte for byte, and reads to the values that were put in: a field
//! that is renamed, added or lost is noticed, which writing and reading back with the same types cannot.
//!
//! Where a form has changed on purpose, `SHUFFLESCOPE_WRITE_GOLDEN=1 cargo test -p shufflescope-engine --test golden`
//! writes the files anew; the difference is then looked at and committed with the change.

#![allow(clippy::unwrap_used)] // Helpers of tests panic like tests.

use std::collections::BTreeMap;

use shufflescope_engine::clock::{ClockDomain, TimerQuality};
use shufflescope_engine::cost::model_cost;
use shufflescope_engine::design::{Batch, BlockEdit, Design, Edit, InputSize, SqueezeExcitation};
use shufflescope_engine::device::{Conditions, DeviceId, Machine};
use shufflescope_engine::experiment::PairResult;
use shufflescope_engine::graph::{Graph, NodeId};
use shufflescope_engine::guideline::{Guideline, TimeShareOf, findings};
use shufflescope_engine::measure::{
    Apart, Basis, Block, Circumstances, Difference, Discard, InterleaveRules, Interleaved, KernelLabel, LayerTime,
    MarkedRun, MeasureKey, Measurement, Mode, Peaks, ProcessSamples, Protocol, Round, RowRecord, Scatter, SetAside,
    Stop, WarmUp, Warning,
};
use shufflescope_engine::model::Model;
use shufflescope_engine::report::Profile;
use shufflescope_engine::runtime::{Kernel, KernelPlan, RunOptions};
use shufflescope_engine::units::{Bandwidth, Bytes, FlopRate, Nanos};
use shufflescope_engine::zoo;

/// Holds `written` against the golden file of this name, and gives the file's text.
fn golden(name: &str, written: &str) -> String {
    let path = format!("{}/tests/golden/{name}", env!("CARGO_MANIFEST_DIR"));
    if std::env::var_os("SHUFFLESCOPE_WRITE_GOLDEN").is_some() {
        std::fs::create_dir_all(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden")).unwrap();
        std::fs::write(&path, written).unwrap();
    }
    // Git may have changed the line ends on checking out.
    let golden = std::fs::read_to_string(&path).unwrap().replace("\r\n", "\n");
    let line = golden.lines().zip(written.lines()).position(|(golden, written)| golden != written);
    assert!(golden == written, "{name} differs from line {line:?} on; SHUFFLESCOPE_WRITE_GOLDEN=1 writes it anew");
    golden
}

/// One stage of one unit, on a map so small that little is written.
fn tiny() -> Design {
    let mut design = zoo::preset("shufflenet-v2-x0.5").unwrap().apply(&Edit::Rename("tiny".into()));
    design.stages.truncate(1);
    (design.stages[0].repeats, design.classes) = (1, 10);
    design.apply(&Edit::Input(InputSize { height: 32, width: 64 }))
}

fn warm_up(settled: bool) -> WarmUp {
    WarmUp { first_run: Nanos(9_000_000), runs: 5, time: Nanos::from_millis(60), settled }
}

const TIMER: TimerQuality = TimerQuality { precision: Nanos(20), read_cost: Nanos(25) };

fn machine() -> Machine {
    Machine {
        os: Some("An OS".into()),
        os_version: Some("1".into()),
        kernel_version: None,
        arch: "x86_64".into(),
        cpu_model: Some("a processor".into()),
        physical_cores: Some(2),
        logical_cores: Some(4),
        core_kinds: vec![],
        emulator: None,
        instruction_sets: vec!["avx2".into()],
        memory: Some(Bytes(8 << 30)),
        version: "0.0.0".into(),
        candle: "0.0.0".into(),
        features: vec![],
        target: "x86_64-linux-gnu".into(),
        build: "test".into(),
    }
}

/// Two kernels that compute all layers, marked twice, with reasons to warn.
fn measurement(model: &Model, plan: &KernelPlan) -> Measurement {
    let graph = model.graph(Batch(1)).unwrap();
    let mut process = ProcessSamples::new(warm_up(false), TIMER, 2, 1);
    process.whole = (0..9).map(|run| Nanos(50_000 + 10_000 * run)).collect();
    process.enqueue.clone_from(&process.whole);
    process.marked =
        vec![
            MarkedRun { whole: Nanos(90_000), kernels: vec![Nanos(60_000), Nanos(20_000)], clock: ClockDomain::Host };
            2
        ];
    process.canary = vec![Nanos(2_000_000), Nanos(3_000_000)];
    process.stopped = Some(Stop::Time);
    let (cause, whole) = (Discard::Preempted, Nanos(140_000));
    process.set_aside = vec![SetAside { cause, whole, enqueue: whole }];
    process.discarded = BTreeMap::from([(Discard::ClockWentBack, 1), (cause, 1)]);
    let circumstances = Circumstances {
        key: MeasureKey {
            design: model.fingerprint(),
            options: RunOptions::new(DeviceId::Cpu, 2, 1),
            protocol: Protocol::of(Mode::Live),
        },
        kernels: KernelLabel::of(plan, &graph),
        scatter: Some(Scatter { between_runs: 0.02, between_processes: 0.01, canary: None, degrees_of_freedom: 12.0 }),
        conditions: Conditions { others_cpu_share: Some(0.25), cpu_mhz: Some(3_100), ..Conditions::default() },
    };
    Measurement::summarise(&circumstances, &[process]).unwrap()
}

/// The network as two kernels, the first of which computes all layers up to `first`.
fn two_kernels(graph: &Graph, first: usize) -> KernelPlan {
    let ids: Vec<_> = graph.layers().map(|(id, _)| id).collect();
    let kernel = |layers: &[NodeId], label: &str| Kernel {
        layers: layers.to_vec(),
        label: label.into(),
        launches: 1,
        spec: None,
    };
    let (before, after) = ids.split_at(first);
    KernelPlan { kernels: vec![kernel(before, "the first"), kernel(after, "the second")] }
}

/// Every layer takes as long as any other where they run apart.
fn alike_apart(graph: &Graph) -> Apart {
    let layers = graph.layers().map(|(_, node)| LayerTime { path: node.path.clone(), median: Nanos(4_000) }).collect();
    Apart { layers, whole: Nanos(150_000), clock: ClockDomain::Host }
}

/// 60 and 20 of 90 us are the kernels', and each layer of a kernel has an equal part of it.
#[test]
fn a_findings_share_of_the_time_is_that_of_its_layers_inside_fused_kernels() {
    let model = Model::from(&tiny());
    let graph = model.graph(Batch(1)).unwrap();
    let (first, count) = (12, graph.layers().len());
    let mut measured = measurement(&model, &two_kernels(&graph, first));
    let findings = |measured: &Measurement| findings(&tiny(), &graph, &model_cost(&graph), Some(measured));
    for finding in findings(&measured) {
        assert_eq!(finding.evidence.time_share_of, Some(TimeShareOf::Kernels));
    }
    measured.apart = Some(alike_apart(&graph));
    let found = findings(&measured);
    assert!(found.iter().any(|finding| finding.guideline == Guideline::G4), "{found:?}");
    for finding in found {
        let is_early = |path: &&String| graph.find(path).is_some_and(|id| id.0 <= first);
        let early = finding.layers.iter().filter(is_early).count();
        let late = finding.layers.len() - early;
        let time = 60_000.0 * early as f64 / first as f64 + 20_000.0 * late as f64 / (count - first) as f64;
        let share = finding.evidence.time_share.unwrap();
        assert!((share - time / 90_000.0).abs() < 1e-3, "{}: {share}", finding.guideline);
        assert_eq!(finding.evidence.time_share_of, Some(TimeShareOf::Apart));
    }
}

#[test]
fn a_measured_profile_with_its_breakdown_and_warnings() {
    let model = Model::from(&tiny());
    let graph = model.graph(Batch(1)).unwrap();
    let mut measured = measurement(&model, &two_kernels(&graph, 12));
    measured.apart = Some(alike_apart(&graph));
    let mut profile = Profile::of_graph(model, &graph, Some(measured));
    profile.machine = machine();
    let text = golden("profile.json", &profile.to_json().unwrap());

    let read = Profile::from_json(text.as_bytes(), "golden").unwrap();
    assert_eq!(read, profile);
    let measurement = read.measurement.unwrap();
    assert_eq!((measurement.whole.samples, measurement.whole.min), (9, Nanos(50_000)));
    assert_eq!(measurement.breakdown.unwrap().kernels[1].median, Nanos(20_000));
    assert!(measurement.warnings.contains(&Warning::NotSettled { runs: 5, time: Nanos::from_millis(60) }));
    assert_eq!(measurement.discarded, BTreeMap::from([(Discard::ClockWentBack, 1), (Discard::Preempted, 1)]));
    assert_eq!(measurement.repeatability.unwrap().basis, Basis::EarlierRuns);
    assert_eq!(read.findings[0].evidence.time_share_of, Some(TimeShareOf::Apart));
    assert_eq!((read.cost.layers.len(), read.machine.memory), (graph.layers().len(), Some(Bytes(8 << 30))));
}

#[test]
fn a_design_as_toml_and_as_json() {
    let with_se = BlockEdit::Se(Some(SqueezeExcitation { reduction: 16 }));
    let design = tiny().apply(&Edit::All(vec![Edit::Blocks(with_se), Edit::Blocks(BlockEdit::Residual(true))]));
    let toml = golden("design.toml", &design.to_toml().unwrap());
    assert_eq!(Design::from_toml(&toml).unwrap(), design);
    let json = golden("design.json", &(serde_json::to_string_pretty(&design).unwrap() + "\n"));
    let read: Design = serde_json::from_str(&json).unwrap();
    assert_eq!(read, design);
    assert_eq!((read.stages[0].block.se().map(|se| se.reduction), read.classes), (Some(16), 10));
}

#[test]
fn the_ceilings_of_a_device() {
    let peaks = Peaks {
        device: DeviceId::Cuda(1),
        threads: 2,
        compute: FlopRate(81.5),
        compute_by: "a product".into(),
        memory: Bandwidth(12.25),
        memory_bytes: Bytes(1 << 20),
        cache: Some((Bandwidth(100.5), Bytes(1 << 10))),
        launch: None,
        took: Nanos(480_000_000),
    };
    let text = golden("peaks.json", &(serde_json::to_string_pretty(&peaks).unwrap() + "\n"));
    assert_eq!(serde_json::from_str::<Peaks>(&text).unwrap(), peaks);
}

/// A, B and A's twin in two processes.
#[test]
fn a_comparison_of_two_networks() {
    let process = |shift: u64| {
        let record = RowRecord {
            warm_up: warm_up(true),
            runs_per_sample: 1,
            samples_per_block: 3,
            threads: 1,
            instruction_set: None,
        };
        let block = |row: usize, time: u64| Block { row, samples: vec![Nanos(time), Nanos(time), Nanos(time + 7)] };
        let round = |number: u64| Round {
            blocks: vec![
                block(0, 1_000_000 + number),
                block(1, 1_500_000 + shift + number),
                block(2, 1_000_000 - shift),
            ],
        };
        let mut samples = Interleaved::new(TIMER);
        samples.rows = vec![record; 3];
        samples.rounds = (0..15).map(round).collect();
        samples
    };
    let graph = Model::from(&tiny()).graph(Batch(1)).unwrap();
    let options = RunOptions::new(DeviceId::Cpu, 1, 1);
    let rules = InterleaveRules::in_processes(2);
    let pair = PairResult::new([&graph, &graph], &options, &rules, &[process(0), process(900)], None).unwrap();
    let text = golden("pair.json", &(serde_json::to_string_pretty(&pair).unwrap() + "\n"));
    let read: PairResult = serde_json::from_str(&text).unwrap();
    assert_eq!(read, pair);
    assert_eq!((read.comparison.verdict, read.comparison.sittings), (Difference::Slower, 2));
    assert!((read.comparison.ratio.ratio - 1.5).abs() < 0.002, "{:?}", read.comparison);
}

/// Written by version 0.1.0, whose intervals were this run's alone and whose protocol aimed for a number of processes.
#[test]
fn a_profile_of_version_0_1_0_opens_and_what_it_does_not_say_is_unknown() {
    let profile = Profile::from_json(include_bytes!("golden/profile-0.1.0.json"), "profile-0.1.0.json").unwrap();
    let measurement = profile.measurement.unwrap();
    let whole = measurement.whole;
    assert_eq!((whole.median, whole.low, whole.high), (Nanos(25_935_759), Nanos(21_228_967), Nanos(41_737_568)));
    assert_eq!((whole.within_run, measurement.repeatability, measurement.apart), (None, None, None));
    assert_eq!((measurement.protocol.processes.maximum, measurement.protocol.processes.half_width), (1, None));
    assert_eq!((measurement.processes[0].set_aside.len(), measurement.canary.disturbed), (0, 0));
}
