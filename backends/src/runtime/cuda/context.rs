//! A card in use: its context, a stream of work, memory.

use std::ffi::c_void;
use std::sync::Arc;

use cudarc::driver::{result, sys};

use crate::device::cuda::{CudaDevice, CudaError, While, driver};

/// The program's hold on a card. What is made with it keeps it.
#[derive(Debug)]
pub struct Context {
    device: CudaDevice,
    handle: sys::CUdevice,
    context: sys::CUcontext,
}

// SAFETY: the driver's handles may be used by any thread that has made the context current, which every use does.
unsafe impl Send for Context {}
// SAFETY: as above; the driver locks what must be locked.
unsafe impl Sync for Context {}

impl Context {
    /// Takes hold of a card.
    ///
    /// # Errors
    /// Where there is no such card, or the driver refuses.
    pub fn new(index: usize) -> Result<Arc<Self>, CudaError> {
        let device = driver::device(index)?;
        let action = "taking hold of the GPU";
        let handle = result::device::get(i32::try_from(index).unwrap_or(i32::MAX)).while_(action)?;
        // Waiting threads look again and again: microseconds matter. It is refused where the context is there already, as it is
        // where Candle uses the card too; then waiting takes a little longer.
        // SAFETY: the handle is the driver's own.
        let _ = unsafe { sys::cuDevicePrimaryCtxSetFlags_v2(handle, sys::CUctx_flags::CU_CTX_SCHED_SPIN as u32) };
        // SAFETY: as above; released when this is dropped.
        let context = unsafe { result::primary_ctx::retain(handle) }.while_(action)?;
        let context = Arc::new(Self { device, handle, context });
        context.enter()?;
        Ok(context)
    }

    /// The card.
    #[must_use]
    pub const fn device(&self) -> &CudaDevice {
        &self.device
    }

    /// Bytes of memory that are free now.
    ///
    /// # Errors
    /// Where the card is lost.
    pub fn free_memory(&self) -> Result<usize, CudaError> {
        self.enter()?;
        result::mem_get_info().while_("asking for free memory").map(|(free, _)| free)
    }

    /// Makes it the calling thread's.
    pub(super) fn enter(&self) -> Result<(), CudaError> {
        // SAFETY: the context is retained as long as this lives.
        unsafe { result::ctx::set_current(self.context) }.while_("using the GPU from this thread")
    }
}

impl Drop for Context {
    fn drop(&mut self) {
        // SAFETY: retained once in `new`. An error means that the driver is gone already.
        let _ = unsafe { result::primary_ctx::release(self.handle) };
    }
}

/// Work in order.
#[derive(Debug)]
pub struct Stream {
    pub(super) context: Arc<Context>,
    pub(super) stream: sys::CUstream,
}

// SAFETY: as `Context`.
unsafe impl Send for Stream {}

impl Stream {
    /// A stream of its own, which waits for no other.
    ///
    /// # Errors
    /// Where the driver refuses.
    pub fn new(context: &Arc<Context>) -> Result<Self, CudaError> {
        context.enter()?;
        let stream = result::stream::create(result::stream::StreamKind::NonBlocking).while_("making a stream")?;
        Ok(Self { context: Arc::clone(context), stream })
    }

    /// Whether kernels may start before those before them have ended (programmatic dependent launch).
    #[must_use]
    pub fn may_start_early(&self) -> bool {
        self.context.device().card.capability >= 90
    }

    /// Waits until everything is done.
    ///
    /// # Errors
    /// Where the card is lost, perhaps by work from long before.
    pub fn wait(&self) -> Result<(), CudaError> {
        self.context.enter()?;
        // SAFETY: the stream lives.
        unsafe { result::stream::synchronize(self.stream) }.while_("waiting for the GPU")
    }

    /// Copies the first so many bytes to the card, in order with other work, and waits until that is done.
    ///
    /// # Errors
    /// Where they do not fit, or the card is lost.
    pub fn upload(&self, to: &Memory, at: usize, (from, bytes): (&Pinned, usize)) -> Result<(), CudaError> {
        let action = "copying to the GPU";
        let (to, from) = (to.part(at, bytes, action)?, from.first(bytes, action)?);
        self.context.enter()?;
        // SAFETY: both parts lie in their memory, which is there until the work is done.
        unsafe { sys::cuMemcpyHtoDAsync_v2(to, from, bytes, self.stream) }.result().while_(action)?;
        self.wait()
    }

    /// Copies so many bytes from the card, in order with other work, and waits until they are there.
    ///
    /// # Errors
    /// Where they do not fit, or the card is lost.
    pub fn download(&self, (to, bytes): (&mut Pinned, usize), from: &Memory, at: usize) -> Result<(), CudaError> {
        let action = "copying from the GPU";
        let (from, to) = (from.part(at, bytes, action)?, to.first(bytes, action)?);
        self.context.enter()?;
        // SAFETY: as in `upload`.
        unsafe { sys::cuMemcpyDtoHAsync_v2(to, from, bytes, self.stream) }.result().while_(action)?;
        self.wait()
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        if self.context.enter().is_ok() {
            // SAFETY: made in `new`, destroyed once; the driver finishes its work before.
            let _ = unsafe { result::stream::destroy(self.stream) };
        }
    }
}

