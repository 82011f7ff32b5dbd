//! Everything that works value by value: `y = epilogue(x * scale + shift + other)`.

use super::epilogue::Epilogue;
use super::simd::Simd;

/// One row's operands.
#[derive(Clone, Copy)]
pub(super) struct RowArgs {
    pub x: *const f32,
    /// A second map to add, or null.
    pub other: *const f32,
    pub scale: f32,
    pub shift: f32,
    pub epilogue: Epilogue,
    pub y: *mut f32,
    pub pixels: usize,
}

/// One row.
///
/// # Safety
/// As [`Simd`]; `x`, `other` (unless null) and `y` are valid for `pixels` floats. `y` may be `x` or `other`, but overlaps
/// them in no other way.
#[inline(always)]
pub(super) unsafe fn row<V: Simd>(args: &RowArgs) {
    // SAFETY: the last vector is partial where fewer pixels are left.
    unsafe {
        let (scale, shift) = (V::splat(args.scale), V::splat(args.shift));
        for at in (0..args.pixels).step_by(V::LANES) {
            let count = args.pixels - at;
            let mut value = scale.mul_add(load::<V>(args.x.add(at), count), shift);
            if !args.other.is_null() {
                value = value.add(load::<V>(args.other.add(at), count));
            }
            let value = args.epilogue.vector(value);
            if count >= V::LANES { value.store(args.y.add(at)) } else { value.store_partial(args.y.add(at), count) }
        }
    }
}

/// A whole vector or, where fewer than its lanes are left, `count` values.
///
/// # Safety
/// As [`Simd`]; `from` is valid for reads of `count` floats.
#[inline(always)]
unsafe fn load<V: Simd>(from: *const f32, count: usize) -> V {
    // SAFETY: as the caller promises.
    unsafe { if count >= V::LANES { V::load(from) } else { V::load_partial(from, count) } }
}
