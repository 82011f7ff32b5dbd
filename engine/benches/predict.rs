//! What a prediction costs: the window asks for one in the frame of an edit (budget: 1 ms for the largest preset).
//!
//! `cargo bench -p shufflescope-engine --bench predict`. Times of kernels are made up from what they compute; what it takes
//! to look them up does not depend on them.

use divan::Bencher;
use shufflescope_engine::advise::Counsel;
use shufflescope_engine::cost::total_cost;
use shufflescope_engine::design::{Batch, Design, Edit, StageEdit};
use shufflescope_engine::device::DeviceId;
use shufflescope_engine::graph::{Graph, lower};
use shufflescope_engine::predict::{Draw, Predictor};
use shufflescope_engine::runtime::{KernelPlan, RunOptions, plan_without_weights};
use shufflescope_engine::store::{KernelRun, Timestamp};
use shufflescope_engine::units::Nanos;
use shufflescope_engine::zoo::preset;

const DESIGNS: [&str; 3] = ["shufflenet-v2-x1.0", "shufflenet-v1-g3-x1.0", "shufflenet-v2-164-se"];

/// As many networks as a minute of calibrating measures.
const NETWORKS: usize = 120;

fn main() {
    divan::main();
}

fn planned(design: &Design) -> Option<(Graph, KernelPlan)> {
    let graph = lower(design, Batch(1)).ok()?;
    let plan = plan_without_weights(&graph, &RunOptions::new(DeviceId::Cpu, 1, 1))?;
    Some((graph, plan))
}

fn runs() -> Vec<KernelRun> {
    let mut draw = Draw::new(1, None);
    let run = |design: Design| {
        let (graph, plan) = planned(&design)?;
        let specs = plan.kernels.into_iter().filter_map(|kernel| kernel.spec);
        let time = |elements: u64| Nanos(500 + elements / 3);
        let kernels = specs.map(|spec| (time(spec.output().elements().0 + spec.input.elements().0), spec));
        Some(KernelRun {
            when: Timestamp(0),
            model: graph.name.clone(),
            design: design.fingerprint(),
            canary: None,
            whole: Nanos(total_cost(&graph).mult_adds.0 / 40),
            kernels: kernels.map(|(time, spec)| (spec, time)).collect(),
            estimate: None,
        })
    };
    (0..NETWORKS).filter_map(|_| run(draw.design())).collect()
}

/// A network of which nothing was asked before.
#[divan::bench(args = DESIGNS, sample_count = 20, sample_size = 1)]
fn predict_anew(bencher: Bencher<'_, '_>, name: &str) {
    let runs = runs();
    let Some((graph, plan)) = preset(name).as_ref().and_then(planned) else { return };
    bencher
        .with_inputs(|| Predictor::new(&runs, None))
        .bench_local_values(|predictor| predictor.map(|predictor| predictor.predict(&graph, &plan)));
}

/// From the edit to the prediction: one stage is new, the others are as before.
#[divan::bench(args = DESIGNS)]
fn edit_to_prediction(bencher: Bencher<'_, '_>, name: &str) {
    let (Some(predictor), Some(design)) = (Predictor::new(&runs(), None), preset(name)) else { return };
    let mut channels = 400;
    bencher.bench_local(|| {
        channels += 4;
        let change = StageEdit::Channels(400 + channels % 512);
        let (graph, plan) = planned(&design.apply(&Edit::Stage { stage: 1, change }))?;
        Some(predictor.predict(&graph, &plan))
    });
}

/// Everything that could be changed about a network of which nothing was asked before: what the window works out on a
/// thread while the advice is shown.
#[divan::bench(args = DESIGNS, sample_count = 5, sample_size = 1)]
fn counsel(bencher: Bencher<'_, '_>, name: &str) {
    let (runs, options) = (runs(), RunOptions::new(DeviceId::Cpu, 1, 1));
    let Some(design) = preset(name) else { return };
    bencher
        .with_inputs(|| Predictor::new(&runs, None))
        .bench_local_values(|predictor| predictor.map(|predictor| Counsel::of(&design, &predictor, &options)));
}

#[divan::bench(sample_count = 5, sample_size = 1)]
fn learn(bencher: Bencher<'_, '_>) {
    let runs = runs();
    bencher.bench_local(|| Predictor::new(&runs, None));
}
