//! A window whose worker has measured already: the same made-up times in every run, and nothing to wait for.

use std::path::Path;

use shufflescope::window::Setup;
use shufflescope::worker::{Event, Launcher, PROGRAM, Ticket, VERSION};
use shufflescope_engine::clock::{ClockDomain, TimerQuality};
use shufflescope_engine::cost::model_cost;
use shufflescope_engine::design::{Batch, Design};
use shufflescope_engine::device::Conditions;
use shufflescope_engine::graph::{OpKind, lower};
use shufflescope_engine::measure::{
    Apart, Circumstances, KernelLabel, LayerTime, MarkedRun, MeasureKey, Measurement, ProcessSamples, Protocol, WarmUp,
};
use shufflescope_engine::runtime::{RunOptions, plan_without_weights};
use shufflescope_engine::units::Nanos;

use super::{setup, small};

/// The small network, of which the worker says at once what it takes; its words lie in `folder`.
pub fn measured(folder: &Path) -> Setup {
    let mut start = setup(None);
    let measurement = measurement(&small(), &start.options);
    let (ticket, left) = (Ticket(1), Nanos::from_millis(1));
    let news = Event::Progress { ticket, fraction: 0.5, left, partial: Some(Box::new(measurement)) };
    let hello = Event::Hello { version: VERSION, threads: 1, program: PROGRAM.into() };
    let lines = [hello, news].map(|event| serde_json::to_string(&event).unwrap() + "\n");
    let file = folder.join("events.jsonl");
    std::fs::write(&file, lines.concat()).unwrap();
    start.launcher = reading(&file);
    start
}

/// A program that says what is in this file, and nothing more.
fn reading(file: &Path) -> Launcher {
    let quoted = |quote: &str| file.display().to_string().replace('\'', quote);
    if cfg!(windows) {
        let script = format!("[Console]::Out.Write([IO.File]::ReadAllText('{}')); Start-Sleep 600", quoted("''"));
        Launcher::local("powershell".into(), vec!["-NoProfile".into(), "-Command".into(), script])
    } else {
        let script = format!("cat '{}'; exec sleep 600", quoted("'\\''"));
        Launcher::local("sh".into(), vec!["-c".into(), script])
    }
}

/// Kernels of 10 to 22 µs, each a little different in every run; layers apart take a half more than that.
fn measurement(design: &Design, options: &RunOptions) -> Measurement {
    let graph = lower(design, Batch(1)).unwrap();
    let kernels = KernelLabel::of(&plan_without_weights(&graph, options).unwrap(), &graph);
    let time = |index: usize| Nanos(10_000 + 1_000 * (index as u64 * 7 % 13));
    let run = |percent: u64| {
        let kernels: Vec<Nanos> = (0..kernels.len()).map(|index| Nanos(time(index).0 * percent / 100)).collect();
        let whole = kernels.iter().copied().sum::<Nanos>() + Nanos(4_000);
        MarkedRun { whole, kernels, clock: ClockDomain::Host }
    };
    let warm_up = WarmUp { first_run: Nanos(20), runs: 3, time: Nanos(60), settled: true };
    let timer = TimerQuality { precision: Nanos(1), read_cost: Nanos(0) };
    let mut process = ProcessSamples::new(warm_up, timer, 1, 1);
    process.marked = [98, 99, 100, 100, 100, 101, 103].map(run).to_vec();
    process.whole = process.marked.iter().map(|run| run.whole).collect();
    let key = MeasureKey { design: design.fingerprint(), options: options.clone(), protocol: Protocol::live() };
    let circumstances = Circumstances { key, kernels, conditions: Conditions::default(), scatter: None };
    let mut measurement = Measurement::summarise(&circumstances, &[process]).unwrap();
    let costs = model_cost(&graph).layers;
    let computing = costs.iter().filter(|layer| !matches!(layer.kind, OpKind::Normalisation | OpKind::Data));
    let alone = computing
        .enumerate()
        .map(|(index, layer)| LayerTime { path: layer.path.clone(), median: Nanos(time(index).0 * 3 / 2) });
    let layers: Vec<LayerTime> = alone.collect();
    let whole = layers.iter().map(|layer| layer.median).sum();
    measurement.apart = Some(Apart { layers, whole, clock: ClockDomain::Host });
    measurement
}
