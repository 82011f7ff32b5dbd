//! What looks at each channel on its own: depthwise convolution, maxima, limits, totals.

use super::super::window::Phases;
use super::tile::{Finish, Finisher};
use super::words::Words;

/// Taps that one product adds up.
pub(super) const TOGETHER: usize = 4;

/// One word of channels under a window.
#[derive(Clone, Copy)]
pub(super) struct TapsArgs<'a> {
    pub phases: &'a Phases,
    /// Where taps are, from an output pixel's place: fours of them.
    pub taps: &'a [usize],
    /// For each four taps a word of four weights for each of the four channels.
    pub weights: *const u32,
    /// For each channel what its sum starts with, made up for [`Words::LESS`], and what it is multiplied by.
    pub bias: *const i32,
    pub multipliers: *const f32,
    pub finish: Finish,
    /// The first word of the phases.
    pub plane: *const u32,
    pub out: *mut u32,
}

/// Depthwise convolution of four channels. Four taps' words are turned into a word of four taps for each pixel and channel,
/// which one product adds up.
///
/// # Safety
/// As [`Words`]; `plane` holds the phases, `weights` four words for every four `taps`, which are the window's or among them;
/// `bias` and `multipliers` are valid for reads of four values, `out` for writes of the output's pixels, which is other
/// memory than the plane. Sums times multipliers are below 2^31.
#[inline(always)]
pub(super) unsafe fn taps<W: Words>(args: &TapsArgs<'_>) {
    let [height, width] = args.phases.output;
    // SAFETY: the phases have room for a tap's whole register at the last output pixel.
    unsafe {
        let finisher = Finisher::<W>::new(args.finish);
        let (bias, multipliers) = (W::load_four(args.bias.cast()), W::load_four(args.multipliers.cast()));
        for y in 0..height {
            let row = args.plane.add(y * args.phases.window.stride[0] * args.phases.row());
            for x in (0..width).step_by(W::LANES) {
                let mut sums = [bias; 4];
                let mut weights = args.weights;
                for &[a, b, c, d] in args.taps.as_chunks::<TOGETHER>().0 {
                    let at = row.add(x);
                    let groups =
                        W::interleave([W::load(at.add(a)), W::load(at.add(b)), W::load(at.add(c)), W::load(at.add(d))]);
                    let weight = W::load_four(weights);
                    for (sum, group) in sums.iter_mut().zip(groups) {
                        *sum = group.ready().dot(weight, *sum);
                    }
                    weights = weights.add(4);
                }
                let mut scaled = sums;
                for scaled in &mut scaled {
                    *scaled = scaled.scaled(multipliers);
                }
                let words = finisher.bytes(scaled);
                let (to, left) = (args.out.add(y * width + x), width - x);
                if left >= W::LANES { words.store(to) } else { words.store_partial(to, left) }
            }
        }
    }
}

/// The largest bytes under a window.
#[derive(Clone, Copy)]
pub(super) struct MostArgs<'a> {
    pub phases: &'a Phases,
    /// Output rows: all that the phases are for, or the first of them.
    pub rows: usize,
    pub plane: *const u32,
    pub out: *mut u32,
}

/// Max-pooling of four channels.
///
/// # Safety
/// As [`Words`]; `plane` holds the phases of `rows`, `out` is valid for writes of their pixels, which is other memory.
#[inline(always)]
pub(super) unsafe fn most<W: Words>(args: &MostArgs<'_>) {
    let (height, width) = (args.rows, args.phases.output[1]);
    // SAFETY: the phases have room for a tap's whole register at the last output pixel.
    unsafe {
        for y in 0..height {
            let row = args.plane.add(y * args.phases.window.stride[0] * args.phases.row());
            for x in (0..width).step_by(W::LANES) {
                let mut words = W::splat(0);
                for &tap in &args.phases.taps {
                    words = words.larger(W::load(row.add(tap + x)));
                }
                let (to, left) = (args.out.add(y * width + x), width - x);
                if left >= W::LANES { words.store(to) } else { words.store_partial(to, left) }
            }
        }
    }
}

