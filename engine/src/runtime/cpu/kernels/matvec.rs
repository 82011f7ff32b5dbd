//! Fully connected: a matrix-vector product, bound by the memory that holds the weights.
//!
//! Weights are packed as panels of [`ROWS`] outputs, `[k][output]`, so that they stream from start to end and the
//! vectors run over outputs.

use super::epilogue::{Epilogue, FinishFn, finish_run};
use super::simd::Simd;

/// Outputs per panel: a cache line of weights.
pub(super) const ROWS: usize = 16;
/// Vectors per panel on the narrowest instruction set.
const MAX_VECTORS: usize = 4;
/// How far ahead weights are fetched, in floats.
const PREFETCH: usize = 1024;

/// One panel's operands.
#[derive(Clone, Copy)]
pub(super) struct PanelArgs<'a> {
    pub x: &'a [f32],
    /// `[x.len()][ROWS]`
    pub weights: &'a [f32],
    /// `[ROWS]`
    pub bias: &'a [f32],
    pub epilogue: Epilogue,
    pub finish: FinishFn,
}

/// The panel's outputs.
///
/// # Safety
/// As [`Simd`]; `weights` and `bias` are as long as said.
#[expect(clippy::needless_range_loop, reason = "the compiler unrolls these loops and not their iterators")]
#[inline(always)]
pub(super) unsafe fn panel<V: Simd>(args: &PanelArgs<'_>) -> [f32; ROWS] {
    const WAYS: usize = 4;
    // SAFETY: there is a line of weights per input, and as many biases and outputs as a panel's vectors have lanes.
    unsafe {
        let vectors = ROWS / V::LANES;
        // Independent sums, so that a multiply-add does not wait for the one before.
        let mut sums = [[V::splat(0.0); MAX_VECTORS]; WAYS];
        let mut weights = args.weights.as_ptr();
        let mut quads = args.x.chunks_exact(WAYS);
        for x in &mut quads {
            for way in 0..WAYS {
                V::prefetch(weights.wrapping_add(PREFETCH));
                let x = V::splat(x[way]);
                for vector in 0..MAX_VECTORS {
                    if vector < vectors {
                        sums[way][vector] = V::load(weights.add(vector * V::LANES)).mul_add(x, sums[way][vector]);
                    }
                }
                weights = weights.add(ROWS);
            }
        }
        for &x in quads.remainder() {
            for vector in 0..MAX_VECTORS {
                if vector < vectors {
                    sums[0][vector] = V::load(weights.add(vector * V::LANES)).mul_add(V::splat(x), sums[0][vector]);
                }
            }
            weights = weights.add(ROWS);
        }
        let mut out = [0.0; ROWS];
        for vector in 0..MAX_VECTORS {
            if vector < vectors {
                let sum = sums[0][vector].add(sums[1][vector]).add(sums[2][vector].add(sums[3][vector]));
                let bias = V::load(args.bias.as_ptr().add(vector * V::LANES));
                args.epilogue.quick(sum.add(bias)).store(out.as_mut_ptr().add(vector * V::LANES));
            }
        }
        finish_run(args.finish, out.as_mut_ptr(), ROWS, args.epilogue);
        out
    }
}
