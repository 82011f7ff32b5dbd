//! Memory for feature maps and packed weights: aligned floats that all threads of a run share.

use std::alloc::{Layout, alloc, dealloc, handle_alloc_error};
use std::ptr::NonNull;

/// A cache line in bytes.
const LINE: usize = 64;
/// A huge page in bytes. Weights are streamed once per run: with small pages a good part of that is page walks, and
/// prefetchers stop at every page's end.
const HUGE_PAGE: usize = 2 << 20;
/// Floats between rows and between weights that nobody may touch. A sanitizer sees an allocation and not what lies where
/// in it, so its builds ask for gaps and are told about them.
pub const REDZONE: usize = if cfg!(feature = "redzones") { 16 } else { 0 };

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
    #[must_use]
    pub fn new(floats: usize) -> Self {
        let bytes = (floats.max(1) * size_of::<f32>()).next_multiple_of(LINE);
        let align = if bytes >= HUGE_PAGE { HUGE_PAGE } else { LINE };
        let Ok(layout) = Layout::from_size_align(bytes, align) else { capacity_overflow(floats) };
        // SAFETY: the size is not zero.
        let Some(base) = NonNull::new(unsafe { alloc(layout) }) else { handle_alloc_error(layout) };
        if align == HUGE_PAGE {
            ask_for_huge_pages(base, bytes);
        }
        // SAFETY: the memory was allocated just now with this size; zeros are floats.
        unsafe { base.as_ptr().write_bytes(0, bytes) }
        Self { base: base.cast(), layout, floats: bytes / size_of::<f32>() }
    }

    /// A copy of `values`, starting at a cache line.
    pub(super) fn holding(values: &[f32]) -> Self {
        let mut arena = Self::new(values.len());
        arena.as_mut_slice()[..values.len()].copy_from_slice(values);
        arena
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
        debug_assert!(floats.end <= self.floats);
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

/// More floats than an address space has room for; the planner's offsets of 32 bits stay far below.
fn capacity_overflow(floats: usize) -> ! {
    unreachable!("an arena of {floats} floats")
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

    /// So many of them, of which nothing else is known: for a step that never runs.
    pub fn unknown(floats: usize) -> Self {
        Self { floats, values: Vec::new(), at: 0 }
    }

    /// Floats that they take in an arena.
    pub fn room(&self) -> usize {
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
