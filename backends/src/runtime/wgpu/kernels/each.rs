//! Kernels whose threads have one output each, all of them in one row.

use super::Refusal;
use super::text::{Grid, Text};
use super::variant::{Limits, Variant};

/// Sizes of workgroups to try.
pub(super) fn variants(limits: &Limits) -> Vec<Variant> {
    let sizes = [128, 64, 256].into_iter().filter(|&threads| threads <= limits.invocations);
    let mut variants: Vec<Variant> = sizes.map(|threads| Variant::Each { threads }).collect();
    if variants.is_empty() {
        variants.push(Variant::Each { threads: limits.invocations.max(1) });
    }
    variants
}

/// The workgroup's size.
pub(super) fn threads(variant: Variant, kernel: &'static str) -> Result<u32, Refusal> {
    match variant {
        Variant::Each { threads } if (1..=1024).contains(&threads) => Ok(threads),
        _ => Err(variant.refused(kernel)),
    }
}

/// Opens `main` for `all` outputs; `q` is the thread's.
pub(super) fn main(text: &mut Text, threads: u32, all: u32) -> Grid {
    let grid = Grid::new(all.div_ceil(threads), 1);
    text.main(threads, &grid);
    text.line(format!("let q = across * {threads}u + local;"));
    text.line(format!("if (q >= {all}u) {{ return; }}"));
    grid
}
