//! The kernels of every instruction set, as functions that enable its features.

#![expect(
    clippy::undocumented_unsafe_blocks,
    reason = "each function only enables features around a generic kernel and hands on its contract"
)]

use super::Isa;
use super::across::{self, LayerArgs, LocalArgs};
use super::depthwise::{self, PlaneArgs};
use super::elementwise::{self, RowArgs};
use super::epilogue::{self, FinishArgs, FinishFn};
use super::halves::HalfTable;
use super::matmul::{self, TileArgs, Tiling};
use super::matvec::{self, PanelArgs};
use super::pooling::{self, PoolArgs, PoolRowArgs};
use super::product::Floats;
use super::simd::Simd;
use super::transform::{self, PatchArgs, PixelArgs};
use super::window::{self, ColumnsArgs};
use crate::device::Precision;

/// A matmul tile of fixed size.
pub(super) type TileFn = unsafe fn(&TileArgs);
/// Those of all sizes, `[rows - 1][vectors - 1][tail]`.
pub(super) type Tiles = [[[TileFn; 2]; matmul::MAX_VECTORS]; matmul::MAX_ROWS];

/// One instruction set's kernels. Calling one needs a CPU that has it, and what the kernel's own contract says.
pub struct Table {
    pub(super) isa: Isa,
    pub(super) lanes: usize,
    pub(super) tile_rows: usize,
    pub(super) tails: bool,
    pub(super) tiles: Tiles,
    pub(super) columns: unsafe fn(&ColumnsArgs<'_>),
    pub(super) split: unsafe fn(*const f32, *mut f32, *mut f32, usize),
    pub(super) copy: unsafe fn(*const f32, *mut f32, usize),
    pub(super) patches: unsafe fn(&PatchArgs),
    pub(super) pixels: unsafe fn(&PixelArgs),
    pub(super) plane: unsafe fn(&PlaneArgs<'_>),
    pub(super) pool: unsafe fn(&PoolArgs<'_>),
    pub(super) max_row: unsafe fn(&PoolRowArgs),
    pub(super) sum: unsafe fn(*const f32, usize) -> f32,
    pub(super) most: unsafe fn(*const f32, usize) -> f32,
    pub(super) panel: unsafe fn(&PanelArgs<'_>) -> [f32; matvec::ROWS],
    pub(super) panels: unsafe fn(&PanelArgs<'_>) -> [[f32; matvec::ROWS]; matvec::TOGETHER],
    pub(super) row: unsafe fn(&RowArgs),
    pub(super) finish: FinishFn,
    pub(super) layer_norm: unsafe fn(&LayerArgs<'_>),
    pub(super) local_norm: unsafe fn(&LocalArgs<'_>),
}

/// The [`Tiles`] of a function that is generic over rows, vectors and tail.
macro_rules! tiles {
    ($tile:ident) => {
        tiles!($tile; 1 2 3 4 5 6 7 8)
    };
    ($tile:ident; $($rows:literal)*) => {
        [$([
            [$tile::<$rows, 1, false> as TileFn, $tile::<$rows, 1, true>],
            [$tile::<$rows, 2, false>, $tile::<$rows, 2, true>],
            [$tile::<$rows, 3, false>, $tile::<$rows, 3, true>],
        ]),*]
    };
}
pub(super) use tiles;

macro_rules! kernels {
    ($isa:expr, $vector:ty $(, $features:literal)?) => {{
        type Vector = $vector;
        $(#[target_feature(enable = $features)])?
        unsafe fn tile<const R: usize, const V: usize, const T: bool>(args: &TileArgs) {
            unsafe { matmul::tile::<Vector, Floats, R, V, T>(args) }
        }
        $(#[target_feature(enable = $features)])?
        unsafe fn columns(args: &ColumnsArgs<'_>) {
            unsafe { window::columns::<Vector>(args) }
        }
        $(#[target_feature(enable = $features)])?
        unsafe fn split(from: *const f32, evens: *mut f32, odds: *mut f32, count: usize) {
            unsafe { window::split::<Vector>(from, evens, odds, count) }
        }
        $(#[target_feature(enable = $features)])?
        unsafe fn copy(from: *const f32, to: *mut f32, count: usize) {
            unsafe { window::copy::<Vector>(from, to, count) }
        }
        $(#[target_feature(enable = $features)])?
        unsafe fn patches(args: &PatchArgs) {
            unsafe { transform::patches::<Vector>(args) }
        }
        $(#[target_feature(enable = $features)])?
        unsafe fn pixels(args: &PixelArgs) {
            unsafe { transform::pixels::<Vector>(args) }
        }
        $(#[target_feature(enable = $features)])?
        unsafe fn plane(args: &PlaneArgs<'_>) {
            unsafe { depthwise::plane::<Vector>(args) }
        }
        $(#[target_feature(enable = $features)])?
        unsafe fn pool(args: &PoolArgs<'_>) {
            unsafe { pooling::pool::<Vector>(args) }
        }
        $(#[target_feature(enable = $features)])?
        unsafe fn max_row(args: &PoolRowArgs) {
            unsafe { pooling::max_row::<Vector>(args) }
        }
        $(#[target_feature(enable = $features)])?
        unsafe fn sum(from: *const f32, count: usize) -> f32 {
            unsafe { pooling::sum::<Vector>(from, count) }
        }
        $(#[target_feature(enable = $features)])?
        unsafe fn panel(args: &PanelArgs<'_>) -> [f32; matvec::ROWS] {
            unsafe { matvec::panel::<Vector, Floats>(args) }
        }
        $(#[target_feature(enable = $features)])?
        unsafe fn panels(args: &PanelArgs<'_>) -> [[f32; matvec::ROWS]; matvec::TOGETHER] {
            unsafe { matvec::panels::<Vector, Floats>(args) }
        }
        $(#[target_feature(enable = $features)])?
        unsafe fn row(args: &RowArgs) {
            unsafe { elementwise::row::<Vector>(args) }
        }
        $(#[target_feature(enable = $features)])?
        unsafe fn most(from: *const f32, count: usize) -> f32 {
            unsafe { pooling::most::<Vector>(from, count) }
        }
        $(#[target_feature(enable = $features)])?
        unsafe fn finish(args: &FinishArgs) {
            unsafe { epilogue::finish::<Vector>(args) }
        }
        $(#[target_feature(enable = $features)])?
        unsafe fn layer_norm(args: &LayerArgs<'_>) {
            unsafe { across::layer::<Vector>(args) }
        }
        $(#[target_feature(enable = $features)])?
        unsafe fn local_norm(args: &LocalArgs<'_>) {
            unsafe { across::local::<Vector>(args) }
        }
        Table {
            isa: $isa,
            lanes: <Vector as Simd>::LANES,
            tile_rows: <Vector as Simd>::TILE_ROWS,
            tails: <Vector as Simd>::TAILS,
            tiles: tiles!(tile),
            columns,
            split,
            copy,
            patches,
            pixels,
            plane,
            pool,
            max_row,
            sum,
            most,
            panel,
            panels,
            row,
            finish,
            layer_norm,
            local_norm,
        }
    }};
}

static PORTABLE: Table = kernels!(Isa::Portable, super::portable::Portable);
#[cfg(target_arch = "aarch64")]
static NEON: Table = kernels!(Isa::Neon, super::neon::Neon, "neon");
#[cfg(target_arch = "x86_64")]
static AVX2: Table = kernels!(Isa::Avx2, super::avx2::Avx2, "avx2,fma");
#[cfg(target_arch = "x86_64")]
static AVX512VL: Table = kernels!(Isa::Avx512Vl, super::avx512vl::Avx512Vl, "avx512f,avx512dq,avx512vl,avx2,fma");
#[cfg(target_arch = "x86_64")]
static AVX512: Table = kernels!(Isa::Avx512, super::avx512::Avx512, "avx512f,avx512dq,avx512vl,avx2,fma");

impl Table {
    /// The kernels of `isa`, or the portable ones where this machine does not run it: whoever holds a table may call
    /// its kernels as far as the CPU is concerned.
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

    /// How these kernels want maps cut.
    pub(super) fn tiling(&self, apart: bool) -> Tiling {
        let vectors = matmul::MAX_VECTORS;
        Tiling { lanes: self.lanes, rows: self.tile_rows, vectors, tails: self.tails, apart }
    }
}

/// The kernels that a network is compiled for.
#[derive(Clone, Copy, Debug)]
pub struct Kernels {
    /// Those of an instruction set in 32 bits.
    pub table: &'static Table,
    /// What multiplies matrices in 16 bits, if anything is to.
    pub halves: Option<&'static HalfTable>,
}

impl Kernels {
    /// Those of `isa` in `precision`; `None` where `isa` lacks it.
    #[must_use]
    pub fn of(isa: Isa, precision: Precision) -> Option<Self> {
        let table = Table::of(isa);
        match precision {
            Precision::F32 => Some(Self { table, halves: None }),
            Precision::Bf16 => HalfTable::bf16(isa).map(|halves| Self { table, halves: Some(halves) }),
            #[cfg(any(test, target_arch = "aarch64"))]
            Precision::F16 => HalfTable::f16(isa).map(|halves| Self { table, halves: Some(halves) }),
            _ => None,
        }
    }

    /// Those of `isa` in 32 bits.
    #[must_use]
    pub fn in_floats(isa: Isa) -> Self {
        Self { table: Table::of(isa), halves: None }
    }

    /// What matrices are multiplied in.
    #[must_use]
    pub fn precision(&self) -> Precision {
        self.halves.map_or(Precision::F32, |halves| halves.precision)
    }
}

impl std::fmt::Debug for Table {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Table").field("isa", &self.isa).finish_non_exhaustive()
    }
}
