//! What an edit costs before anything is measured: the window does all of this in the frame of the edit (budget: 1 ms).
//!
//! `cargo bench -p shufflescope-engine --bench edit`

use divan::Bencher;
use shufflescope_engine::cost::model_cost;
use shufflescope_engine::design::{Batch, Edit};
use shufflescope_engine::graph::lower;
use shufflescope_engine::guideline::findings;
use shufflescope_engine::zoo::preset;

const DESIGNS: [&str; 3] = ["shufflenet-v2-x1.0", "shufflenet-v1-g3-x1.0", "shufflenet-v2-164-se"];

fn main() {
    divan::main();
}

#[divan::bench(args = DESIGNS)]
fn check_and_lower(bencher: Bencher<'_, '_>, name: &str) {
    let Some(design) = preset(name) else { return };
    bencher.bench_local(|| lower(&design, Batch(1)));
}

#[divan::bench(args = DESIGNS)]
fn cost(bencher: Bencher<'_, '_>, name: &str) {
    let Some(graph) = preset(name).and_then(|design| lower(&design, Batch(1)).ok()) else { return };
    bencher.bench_local(|| model_cost(&graph));
}

#[divan::bench(args = DESIGNS)]
fn edit_to_findings(bencher: Bencher<'_, '_>, name: &str) {
    let Some(design) = preset(name) else { return };
    bencher.bench_local(|| {
        let edited = design.apply(&Edit::Classes(999));
        let graph = lower(&edited, Batch(1))?;
        let cost = model_cost(&graph);
        Ok::<_, shufflescope_engine::graph::LoweringError>(findings(&edited, &graph, &cost, None))
    });
}
