//! Which tiles a product is tried with, and in which order: by an estimate of the time a multiprocessor needs.

use super::Card;
use super::variant::{FmaTile, TensorTile, Variant};

/// What the estimate must know of a product.
#[derive(Clone, Copy, Debug)]
pub(super) struct Problem {
    pub rows: u32,
    pub columns: u32,
    pub depth: u32,
    pub groups: u32,
    pub images: u32,
    /// Pixels of an image whose mean is taken.
    pub mean: Option<u32>,
    /// Whether columns are gathered element by element.
    pub gathered: bool,
    /// Whether columns are computed by a depthwise convolution, again for each block of rows.
    pub depthwise: bool,
    pub tensor: bool,
}

/// Registers for sums that a warp's tile may take of a thread.
const MOST_SUMS: u32 = 128;
/// Cycles until a block does anything, as far as others do not fill them.
const START: f64 = 250.0;
/// Columns of a block whose image is reduced to its mean.
const MOST_MEAN: u32 = 224;

/// `[rows, columns, rows of a thread, columns of a thread, depth, stages, groups that share the depth]`
const FMA: [[u32; 7]; 22] = [
    [16, 16, 2, 4, 32, 5, 8],
    [32, 16, 4, 4, 32, 5, 8],
    [32, 16, 4, 4, 32, 9, 8],
    [16, 32, 2, 4, 32, 5, 4],
    [32, 32, 4, 4, 32, 5, 4],
    [16, 64, 4, 4, 32, 5, 4],
    [64, 16, 4, 4, 32, 4, 4],
    [128, 16, 4, 4, 16, 3, 2],
    [64, 32, 4, 4, 16, 5, 2],
    [32, 64, 4, 4, 16, 4, 1],
    [32, 64, 4, 4, 16, 4, 2],
    [128, 32, 8, 4, 16, 3, 2],
    [64, 64, 4, 4, 16, 3, 1],
    [64, 64, 8, 4, 16, 3, 1],
    [64, 64, 8, 4, 8, 4, 1],
    [64, 64, 8, 8, 16, 3, 4],
    [32, 128, 4, 8, 8, 4, 1],
    [64, 128, 8, 8, 16, 3, 1],
    [64, 128, 8, 8, 8, 4, 1],
    [128, 64, 8, 8, 16, 3, 1],
    [128, 128, 8, 8, 8, 4, 1],
    [128, 128, 8, 8, 16, 3, 1],
];

/// `[rows, columns, rows of a warp, columns of a warp, depth, stages]`
const TENSOR: [[u32; 6]; 11] = [
    [16, 32, 16, 8, 32, 5],
    [32, 32, 16, 16, 32, 5],
    [32, 16, 16, 8, 32, 8],
    [64, 16, 16, 16, 32, 5],
    [128, 16, 32, 16, 32, 4],
    [32, 64, 16, 32, 32, 3],
    [64, 64, 32, 32, 32, 3],
    [32, 128, 32, 32, 32, 3],
    [64, 128, 32, 64, 32, 3],
    [128, 64, 32, 32, 32, 3],
    [128, 128, 64, 32, 32, 3],
];

/// The tiles of texts that are compiled beforehand.
pub(super) const PORTABLE_FMA: [FmaTile; 2] = [
    FmaTile { block: [32, 32], thread: [4, 4], depth: 32, stages: 3, split: 4, cluster: 1 },
    FmaTile { block: [64, 64], thread: [8, 4], depth: 16, stages: 3, split: 1, cluster: 1 },
];
/// As [`PORTABLE_FMA`], for halves.
pub(super) const PORTABLE_TENSOR: [TensorTile; 2] = [
    TensorTile { block: [32, 32], warp: [16, 16], depth: 32, stages: 3, cluster: 1 },
    TensorTile { block: [64, 64], warp: [32, 32], depth: 32, stages: 3, cluster: 1 },
];

