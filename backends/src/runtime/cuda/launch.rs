//! Compiled kernels on the card: loading, launching, and a whole plan as a graph.

use std::ffi::{CString, c_void};
use std::sync::Arc;

use cudarc::driver::{result, sys};

use super::context::{Context, Stream};
use super::kernels::{MOST_SIZES, Source};
use crate::device::cuda::{CudaError, While};

/// Shared memory that a block has without asking.
const SHARED_WITHOUT_ASKING: u32 = 48 * 1024;
/// Blocks of a cluster that every card with clusters allows.
const PORTABLE_CLUSTER: u32 = 8;

/// What a kernel is called with: `Arguments` of `common.cuh`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub struct Arguments {
    /// The input's bank.
    pub x: u64,
    /// The output's bank.
    pub y: u64,
    /// The kernel's part of the weights.
    pub w: u64,
    /// The kernel's part of the lists of offsets.
    pub table: u64,
    /// The second operand's bank.
    pub second: u64,
    /// Sizes, in the source's order.
    pub sizes: [i32; MOST_SIZES],
}

/// Compiled code on the card.
#[derive(Debug)]
pub struct Module {
    context: Arc<Context>,
    module: sys::CUmodule,
}

// SAFETY: as `Context`.
unsafe impl Send for Module {}
// SAFETY: as `Context`.
unsafe impl Sync for Module {}

impl Module {
    /// Loads machine code or PTX.
    ///
    /// # Errors
    /// Where the driver refuses the code.
    pub fn load(context: &Arc<Context>, code: &[u8]) -> Result<Arc<Self>, CudaError> {
        context.enter()?;
        // PTX ends with zero; machine code says its own length.
        let image = [code, &[0]].concat();
        // SAFETY: the image is whole and outlives the call, which copies it.
        let module = unsafe { result::module::load_data(image.as_ptr().cast()) }.while_("loading a kernel")?;
        Ok(Arc::new(Self { context: Arc::clone(context), module }))
    }
}

impl Drop for Module {
    fn drop(&mut self) {
        if self.context.enter().is_ok() {
            // SAFETY: loaded in `load`, unloaded once.
            let _ = unsafe { result::module::unload(self.module) };
        }
    }
}

/// A function on the card.
#[derive(Debug)]
pub struct Function {
    module: Arc<Module>,
    function: sys::CUfunction,
    grid: [u32; 3],
    block: u32,
    cluster: u32,
    shared: u32,
    /// What blocks of the function may have at most; the same for all launches of one module.
    most_shared: u32,
}

// SAFETY: as `Context`.
unsafe impl Send for Function {}

impl Function {
    /// Loads machine code or PTX, and says how the source is launched.
    ///
    /// # Errors
    /// Where the driver refuses the code, or the card does not run such blocks or clusters.
    pub fn load(context: &Arc<Context>, code: &[u8], source: &Source) -> Result<Self, CudaError> {
        Self::of(&Module::load(context, code)?, source, source.shared)
    }

    /// The source's function in its module. `most_shared`: the most shared memory of any launch of this module.
    ///
    /// # Errors
    /// Where the module has no such function, or the card does not run such blocks or clusters.
    pub fn of(module: &Arc<Module>, source: &Source, most_shared: u32) -> Result<Self, CudaError> {
        let action = "loading a kernel";
        module.context.enter()?;
        let name =
            CString::new(source.entry).map_err(|_| CudaError::Refused { action, name: source.entry.to_owned() })?;
        // SAFETY: the module lives as long as the function, which keeps it.
        let function = unsafe { result::module::get_function(module.module, name) }.while_(action)?;
        let Source { grid, block, cluster, shared, .. } = *source;
        let loaded = Self { module: Arc::clone(module), function, grid, block, cluster, shared, most_shared };
        loaded.prepare()?;
        Ok(loaded)
    }

