//! What compiling a network takes, asked of the compiled program before anything of that size is allocated: it is compiled
//! with the numbers of its weights in place of them.

use super::compile::{Compiled, compile, compile_keeping};
use super::error::CompileError;
use super::int8::{self, Model};
use super::kernels::int8::{Level, WordTable};
use super::kernels::{Footprint, Isa, Kernels};
use crate::graph::{Graph, Node, NodeId, Op, Shape};
use crate::runtime::parameters::Parameters;
use crate::runtime::plan::renames;
use crate::runtime::{Fusing, Precision};
use crate::units::Bytes;
use crate::weights::{Quantisation, expected};

/// Memory that preparing and running `graph` takes besides the weights as they were read: feature maps, packed weights
/// (which for a moment exist twice), every thread's scratch, input and result. What is more than `most` is not looked at any
/// further.
#[must_use]
pub fn needed(
    graph: &Graph,
    (isa, threads, fusing, precision): (Option<Isa>, usize, Fusing, Precision),
    most: Bytes,
) -> Bytes {
    let isa = isa.unwrap_or_else(Isa::detect);
    let threads = threads.max(1);
    let lists = Lists::of(graph, threads as u64);
    let listed = lists.kept.saturating_add(lists.planning);
    if listed > most.0 || !isa.available() {
        return Bytes(listed);
    }
    let maps = |floats: usize| (floats as u64).saturating_mul(4);
    let footprint = |compiled: Result<Compiled, CompileError>| match compiled {
        Ok(Compiled { mut steps, floats, .. }) => Footprint::of(&mut steps, floats),
        // Refused for its size, or for something else, once it is compiled.
        Err(CompileError::TooLarge { floats, .. }) => Footprint { arena: maps(floats), packed: 0, scratch: 0 },
        Err(_) => Footprint { arena: 0, packed: 0, scratch: 0 },
    };
    let parameters = Parameters::counted(graph);
    let footprint = if precision == Precision::Int8 {
        let table = WordTable::of(Level::of(isa));
        let in_int8 = Model::new(graph, &parameters, None, &Quantisation::none(graph))
            .and_then(|model| int8::compile(graph, fusing, &model, table, threads));
        // First it runs in 32 bits, with all values kept and every weight there once more as a byte.
        let keeping =
            compile_keeping(graph, &parameters, Kernels::in_floats(isa), threads).map(|keeping| keeping.compiled);
        footprint(in_int8).or_more(footprint(keeping))
    } else {
        let kernels = Kernels::of(isa, precision).unwrap_or_else(|| Kernels::in_floats(isa));
        footprint(compile(graph, fusing, &parameters, kernels, threads))
    };
    let ends = [graph.input_shape(), graph.node(graph.output()).output].map(|shape| shape.elements().bytes_f32().0);
    let running = footprint.scratch.saturating_mul(threads as u64).saturating_add(ends[0]).saturating_add(ends[1]);
    // Where a normalisation folds into a layer's weights, they are there once more.
    let folding = expected(graph).iter().map(|tensor| tensor.elements().bytes_f32().0).max().unwrap_or(0);
    let compiling = lists.planning.saturating_add(footprint.packed).saturating_add(folding);
    let placed = footprint.arena.saturating_add(running.max(footprint.packed));
    Bytes(lists.kept.saturating_add(placed.max(compiling)))
}

/// Where everything lies, in bytes.
#[derive(Clone, Copy, Debug, Default)]
struct Lists {
    /// What is forgotten once rows have their places.
    planning: u64,
    /// What steps keep.
    kept: u64,
}

impl Lists {
    fn of(graph: &Graph, threads: u64) -> Self {
        graph.nodes().iter().enumerate().fold(Self::default(), |sum, (index, node)| Self {
            planning: sum.planning.saturating_add(planning(node)),
            kept: sum
                .kept
                .saturating_add(kept(graph, NodeId(index), node))
                .saturating_add(PER_STEP + PER_THREAD * threads),
        })
    }
}

/// Names, labels and counters of one step, and of its share of one thread.
const PER_STEP: u64 = 2 << 10;
const PER_THREAD: u64 = 128;

fn rows(shape: Shape) -> u64 {
    (shape.batch as u64).saturating_mul(shape.channels as u64)
}

/// Rows while they have no place, and the names of them that each value has; lists that grow by doubling are there twice.
fn planning(node: &Node) -> u64 {
    const ROW: u64 = 3 * 40 + 2 * 8;
    const NAME: u64 = 16;
    rows(node.output).saturating_mul(if renames(&node.op) { 2 * NAME } else { ROW + NAME })
}

/// Offsets of rows in the maps of the steps that read and write them, taps, tiles, biases and masks.
fn kept(graph: &Graph, id: NodeId, node: &Node) -> u64 {
    const OFFSET: u64 = 4;
    let mut bytes = rows(node.output).saturating_mul(4 * OFFSET);
    for input in graph.input_shapes(node) {
        bytes = bytes.saturating_add(rows(input).saturating_mul(OFFSET));
    }
    if id == graph.output() {
        bytes = bytes.saturating_add(node.output.elements().0.saturating_mul(3 * size_of::<usize>() as u64));
    }
    let window = match &node.op {
        Op::Conv2d(conv) => conv.window,
        Op::MaxPool(window) | Op::AvgPool(window) | Op::AvgPoolCounted { window, .. } => *window,
        // Scales, shifts and slopes of channels.
        Op::Affine { channels, .. } | Op::LayerNorm { channels, .. } | Op::BatchNorm { channels, .. } => {
            return bytes.saturating_add(8 * *channels as u64);
        }
        Op::PRelu { .. } => return bytes.saturating_add(4 * node.output.channels as u64),
        _ => return bytes,
    };
    let taps = window.taps() as u64;
    let channels = graph.input_shapes(node).map(|shape| shape.channels as u64).max().unwrap_or(0);
    let pixels = (node.output.pixels() as u64).saturating_add(64);
    let masks = match &node.op {
        Op::Conv2d(conv) if conv.is_depthwise() => 12 * (window.kernel[1] as u64).min(8),
        _ => 0,
    };
    bytes
        // Where every tap of every channel starts.
        .saturating_add(taps.saturating_mul(8 + 4 * channels))
        // Biases and panels of output channels; tiles of pixels, and the masks of depthwise windows, made in growing lists.
        .saturating_add((node.output.channels as u64).saturating_mul(64))
        .saturating_add(pixels.saturating_mul(4 + masks))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::{GraphBuilder, Window};

    #[test]
    fn every_thread_needs_scratch_of_its_own() {
        let mut builder = GraphBuilder::new("net", Shape::new(1, 3, 256, 256));
        builder.push("pool", Op::MaxPool(Window::square(3, 1)), &[builder.input()]).unwrap();
        let graph = builder.finish();
        let needed = |threads| needed(&graph, (None, threads, Fusing::Full, Precision::F32), Bytes(u64::MAX)).0;
        // A padded map each.
        assert!(needed(4) > needed(2) + 2 * 4 * 258 * 258, "{} {}", needed(2), needed(4));
    }
}
