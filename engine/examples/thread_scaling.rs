//! What a network takes on every number of threads, in turns, beside the least that theory allows.
//!
//! `cargo run --release -p shufflescope-engine --example thread_scaling -- NAME|MODEL.onnx [THREADS [ROUNDS [kernels]]]`
//! prints a line of JSON for each number of threads from 1 to `THREADS` (as many as there are cores): `median_ns`, the `least_ns` that the
//! kernels' times on one thread, the largest share of any thread of each phase and one barrier a phase allow, `phases` and
//! `barrier_ns`, which is what a phase costs in which nobody has anything to do worth mentioning. All threads asked for run,
//! whether they help or not. With `kernels` each kernel's time on one and on all threads follows, and their ratio. `engine/tests/interop/scaling.py` makes a table of it beside ONNX Runtime's.

#![allow(clippy::print_stdout, reason = "its result")]

use std::error::Error;
use std::path::Path;
use std::time::{Duration, Instant};

use shufflescope_engine::design::Batch;
use shufflescope_engine::device::{keep_to_fastest, usable_cores};
use shufflescope_engine::graph::{Activation, Graph, GraphBuilder, Op, Shape};
use shufflescope_engine::measure::Sorted;
use shufflescope_engine::model::Model;
use shufflescope_engine::model_file::onnx::import;
use shufflescope_engine::runtime::Fusing;
use shufflescope_engine::runtime::cpu::{Network, least_time};
use shufflescope_engine::units::Nanos;
use shufflescope_engine::weights::{Weights, seeded_input};
use shufflescope_engine::zoo::{network, preset};

/// For so long the threads of the network before may still look for work.
const SETTLING: Duration = Duration::from_micros(500);
/// Runs of a turn that count.
const RUNS: usize = 20;
/// Phases of the network that has nothing to do.
const EMPTY: usize = 100;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let name = arguments.next().ok_or("usage: thread_scaling NAME|MODEL.onnx [THREADS [ROUNDS]]")?;
    let cores = usable_cores().unwrap_or(1);
    let most = arguments.next().map_or(Ok(cores), |text| text.parse())?;
    let rounds: usize = arguments.next().map_or(Ok(20), |text| text.parse())?;
    let (graph, weights) = model(&name)?;
    let empty = empty()?;
    let nothing = Weights::seeded(&empty, 1);
    let mut rows = Vec::new();
    for threads in 1..=most {
        keep_to_fastest(threads);
        let mut networks = [
            Network::new(&graph, &weights, None, threads)?,
            Network::with_fusing(&empty, &nothing, None, threads, Fusing::Apart)?,
        ];
        networks[0].set_input(&seeded_input(graph.input_shape(), 1));
        rows.push((networks, [Vec::new(), Vec::new()]));
    }
    // Of one thread and of all.
    let mut kernels = [(); 2].map(|()| vec![Vec::new(); rows[0].0[0].plan().kernels.len()]);
    for round in 0..rounds {
        for (index, (networks, times)) in rows.iter_mut().enumerate() {
            keep_to_fastest(index + 1);
            for (network, times) in networks.iter_mut().zip(times) {
                let turn = turn(network)?;
                // The first turn finds cold caches.
                times.extend(if round == 0 { Vec::new() } else { turn });
            }
        }
        for (times, threads) in kernels.iter_mut().zip([1, most]) {
            keep_to_fastest(threads);
            marked(&mut rows[threads - 1].0[0], times)?;
        }
    }
    let median = |times: &Vec<Nanos>| Sorted::new(times).median().unwrap_or_default();
    let kernels = kernels.map(|kernels| kernels.iter().map(median).collect::<Vec<Nanos>>());
    let alone = median(&rows[0].1[1]).as_f64() / EMPTY as f64;
    for (index, (networks, times)) in rows.iter().enumerate() {
        let threads = index + 1;
        // Less what the little work in it takes of each.
        let barrier = (median(&times[1]).as_f64() / EMPTY as f64 - alone / threads as f64).max(0.0);
        let barrier = Nanos(if threads == 1 { 0 } else { barrier as u64 });
        let phases = networks[0].phases();
        let least = least_time(&phases, &kernels[0], threads, barrier);
        let row = serde_json::json!({
            "threads": threads, "median_ns": median(&times[0]), "least_ns": least, "phases": phases.len(),
            "barrier_ns": barrier, "samples": times[0].len(),
        });
        println!("{row}");
    }
    if arguments.next().as_deref() == Some("kernels") {
        let plan = rows[0].0[0].plan();
        for ((kernel, one), all) in plan.kernels.iter().zip(&kernels[0]).zip(&kernels[1]) {
            let spec = kernel.spec.as_ref().map_or_else(String::new, ToString::to_string);
            println!("{one:>12} {all:>12} {:.3} {spec}", all.share_of(*one));
        }
    }
    Ok(())
}

fn model(name: &str) -> Result<(Graph, Weights), Box<dyn Error>> {
    if Path::new(name).extension().is_some_and(|ending| ending == "onnx") {
        let model = import(Path::new(name))?;
        let shape = model.input_shape();
        return Ok((model.graph_for(1, [shape.height, shape.width])?, model.weights().clone()));
    }
    let model: Model = match (preset(name), network(name)) {
        (Some(design), _) => design.into(),
        (None, Some(network)) => network.into(),
        (None, None) => return Err(format!("there is no `{name}`").into()),
    };
    let graph = model.graph(Batch(1))?;
    let weights = Weights::seeded(&graph, 1);
    Ok((graph, weights))
}

/// A chain of phases in which every thread has a few values to look at.
fn empty() -> Result<Graph, Box<dyn Error>> {
    let mut builder = GraphBuilder::new("nothing to do", Shape::new(1, 64, 4, 4));
    let mut last = builder.input();
    for index in 0..EMPTY {
        last = builder.push(format!("{index}"), Op::Activation(Activation::Relu), &[last])?;
    }
    Ok(builder.finish())
}

fn turn(network: &mut Network) -> Result<Vec<Nanos>, Box<dyn Error>> {
    let start = Instant::now();
    while start.elapsed() < SETTLING {
        network.run()?;
    }
    let mut times = Vec::with_capacity(RUNS);
    for _ in 0..RUNS {
        let start = Instant::now();
        network.run()?;
        times.push(start.elapsed().into());
    }
    Ok(times)
}

/// Times each kernel of a run or two.
fn marked(network: &mut Network, kernels: &mut [Vec<Nanos>]) -> Result<(), Box<dyn Error>> {
    for _ in 0..RUNS {
        let (mut last, mut at) = (Instant::now(), 0);
        network.run_marked(&mut || {
            let now = Instant::now();
            kernels[at].push((now - last).into());
            (last, at) = (now, at + 1);
        })?;
    }
    Ok(())
}
