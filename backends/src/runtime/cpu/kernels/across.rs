//! Normalisations that look across channels at each pixel: vectors run over pixels, so that no lane needs another's.

use super::elementwise::load;
use super::simd::Simd;

/// Rows of one image, and which of their pixels are normalised.
#[derive(Clone, Copy)]
pub(super) struct AcrossArgs<'a> {
    pub base: *mut f32,
    /// Where each channel's row begins, from `base` on.
    pub from: &'a [u32],
    pub to: &'a [u32],
    pub start: usize,
    pub end: usize,
}

/// A normalisation over all channels.
#[derive(Clone, Copy)]
pub(super) struct LayerArgs<'a> {
    pub rows: AcrossArgs<'a>,
    /// One of each for every channel.
    pub scale: &'a [f32],
    pub shift: &'a [f32],
    /// What is added to the variance.
    pub eps: f32,
}

/// Subtracts the channels' mean and divides by their deviation, then scales and shifts each channel.
///
/// # Safety
/// As [`Simd`]; every row is valid for reads, and every row of `to` for writes, of the pixels; no row of `to` overlaps one of
/// `from`; there are as many scales and shifts as rows.
#[inline(always)]
pub(super) unsafe fn layer<V: Simd>(args: &LayerArgs<'_>) {
    let AcrossArgs { base, from, to, start, end } = args.rows;
    // SAFETY: the last vector is partial where fewer pixels are left.
    unsafe {
        let (share, zero) = (V::splat(1.0 / from.len() as f32), V::splat(0.0));
        for at in (start..end).step_by(V::LANES) {
            let (base, count) = (base.add(at), end - at);
            let mut sum = zero;
            for &row in from {
                sum = sum.add(load::<V>(base.add(row as usize), count));
            }
            let mean = sum.mul(share);
            let mut squares = zero;
            for &row in from {
                let off = load::<V>(base.add(row as usize), count).sub(mean);
                squares = off.mul_add(off, squares);
            }
            let factor = V::splat(1.0).div(squares.mul_add(share, V::splat(args.eps)).sqrt());
            for (channel, &row) in from.iter().enumerate() {
                let value = load::<V>(base.add(row as usize), count).sub(mean).mul(factor);
                let (scale, shift) = (args.scale.as_ptr().add(channel), args.shift.as_ptr().add(channel));
                let value = value.mul_add(V::splat(*scale), V::splat(*shift));
                put(value, base.add(*to.as_ptr().add(channel) as usize), count);
            }
        }
    }
}

/// A normalisation by neighbouring channels.
#[derive(Clone, Copy)]
pub(super) struct LocalArgs<'a> {
    pub rows: AcrossArgs<'a>,
    /// Channels before and behind each that are added up with it.
    pub before: usize,
    pub behind: usize,
    /// The factor of the sum of squares, the exponent, and what is added.
    pub alpha: f32,
    pub beta: f32,
    pub offset: f32,
}

/// Divides each value by a power of its neighbours' squares.
///
/// # Safety
/// As [`layer`], without scales and shifts.
#[inline(always)]
pub(super) unsafe fn local<V: Simd>(args: &LocalArgs<'_>) {
    let AcrossArgs { base, from, to, start, end } = args.rows;
    // SAFETY: the last vector is partial where fewer pixels are left.
    unsafe {
        let (alpha, offset) = (V::splat(args.alpha), V::splat(args.offset));
        for at in (start..end).step_by(V::LANES) {
            let (base, count) = (base.add(at), end - at);
            for channel in 0..from.len() {
                let first = channel.saturating_sub(args.before);
                let last = from.len().min(channel.saturating_add(args.behind).saturating_add(1));
                let mut squares = V::splat(0.0);
                for neighbour in first..last {
                    let value = load::<V>(base.add(*from.as_ptr().add(neighbour) as usize), count);
                    squares = value.mul_add(value, squares);
                }
                let value = load::<V>(base.add(*from.as_ptr().add(channel) as usize), count);
                let power = power(squares.mul_add(alpha, offset), args.beta);
                put(value.div(power), base.add(*to.as_ptr().add(channel) as usize), count);
            }
        }
    }
}

/// `x^exponent`. The one that networks have is two roots; others are taken lane by lane.
///
/// # Safety
/// As [`Simd`].
#[inline(always)]
unsafe fn power<V: Simd>(x: V, exponent: f32) -> V {
    // SAFETY: no instruction set has more lanes than there is room for.
    unsafe {
        if exponent == 0.75 {
            let root = x.sqrt();
            return root.mul(root.sqrt());
        }
        let mut lanes = [0.0_f32; 16];
        x.store(lanes.as_mut_ptr());
        for lane in &mut lanes {
            *lane = lane.powf(exponent);
        }
        V::load(lanes.as_ptr())
    }
}

/// Writes a whole vector or, where fewer than its lanes are left, `count` values.
///
/// # Safety
/// As [`Simd`]; `to` is valid for writes of `count` floats.
#[inline(always)]
unsafe fn put<V: Simd>(value: V, to: *mut f32, count: usize) {
    // SAFETY: as the caller promises.
    unsafe { if count >= V::LANES { value.store(to) } else { value.store_partial(to, count) } }
}
