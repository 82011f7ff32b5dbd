//! The kernels of every instruction set, and the safe functions that call them.

#![expect(
    clippy::undocumented_unsafe_blocks,
    reason = "each function of the macro only enables features around a generic kernel and hands on its contract"
)]

use super::kernels::{self, MOST_LANES, MOST_TAPS, NormArgs, TILE_VECTORS, TileArgs};
use crate::runtime::Isa;
use crate::runtime::cpu::registers;
use crate::runtime::cpu::registers::Simd;

/// Rows of a tile, whatever the instruction set.
pub(super) const MOST_ROWS: usize = 8;

type DotsFn = unsafe fn(*const *const f32, *const *const f32, usize, *mut f32);
type WeighFn = unsafe fn(*const *const f32, *const f32, *mut f32, usize, bool);
type ProductsFn = unsafe fn(*const *const f32, *const f32, *const *mut f32, usize);

/// One instruction set's kernels.
pub(super) struct Table {
    /// Floats of a register.
    pub lanes: usize,
    /// Rows of a full tile.
    pub tile_rows: usize,
    /// Rows on either side of [`dots`](Self::dots).
    pub dots_of: [usize; 2],
    tiles: [unsafe fn(&TileArgs); MOST_ROWS],
    dots: DotsFn,
    weigh: [WeighFn; MOST_TAPS],
    products: [ProductsFn; MOST_TAPS],
    moments: unsafe fn(*const f32, usize, f32) -> [f32; 2],
    normalise: unsafe fn(*const f32, *mut f32, usize, &NormArgs),
    norm_sums: unsafe fn(*const f32, *const f32, usize, &NormArgs) -> [f32; 2],
    norm_gradient: unsafe fn(*const f32, *mut f32, usize, &NormArgs),
    most: unsafe fn(*const f32, *mut f32, usize),
    give: unsafe fn(*const f32, *const f32, *mut f32, *mut f32, usize),
}

