//! Memory for feature maps and packed weights: aligned floats that all threads of a run share.

use std::alloc::{Layout, alloc, dealloc};
use std::ptr::NonNull;

use thiserror::Error;

/// A cache line in bytes.
const LINE: usize = 64;
/// A huge page in bytes. Weights are streamed once per run: with small pages a good part of that is page walks, and
/// prefetchers stop at every page's end.
const HUGE_PAGE: usize = 2 << 20;
/// Floats between rows and between weights that nobody may touch. A sanitizer sees an allocation and not what lies where
/// in it, so its builds ask for gaps and are told about them.
pub const REDZONE: usize = if cfg!(feature = "redzones") { 16 } else { 0 };

/// There is no memory for so many floats.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("no memory for {0} floats")]
pub struct NoMemory(pub usize);

/// A fixed number of floats, zero at first. Kernels address them by offset; who may touch what and when is decided by
/// the program that holds the arena (see [`super::program`]).
pub struct Arena {
    base: NonNull<f32>,
    layout: Layout,
    floats: usize,
}

// SAFETY: the memory is owned; all access through `&Arena` goes through `base()`, whose users promise not to race.
unsafe impl Send for Arena {}
// SAFETY: as above.
unsafe impl Sync for Arena {}

impl Arena {
    /// Bytes of an arena of `floats`.
    pub(super) fn bytes(floats: usize) -> u64 {
        (floats.max(1) as u64).saturating_mul(size_of::<f32>() as u64).saturating_add(LINE as u64)
    }

    /// At least `floats` zeros, starting at a cache line.
    ///
    /// # Errors
    /// Where they cannot be addressed, or the system has no memory for them.
    pub fn new(floats: usize) -> Result<Self, NoMemory> {
        let refused = NoMemory(floats);
        let layout = layout(floats.max(1)).ok_or(refused)?;
        // SAFETY: the size is not zero.
        let base = NonNull::new(unsafe { alloc(layout) }).ok_or(refused)?;
        if layout.align() == HUGE_PAGE {
            ask_for_huge_pages(base, layout.size());
        }
        // SAFETY: the memory was allocated just now with this size; zeros are floats.
        unsafe { base.as_ptr().write_bytes(0, layout.size()) }
        Ok(Self { base: base.cast(), layout, floats: layout.size() / size_of::<f32>() })
    }

    /// A copy of `values`, starting at a cache line.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub(super) fn holding(values: &[f32]) -> Result<Self, NoMemory> {
        let mut arena = Self::new(values.len())?;
        arena.as_mut_slice()[..values.len()].copy_from_slice(values);
        Ok(arena)
    }

    /// Lets a sanitizer report every touch of the arena from now on, except where [`allow`](Self::allow) says otherwise.
    pub(super) fn forbid_all(&self) {
        #[cfg(feature = "redzones")]
        // SAFETY: only the sanitizer's own notes about our allocation change.
        unsafe {
            __asan_poison_memory_region(self.base.as_ptr().cast(), self.layout.size());
        }
    }

    /// Lets the sanitizer accept touches of `floats` again.
    pub(super) fn allow(&self, floats: std::ops::Range<usize>) {
        assert!(floats.start <= floats.end && floats.end <= self.floats, "{floats:?} of {} floats", self.floats);
        #[cfg(feature = "redzones")]
        // SAFETY: as above, and inside the arena.
        unsafe {
            __asan_unpoison_memory_region(self.base.as_ptr().add(floats.start).cast(), floats.len() * size_of::<f32>());
        }
    }

    /// Floats that it holds.
    pub(super) fn len(&self) -> usize {
        self.floats
    }

    /// The first float. Writing through it is allowed to whoever knows that nobody else reads or writes there.
    pub(super) fn base(&self) -> *mut f32 {
        self.base.as_ptr()
    }

    /// All floats.
    pub(super) fn as_mut_slice(&mut self) -> &mut [f32] {
        // SAFETY: `floats` initialised floats in one allocation, and `&mut self` is the only access.
        unsafe { std::slice::from_raw_parts_mut(self.base(), self.floats) }
    }
}

#[cfg(feature = "redzones")]
unsafe extern "C" {
    fn __asan_poison_memory_region(address: *const std::ffi::c_void, bytes: usize);
    fn __asan_unpoison_memory_region(address: *const std::ffi::c_void, bytes: usize);
}

