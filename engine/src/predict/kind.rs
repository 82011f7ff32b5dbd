//! What kernels have in common whose times are compared, and the sizes by which they differ.

use crate::graph::{Activation, Coefficient, LocalNorm, Shape, Window};
use crate::runtime::KernelSpec;
use crate::runtime::plan::{Epilogue, Step, Work};

/// Sizes that tell two kernels of a kind apart, at most: pixels, channels in, and of each step window, channels out
/// and, in groups, channels read for each. A kernel that is larger in one and smaller in none does more.
const SIZES: usize = 14;

/// What stands where a coefficient is blank.
const NONE: Coefficient = Coefficient::new(0.0);
const ANY_NEIGHBOURS: LocalNorm = LocalNorm { size: 1, alpha: NONE, beta: NONE, offset: NONE };

/// What a kernel's time is made of.
pub(super) const PARTS: usize = 5;

/// Steps, windows, epilogues and precision of a kernel, without its sizes and coefficients: a spec in which those are blank.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Kind(KernelSpec);

/// Where a kernel is among those of its kind: the binary logarithms of its sizes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Place([f64; SIZES]);

/// Channels that a target computes together: fewer take as long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Tiles {
    pub input: usize,
    pub output: usize,
}

/// A launch, mult-adds of dense and of depthwise convolutions, and bytes of maps and of weights, in thousands. Channels
/// count in whole tiles.
pub(super) type Parts = [f64; PARTS];

impl Kind {
    pub fn of(spec: &KernelSpec) -> Self {
        let blank = Shape::new(0, 0, 0, 0);
        let mut input = spec.input;
        let steps = spec.steps.iter().map(|step| {
            let work = match step.work {
                Work::Conv { window, groups } => {
                    let groups = match groups {
                        1 => 1,
                        _ if step.work.is_depthwise(input, step.output) => 0,
                        _ => 2,
                    };
                    Work::Conv { window, groups }
                }
                Work::LayerNorm { .. } => Work::LayerNorm { eps: NONE },
                Work::LocalNorm(norm) => Work::LocalNorm(LocalNorm { size: norm.size, ..ANY_NEIGHBOURS }),
                work => work,
            };
            input = step.output;
            // By whatever an activation multiplies, it takes as long.
            let activation = step.epilogue.activation.with([NONE; 2]);
            Step { work, output: blank, epilogue: Epilogue { activation, ..step.epilogue } }
        });
        let steps = steps.collect();
        Self(KernelSpec { input: blank, steps, precision: spec.precision })
    }
}

impl Kind {
    /// The same without windows and activations: what is said of a kind from those that differ in nothing else.
    pub fn coarse(&self) -> Self {
        let mut spec = self.0.clone();
        for step in &mut spec.steps {
            step.epilogue.activation = Activation::None;
            if let Work::Conv { window, .. } = &mut step.work {
                *window = Window { stride: window.stride, ..Window::square(1, 1) };
            }
        }
        Self(spec)
    }
}

impl Tiles {
    /// Nothing is computed together.
    pub const NONE: Self = Self { input: 1, output: 1 };
}

impl Place {
    /// Binary orders of magnitude between two kernels of one kind.
    pub fn distance(&self, other: &Self) -> f64 {
        self.0.iter().zip(&other.0).map(|(a, b)| (a - b) * (a - b)).sum::<f64>().sqrt()
    }

    /// Whether no size of this one is larger than the other's.
    pub fn is_within(&self, other: &Self) -> bool {
        self.0.iter().zip(&other.0).all(|(a, b)| *a <= b + 1e-9)
    }
}

/// Where `spec` is among those of its kind, and what its time is made of.
pub(super) fn sizes(spec: &KernelSpec, tiles: Tiles) -> (Place, Parts) {
    let mut place = [0.0; SIZES];
    let mut at = 0;
    let mut push = |size: f64| {
        if let Some(slot) = place.get_mut(at) {
            *slot = size.max(1.0).log2();
        }
        at += 1;
    };
    let bytes = spec.precision.bytes() as f64;
    let whole = |channels: usize, groups: usize, tile: usize| {
        let each = channels / groups.max(1);
        (each.div_ceil(tile.max(1)) * tile.max(1) * groups.max(1)) as f64
    };
    let elements = |shape: Shape| shape.elements().0 as f64;
    let pixels = |shape: Shape| (shape.batch * shape.pixels()) as f64;
    let (mut dense, mut depthwise, mut weights) = (0.0, 0.0, 0.0);
    let mut maps = elements(spec.input) + elements(spec.output());
    push(pixels(spec.input));
    let first_groups = match spec.steps.first().map(|step| step.work) {
        Some(Work::Conv { groups, .. }) if groups < spec.input.channels => groups,
        _ => 1,
    };
    push(whole(spec.input.channels, first_groups, tiles.input));
    let mut input = spec.input;
    for step in &spec.steps {
        let output = step.output;
        if step.epilogue.residual || step.work.has_second() {
            maps += elements(output);
        }
        match step.work {
            Work::Conv { window, .. } if step.work.is_depthwise(input, output) => {
                let taps = (window.kernel[0] * window.kernel[1]) as f64;
                push(taps);
                let channels = whole(output.channels, 1, tiles.output);
                depthwise += taps * channels * pixels(output);
                weights += taps * channels;
            }
            Work::Conv { window, groups } => {
                let taps = (window.kernel[0] * window.kernel[1]) as f64;
                push(taps);
                let read = whole(input.channels, groups, tiles.input);
                let made = whole(output.channels, groups, tiles.output);
                push(made);
                if groups > 1 {
                    // Not the groups, with more of which a kernel does less.
                    push(read / groups as f64);
                }
                dense += taps * read / groups.max(1) as f64 * made * pixels(output);
                weights += taps * read / groups.max(1) as f64 * made;
            }
            Work::Linear => {
                let made = whole(output.channels, 1, tiles.output);
                push(made);
                let read = (input.channels * input.pixels()) as f64;
                dense += read * made * output.batch as f64;
                weights += read * made;
            }
            Work::Pool { window, .. } => {
                depthwise += (window.kernel[0] * window.kernel[1]) as f64 * elements(output);
            }
            Work::Rename if step.output.channels != input.channels => push(step.output.channels as f64),
            // The channels are gone through twice before they are written.
            Work::LayerNorm { .. } => depthwise += 2.0 * elements(output),
            Work::LocalNorm(norm) => depthwise += norm.size as f64 * elements(output),
            Work::GlobalMean | Work::GlobalMax | Work::Elementwise(_) | Work::Rename => {}
        }
        input = output;
    }
    let thousands = |count: f64| count / 1e3;
    let parts = [1.0, thousands(dense), thousands(depthwise), thousands(maps * bytes), thousands(weights * bytes)];
    (Place(place), parts)
}
