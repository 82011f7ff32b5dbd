//! The few operations on registers of words that the kernels are written in.

/// A register of [`LANES`](Words::LANES) words, in groups of four: what an instruction shuffles bytes within. A word is
/// four bytes, a 32-bit integer, or the bits of a float.
///
/// # Safety
/// Every method requires that the CPU has the instruction set of the implementing type. Pointers need no alignment;
/// what they must be valid for is said at each method.
pub(crate) trait Words: Copy {
    /// Words per register, a multiple of four.
    const LANES: usize;
    /// Output words of a tile, one or two: with [`VECTORS`](Words::VECTORS) of pixels their sums fill the registers.
    const QUADS: usize;
    /// Registers of pixels in a tile, at most three.
    const VECTORS: usize;
    /// Whether registers are left for a tile's tail pixel, and one holds a sum of every channel of a tile.
    const TAILS: bool;
    /// What is taken from each byte of a map before it is multiplied, where the instruction multiplies signed bytes alone.
    /// Sums make up for it: see [`WordTable::start`](super::table::WordTable::start).
    const LESS: u8 = 0;

    /// `word` in every lane.
    unsafe fn splat(word: u32) -> Self;
    /// Reads `LANES` words.
    unsafe fn load(from: *const u32) -> Self;
    /// Reads the first `count <= LANES` words; the other lanes are those of `rest`, and their memory is not touched.
    unsafe fn load_first(from: *const u32, count: usize, rest: Self) -> Self;
    /// Reads four words, again and again into each group.
    unsafe fn load_four(from: *const u32) -> Self;
    /// Writes `LANES` words.
    unsafe fn store(self, to: *mut u32);
    /// Writes `count <= LANES` words; the memory of the other lanes is not touched.
    unsafe fn store_partial(self, to: *mut u32, count: usize);
    /// Bytes of a map as [`dot`](Words::dot) multiplies them: less [`LESS`](Words::LESS).
    #[inline(always)]
    unsafe fn ready(self) -> Self {
        self
    }
    /// `sums` and, lane by lane, the four products of the bytes of `self`, which were made [`ready`](Words::ready), and the
    /// signed ones of `weights`.
    unsafe fn dot(self, weights: Self, sums: Self) -> Self;
    /// Integers times floats, rounded to the nearest integer, the even one of two; as floats they are below 2^31.
    unsafe fn scaled(self, multipliers: Self) -> Self;
    /// Byte `at` of each word as an integer, less `zero`.
    unsafe fn byte_less(self, at: usize, zero: Self) -> Self;
    /// Integers times the floats `of`, and those of `other` times `other_of`, added; each operation rounded to 32 bits, the
    /// result as [`nearest`](super::quant::nearest) says.
    unsafe fn added(self, of: Self, other: Self, other_of: Self) -> Self;
    /// Four registers of integers as bytes, in each group of four words one after another: each limited to 16 bits, `zero`
    /// (twice in each word) added, limited to what a byte holds.
    unsafe fn narrow(sums: [Self; 4], zero: Self) -> Self;
    /// In each group, byte `i` of word `j` goes to byte `j` of word `i`.
    unsafe fn turned(self) -> Self;
    /// Word `j` of each group of the four registers becomes, byte by byte, the group in register `j` of the result: its
    /// word `c` is byte `c` of the four.
    unsafe fn interleave(rows: [Self; 4]) -> [Self; 4];
    /// The last group of `before`, then all groups of `self` but the last.
    unsafe fn groups_after(self, before: Self) -> Self;
    /// All groups of `self` but the first, then the first of `behind`.
    unsafe fn groups_until(self, behind: Self) -> Self;
    /// Of pairs of words those at even places, then those at odd ones.
    unsafe fn even_pairs_first(self) -> Self;
    /// Brings the cache line at `from` near, where that can be asked for; any address is fine.
    #[inline(always)]
    unsafe fn prefetch(_from: *const u32) {}
    /// The larger bytes.
    unsafe fn larger(self, b: Self) -> Self;
    /// The smaller bytes.
    unsafe fn smaller(self, b: Self) -> Self;
}
