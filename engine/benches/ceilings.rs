//! What this machine can do at most: the scale for `tuned`.
//!
//! `cargo bench -p shufflescope-engine --bench ceilings`; all on one thread. Run with `RAYON_NUM_THREADS=1`, or Candle's
//! matrix product uses every core.

use std::hint::black_box;

use candle_core::{Device, Tensor};
use divan::Bencher;
use divan::counter::{BytesCount, ItemsCount};

fn main() {
    divan::main();
}

/// Candle's matrix product (the `gemm` crate), square: an SGEMM that others wrote.
#[divan::bench(args = [256, 512, 1024])]
fn sgemm_of_candle(bencher: Bencher<'_, '_>, side: usize) {
    let matrix = || Tensor::rand(-1_f32, 1.0, (side, side), &Device::Cpu);
    let (Ok(a), Ok(b)) = (matrix(), matrix()) else { return };
    bencher.counter(ItemsCount::new(2 * side * side * side)).bench_local(|| a.matmul(&b));
}

/// Fused multiply-adds on registers, nothing loaded: what no kernel reaches.
#[divan::bench]
fn multiply_adds_on_registers(bencher: Bencher<'_, '_>) {
    const STEPS: usize = 10_000;
    #[cfg(target_arch = "x86_64")]
    {
        if std::is_x86_feature_detected!("avx512f") {
            // SAFETY: the CPU has the feature.
            bencher
                .counter(ItemsCount::new(2 * 16 * WAYS * STEPS))
                .bench_local(|| unsafe { wide(STEPS, black_box(0.5)) });
        } else if std::is_x86_feature_detected!("fma") {
            // SAFETY: the CPU has the feature.
            bencher
                .counter(ItemsCount::new(2 * 8 * WAYS * STEPS))
                .bench_local(|| unsafe { narrow(STEPS, black_box(0.5)) });
        }
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = (bencher, STEPS);
}

/// Chains of multiply-adds, enough to hide their latency.
#[cfg(target_arch = "x86_64")]
const WAYS: usize = 12;

#[cfg(target_arch = "x86_64")]
macro_rules! chains {
    ($name:ident, $feature:literal, $set:ident, $fma:ident, $first:ident) => {
        #[target_feature(enable = $feature)]
        fn $name(steps: usize, x: f32) -> f32 {
            use std::arch::x86_64::{$first, $fma, $set};
            let mut sums: [_; WAYS] = std::array::from_fn(|way| $set(x + way as f32));
            for _ in 0..steps {
                for way in 0..WAYS {
                    sums[way] = $fma(sums[way], $set(0.999), $set(0.001));
                }
            }
            sums.into_iter().map(|sum| $first(sum)).sum()
        }
    };
}

#[cfg(target_arch = "x86_64")]
chains!(wide, "avx512f", _mm512_set1_ps, _mm512_fmadd_ps, _mm512_cvtss_f32);
#[cfg(target_arch = "x86_64")]
chains!(narrow, "avx,fma", _mm256_set1_ps, _mm256_fmadd_ps, _mm256_cvtss_f32);

/// KiB read front to back: first-level cache, second-level cache, last-level cache, memory.
#[divan::bench(args = [32, 1024, 8 * 1024, 256 * 1024])]
fn read(bencher: Bencher<'_, '_>, kibibytes: usize) {
    let words = vec![1_u64; kibibytes * 128];
    let sum = || words.chunks_exact(64).map(|line| line.iter().fold(0, |sum, word| sum ^ word)).fold(0, |a, b| a ^ b);
    bencher.counter(BytesCount::new(kibibytes * 1024)).bench_local(|| black_box(sum()));
}

/// KiB copied, counted once.
#[divan::bench(args = [16, 512, 8 * 1024])]
fn copy(bencher: Bencher<'_, '_>, kibibytes: usize) {
    let from = vec![1_u8; kibibytes * 1024];
    let mut to = vec![0_u8; kibibytes * 1024];
    bencher.counter(BytesCount::new(kibibytes * 1024)).bench_local(|| to.copy_from_slice(black_box(&from)));
}
