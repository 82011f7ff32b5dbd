//! Fully connected: a matrix-vector product, bound by the memory that holds the weights.
//!
//! Weights are packed as panels of [`ROWS`] outputs, `[k][output]`, so that they stream from start to end and the
//! vectors run over outputs. Several panels are read at once: as many streams keep more lines on their way from the outer
//! caches than one does, whoever fetches ahead. Inputs and weights are words of which only [`Product`] knows what they hold.

use super::epilogue::{Epilogue, FinishFn, finish_run};
use super::product::Product;
use super::simd::Simd;

/// Outputs per panel: a cache line of weights.
pub(super) const ROWS: usize = 16;
/// Panels that are computed together.
pub(super) const TOGETHER: usize = 4;
/// Vectors per panel on the narrowest instruction set.
const MAX_VECTORS: usize = 4;
/// Independent sums of a panel that is computed alone, so that a multiply-add does not wait for the one before.
const WAYS: usize = 4;
/// How far ahead the weights of a single panel are fetched, in floats.
const PREFETCH: usize = 1024;

/// The operands of one panel, or of as many as there are biases for.
#[derive(Clone, Copy)]
pub(super) struct PanelArgs<'a> {
    pub x: &'a [f32],
    /// `[panel][x.len()][ROWS]`
    pub weights: &'a [f32],
    /// `[panel][ROWS]`
    pub bias: &'a [f32],
    pub epilogue: Epilogue,
    pub finish: FinishFn,
}

/// The outputs of one panel.
///
/// # Safety
/// As [`Simd`], and the CPU can do `P`; `weights` and `bias` are as long as said.
#[expect(clippy::needless_range_loop, reason = "the compiler unrolls these loops and not their iterators")]
#[inline(always)]
pub(super) unsafe fn panel<V: Simd, P: Product<V>>(args: &PanelArgs<'_>) -> [f32; ROWS] {
    // SAFETY: there is a line of weights per input, and as many biases and outputs as a panel's vectors have lanes.
    unsafe {
        let vectors = ROWS / V::LANES;
        let mut sums = [[V::splat(0.0); MAX_VECTORS]; WAYS];
        let mut weights = args.weights.as_ptr();
        let mut quads = args.x.chunks_exact(WAYS);
        for x in &mut quads {
            for way in 0..WAYS {
                V::prefetch(weights.wrapping_add(PREFETCH));
                let x = V::splat(x[way]);
                for vector in 0..MAX_VECTORS {
                    if vector < vectors {
                        sums[way][vector] = P::add(V::load(weights.add(vector * V::LANES)), x, sums[way][vector]);
                    }
                }
                weights = weights.add(ROWS);
            }
        }
        for &x in quads.remainder() {
            for vector in 0..MAX_VECTORS {
                if vector < vectors {
                    sums[0][vector] = P::add(V::load(weights.add(vector * V::LANES)), V::splat(x), sums[0][vector]);
                }
            }
            weights = weights.add(ROWS);
        }
        let mut out = [0.0; ROWS];
        for vector in 0..MAX_VECTORS {
            if vector < vectors {
                sums[0][vector] = sums[0][vector].add(sums[1][vector]).add(sums[2][vector].add(sums[3][vector]));
            }
        }
        finish::<V>(args, &sums[0], &mut out, 0);
        out
    }
}

/// The outputs of [`TOGETHER`] panels.
///
/// # Safety
/// As [`panel`].
#[expect(clippy::needless_range_loop, reason = "the compiler unrolls these loops and not their iterators")]
#[inline(always)]
pub(super) unsafe fn panels<V: Simd, P: Product<V>>(args: &PanelArgs<'_>) -> [[f32; ROWS]; TOGETHER] {
    // SAFETY: as in `panel`, for each of the panels, which follow one another.
    unsafe {
        let vectors = ROWS / V::LANES;
        let apart = args.x.len() * ROWS;
        let mut sums = [[V::splat(0.0); MAX_VECTORS]; TOGETHER];
        let mut weights = args.weights.as_ptr();
        for &x in args.x {
            let x = V::splat(x);
            for panel in 0..TOGETHER {
                let weights = weights.add(panel * apart);
                for vector in 0..MAX_VECTORS {
                    if vector < vectors {
                        sums[panel][vector] = P::add(V::load(weights.add(vector * V::LANES)), x, sums[panel][vector]);
                    }
                }
            }
            weights = weights.add(ROWS);
        }
        let mut out = [[0.0; ROWS]; TOGETHER];
        for panel in 0..TOGETHER {
            finish::<V>(args, &sums[panel], &mut out[panel], panel);
        }
        out
    }
}

/// Adds the bias of a panel and applies the activation.
///
/// # Safety
/// As [`panel`]; `args` has a bias for this panel.
#[expect(clippy::needless_range_loop, reason = "the compiler unrolls these loops and not their iterators")]
#[inline(always)]
unsafe fn finish<V: Simd>(args: &PanelArgs<'_>, sums: &[V; MAX_VECTORS], out: &mut [f32; ROWS], panel: usize) {
    // SAFETY: as the caller promises.
    unsafe {
        for vector in 0..MAX_VECTORS {
            if vector < ROWS / V::LANES {
                let bias = V::load(args.bias.as_ptr().add(panel * ROWS + vector * V::LANES));
                args.epilogue.quick(sums[vector].add(bias)).store(out.as_mut_ptr().add(vector * V::LANES));
            }
        }
        finish_run(args.finish, out.as_mut_ptr(), ROWS, args.epilogue);
    }
}