    fn prepare(&self) -> Result<(), CudaError> {
        use sys::CUfunction_attribute_enum::{
            CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES, CU_FUNC_ATTRIBUTE_NON_PORTABLE_CLUSTER_SIZE_ALLOWED,
        };
        let set = |attribute, value: u32| {
            let value = i32::try_from(value).unwrap_or(i32::MAX);
            // SAFETY: the function lives.
            unsafe { result::function::set_function_attribute(self.function, attribute, value) }
                .while_("preparing a kernel")
        };
        if self.most_shared > SHARED_WITHOUT_ASKING {
            set(CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES, self.most_shared)?;
        }
        if self.cluster > PORTABLE_CLUSTER {
            set(CU_FUNC_ATTRIBUTE_NON_PORTABLE_CLUSTER_SIZE_ALLOWED, 1)?;
        }
        if self.cluster > 1 {
            let mut attributes = self.attributes(false);
            let config = self.config(std::ptr::null_mut(), &mut attributes);
            let mut clusters = 0;
            // SAFETY: function and configuration live through the call.
            unsafe { sys::cuOccupancyMaxActiveClusters(&raw mut clusters, self.function, &raw const config) }
                .result()
                .while_("asking for room for a cluster")?;
            if clusters < 1 {
                let name = format!("no room for a cluster of {} blocks", self.cluster);
                return Err(CudaError::Refused { action: "preparing a kernel", name });
            }
        }
        Ok(())
    }

    /// Puts a launch into the stream. `early`: it may start before the one before it is done, as far as it waits by itself
    /// (programmatic dependent launch, compute capability 9 and up).
    ///
    /// # Errors
    /// Where the driver refuses, or the card is lost.
    pub fn launch(&self, stream: &Stream, arguments: &Arguments, early: bool) -> Result<(), CudaError> {
        self.module.context.enter()?;
        let mut attributes = self.attributes(early && self.module.context.device().card.capability >= 90);
        let config = self.config(stream.stream, &mut attributes);
        let mut values = [std::ptr::from_ref(arguments).cast_mut().cast::<c_void>()];
        // SAFETY: everything lives through the call, which copies the arguments; they are laid out as the kernel's. What the
        // addresses in them point to is the plan's to keep.
        unsafe { sys::cuLaunchKernelEx(&raw const config, self.function, values.as_mut_ptr(), std::ptr::null_mut()) }
            .result()
            .while_("launching a kernel")
    }

    fn attributes(&self, early: bool) -> Vec<sys::CUlaunchAttribute> {
        use sys::CUlaunchAttributeID::{
            CU_LAUNCH_ATTRIBUTE_CLUSTER_DIMENSION, CU_LAUNCH_ATTRIBUTE_PROGRAMMATIC_STREAM_SERIALIZATION,
        };
        let attribute = |id, value| sys::CUlaunchAttribute { id, pad: [0; 4], value };
        let mut attributes = Vec::with_capacity(2);
        if self.cluster > 1 {
            let mut value = sys::CUlaunchAttributeValue { pad: [0; 64] };
            value.clusterDim = sys::CUlaunchAttributeValue_union__bindgen_ty_1 { x: self.cluster, y: 1, z: 1 };
            attributes.push(attribute(CU_LAUNCH_ATTRIBUTE_CLUSTER_DIMENSION, value));
        }
        if early {
            let mut value = sys::CUlaunchAttributeValue { pad: [0; 64] };
            value.programmaticStreamSerializationAllowed = 1;
            attributes.push(attribute(CU_LAUNCH_ATTRIBUTE_PROGRAMMATIC_STREAM_SERIALIZATION, value));
        }
        attributes
    }

    fn config(&self, stream: sys::CUstream, attributes: &mut [sys::CUlaunchAttribute]) -> sys::CUlaunchConfig {
        sys::CUlaunchConfig {
            gridDimX: self.grid[0],
            gridDimY: self.grid[1],
            gridDimZ: self.grid[2],
            blockDimX: self.block,
            blockDimY: 1,
            blockDimZ: 1,
            sharedMemBytes: self.shared,
            hStream: stream,
            attrs: attributes.as_mut_ptr(),
            numAttrs: attributes.len() as u32,
        }
    }
}

/// A recorded sequence of launches and copies. What they use must be kept as long as this.
#[derive(Debug)]
pub struct Graph {
    context: Arc<Context>,
    graph: sys::CUgraphExec,
}

// SAFETY: as `Context`.
unsafe impl Send for Graph {}