/// Every tile that the kernel's text allows, best guess first.
pub(super) fn tiles(problem: &Problem, card: &Card) -> Vec<Variant> {
    let mut all: Vec<(f64, Variant)> = Vec::new();
    for cluster in [1, 2, 4, 8].into_iter().filter(|&cluster| cluster <= card.cluster) {
        // Barriers of a cluster are for whole warps. Sharing the depth helps where blocks are fewer than multiprocessors.
        let of = |block: [u32; 2], stage: u32, threads: u32| {
            let few = blocks(problem, block, cluster) <= 2.0 * f64::from(card.multiprocessors);
            cluster == 1 || (few && problem.depth >= cluster * stage * 2 && threads.is_multiple_of(32))
        };
        if problem.tensor {
            all.extend(tensor(problem).into_iter().filter(|tile| of(tile.block, tile.depth, tile.threads())).map(
                |tile| {
                    let tile = TensorTile { cluster, ..tile };
                    (time_of_tensor(problem, &tile, card), Variant::Tensor(tile))
                },
            ));
        } else {
            all.extend(fma(problem).into_iter().filter(|tile| of(tile.block, tile.depth, tile.threads())).map(
                |tile| {
                    let tile = FmaTile { cluster, ..tile };
                    (time_of_fma(problem, &tile, card), Variant::Fma(tile))
                },
            ));
        }
    }
    all.sort_by(|(a, _), (b, _)| a.total_cmp(b));
    all.into_iter().map(|(_, variant)| variant).collect()
}

fn fma(problem: &Problem) -> Vec<FmaTile> {
    let of = |[m, n, tm, tn, depth, stages, split]: [u32; 7]| FmaTile {
        block: [m, n],
        thread: [tm, tn],
        depth,
        stages,
        split,
        cluster: 1,
    };
    let Some(pixels) = problem.mean else {
        return FMA.into_iter().map(of).filter(|tile| gathers(problem, tile.block[1], tile.threads())).collect();
    };
    // An image may begin at any of four neighbouring elements.
    let n = (pixels + 3).next_multiple_of(4);
    if n > MOST_MEAN {
        return Vec::new();
    }
    let tiles = [
        [8, 2, 32, 4],
        [8, 2, 32, 8],
        [16, 2, 32, 4],
        [32, 4, 32, 2],
        [32, 4, 32, 4],
        [64, 4, 16, 2],
        [64, 8, 16, 1],
        [64, 8, 16, 4],
        [128, 8, 16, 1],
        [128, 8, 16, 2],
    ];
    let tiles = tiles.into_iter().map(|[m, tm, depth, split]| of([m, n, tm, 4, depth, 3, split]));
    tiles.filter(|tile| (32..=640).contains(&tile.threads())).collect()
}

fn tensor(problem: &Problem) -> Vec<TensorTile> {
    let of = |[m, n, wm, wn, depth, stages]: [u32; 6]| TensorTile {
        block: [m, n],
        warp: [wm, wn],
        depth,
        stages,
        cluster: 1,
    };
    let Some(pixels) = problem.mean else {
        return TENSOR.into_iter().map(of).filter(|tile| gathers(problem, tile.block[1], tile.threads())).collect();
    };
    let n = (pixels + 3).next_multiple_of(8);
    if n > MOST_MEAN {
        return Vec::new();
    }
    let tiles = [[16, 16], [32, 16], [64, 16], [128, 16], [128, 32]].map(|[m, wm]| of([m, n, wm, n, 32, 3]));
    tiles.into_iter().filter(|tile| tile.warp[0] / 16 * (n / 8) * 4 <= MOST_SUMS).collect()
}

/// Whether a block's threads share its columns evenly, where they must.
const fn gathers(problem: &Problem, columns: u32, threads: u32) -> bool {
    !(problem.gathered || problem.depthwise) || threads.is_multiple_of(columns) || columns.is_multiple_of(threads)
}

/// Blocks of the launch, those of a cluster each.
fn blocks(problem: &Problem, [m, n]: [u32; 2], cluster: u32) -> f64 {
    let tiles = problem.mean.map_or(problem.columns.div_ceil(n), |_| problem.images);
    f64::from(tiles) * f64::from(problem.rows.div_ceil(m)) * f64::from(problem.groups) * f64::from(cluster)
}

/// How many blocks a multiprocessor has to run one after another.
fn rounds(problem: &Problem, block: [u32; 2], cluster: u32, card: &Card) -> f64 {
    (blocks(problem, block, cluster) / f64::from(card.multiprocessors.max(1))).ceil()
}

/// Cycles that a block's loads and computed inputs take of its multiprocessor.
fn input_cycles(problem: &Problem, [m, n]: [u32; 2], bytes: f64) -> f64 {
    let (m, n) = (f64::from(m), f64::from(n));
    let each = if problem.gathered { 14.0 / 128.0 } else { 0.0 } + if problem.depthwise { 60.0 / 128.0 } else { 0.0 };
    // About 40 bytes a cycle come from the second-level cache.
    f64::from(problem.depth) * ((m + n) * bytes / 40.0 + n * each)
}