macro_rules! table {
    ($vector:ty, $left:literal, $right:literal $(, $features:literal)?) => {{
        type V = $vector;
        $(#[target_feature(enable = $features)])?
        unsafe fn tile<const ROWS: usize>(args: &TileArgs) {
            unsafe { kernels::tile::<V, ROWS>(args) }
        }
        $(#[target_feature(enable = $features)])?
        unsafe fn dots(left: *const *const f32, right: *const *const f32, length: usize, out: *mut f32) {
            unsafe { kernels::dots::<V, $left, $right>(left, right, length, out) }
        }
        $(#[target_feature(enable = $features)])?
        unsafe fn weigh<const T: usize>(rows: *const *const f32, w: *const f32, out: *mut f32, length: usize, add: bool) {
            unsafe { kernels::weigh::<V, T>(rows, w, out, length, add) }
        }
        $(#[target_feature(enable = $features)])?
        unsafe fn products<const T: usize>(
            rows: *const *const f32, row: *const f32, sums: *const *mut f32, length: usize
        ) {
            unsafe { kernels::products::<V, T>(rows, row, sums, length) }
        }
        $(#[target_feature(enable = $features)])?
        unsafe fn moments(x: *const f32, length: usize, centre: f32) -> [f32; 2] {
            unsafe { kernels::moments::<V>(x, length, centre) }
        }
        $(#[target_feature(enable = $features)])?
        unsafe fn normalise(x: *const f32, out: *mut f32, length: usize, norm: &NormArgs) {
            unsafe { kernels::normalise::<V>(x, out, length, norm) }
        }
        $(#[target_feature(enable = $features)])?
        unsafe fn norm_sums(x: *const f32, gradient: *const f32, length: usize, norm: &NormArgs) -> [f32; 2] {
            unsafe { kernels::norm_sums::<V>(x, gradient, length, norm) }
        }
        $(#[target_feature(enable = $features)])?
        unsafe fn norm_gradient(x: *const f32, gradient: *mut f32, length: usize, norm: &NormArgs) {
            unsafe { kernels::norm_gradient::<V>(x, gradient, length, norm) }
        }
        $(#[target_feature(enable = $features)])?
        unsafe fn most(x: *const f32, out: *mut f32, length: usize) {
            unsafe { kernels::most::<V>(x, out, length) }
        }
        $(#[target_feature(enable = $features)])?
        unsafe fn give(x: *const f32, y: *const f32, left: *mut f32, of_x: *mut f32, length: usize) {
            unsafe { kernels::give::<V>(x, y, left, of_x, length) }
        }
        Table {
            lanes: <V as Simd>::LANES,
            tile_rows: <V as Simd>::TILE_ROWS,
            dots_of: [$left, $right],
            tiles: [tile::<1>, tile::<2>, tile::<3>, tile::<4>, tile::<5>, tile::<6>, tile::<7>, tile::<8>],
            dots,
            weigh: [
                weigh::<1>, weigh::<2>, weigh::<3>, weigh::<4>, weigh::<5>, weigh::<6>, weigh::<7>, weigh::<8>, weigh::<9>,
            ],
            products: [
                products::<1>, products::<2>, products::<3>, products::<4>, products::<5>, products::<6>,
                products::<7>, products::<8>, products::<9>,
            ],
            moments,
            normalise,
            norm_sums,
            norm_gradient,
            most,
            give,
        }
    }};
}

static PORTABLE: Table = table!(registers::Portable, 2, 4);
#[cfg(target_arch = "aarch64")]
static NEON: Table = table!(registers::Neon, 4, 4, "neon");
#[cfg(target_arch = "x86_64")]
static AVX2: Table = table!(registers::Avx2, 2, 4, "avx2,fma");
#[cfg(target_arch = "x86_64")]
static AVX512VL: Table = table!(registers::Avx512Vl, 4, 6, "avx512f,avx512dq,avx512vl,avx2,fma");
#[cfg(target_arch = "x86_64")]
static AVX512: Table = table!(registers::Avx512, 4, 6, "avx512f,avx512dq,avx512vl,avx2,fma");

/// A batch of sums, one register of floats for each tap of a window.
pub(super) type Lanes = [f32; MOST_LANES];

impl Table {
    /// The kernels of `isa`, or the portable ones where this machine does not run it: whoever holds a table may call its
    /// kernels as far as the CPU is concerned.
    pub fn of(isa: Isa) -> &'static Self {
        match isa {
            #[cfg(target_arch = "aarch64")]
            Isa::Neon => &NEON,
            #[cfg(target_arch = "x86_64")]
            Isa::Avx2 if isa.available() => &AVX2,
            #[cfg(target_arch = "x86_64")]
            Isa::Avx512Vl if isa.available() => &AVX512VL,
            #[cfg(target_arch = "x86_64")]
            Isa::Avx512 if isa.available() => &AVX512,
            _ => &PORTABLE,
        }
    }

    /// Columns of a tile.
    pub const fn tile_columns(&self) -> usize {
        TILE_VECTORS * self.lanes
    }

    /// A tile of a product: `left` is `[depth][rows]`, `right` `[depth][tile_columns]`; the first `columns` of every row of
    /// `out` are written.
    pub fn tile(&self, (left, right): (&[f32], &[f32]), out: &mut [&mut [f32]], columns: usize, add: bool) {
        let rows = out.len();
        let depth = left.len().checked_div(rows).unwrap_or(0);
        assert!((1..=self.tile_rows).contains(&rows) && left.len() == depth * rows);
        assert!(right.len() >= depth * self.tile_columns() && columns <= self.tile_columns());
        let mut pointers = [std::ptr::null_mut(); MOST_ROWS];
        for (pointer, row) in pointers.iter_mut().zip(out.iter_mut()) {
            assert!(row.len() >= columns);
            *pointer = row.as_mut_ptr();
        }
        let args = TileArgs { depth, left: left.as_ptr(), right: right.as_ptr(), out: pointers.as_ptr(), columns, add };
        // SAFETY: whoever has the table has the instruction set; the lengths were checked, and the rows are borrowed alone.
        unsafe { self.tiles[rows - 1](&args) }
    }

    /// Adds the products of rows of equal length to `out`, `[left][right]` of [`dots_of`](Self::dots_of).
    pub fn dots(&self, left: &[&[f32]], right: &[&[f32]], out: &mut [f32]) {
        let length = left.first().map_or(0, |row| row.len());
        assert!([left.len(), right.len()] == self.dots_of && out.len() == left.len() * right.len());
        assert!(left.iter().chain(right).all(|row| row.len() == length));
        let pointers = |rows: &[&[f32]]| {
            let mut pointers = [std::ptr::null(); MOST_ROWS];
            pointers.iter_mut().zip(rows).for_each(|(pointer, row)| *pointer = row.as_ptr());
            pointers
        };
        let (left, right) = (pointers(left), pointers(right));
        // SAFETY: whoever has the table has the instruction set; all lengths were checked.
        unsafe { (self.dots)(left.as_ptr(), right.as_ptr(), length, out.as_mut_ptr()) }
    }

    /// `out (+)= sum of weights[t] * rows[t]`, of at most [`MOST_TAPS`] rows, none of which may be shorter than `out`.
    pub fn weigh(&self, rows: &[&[f32]], weights: &[f32], out: &mut [f32], add: bool) {
        let (pointers, taps) = self.taps(rows, out.len());
        assert!(weights.len() == taps);
        // SAFETY: whoever has the table has the instruction set; all lengths were checked, and `out` is borrowed alone.
        unsafe { self.weigh[taps - 1](pointers.as_ptr(), weights.as_ptr(), out.as_mut_ptr(), out.len(), add) }
    }

    /// Adds the products of `row` with others, lane by lane, to a register of sums for each.
    pub fn products(&self, rows: &[&[f32]], row: &[f32], sums: &mut [&mut Lanes]) {
        let (pointers, taps) = self.taps(rows, row.len());
        assert!(sums.len() == taps);
        let mut to = [std::ptr::null_mut(); MOST_TAPS];
        to.iter_mut().zip(sums).for_each(|(to, sums)| *to = sums.as_mut_ptr());
        // SAFETY: whoever has the table has the instruction set; all lengths were checked, and each register is borrowed
        // alone and as wide as the widest.
        unsafe { self.products[taps - 1](pointers.as_ptr(), row.as_ptr(), to.as_ptr(), row.len()) }
    }

    fn taps(&self, rows: &[&[f32]], length: usize) -> ([*const f32; MOST_TAPS], usize) {
        assert!((1..=MOST_TAPS).contains(&rows.len()) && rows.iter().all(|row| row.len() >= length));
        let mut pointers = [std::ptr::null(); MOST_TAPS];
        pointers.iter_mut().zip(rows).for_each(|(pointer, row)| *pointer = row.as_ptr());
        (pointers, rows.len())
    }

    /// The sums of `x - centre` and of its squares.
    pub fn moments(&self, x: &[f32], centre: f32) -> [f32; 2] {
        // SAFETY: whoever has the table has the instruction set; the slice is as long as it says.
        unsafe { (self.moments)(x.as_ptr(), x.len(), centre) }
    }

    /// Writes the normalised values of `x`.
    pub fn normalise(&self, x: &[f32], out: &mut [f32], norm: &NormArgs) {
        assert!(x.len() == out.len());
        // SAFETY: whoever has the table has the instruction set; the lengths are equal.
        unsafe { (self.normalise)(x.as_ptr(), out.as_mut_ptr(), x.len(), norm) }
    }

    /// The sums of the gradients that pass a normalisation, and of them times `x - centre`.
    pub fn norm_sums(&self, x: &[f32], gradient: &[f32], norm: &NormArgs) -> [f32; 2] {
        assert!(x.len() == gradient.len());
        // SAFETY: whoever has the table has the instruction set; the lengths are equal.
        unsafe { (self.norm_sums)(x.as_ptr(), gradient.as_ptr(), x.len(), norm) }
    }

    /// Makes the gradient of `x` of that of the normalised values.
    pub fn norm_gradient(&self, x: &[f32], gradient: &mut [f32], norm: &NormArgs) {
        assert!(x.len() == gradient.len());
        // SAFETY: whoever has the table has the instruction set; the lengths are equal.
        unsafe { (self.norm_gradient)(x.as_ptr(), gradient.as_mut_ptr(), x.len(), norm) }
    }

    /// `out = max(out, x)`
    pub fn most(&self, x: &[f32], out: &mut [f32]) {
        assert!(x.len() == out.len());
        // SAFETY: whoever has the table has the instruction set; the lengths are equal.
        unsafe { (self.most)(x.as_ptr(), out.as_mut_ptr(), x.len()) }
    }

    /// Gives what is left of a maximum's gradient to those places of `x` that are the maximum `y`.
    pub fn give(&self, (x, y): (&[f32], &[f32]), left: &mut [f32], of_x: &mut [f32]) {
        assert!([y.len(), left.len(), of_x.len()] == [x.len(); 3]);
        // SAFETY: whoever has the table has the instruction set; the lengths are equal.
        unsafe { (self.give)(x.as_ptr(), y.as_ptr(), left.as_mut_ptr(), of_x.as_mut_ptr(), x.len()) }
    }
}

impl std::fmt::Debug for Table {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Table").field("lanes", &self.lanes).finish_non_exhaustive()
    }
}