impl Graph {
    /// Records what `work` puts into the stream, without running it.
    ///
    /// # Errors
    /// What `work` says, or the driver.
    pub fn record(stream: &Stream, work: impl FnOnce(&Stream) -> Result<(), CudaError>) -> Result<Self, CudaError> {
        let action = "recording a graph";
        let mode = sys::CUstreamCaptureMode_enum::CU_STREAM_CAPTURE_MODE_THREAD_LOCAL;
        stream.context.enter()?;
        // SAFETY: the stream lives, here and below.
        unsafe { result::stream::begin_capture(stream.stream, mode) }.while_(action)?;
        let worked = work(stream);
        // The recording ends whatever came of the work.
        // SAFETY: begun above.
        let recorded = unsafe { result::stream::end_capture(stream.stream) }.while_(action);
        if let Err(error) = worked {
            if let Ok(graph) = recorded
                && !graph.is_null()
            {
                // SAFETY: it was just made.
                let _ = unsafe { result::graph::destroy(graph) };
            }
            return Err(error);
        }
        let graph = recorded?;
        let mut made = std::ptr::null_mut();
        // SAFETY: the graph was just made, and is destroyed once.
        let instantiated = unsafe { sys::cuGraphInstantiateWithFlags(&raw mut made, graph, 0) }.result();
        // SAFETY: as above.
        let _ = unsafe { result::graph::destroy(graph) };
        instantiated.while_(action)?;
        let graph = Self { context: Arc::clone(&stream.context), graph: made };
        // SAFETY: graph and stream live.
        unsafe { result::graph::upload(graph.graph, stream.stream) }.while_(action)?;
        Ok(graph)
    }

    /// Puts all of it into the stream.
    ///
    /// # Errors
    /// Where the card is lost.
    pub fn launch(&self, stream: &Stream) -> Result<(), CudaError> {
        self.context.enter()?;
        // SAFETY: graph and stream live.
        unsafe { result::graph::launch(self.graph, stream.stream) }.while_("launching a graph")
    }
}

impl Drop for Graph {
    fn drop(&mut self) {
        if self.context.enter().is_ok() {
            // SAFETY: made in `record`, destroyed once.
            let _ = unsafe { result::graph::exec_destroy(self.graph) };
        }
    }
}

/// A moment on the card's clock.
#[derive(Debug)]
pub struct Event {
    context: Arc<Context>,
    event: sys::CUevent,
}

// SAFETY: as `Context`.
unsafe impl Send for Event {}

impl Event {
    /// An event that keeps the time.
    ///
    /// # Errors
    /// Where the driver refuses.
    pub fn new(context: &Arc<Context>) -> Result<Self, CudaError> {
        context.enter()?;
        let event = result::event::create(sys::CUevent_flags::CU_EVENT_DEFAULT).while_("making an event")?;
        Ok(Self { context: Arc::clone(context), event })
    }

    /// Is taken when everything before it in the stream is done.
    ///
    /// # Errors
    /// Where the card is lost.
    pub fn record(&self, stream: &Stream) -> Result<(), CudaError> {
        self.context.enter()?;
        // SAFETY: event and stream live.
        unsafe { result::event::record(self.event, stream.stream) }.while_("taking the time")
    }

    /// As [`record`](Self::record), in a stream that is being recorded: each launch of the graph takes the time anew.
    ///
    /// # Errors
    /// Where the driver refuses.
    pub fn record_in_graph(&self, stream: &Stream) -> Result<(), CudaError> {
        let flags = sys::CUevent_record_flags::CU_EVENT_RECORD_EXTERNAL as u32;
        self.context.enter()?;
        // SAFETY: event and stream live.
        unsafe { sys::cuEventRecordWithFlags(self.event, stream.stream, flags) }.result().while_("taking the time")
    }

    /// Lets a stream wait until this is taken. So two streams share work: while a graph is recorded from the first one, what the
    /// second one does after such a wait belongs to it too, and the first one must wait for the second one's last event.
    ///
    /// # Errors
    /// Where the card is lost.
    pub fn hold(&self, stream: &Stream) -> Result<(), CudaError> {
        let flags = sys::CUevent_wait_flags::CU_EVENT_WAIT_DEFAULT;
        self.context.enter()?;
        // SAFETY: event and stream live.
        unsafe { result::stream::wait_event(stream.stream, self.event, flags) }.while_("waiting for another stream")
    }

    /// Nanoseconds from this event to a later one; both must have been waited for. Half a microsecond is the clock's step.
    ///
    /// # Errors
    /// Where one of them was not taken yet.
    pub fn nanoseconds_to(&self, later: &Self) -> Result<f64, CudaError> {
        self.context.enter()?;
        // SAFETY: both events live.
        let milliseconds = unsafe { result::event::elapsed(self.event, later.event) }.while_("reading the time")?;
        Ok(f64::from(milliseconds) * 1e6)
    }
}

impl Drop for Event {
    fn drop(&mut self) {
        if self.context.enter().is_ok() {
            // SAFETY: made in `new`, destroyed once.
            let _ = unsafe { result::event::destroy(self.event) };
        }
    }
}
