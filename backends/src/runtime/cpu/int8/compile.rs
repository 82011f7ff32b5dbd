//! From a graph and its model in 8 bits to steps in an arena.

use super::build::Builder;
use super::lanes::Word;
use super::model::Model;
use super::schedule::{Kind, Schedule};
use crate::graph::Graph;
use crate::runtime::cpu::CompileError;
use crate::runtime::cpu::algorithm::CpuFuses;
use crate::runtime::cpu::compile::{Compiled, Output, check_countable};
use crate::runtime::cpu::kernels::int8::WordTable;
use crate::runtime::cpu::place::Rows;
use crate::runtime::plan::{Planned, RowRef, partition};
use crate::runtime::{Fusing, KernelPlan, Precision};

/// The kernels that run `graph`, in launch order; needs no weights.
pub(in crate::runtime::cpu) fn plan(graph: &Graph, fusing: Fusing) -> KernelPlan {
    if check_countable(graph).is_err() {
        // It never runs: in whatever order.
        return KernelPlan::of(graph, &partition(graph, fusing, Precision::Int8, &CpuFuses), |_| None);
    }
    kernels(graph, &Schedule::of(graph, fusing, 1, None))
}

fn kernels(graph: &Graph, schedule: &Schedule) -> KernelPlan {
    let planned: Vec<Planned> = schedule.kernels().map(|kernel| kernel.planned.clone()).collect();
    KernelPlan::of(graph, &planned, |_| None)
}

/// Compiles `graph` for `threads` threads.
///
/// # Errors
/// Where feature maps or what a layer needs cannot be addressed.
pub(in crate::runtime::cpu) fn compile(
    graph: &Graph,
    fusing: Fusing,
    model: &Model,
    table: &'static WordTable,
    threads: usize,
) -> Result<Compiled, CompileError> {
    check_countable(graph)?;
    let batch = graph.input_shape().batch;
    let schedule = Schedule::of(graph, fusing, batch, Some(model));
    let rows = place(&schedule, batch);
    let floats = rows.floats();
    if u32::try_from(floats).is_err() || floats == usize::MAX {
        return Err(CompileError::TooLarge { design: graph.name.clone(), floats });
    }
    let builder = Builder::new(graph, model, (table, threads), &rows);
    let steps = schedule.tasks.iter().map(|task| builder.named_step(task)).collect::<Result<_, _>>()?;
    let pixels = graph.node(graph.output()).output.pixels();
    let output = (0..batch)
        .flat_map(|image| schedule.output.iter().map(move |lane| (image, lane)))
        .flat_map(|(image, lane)| (0..pixels).map(move |pixel| (image, lane, pixel)))
        .map(|(image, lane, pixel)| (rows.offset(name(&lane.word, image)) + pixel, lane.lane));
    let output = if model.ends_in_floats {
        Output::Floats(output.map(|(at, _)| at).collect())
    } else {
        Output::Bytes { places: output.collect(), quant: model.quants[graph.output().0] }
    };
    Ok(Compiled {
        plan: kernels(graph, &schedule),
        steps,
        marks: schedule.tasks.iter().map(|task| matches!(task.kind, Kind::Kernel(_))).collect(),
        input: names(&schedule.input, batch).map(|name| rows.offset(name)).collect(),
        output,
        floats,
        phases: schedule.phases,
    })
}

fn name(word: &Word, image: usize) -> RowRef {
    RowRef { row: word.row + image * word.stride, pixel: word.pixel }
}

/// The rows of words, image by image.
pub(super) fn names(words: &[Word], batch: usize) -> impl Iterator<Item = RowRef> {
    (0..batch).flat_map(move |image| words.iter().map(move |word| name(word, image)))
}

/// Gives every row its place.
fn place(schedule: &Schedule, batch: usize) -> Rows {
    let mut rows = Rows::new(&schedule.rows);
    let named = |words: &[Word]| -> Vec<RowRef> { names(words, batch).collect() };
    for (phase, tasks) in schedule.phases.iter().enumerate() {
        for read in schedule.tasks[tasks.clone()].iter().flat_map(|task| &task.reads) {
            rows.read(&named(&read.words), phase);
        }
    }
    let output: Vec<Word> = schedule.output.iter().map(|lane| lane.word).collect();
    rows.pin(&named(&schedule.input));
    rows.pin(&named(&output));
    rows.place(&named(&schedule.input), 0);
    for (phase, tasks) in schedule.phases.iter().enumerate() {
        for task in &schedule.tasks[tasks.clone()] {
            rows.place(&named(&task.writes.words), phase);
        }
        rows.end_phase(phase);
    }
    rows
}