/// Memory of the card.
#[derive(Debug)]
pub struct Memory {
    context: Arc<Context>,
    start: sys::CUdeviceptr,
    bytes: usize,
}

impl Memory {
    /// So many bytes, all 0xFF: what nobody wrote is not a number.
    ///
    /// # Errors
    /// Where the memory is full.
    pub fn new(context: &Arc<Context>, bytes: usize) -> Result<Self, CudaError> {
        context.enter()?;
        let room = bytes.max(256);
        // SAFETY: freed when this is dropped.
        let start = unsafe { result::malloc_sync(room) }.while_("reserving memory").map_err(|error| match error {
            CudaError::OutOfMemory { .. } => CudaError::OutOfMemory { bytes },
            other => other,
        })?;
        let memory = Self { context: Arc::clone(context), start, bytes };
        // SAFETY: as many bytes were reserved.
        unsafe { result::memset_d8_sync(start, 0xFF, room) }.while_("clearing memory")?;
        settle("clearing memory")?;
        Ok(memory)
    }

    /// Where it begins on the card.
    #[must_use]
    pub const fn address(&self) -> u64 {
        self.start
    }

    /// How many bytes it has.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "it is memory, not a collection")]
    pub const fn len(&self) -> usize {
        self.bytes
    }

    /// Writes at a byte, and waits.
    ///
    /// # Errors
    /// Where the bytes do not fit, or the card is lost.
    pub fn write(&self, at: usize, bytes: &[u8]) -> Result<(), CudaError> {
        let action = "copying to the GPU";
        let to = self.part(at, bytes.len(), action)?;
        if bytes.is_empty() {
            return Ok(());
        }
        self.context.enter()?;
        // SAFETY: the part lies in the memory.
        unsafe { result::memcpy_htod_sync(to, bytes) }.while_(action)?;
        settle(action)
    }

    /// Reads from a byte on, and waits.
    ///
    /// # Errors
    /// Where there are not as many bytes, or the card is lost.
    pub fn read(&self, at: usize, bytes: &mut [u8]) -> Result<(), CudaError> {
        let action = "copying from the GPU";
        let from = self.part(at, bytes.len(), action)?;
        self.context.enter()?;
        // SAFETY: the part lies in the memory.
        unsafe { result::memcpy_dtoh_sync(bytes, from) }.while_(action)
    }

    fn part(&self, at: usize, bytes: usize, action: &'static str) -> Result<sys::CUdeviceptr, CudaError> {
        if at.checked_add(bytes).is_some_and(|end| end <= self.bytes) {
            Ok(self.start + at as u64)
        } else {
            Err(CudaError::Refused { action, name: format!("bytes {at}..+{bytes} of {}", self.bytes) })
        }
    }
}

/// Waits for the stream that such calls go to, which ours do not wait for: they return before the card has done everything.
fn settle(action: &'static str) -> Result<(), CudaError> {
    // SAFETY: it is the stream that is always there; the caller has entered the context.
    unsafe { result::stream::synchronize(std::ptr::null_mut()) }.while_(action)
}

impl Drop for Memory {
    fn drop(&mut self) {
        if self.context.enter().is_ok() {
            // SAFETY: reserved in `new`, freed once; the driver waits for work that uses it.
            let _ = unsafe { result::free_sync(self.start) };
        }
    }
}

/// Memory of the host that the card reads and writes by itself.
#[derive(Debug)]
pub struct Pinned {
    context: Arc<Context>,
    start: *mut c_void,
    bytes: usize,
}

// SAFETY: it is plain memory, owned by this.
unsafe impl Send for Pinned {}

impl Pinned {
    /// So many bytes, all zero.
    ///
    /// # Errors
    /// Where they cannot be had.
    pub fn new(context: &Arc<Context>, bytes: usize) -> Result<Self, CudaError> {
        context.enter()?;
        // SAFETY: freed when this is dropped.
        let start = unsafe { result::malloc_host(bytes.max(1), 0) }.while_("reserving memory of the host")?;
        // SAFETY: as many bytes were reserved.
        unsafe { std::ptr::write_bytes(start.cast::<u8>(), 0, bytes.max(1)) };
        Ok(Self { context: Arc::clone(context), start, bytes })
    }

    fn first(&self, bytes: usize, action: &'static str) -> Result<*mut c_void, CudaError> {
        let name = || format!("{bytes} bytes of {}", self.bytes);
        if bytes <= self.bytes { Ok(self.start) } else { Err(CudaError::Refused { action, name: name() }) }
    }

    /// The bytes. What the card still writes must be waited for before.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        // SAFETY: as many bytes were reserved and set; they live as long as this.
        unsafe { std::slice::from_raw_parts(self.start.cast(), self.bytes) }
    }

    /// The bytes, to be written. What the card still reads must be waited for before.
    pub fn bytes_mut(&mut self) -> &mut [u8] {
        // SAFETY: as in `bytes`; this is borrowed alone.
        unsafe { std::slice::from_raw_parts_mut(self.start.cast(), self.bytes) }
    }
}

impl Drop for Pinned {
    fn drop(&mut self) {
        if self.context.enter().is_ok() {
            // SAFETY: reserved in `new`, freed once.
            let _ = unsafe { result::free_host(self.start) };
        }
    }
}