impl Drop for Arena {
    fn drop(&mut self) {
        self.allow(0..self.floats);
        // SAFETY: allocated in `new` with this layout.
        unsafe { dealloc(self.base.as_ptr().cast(), self.layout) }
    }
}

impl std::fmt::Debug for Arena {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Arena").field("floats", &self.floats).finish_non_exhaustive()
    }
}

/// Whole cache lines for `floats`, and huge pages where they fill one; `None` where no allocation is as large.
fn layout(floats: usize) -> Option<Layout> {
    let bytes = Layout::array::<f32>(floats).ok()?.size().checked_next_multiple_of(LINE)?;
    Layout::from_size_align(bytes, if bytes >= HUGE_PAGE { HUGE_PAGE } else { LINE }).ok()
}

/// A wish: the memory works just as well without.
#[cfg(target_os = "linux")]
fn ask_for_huge_pages(base: NonNull<u8>, bytes: usize) {
    unsafe extern "C" {
        fn madvise(address: *mut std::ffi::c_void, length: usize, advice: std::ffi::c_int) -> std::ffi::c_int;
    }
    const MADV_HUGEPAGE: std::ffi::c_int = 14;
    // SAFETY: the range is our own allocation and the advice changes no contents; a refusal does not matter.
    unsafe { madvise(base.as_ptr().cast(), bytes, MADV_HUGEPAGE) };
}

#[cfg(not(target_os = "linux"))]
fn ask_for_huge_pages(_: NonNull<u8>, _: usize) {}

/// Weights as a step packs them; a program moves them into its arena, one behind the other in the order they are read.
#[derive(Debug)]
pub(super) struct Packed {
    values: Vec<f32>,
    floats: usize,
    at: usize,
}

impl Packed {
    pub fn new(values: Vec<f32>) -> Self {
        Self { floats: values.len(), values, at: 0 }
    }

    /// Words that no step takes for floats, which only carry their bits.
    pub fn of_words(words: Vec<u32>) -> Self {
        Self::new(words.into_iter().map(f32::from_bits).collect())
    }

    /// So many of them, of which nothing else is known: for a step that never runs.
    pub fn unknown(floats: usize) -> Self {
        Self { floats, values: Vec::new(), at: 0 }
    }

    /// Floats that they take in an arena.
    pub fn room(&self) -> usize {
        // Cannot overflow: a vector holds less than a quarter of what can be counted.
        self.floats.next_multiple_of(LINE / size_of::<f32>()) + REDZONE
    }

    /// The floats of the arena that they were moved to.
    pub fn place(&self) -> std::ops::Range<usize> {
        self.at..self.at + self.floats
    }

    /// Moves them to offset `at`.
    ///
    /// # Panics
    /// Where they do not fit there.
    pub fn settle(&mut self, arena: &mut Arena, at: usize) {
        arena.as_mut_slice()[at..at + self.floats].copy_from_slice(&self.values);
        (self.values, self.at) = (Vec::new(), at);
    }

    /// The first of them in the arena that they were moved to.
    pub fn base(&self, arena: &Arena) -> *const f32 {
        // A wrapping offset, so that only its use can be wrong.
        arena.base().cast_const().wrapping_add(self.at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_arena_of_more_floats_than_can_be_addressed_is_refused() {
        for floats in [usize::MAX, usize::MAX / 4, usize::MAX / 8, usize::MAX / 8 - 15] {
            assert_eq!(Arena::new(floats).unwrap_err(), NoMemory(floats));
        }
        // An address space has room for it, and no machine.
        assert_eq!(Arena::new(usize::MAX / 64).unwrap_err(), NoMemory(usize::MAX / 64));
    }

    #[test]
    fn an_arena_is_zero_and_starts_at_a_line_or_a_huge_page() {
        for (floats, align) in [(0, LINE), (1, LINE), (17, LINE), (HUGE_PAGE / 4 + 1, HUGE_PAGE)] {
            let mut arena = Arena::new(floats).unwrap();
            assert!(arena.len() >= floats.max(1) && arena.len().is_multiple_of(LINE / 4));
            assert_eq!(arena.base().addr() % align, 0);
            assert!(arena.as_mut_slice().iter().all(|&value| value.to_bits() == 0));
        }
    }
}
