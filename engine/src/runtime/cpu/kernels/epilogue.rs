//! The activation at the end of a kernel.

use super::simd::Simd;

/// What happens to a sum before it is written. What is not a number stays one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Epilogue {
    /// Limits to `low ..= high`: no activation (infinities), relu and relu6.
    Clamp {
        /// The least value.
        low: f32,
        /// The greatest value.
        high: f32,
    },
    /// `x * min(max(x + 3, 0), 6) / 6`
    HardSwish,
    /// `1 / (1 + exp(-x))`
    Sigmoid,
}

impl Epilogue {
    /// No activation.
    pub const NONE: Self = Self::Clamp { low: f32::NEG_INFINITY, high: f32::INFINITY };

    /// One value, for what is not worth a vector.
    #[must_use]
    pub fn scalar(self, x: f32) -> f32 {
        match self {
            Self::Clamp { low, high } => {
                // Neither `f32::max`, which loses NaN, nor `f32::clamp`, which may panic.
                let x = if x < low { low } else { x };
                if x > high { high } else { x }
            }
            Self::HardSwish => x * (x + 3.0).clamp(0.0, 6.0) / 6.0,
            Self::Sigmoid => 1.0 / (1.0 + (-x).exp()),
        }
    }

    /// A vector of values.
    ///
    /// # Safety
    /// As [`Simd`].
    #[inline(always)]
    pub(super) unsafe fn vector<V: Simd>(self, x: V) -> V {
        // SAFETY: as the caller promises.
        unsafe {
            match self {
                // The value comes last, so that NaN stays.
                Self::Clamp { low, high } => V::splat(high).min(V::splat(low).max(x)),
                Self::HardSwish => hard_swish(x),
                Self::Sigmoid => sigmoid(x),
            }
        }
    }
}

/// `x * min(max(x + 3, 0), 6) / 6`
///
/// # Safety
/// As [`Simd`].
#[inline(always)]
pub(super) unsafe fn hard_swish<V: Simd>(x: V) -> V {
    // SAFETY: as the caller promises.
    unsafe { x.mul(V::splat(6.0).min(V::splat(0.0).max(x.add(V::splat(3.0))))).mul(V::splat(1.0 / 6.0)) }
}

/// `1 / (1 + exp(-x))`, lane by lane: only gates have it.
///
/// # Safety
/// As [`Simd`].
#[inline(always)]
pub(super) unsafe fn sigmoid<V: Simd>(x: V) -> V {
    let mut lanes = [0.0; 16];
    // SAFETY: no instruction set has more lanes.
    unsafe {
        x.store(lanes.as_mut_ptr());
        V::load(lanes.map(|x| Epilogue::Sigmoid.scalar(x)).as_ptr())
    }
}
