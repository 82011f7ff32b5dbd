//! Which kernels are tuned, and what on: made-up values that lie in banks of their own.

use std::cmp::Reverse;
use std::collections::HashSet;

use super::ImageStrides;
use super::fusing::Chains;
use crate::graph::Shape;
use crate::runtime::plan::{Elementwise, KernelSpec, Planned, Work};

/// Values that are made up; larger buffers repeat them.
pub(in crate::runtime) const MADE_UP: usize = 1 << 20;

/// Values between -0.5 and 0.5, the same every time: arithmetic on zeros draws less power and runs at another clock.
pub(in crate::runtime) fn made_up(count: usize) -> Vec<f32> {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let next = |_| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f32 / (1_u64 << 24) as f32 - 0.5
    };
    (0..count).map(next).collect()
}

/// The kernels that a graph may be cut into and of which nothing is known, those that take longest first.
pub(in crate::runtime) fn unknown_kernels(
    plan: impl Fn(Chains) -> Vec<Planned>,
    is_known: impl Fn(&KernelSpec, ImageStrides) -> bool,
) -> Vec<KernelSpec> {
    let cuts = [Chains::Never, Chains::FromDepthwise, Chains::FromOthers];
    let specs: HashSet<KernelSpec> = cuts.into_iter().flat_map(plan).map(|kernel| kernel.spec).collect();
    let mut unknown: Vec<KernelSpec> =
        specs.into_iter().filter(|spec| !is_known(spec, ImageStrides::plain(spec))).collect();
    unknown.sort_by_cached_key(|spec| (Reverse(weight(spec)), spec.to_string()));
    unknown
}

/// How much a kernel computes and moves, for an order: those that take longest are tuned first.
fn weight(spec: &KernelSpec) -> u64 {
    let mut input = spec.input;
    let step = |work: Work, input: Shape, output: Shape| {
        let reads = match work {
            Work::Conv { window, groups } => (input.channels / groups.max(1) * window.taps()) as u64,
            Work::Linear => (input.channels * input.pixels()) as u64,
            _ => 1,
        };
        output.elements().0.saturating_mul(reads / 8 + 4)
    };
    let mut sum = 0_u64;
    for of in &spec.steps {
        sum = sum.saturating_add(step(of.work, input, of.output));
        input = of.output;
    }
    sum
}

/// Made-up weights and biases of each step.
pub(in crate::runtime) fn made_up_parameters(spec: &KernelSpec) -> Vec<(Vec<f32>, Vec<f32>)> {
    let lengths = |index: usize| {
        let (input, out) = (spec.input_of(index), spec.steps[index].output.channels);
        match spec.steps[index].work {
            Work::Conv { window, groups } => (out * (input.channels / groups.max(1)) * window.taps(), out),
            Work::Linear => (out * input.channels * input.pixels(), out),
            Work::Elementwise(Elementwise::Affine) | Work::LayerNorm { .. } => (out, out),
            Work::Elementwise(Elementwise::PRelu) => (out, 0),
            _ => (0, 0),
        }
    };
    (0..spec.steps.len()).map(lengths).map(|(filters, bias)| (made_up(filters), made_up(bias))).collect()
}

/// The shape of a kernel's second operand.
pub(in crate::runtime) fn second_shape(spec: &KernelSpec) -> Shape {
    let is_gate = spec.steps.iter().any(|step| step.work.has_gate());
    if is_gate { Shape { height: 1, width: 1, ..spec.output() } } else { spec.output() }
}

/// Where the planes of a map lie that has a bank of its own, and the values of that bank.
pub(in crate::runtime) fn plain_planes(shape: Shape) -> (Vec<u32>, u64) {
    let room = (shape.batch * shape.pixels()).next_multiple_of(4);
    ((0..shape.channels).map(|channel| (channel * room) as u32).collect(), (room * shape.channels) as u64)
}
