//! The activation at the end of a kernel.
//!
//! What takes few operations is done while sums are still in registers. Everything else is done by [`finish`] in a second
//! pass over what was written just now and is near: it needs many registers, and one text serves all kernels.

use super::curves;
use super::simd::Simd;

/// What happens to a sum before it is written. What is not a number stays one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Epilogue {
    /// Limits to `low ..= high`: no activation (infinities), relu, relu6 and clipping.
    Clamp {
        /// The least value.
        low: f32,
        /// The greatest value.
        high: f32,
    },
    /// `x * min(max(x + 3, 0), 6) / 6`
    HardSwish,
    /// `min(max(alpha x + beta, 0), 1)`
    HardSigmoid {
        /// The slope.
        alpha: f32,
        /// The value at zero.
        beta: f32,
    },
    /// `x`, or `slope x` below zero.
    Leaky {
        /// The slope below zero.
        slope: f32,
    },
    /// `x`, or `alpha (exp(x) - 1)` below zero.
    Elu {
        /// Minus the value that it falls to.
        alpha: f32,
    },
    /// `1 / (1 + exp(-x))`
    Sigmoid,
    /// `x / (1 + exp(-scale x))`
    Swish {
        /// What the sigmoid's argument is multiplied by.
        scale: f32,
    },
    /// `tanh(x)`
    Tanh,
    /// `x / 2 (1 + erf(x / sqrt(2)))`
    Gelu,
    /// The same, approximately.
    GeluTanh,
    /// `x tanh(ln(1 + exp(x)))`
    Mish,
    /// `ln(1 + exp(x))`
    Softplus,
}

impl Epilogue {
    /// No activation.
    pub const NONE: Self = Self::Clamp { low: f32::NEG_INFINITY, high: f32::INFINITY };

    /// Whether values are done as they are written; [`finish`] does the others.
    pub(super) const fn is_quick(self) -> bool {
        matches!(self, Self::Clamp { .. } | Self::HardSwish)
    }

    /// One value of a quick epilogue, for what is not worth a vector; others leave it as it is.
    pub(super) fn scalar(self, x: f32) -> f32 {
        match self {
            Self::Clamp { low, high } => {
                // Neither `f32::max`, which loses NaN, nor `f32::clamp`, which may panic.
                let x = if x < low { low } else { x };
                if x > high { high } else { x }
            }
            Self::HardSwish => x * (x + 3.0).clamp(0.0, 6.0) / 6.0,
            _ => x,
        }
    }

