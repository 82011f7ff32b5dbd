//! Kernel times that were made up, so that predictions rest on something without measuring.

use std::path::Path;

use shufflescope::window::Setup;
use shufflescope_engine::design::{Batch, Design, Edit, StageEdit};
use shufflescope_engine::device::{DeviceId, Machine};
use shufflescope_engine::graph::lower;
use shufflescope_engine::measure::Mode;
use shufflescope_engine::runtime::{KernelSpec, RunOptions, plan_without_weights};
use shufflescope_engine::store::{KernelRun, Opened, RunContext, RunRecord, Store, Timestamp};
use shufflescope_engine::units::Nanos;

use super::{setup, small};

/// As the tests' windows run.
pub fn options() -> RunOptions {
    RunOptions::new(DeviceId::Cpu, 1, 1)
}

/// Where the tests' windows run.
pub fn context() -> RunContext {
    RunContext::new(Machine::detect().cpu_model.as_deref(), &options())
}

/// A machine that nobody has: a launch, and so much for every channel read and number made.
fn made_up(spec: &KernelSpec) -> Nanos {
    let mut input = spec.input;
    let mut time = 30;
    for step in &spec.steps {
        time += input.channels as u64 * step.output.elements().0 / 40;
        input = step.output;
    }
    Nanos(time)
}

/// What the store notes of a design that ran on that machine.
pub fn run(design: &Design) -> KernelRun {
    let graph = lower(design, Batch(1)).unwrap();
    let plan = plan_without_weights(&graph, &options()).unwrap();
    let specs = plan.kernels.into_iter().filter_map(|kernel| kernel.spec);
    let kernels: Vec<(KernelSpec, Nanos)> = specs.map(|spec| (spec.clone(), made_up(&spec))).collect();
    KernelRun {
        when: Timestamp(7),
        model: design.name.clone(),
        design: design.fingerprint(),
        whole: kernels.iter().map(|(_, time)| *time).sum(),
        canary: None,
        kernels,
        estimate: None,
    }
}

/// A finished run of the small network that took so many milliseconds.
pub fn finished(version: &str, when: u64, millis: u64) -> RunRecord {
    let time = |percent: u64| Nanos(Nanos::from_millis(millis * percent).0 / 100);
    RunRecord {
        when: Timestamp(when),
        context: RunContext { version: version.into(), ..context() },
        model: small().name,
        design: small().fingerprint(),
        mode: Mode::Rigorous,
        median: time(100),
        low: time(98),
        high: time(103),
        process_medians: vec![time(100)],
        canary: None,
    }
}

/// Another width of one stage.
pub fn channels(stage: usize, channels: u32) -> Edit {
    Edit::Stage { stage, change: StageEdit::Channels(channels) }
}

/// A data folder in which the small network and some others were measured.
pub fn known() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let Opened { store, .. } = Store::open(folder.path()).unwrap();
    for change in
        [channels(0, 40), channels(0, 96), channels(1, 80), channels(1, 120), channels(2, 240), Edit::Width(0.5)]
    {
        store.note_kernels(&context(), &run(&small().apply(&change))).unwrap();
    }
    folder
}

/// A window that can measure nothing, so that nothing takes an estimate's place.
pub fn unmeasured(folder: Option<&Path>) -> Setup {
    let mut start = setup(folder);
    start.launcher.program = "no such program".into();
    start
}