/// Cycles, roughly: what blocks on one multiprocessor take after another, and one block's latency.
fn time_of_fma(problem: &Problem, tile: &FmaTile, card: &Card) -> f64 {
    let [tm, tn] = tile.thread.map(f64::from);
    // Each step loads `tm + tn` values for `tm * tn` products.
    let quality = tm * tn / (tm * tn + 2.0 * (tm + tn));
    let products = f64::from(tile.block[0]) * f64::from(tile.block[1]) * f64::from(problem.depth) / (128.0 * quality);
    let work = products.max(input_cycles(problem, tile.block, 4.0)) / f64::from(tile.cluster);
    // Sums of several parts go through shared memory.
    let parts = if tile.split * tile.cluster > 1 || problem.mean.is_some() { f64::from(tile.split) } else { 0.0 };
    let work = work + parts * f64::from(tile.block[0]) * f64::from(tile.block[1]) / 16.0 + START;
    let steps = f64::from(problem.depth) / f64::from(tile.split * tile.cluster);
    let exchange = if tile.cluster > 1 { 1_500.0 } else { 0.0 } + 20.0 * f64::from(tile.split * tile.cluster);
    rounds(problem, tile.block, tile.cluster, card) * work + steps * 30.0 + exchange
}

fn time_of_tensor(problem: &Problem, tile: &TensorTile, card: &Card) -> f64 {
    let [wm, wn] = tile.warp.map(f64::from);
    let quality = wm * wn / (wm * wn + 12.0 * (wm + wn));
    let products = f64::from(tile.block[0]) * f64::from(tile.block[1]) * f64::from(problem.depth) / (1_024.0 * quality);
    let work = products.max(input_cycles(problem, tile.block, 3.0)) / f64::from(tile.cluster);
    let work = work + f64::from(tile.block[0]) * f64::from(tile.block[1]) / 16.0 + START;
    let steps = f64::from(problem.depth) / f64::from(16 * tile.cluster);
    let exchange = if tile.cluster > 1 { 1_500.0 } else { 0.0 } + 20.0 * f64::from(tile.cluster);
    rounds(problem, tile.block, tile.cluster, card) * work + steps * 100.0 + exchange
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Tiles that the chooser tries first, as [`super::super::matmul`] does.
    fn tried(rows: u32, depth: u32, columns: u32, tensor: bool) -> Vec<([u32; 2], [u32; 2])> {
        let problem = Problem {
            rows,
            columns,
            depth,
            groups: 1,
            images: 1,
            mean: None,
            gathered: false,
            depthwise: false,
            tensor,
        };
        super::super::matmul::apart(tiles(&problem, &Card::H100))
            .into_iter()
            .filter_map(|variant| match variant {
                Variant::Fma(tile) => Some((tile.block, tile.thread)),
                Variant::Tensor(tile) => Some((tile.block, tile.warp)),
                _ => None,
            })
            .collect()
    }

    /// `(rows, depth, columns)` of ShuffleNet V2 1.0x's pointwise convolutions at batch 1 and 64, with the tile that was the
    /// fastest of about ten on an H100 in November 2026.
    #[test]
    fn what_was_fastest_on_an_h100_is_tried() {
        let fma = [
            ((58, 58, 784), ([32, 16], [4, 4])),
            ((58, 24, 3136), ([32, 64], [4, 4])),
            ((116, 116, 196), ([16, 16], [2, 4])),
            ((116, 116, 784), ([32, 32], [4, 4])),
            ((232, 232, 49), ([16, 16], [2, 4])),
            ((58, 58, 50_176), ([64, 64], [8, 4])),
            ((116, 116, 12_544), ([64, 64], [4, 4])),
            ((116, 116, 50_176), ([128, 64], [8, 8])),
            ((232, 232, 3_136), ([128, 64], [8, 8])),
            ((232, 232, 12_544), ([64, 64], [8, 4])),
        ];
        for ((rows, depth, columns), fastest) in fma {
            let tried = tried(rows, depth, columns, false);
            assert!(tried.contains(&fastest), "{rows} x {depth} x {columns}: {fastest:?} is not in {tried:?}");
        }
        let tensor = [
            ((58, 58, 784), ([16, 32], [16, 8])),
            ((116, 116, 196), ([16, 32], [16, 8])),
            ((232, 232, 49), ([16, 32], [16, 8])),
            ((58, 58, 50_176), ([64, 128], [32, 64])),
            ((116, 116, 12_544), ([128, 64], [32, 32])),
            ((232, 232, 3_136), ([64, 64], [32, 32])),
            ((232, 232, 12_544), ([128, 128], [64, 32])),
        ];
        for ((rows, depth, columns), fastest) in tensor {
            let tried = tried(rows, depth, columns, true);
            assert!(tried.contains(&fastest), "{rows} x {depth} x {columns}: {fastest:?} is not in {tried:?}");
        }
    }
}
