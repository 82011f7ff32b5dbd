//! The kernels of every instruction set, as functions that enable its features.

#![expect(
    clippy::undocumented_unsafe_blocks,
    reason = "each function only enables features around a generic kernel and hands on its contract"
)]

use super::super::Isa;
use super::super::matmul::Tiling;
use super::super::table::Table;
use super::bytewise::{self, BinaryArgs};
use super::quant::{Lookup, Quant};
use super::sum::{self, SumArgs};
use super::taps::{self, MostArgs, SumsArgs, TapsArgs};
use super::three::{self, ThreeArgs};
use super::tile::{self, MAX_ROWS, MAX_VECTORS, TileArgs};
use super::words::Words;

/// What dot products of bytes are made of: an [`Isa`] may have one of several.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// Plain Rust.
    Portable,
    /// Advanced SIMD of aarch64.
    Neon,
    /// With dot products of bytes of the same kind.
    NeonDot,
    /// With dot products of unsigned and signed bytes.
    NeonI8mm,
    /// AVX2.
    Avx2,
    /// AVX2 with AVX-VNNI.
    AvxVnni,
    /// 256 bits with AVX-512 VNNI and VL.
    Avx512VlVnni,
    /// 512 bits with AVX-512 VNNI.
    Avx512Vnni,
}

impl Level {
    /// All of them.
    #[cfg(test)]
    pub const ALL: [Self; 8] = [
        Self::Portable,
        Self::Neon,
        Self::NeonDot,
        Self::NeonI8mm,
        Self::Avx2,
        Self::AvxVnni,
        Self::Avx512VlVnni,
        Self::Avx512Vnni,
    ];

    /// The instruction set whose kernels move its words.
    pub const fn isa(self) -> Isa {
        match self {
            Self::Portable => Isa::Portable,
            Self::Neon | Self::NeonDot | Self::NeonI8mm => Isa::Neon,
            Self::Avx2 | Self::AvxVnni => Isa::Avx2,
            Self::Avx512VlVnni => Isa::Avx512Vl,
            Self::Avx512Vnni => Isa::Avx512,
        }
    }

    /// Whether this machine runs it.
    pub fn available(self) -> bool {
        #[cfg(target_arch = "x86_64")]
        let dots = match self {
            Self::AvxVnni => std::is_x86_feature_detected!("avxvnni"),
            Self::Avx512VlVnni | Self::Avx512Vnni => {
                std::is_x86_feature_detected!("avx512vnni") && std::is_x86_feature_detected!("avx512bw")
            }
            _ => true,
        };
        #[cfg(target_arch = "aarch64")]
        let dots = match self {
            Self::NeonDot => std::arch::is_aarch64_feature_detected!("dotprod"),
            Self::NeonI8mm => std::arch::is_aarch64_feature_detected!("i8mm"),
            _ => true,
        };
        #[cfg(not(any(target_arch = "aarch64", target_arch = "x86_64")))]
        let dots = true;
        dots && self.isa().available()
    }

    /// The fastest that is no wider than `isa`.
    pub fn of(isa: Isa) -> Self {
        let narrower: &[Self] = match isa {
            Isa::Portable => &[],
            Isa::Neon => &[Self::NeonI8mm, Self::NeonDot, Self::Neon],
            Isa::Avx2 => &[Self::AvxVnni, Self::Avx2],
            Isa::Avx512Vl => &[Self::Avx512VlVnni, Self::AvxVnni, Self::Avx2],
            Isa::Avx512 => &[Self::Avx512Vnni, Self::AvxVnni, Self::Avx2],
        };
        narrower.iter().copied().find(|level| level.available()).unwrap_or(Self::Portable)
    }
}

/// A tile of fixed size.
pub(super) type TileFn = unsafe fn(&TileArgs);

