//! Do predictions hold? Random designs that no store has seen, measured in turns, beside what was predicted of them.
//!
//!     cargo build --release
//!     export XDG_DATA_HOME=$(mktemp -d)           (a fresh store: what a newcomer gets)
//!     target/release/shufflescope calibrate --threads 1 --seconds 60
//!     cargo run --release -p shufflescope-engine --example prediction -- $XDG_DATA_HOME/shufflescope [THREADS] [DESIGNS] [SEED]
//!
//! The folder is the one with `store.sqlite`. Nothing else should run meanwhile. Promised on a quiet machine with one thread,
//! over 200 designs: at least 95 % within 5 %, all within 10 %, median error at most 1.5 %, Spearman at least 0.995, and
//! 90 % bands that hold in 87 to 93 %.

#![allow(clippy::print_stdout, reason = "its result")]

use std::error::Error;
use std::ops::ControlFlow;
use std::path::Path;

use shufflescope_engine::clock::{Clock, MonotonicClock};
use shufflescope_engine::design::{Batch, Design};
use shufflescope_engine::device::{Device, DeviceId, Machine};
use shufflescope_engine::graph::{Graph, lower};
use shufflescope_engine::measure::{ArithmeticCanary, InterleaveRules, Interleaved, Sorted, WarmUpRules, interleave};
use shufflescope_engine::predict::{Draw, Prediction, Predictor, spearman};
use shufflescope_engine::runtime::{Executable, RunOptions, plan_without_weights, prepare};
use shufflescope_engine::store::{RunContext, Store};
use shufflescope_engine::units::Nanos;
use shufflescope_engine::weights::Weights;

/// Networks that take turns together: what happens to the machine meanwhile happens to all of them.
const TOGETHER: usize = 10;

/// Sittings, each of which prepares the networks anew, for their place in memory counts; and rounds of each.
const SITTINGS: usize = 3;
const ROUNDS: usize = 6;

/// Designs that the calibration draws begin with this seed or a little more; these are far from it.
const SEED: u64 = 0xF00D_0000_0000;

struct Row {
    design: Design,
    prediction: Prediction,
    measured: Nanos,
}

impl Row {
    fn error(&self) -> f64 {
        self.prediction.predicted.as_f64() / self.measured.as_f64() - 1.0
    }