    /// A vector of values of a quick epilogue; others leave them as they are.
    ///
    /// # Safety
    /// As [`Simd`].
    #[inline(always)]
    pub(super) unsafe fn quick<V: Simd>(self, x: V) -> V {
        // SAFETY: as the caller promises.
        unsafe {
            match self {
                // The value comes last, so that NaN stays.
                Self::Clamp { low, high } => V::splat(high).min(V::splat(low).max(x)),
                Self::HardSwish => hard_swish(x),
                _ => x,
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

/// The same pixels of several rows, which are finished in place.
#[derive(Clone, Copy)]
pub(super) struct FinishArgs {
    pub base: *mut f32,
    /// Where each row begins, from `base` on.
    pub rows: *const u32,
    pub count: usize,
    pub pixels: usize,
    pub epilogue: Epilogue,
}

/// [`finish`] of an instruction set.
pub(super) type FinishFn = unsafe fn(&FinishArgs);

/// Finishes values that lie side by side, unless that was done when they were written.
///
/// # Safety
/// The CPU has the instruction set of `finish`; `values` is valid for reads and writes of `count` floats.
#[inline(always)]
pub(super) unsafe fn finish_run(finish: FinishFn, values: *mut f32, count: usize, epilogue: Epilogue) {
    if !epilogue.is_quick() {
        // SAFETY: as the caller promises.
        unsafe { finish(&FinishArgs { base: values, rows: &raw const FIRST, count: 1, pixels: count, epilogue }) }
    }
}

static FIRST: u32 = 0;

/// Applies the epilogue to values that are there.
///
/// # Safety
/// As [`Simd`]; `rows` is valid for `count` offsets, and every row for reads and writes of `pixels` floats.
#[inline(always)]
pub(super) unsafe fn finish<V: Simd>(args: &FinishArgs) {
    // SAFETY: handed on.
    unsafe {
        match args.epilogue {
            Epilogue::Clamp { .. } | Epilogue::HardSwish => each::<V, _>(args, Quick(args.epilogue)),
            Epilogue::HardSigmoid { alpha, beta } => each::<V, _>(args, HardSigmoid(alpha, beta)),
            Epilogue::Leaky { slope } => each::<V, _>(args, Leaky(slope)),
            Epilogue::Elu { alpha } => each::<V, _>(args, Elu(alpha)),
            Epilogue::Sigmoid => each::<V, _>(args, Sigmoid),
            Epilogue::Swish { scale } => each::<V, _>(args, Swish(scale)),
            Epilogue::Tanh => each::<V, _>(args, Tanh),
            Epilogue::Gelu => each::<V, _>(args, Gelu),
            Epilogue::GeluTanh => each::<V, _>(args, GeluTanh),
            Epilogue::Mish => each::<V, _>(args, Mish),
            Epilogue::Softplus => each::<V, _>(args, Softplus),
        }
    }
}

/// # Safety
/// As [`finish`].
#[inline(always)]
unsafe fn each<V: Simd, C: Curve>(args: &FinishArgs, curve: C) {
    // SAFETY: the last vector of a row is partial where fewer pixels are left.
    unsafe {
        for row in 0..args.count {
            let row = args.base.add(*args.rows.add(row) as usize);
            let mut at = 0;
            while at + V::LANES <= args.pixels {
                curve.of(V::load(row.add(at))).store(row.add(at));
                at += V::LANES;
            }
            if at < args.pixels {
                let (left, row) = (args.pixels - at, row.add(at));
                curve.of(V::load_partial(row, left)).store_partial(row, left);
            }
        }
    }
}

/// A function of values, as a type: what is a closure may not be inlined, and loses its instruction set then.
trait Curve: Copy {
    /// # Safety
    /// As [`Simd`].
    unsafe fn of<V: Simd>(self, x: V) -> V;
}

macro_rules! curves {
    ($($name:ident $(($($number:ident),*))? of $x:ident = $value:expr;)*) => {$(
        #[derive(Clone, Copy)]
        struct $name $(($(curves!(@type $number)),*))?;
        impl Curve for $name {
            #[inline(always)]
            unsafe fn of<V: Simd>(self, $x: V) -> V {
                let Self $(($($number),*))? = self;
                // SAFETY: as the caller promises.
                unsafe { $value }
            }
        }
    )*};
    (@type $number:ident) => { f32 };
}

curves! {
    HardSigmoid(alpha, beta) of x =
        V::splat(1.0).min(V::splat(0.0).max(V::splat(alpha).mul_add(x, V::splat(beta))));
    Leaky(slope) of x = V::where_less(x, V::splat(0.0), x.mul(V::splat(slope)), x);
    Elu(alpha) of x = curves::elu(x, alpha);
    Sigmoid of x = curves::sigmoid(x);
    Swish(scale) of x = x.mul(curves::sigmoid(x.mul(V::splat(scale))));
    Tanh of x = curves::tanh(x);
    Gelu of x = curves::gelu(x);
    GeluTanh of x = curves::gelu_tanh(x);
    Mish of x = curves::mish(x);
    Softplus of x = curves::softplus(x);
}

/// An epilogue that is quick, behind a kernel that leaves everything to [`finish`].
#[derive(Clone, Copy)]
struct Quick(Epilogue);

impl Curve for Quick {
    #[inline(always)]
    unsafe fn of<V: Simd>(self, x: V) -> V {
        // SAFETY: as the caller promises.
        unsafe { self.0.quick(x) }
    }
}