/// One level's kernels. Calling one needs a CPU that has it, and what the kernel's own contract says.
pub struct WordTable {
    pub(super) level: Level,
    pub(super) lanes: usize,
    /// Output channels and registers of pixels of the largest tile.
    rows: usize,
    vectors: usize,
    tails: bool,
    /// [`Words::LESS`].
    less: u8,
    /// `[rows / 4 - 1][vectors - 1][tail]`
    pub(super) tiles: [[[TileFn; 2]; MAX_VECTORS]; MAX_ROWS / 4],
    pub(super) add: unsafe fn(&SumArgs),
    pub(super) taps: unsafe fn(&TapsArgs<'_>),
    pub(super) three: unsafe fn(&ThreeArgs),
    pub(super) most: unsafe fn(&MostArgs<'_>),
    pub(super) limit: unsafe fn(&[u32], [u32; 2], &mut [u32]),
    pub(super) totals: unsafe fn(*const u32, usize) -> [i32; 4],
    pub(super) sums: unsafe fn(&SumsArgs<'_>),
    pub(super) binary: unsafe fn(&BinaryArgs<'_>, &mut [u32]),
    pub(super) quantize: unsafe fn(&[&[f32]], Quant, &mut [u32]),
    pub(super) bring: unsafe fn(&[u32], u8, usize, &mut [u32]),
    pub(super) look_up: unsafe fn(&[u32], [&Lookup; 4], &mut [u32]),
    pub(super) look_up_in_place: unsafe fn(&mut [u32], &Lookup),
}

macro_rules! kernels {
    ($level:expr, $words:ty $(, $features:literal)?) => {{
        type Register = $words;
        $(#[target_feature(enable = $features)])?
        unsafe fn tile<const R: usize, const V: usize, const T: bool>(args: &TileArgs) {
            unsafe { tile::tile::<Register, R, V, T>(args) }
        }
        $(#[target_feature(enable = $features)])?
        unsafe fn add(args: &SumArgs) {
            unsafe { sum::add::<Register>(args) }
        }
        $(#[target_feature(enable = $features)])?
        unsafe fn taps(args: &TapsArgs<'_>) {
            unsafe { taps::taps::<Register>(args) }
        }
        $(#[target_feature(enable = $features)])?
        unsafe fn three(args: &ThreeArgs) {
            unsafe { three::three::<Register>(args) }
        }
        $(#[target_feature(enable = $features)])?
        unsafe fn most(args: &MostArgs<'_>) {
            unsafe { taps::most::<Register>(args) }
        }
        $(#[target_feature(enable = $features)])?
        unsafe fn limit(from: &[u32], ends: [u32; 2], to: &mut [u32]) {
            unsafe { taps::limit::<Register>(from, ends, to) }
        }
        $(#[target_feature(enable = $features)])?
        unsafe fn totals(from: *const u32, count: usize) -> [i32; 4] {
            unsafe { taps::totals::<Register>(from, count) }
        }
        $(#[target_feature(enable = $features)])?
        unsafe fn sums(args: &SumsArgs<'_>) {
            unsafe { taps::sums::<Register>(args) }
        }
        $(#[target_feature(enable = $features)])?
        unsafe fn binary(args: &BinaryArgs<'_>, to: &mut [u32]) {
            bytewise::binary(args, to);
        }
        $(#[target_feature(enable = $features)])?
        unsafe fn quantize(rows: &[&[f32]], quant: Quant, to: &mut [u32]) {
            bytewise::quantize(rows, quant, to);
        }
        $(#[target_feature(enable = $features)])?
        unsafe fn bring(from: &[u32], from_lane: u8, lane: usize, to: &mut [u32]) {
            bytewise::bring(from, from_lane, lane, to);
        }
        $(#[target_feature(enable = $features)])?
        unsafe fn look_up(from: &[u32], lookups: [&Lookup; 4], to: &mut [u32]) {
            bytewise::look_up(from, lookups, to);
        }
        $(#[target_feature(enable = $features)])?
        unsafe fn look_up_in_place(words: &mut [u32], lookup: &Lookup) {
            bytewise::look_up_in_place(words, lookup);
        }
        macro_rules! tiles {
            ($rows:literal) => {
                [tiles!($rows, 1), tiles!($rows, 2), tiles!($rows, 3)]
            };
            ($rows:literal, $vectors:literal) => {
                [tile::<$rows, $vectors, false> as TileFn, tile::<$rows, $vectors, true>]
            };
        }
        WordTable {
            level: $level,
            lanes: <Register as Words>::LANES,
            rows: 4 * <Register as Words>::QUADS,
            vectors: <Register as Words>::VECTORS,
            tails: <Register as Words>::TAILS,
            less: <Register as Words>::LESS,
            tiles: [tiles!(4), tiles!(8)],
            add,
            taps,
            three,
            most,
            limit,
            totals,
            sums,
            binary,
            quantize,
            bring,
            look_up,
            look_up_in_place,
        }
    }};
}

static PORTABLE: WordTable = kernels!(Level::Portable, super::portable::Portable);
#[cfg(target_arch = "aarch64")]
static NEON: WordTable = kernels!(Level::Neon, super::neon::Neon<super::neon::Plain>, "neon");
#[cfg(target_arch = "aarch64")]
static NEON_DOT: WordTable = kernels!(Level::NeonDot, super::neon::Neon<super::neon::Signed>, "neon,dotprod");
#[cfg(target_arch = "aarch64")]
static NEON_I8MM: WordTable = kernels!(Level::NeonI8mm, super::neon::Neon<super::neon::Mixed>, "neon,i8mm");
#[cfg(target_arch = "x86_64")]
static AVX2: WordTable = kernels!(Level::Avx2, super::avx2::Avx2<super::avx2::Plain>, "avx2,fma");
#[cfg(target_arch = "x86_64")]
static AVX_VNNI: WordTable = kernels!(Level::AvxVnni, super::avx2::Avx2<super::avx2::Vnni>, "avx2,fma,avxvnni");
#[cfg(target_arch = "x86_64")]
static AVX512VL_VNNI: WordTable = kernels!(
    Level::Avx512VlVnni,
    super::avx2::Avx2<super::avx2::VnniVl>,
    "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,avx2,fma"
);
#[cfg(target_arch = "x86_64")]
static AVX512_VNNI: WordTable =
    kernels!(Level::Avx512Vnni, super::avx512::Avx512, "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,avx2,fma");

impl WordTable {
    /// The kernels of `level`, or the portable ones where this machine does not run it: whoever holds a table may call
    /// its kernels as far as the CPU is concerned.
    pub fn of(level: Level) -> &'static Self {
        if !level.available() {
            return &PORTABLE;
        }
        match level {
            #[cfg(target_arch = "aarch64")]
            Level::Neon => &NEON,
            #[cfg(target_arch = "aarch64")]
            Level::NeonDot => &NEON_DOT,
            #[cfg(target_arch = "aarch64")]
            Level::NeonI8mm => &NEON_I8MM,
            #[cfg(target_arch = "x86_64")]
            Level::Avx2 => &AVX2,
            #[cfg(target_arch = "x86_64")]
            Level::AvxVnni => &AVX_VNNI,
            #[cfg(target_arch = "x86_64")]
            Level::Avx512VlVnni => &AVX512VL_VNNI,
            #[cfg(target_arch = "x86_64")]
            Level::Avx512Vnni => &AVX512_VNNI,
            _ => &PORTABLE,
        }
    }

    /// Output channels of the largest tile.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// What a sum starts with that is to be `bias` plus products of a map's bytes and `weights`, four a word: the kernels
    /// multiply bytes less [`Words::LESS`].
    pub(super) fn start<'a>(&self, bias: i32, weights: impl Iterator<Item = &'a u32>) -> i32 {
        self.start_of(bias, weights.flat_map(|word| word.to_le_bytes()).map(u8::cast_signed))
    }

    /// As [`start`](Self::start), of weights one by one.
    pub(super) fn start_of(&self, bias: i32, weights: impl Iterator<Item = i8>) -> i32 {
        match self.less {
            0 => bias,
            less => weights.fold(bias, |sum, weight| sum.wrapping_add(i32::from(less) * i32::from(weight))),
        }
    }

    /// The kernels of floats that move its words.
    pub(super) fn moves(&self) -> &'static Table {
        Table::of(self.level.isa())
    }

    /// How these kernels want maps cut.
    pub(super) fn tiling(&self, apart: bool) -> Tiling {
        Tiling { lanes: self.lanes, rows: self.rows, vectors: self.vectors, tails: self.tails, apart }
    }
}

impl std::fmt::Debug for WordTable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("WordTable").field("level", &self.level).finish_non_exhaustive()
    }
}
