//! Everything that works value by value: `y = epilogue(leaky(x * scale + shift) + other)`, or `* other`.

use super::epilogue::{Epilogue, FinishFn, finish_run};
use super::simd::Simd;

/// One row's operands.
#[derive(Clone, Copy)]
pub(super) struct RowArgs {
    pub x: *const f32,
    /// A second map, or null.
    pub other: *const f32,
    /// Whether that is a factor and no summand.
    pub multiplies: bool,
    pub scale: f32,
    pub shift: f32,
    /// What values below zero are multiplied by.
    pub slope: f32,
    pub epilogue: Epilogue,
    pub finish: FinishFn,
    pub y: *mut f32,
    pub pixels: usize,
}

/// Values that are written, and then finished while they are near.
const NEAR: usize = 2048;

/// One row.
///
/// # Safety
/// As [`Simd`]; `x`, `other` (unless null) and `y` are valid for `pixels` floats. `y` may be `x` or `other`, but overlaps
/// them in no other way.
#[inline(always)]
pub(super) unsafe fn row<V: Simd>(args: &RowArgs) {
    // SAFETY: the last vector is partial where fewer pixels are left.
    unsafe {
        let (zero, scale, shift) = (V::splat(0.0), V::splat(args.scale), V::splat(args.shift));
        let slope = V::splat(args.slope);
        for first in (0..args.pixels).step_by(NEAR) {
            let end = args.pixels.min(first + NEAR);
            for at in (first..end).step_by(V::LANES) {
                let count = end - at;
                let mut value = scale.mul_add(load::<V>(args.x.add(at), count), shift);
                if args.slope != 1.0 {
                    value = V::where_less(value, zero, value.mul(slope), value);
                }
                if !args.other.is_null() {
                    let other = load::<V>(args.other.add(at), count);
                    value = if args.multiplies { value.mul(other) } else { value.add(other) };
                }
                let value = args.epilogue.quick(value);
                if count >= V::LANES { value.store(args.y.add(at)) } else { value.store_partial(args.y.add(at), count) }
            }
            finish_run(args.finish, args.y.add(first), end - first, args.epilogue);
        }
    }
}

/// A whole vector or, where fewer than its lanes are left, `count` values.
///
/// # Safety
/// As [`Simd`]; `from` is valid for reads of `count` floats.
#[inline(always)]
pub(super) unsafe fn load<V: Simd>(from: *const f32, count: usize) -> V {
    // SAFETY: as the caller promises.
    unsafe { if count >= V::LANES { V::load(from) } else { V::load_partial(from, count) } }
}
