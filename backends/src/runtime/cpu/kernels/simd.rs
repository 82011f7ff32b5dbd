//! The few vector operations that the kernels are written in. One source serves every instruction set: a kernel is
//! generic over [`Simd`] and inlined into one entry point per instruction set that enables its features.

/// A register of [`LANES`](Simd::LANES) f32 values.
///
/// # Safety
/// Every method requires that the CPU has the instruction set of the implementing type. Pointers need no alignment;
/// what they must be valid for is said at each method.
#[expect(clippy::missing_safety_doc, reason = "said once, of all methods")]
pub trait Simd: Copy {
    /// Values per register.
    const LANES: usize;
    /// Output channels of a matmul tile: with three vectors of pixels each, they fill the register file.
    const TILE_ROWS: usize;
    /// Whether registers are left for a tile's tail pixel.
    const TAILS: bool;

    /// `x` in every lane.
    unsafe fn splat(x: f32) -> Self;
    /// Reads `LANES` values.
    unsafe fn load(from: *const f32) -> Self;
    /// Reads as many values as a full panel has rows, at most `LANES`, from memory valid for `LANES`; the other lanes
    /// hold anything.
    #[inline(always)]
    unsafe fn load_panel(from: *const f32) -> Self {
        // SAFETY: a whole vector may be read, as the caller promises.
        unsafe { Self::load(from) }
    }
    /// Writes `LANES` values.
    unsafe fn store(self, to: *mut f32);
    /// Reads `count <= LANES` values, zero in the other lanes, whose memory is not touched.
    unsafe fn load_partial(from: *const f32, count: usize) -> Self;
    /// Writes `count <= LANES` values; the memory of the other lanes is not touched.
    unsafe fn store_partial(self, to: *mut f32, count: usize);
    /// `self * b + c`; one rounding where the instruction set fuses.
    unsafe fn mul_add(self, b: Self, c: Self) -> Self;
    unsafe fn add(self, b: Self) -> Self;
    unsafe fn sub(self, b: Self) -> Self;
    unsafe fn mul(self, b: Self) -> Self;
    unsafe fn div(self, b: Self) -> Self;
    unsafe fn sqrt(self) -> Self;
    /// `2^(n - 127)`, where `n` is the whole number below 256 in the last bits of `self`'s mantissa; with other bits there,
    /// anything.
    unsafe fn power_of_two(self) -> Self;
    /// Lanes of `then` where `a < b`, of `otherwise` elsewhere: also where one of them is NaN.
    unsafe fn where_less(a: Self, b: Self, then: Self, otherwise: Self) -> Self;
    /// The larger, lane by lane. NaN in `b` stays NaN; beside NaN in `self` alone the result may be `b`.
    unsafe fn max(self, b: Self) -> Self;
    /// The smaller, lane by lane, with NaN as in [`max`](Simd::max).
    unsafe fn min(self, b: Self) -> Self;
    /// The largest of three, lane by lane; NaN where any of them is.
    unsafe fn largest(a: Self, b: Self, c: Self) -> Self;
    /// Bitwise and: with lanes of all ones or all zeros it selects lanes and stops NaN.
    unsafe fn and(self, b: Self) -> Self;
    /// Lanes 0, 2, 4, .. and 1, 3, 5, .. of `a` followed by `b`.
    unsafe fn deinterleave(a: Self, b: Self) -> (Self, Self);
    /// What [`deinterleave`](Simd::deinterleave) undoes: `a0 b0 a1 b1 ..`, in two registers.
    unsafe fn interleave(a: Self, b: Self) -> (Self, Self);
    /// The last `count` lanes of `a`, then the first of `b`; `count` is 1, 2 or 3.
    unsafe fn before(a: Self, b: Self, count: usize) -> Self;
    /// The lanes of `a` from `count` on, then the first `count` of `b`; `count` is 1, 2 or 3.
    unsafe fn after(a: Self, b: Self, count: usize) -> Self;
    /// Brings the cache line at `from` near; any address is fine.
    unsafe fn prefetch(from: *const f32);
}