    fn holds(&self) -> bool {
        (self.prediction.low..=self.prediction.high).contains(&self.measured)
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let folder = arguments.next().ok_or("usage: prediction DATA_FOLDER [THREADS] [DESIGNS] [SEED]")?;
    let threads = arguments.next().map_or(Ok(1), |text| text.parse())?;
    let count = arguments.next().map_or(Ok(200), |text| text.parse())?;
    let seed = arguments.next().map_or(Ok(SEED), |text| text.parse())?;
    let options = RunOptions::new(DeviceId::Cpu, threads, 1);
    let store = Store::open(Path::new(&folder))?.store;
    let runs = store.kernel_runs(&RunContext::new(Machine::detect().cpu_model.as_deref(), &options))?;
    let predictor = Predictor::new(&runs, None).ok_or("nothing is known: calibrate first")?;
    println!("{options}: {} networks with {} kernels are known", predictor.networks(), predictor.kernels());

    let mut draw = Draw::new(seed, None);
    let mut designs: Vec<(Design, Graph, Prediction)> = Vec::new();
    while designs.len() < count {
        let design = draw.design();
        let fingerprint = design.fingerprint();
        if runs.iter().any(|run| run.design == fingerprint) {
            continue;
        }
        let graph = lower(&design, Batch(1))?;
        let plan = plan_without_weights(&graph, &options).ok_or("nothing runs this")?;
        let prediction = predictor.predict(&graph, &plan);
        designs.push((design, graph, prediction));
    }
    let mut rows = Vec::with_capacity(count);
    for together in designs.chunks(TOGETHER) {
        let graphs: Vec<&Graph> = together.iter().map(|(_, graph, _)| graph).collect();
        let medians = in_turns(&graphs, &options, predictor.usual_clock())?;
        for ((design, _, prediction), measured) in together.iter().zip(medians) {
            rows.push(Row { design: design.clone(), prediction: prediction.clone(), measured });
        }
    }
    print_table(&mut rows);
    Ok(())
}

/// What each network takes at the usual clock: the median over its blocks in rounds of several sittings, each brought to the
/// usual clock by what the canary took on both sides of the round.
fn in_turns(graphs: &[&Graph], options: &RunOptions, usual: Option<Nanos>) -> Result<Vec<Nanos>, Box<dyn Error>> {
    let device = Device::cpu();
    let prepare = |graph: &&Graph| prepare(graph, &Weights::seeded(graph, Weights::DEFAULT_SEED), &device, options);
    let (clock, mut canary) = (MonotonicClock::new(), ArithmeticCanary::new());
    let mut medians: Vec<Vec<Nanos>> = vec![Vec::new(); graphs.len()];
    for sitting in 0..SITTINGS {
        let mut prepared = graphs.iter().map(prepare).collect::<Result<Vec<_>, _>>()?;
        let mut networks: Vec<&mut dyn Executable> =
            prepared.iter_mut().map(|network| network.as_mut() as &mut dyn Executable).collect();
        let alone = InterleaveRules::one_sitting();
        let warm_up = WarmUpRules { minimum_time: Nanos::from_millis(60), ..alone.warm_up };
        let seed = alone.seed + sitting as u64;
        let rules = InterleaveRules { minimum_rounds: ROUNDS, maximum_rounds: ROUNDS, warm_up, seed, ..alone };
        let mut samples = Interleaved::new(clock.quality());
        interleave(&mut networks, &rules, &clock, &mut canary, &mut samples, &mut |_| ControlFlow::Continue(()))?;
        for (round, beside) in samples.rounds.iter().zip(samples.canary.windows(2)) {
            let took = beside.iter().map(|reading| reading.as_f64()).sum::<f64>() / beside.len() as f64;
            let speed = usual.map_or(1.0, |usual| usual.as_f64() / took);
            let at_usual_clock = |time: Nanos| Nanos((time.as_f64() * speed).round() as u64);
            for (row, medians) in medians.iter_mut().enumerate() {
                medians.extend(round.median(row).map(at_usual_clock));
            }
        }
    }
    let median = |medians: Vec<Nanos>| medians.into_iter().collect::<Sorted>().median().ok_or("no samples");
    let medians: Result<Vec<Nanos>, &str> = medians.into_iter().map(median).collect();
    Ok(medians?)
}

fn print_table(rows: &mut [Row]) {
    println!("{:<44} {:>10} {:>10} {:>8} {:>7} {:>6}", "design", "predicted", "measured", "error", "known", "band");
    for row in rows.iter() {
        println!(
            "{:<44} {:>10} {:>10} {:>7.2}% {:>6.1}% {:>6}",
            row.design.name,
            row.prediction.predicted.to_string(),
            row.measured.to_string(),
            100.0 * row.error(),
            100.0 * row.prediction.known_share,
            if row.holds() { "held" } else { "MISSED" },
        );
    }
    let predicted: Vec<f64> = rows.iter().map(|row| row.prediction.predicted.as_f64()).collect();
    let measured: Vec<f64> = rows.iter().map(|row| row.measured.as_f64()).collect();
    let held = rows.iter().filter(|row| row.holds()).count();
    let within = |most: f64| rows.iter().filter(|row| row.error().abs() <= most).count() as f64 / rows.len() as f64;
    let (within_5, within_10) = (within(0.05), within(0.10));
    rows.sort_by(|a, b| a.error().abs().total_cmp(&b.error().abs()));
    let median = rows.get(rows.len() / 2).map_or(0.0, |row| row.error().abs());
    let worst = rows.last().map_or(0.0, |row| row.error().abs());
    println!("\n{:<24} {:>8}  promised", "", "measured");
    println!("{:<24} {:>7.1}%  at least 95 %", "within 5 %", 100.0 * within_5);
    println!("{:<24} {:>7.1}%  100 % (worst {:.1} %)", "within 10 %", 100.0 * within_10, 100.0 * worst);
    println!("{:<24} {:>7.2}%  at most 1.5 %", "median error", 100.0 * median);
    println!("{:<24} {:>8.4}  at least 0.995", "Spearman", spearman(&predicted, &measured));
    println!("{:<24} {:>7.1}%  87 to 93 %", "90 % bands held", 100.0 * held as f64 / rows.len() as f64);
}