/// Bytes within `ends`, the least and the greatest of each of four channels.
///
/// # Safety
/// As [`Words`].
#[inline(always)]
pub(super) unsafe fn limit<W: Words>(from: &[u32], [low, high]: [u32; 2], to: &mut [u32]) {
    // SAFETY: both slices have `count` words; of the last register only those are touched.
    unsafe {
        let (low, high) = (W::splat(low), W::splat(high));
        let count = from.len().min(to.len());
        for at in (0..count).step_by(W::LANES) {
            let (from, to, left) = (from.as_ptr().add(at), to.as_mut_ptr().add(at), count - at);
            if left >= W::LANES {
                W::load(from).larger(low).smaller(high).store(to);
            } else {
                W::load_first(from, left, low).larger(low).smaller(high).store_partial(to, left);
            }
        }
    }
}

/// The sums of the bytes of each of four channels over `count` words.
///
/// # Safety
/// As [`Words`]; `from` is valid for reads of `count` words.
#[inline(always)]
pub(super) unsafe fn totals<W: Words>(from: *const u32, count: usize) -> [i32; 4] {
    // SAFETY: whole registers are inside the words, the others are read one by one.
    unsafe {
        let mut sums = [W::splat(0); 4];
        let whole = count / W::LANES * W::LANES;
        for at in (0..whole).step_by(W::LANES) {
            let words = W::load(from.add(at)).ready();
            for (channel, sum) in sums.iter_mut().enumerate() {
                *sum = words.dot(W::splat(1 << (8 * channel)), *sum);
            }
        }
        let mut totals = [whole as i32 * i32::from(W::LESS); 4];
        for (channel, (total, sum)) in totals.iter_mut().zip(sums).enumerate() {
            let mut lanes = [0_u32; 16];
            sum.store(lanes.as_mut_ptr());
            *total += lanes.iter().fold(0, |total: u32, lane| total.wrapping_add(*lane)) as i32;
            for at in whole..count {
                *total += (*from.add(at) >> (8 * channel) & 255) as i32;
            }
        }
        totals
    }
}

/// Sums of a fully connected layer, for as many outputs as [`LINEAR`] registers have words.
#[derive(Clone, Copy)]
pub(super) struct SumsArgs<'a> {
    pub x: &'a [u32],
    /// `[x][LINEAR * LANES]` words of four weights.
    pub weights: *const u32,
    /// What each sum starts with, made up for [`Words::LESS`], then what it is.
    pub sums: *mut i32,
}

/// Registers of outputs that a fully connected layer computes at once.
pub(super) const LINEAR: usize = 4;

/// # Safety
/// As [`Words`]; `weights` and `sums` are valid as said at the fields, and not the same memory.
#[inline(always)]
pub(super) unsafe fn sums<W: Words>(args: &SumsArgs<'_>) {
    // SAFETY: as the caller promises.
    unsafe {
        // Two of each, so that a product need not wait for the one before it.
        let mut sums = [[W::splat(0); LINEAR]; 2];
        for (at, sum) in sums[0].iter_mut().enumerate() {
            *sum = W::load(args.sums.cast_const().cast::<u32>().add(at * W::LANES));
        }
        let [mut even, mut odd] = sums;
        let mut weights = args.weights;
        let (pairs, last) = args.x.as_chunks::<2>();
        for &[first, second] in pairs {
            let (first, second) = (W::splat(first).ready(), W::splat(second).ready());
            for (at, sum) in even.iter_mut().enumerate() {
                *sum = first.dot(W::load(weights.add(at * W::LANES)), *sum);
            }
            weights = weights.add(LINEAR * W::LANES);
            for (at, sum) in odd.iter_mut().enumerate() {
                *sum = second.dot(W::load(weights.add(at * W::LANES)), *sum);
            }
            weights = weights.add(LINEAR * W::LANES);
        }
        if let &[last] = last {
            for (at, sum) in even.iter_mut().enumerate() {
                *sum = W::splat(last).ready().dot(W::load(weights.add(at * W::LANES)), *sum);
            }
        }
        let sums = [even, odd];
        let mut lanes = [0_u32; 16];
        for (at, sum) in sums[1].iter().enumerate() {
            let to = args.sums.cast::<u32>().add(at * W::LANES);
            sums[0][at].store(to);
            sum.store(lanes.as_mut_ptr());
            for (lane, more) in lanes.iter().enumerate().take(W::LANES) {
                *to.add(lane) = (*to.add(lane)).wrapping_add(*more);
            }
        }
    }
}
