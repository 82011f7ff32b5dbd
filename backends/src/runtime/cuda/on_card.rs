//! A network on a card: its memory, its kernels, and all of them recorded as one graph.

use std::sync::Arc;

use super::compile::{Launch, Network};
use super::context::{Context, Memory, Pinned, Stream};
use super::gpu::Session;
use super::launch::{Arguments, Event, Function, Graph};
use super::machine::{Board, Stamps, Untaken};
use crate::device::cuda::CudaError;
use crate::runtime::{DeviceFault, PrepareError};

/// Runs of each of two graphs, of which the faster one is kept.
const READINGS: usize = 8;

/// How much faster kernels that start early must be.
const WORTH: f64 = 0.985;

#[derive(Debug)]
pub(super) struct OnCard {
    /// All launches; `None` where there are none.
    graph: Option<Graph>,
    /// All launches with the time before and after each, made when it is first asked for.
    marked: Option<Marked>,
    kernels: Vec<(Function, Arguments)>,
    banks: Vec<Memory>,
    /// Weights and lists of offsets, which the kernels' arguments point into.
    _constants: [Memory; 2],
    staging: Pinned,
    bounds: [Event; 2],
    /// What the last run took.
    stamps: Stamps,
    stream: Stream,
    context: Arc<Context>,
}

#[derive(Debug)]
struct Marked {
    graph: Graph,
    /// Before the first kernel, and after each.
    events: Vec<Event>,
}

impl OnCard {
    /// Loads kernels, reserves memory, and records the graph, the faster one of two where kernels may start early.
    ///
    /// # Errors
    /// Where a kernel does not load or memory does not suffice.
    pub fn new(
        session: &Session<'_>,
        network: &Network,
        layer: impl Fn(&Launch) -> String,
    ) -> Result<Self, PrepareError> {
        let context = Arc::clone(&session.gpu.context);
        let filled = |bytes: &[u8]| {
            let memory = Memory::new(&context, bytes.len())?;
            memory.write(0, bytes)?;
            Ok::<_, CudaError>(memory)
        };
        let constants = [filled(&network.weights)?, filled(&network.tables)?];
        let banks: Vec<Memory> =
            network.banks.iter().map(|&bytes| Memory::new(&context, bytes)).collect::<Result<_, _>>()?;
        let [weights, tables] = constants.each_ref().map(Memory::address);
        let address = |bank: usize| banks.get(bank).map_or(0, Memory::address);
        let mut kernels = Vec::with_capacity(network.launches.len());
        for launch in &network.launches {
            let function = session.function(&launch.source).map_err(|untaken| match untaken {
                Untaken::Text(message) => PrepareError::NoKernel { layer: layer(launch), message },
                Untaken::Fault(fault) => fault.into(),
            })?;
            let [x, y, second] = launch.banks.map(address);
            let arguments = Arguments {
                x,
                y,
                w: weights + launch.weights_at as u64,
                table: tables + launch.table_at as u64,
                second,
                sizes: launch.source.arguments(),
            };
            kernels.push((function, arguments));
        }
        let stream = Stream::new(&context)?;
        let bounds = [Event::new(&context)?, Event::new(&context)?];
        let graph = if kernels.is_empty() { None } else { Some(recorded(&stream, &kernels, &bounds)?) };
        Ok(Self {
            graph,
            marked: None,
            kernels,
            banks,
            _constants: constants,
            staging: Pinned::new(&context, 0)?,
            bounds,
            stamps: Stamps::None,
            stream,
            context,
        })
    }

    fn bank(&self, bank: usize) -> Result<&Memory, CudaError> {
        let missing = || CudaError::Refused { action: "copying", name: format!("there is no bank {bank}") };
        self.banks.get(bank).ok_or_else(missing)
    }

    fn reserve(&mut self, bytes: usize) -> Result<(), CudaError> {
        if self.staging.bytes().len() < bytes {
            self.staging = Pinned::new(&self.context, bytes)?;
        }
        Ok(())
    }

    /// A begin and an end of each interval, in nanoseconds.
    fn times(&self) -> Result<Vec<u64>, CudaError> {
        let nanos = |from: &Event, to: &Event| Ok::<_, CudaError>(1 + from.nanoseconds_to(to)?.max(0.0) as u64);
        let [begin, end] = &self.bounds;
        Ok(match (self.stamps, &self.marked, &self.graph) {
            (Stamps::Whole, _, Some(_)) => vec![1, nanos(begin, end)?],
            (Stamps::Each, Some(Marked { events, .. }), _) => {
                let Some(first) = events.first() else { return Ok(Vec::new()) };
                let all: Vec<u64> = events.iter().map(|event| nanos(first, event)).collect::<Result<_, _>>()?;
                all.windows(2).flatten().copied().collect()
            }
            _ => Vec::new(),
        })
    }

    fn record_marked(&self) -> Result<Marked, CudaError> {
        let events: Vec<Event> =
            (0..=self.kernels.len()).map(|_| Event::new(&self.context)).collect::<Result<_, _>>()?;
        let graph = Graph::record(&self.stream, |stream| {
            let mut events = events.iter();
            events.next().map_or(Ok(()), |event| event.record_in_graph(stream))?;
            for ((function, arguments), event) in self.kernels.iter().zip(events) {
                function.launch(stream, arguments, false)?;
                event.record_in_graph(stream)?;
            }
            Ok(())
        })?;
        Ok(Marked { graph, events })
    }
}

/// The launches as a graph. On cards on which kernels may begin before those before them have ended, that is tried, and
/// kept where it is faster: it helps chains of small kernels, and hurts where clusters fill the chip.
fn recorded(stream: &Stream, kernels: &[(Function, Arguments)], bounds: &[Event; 2]) -> Result<Graph, CudaError> {
    let record = |early: bool| {
        Graph::record(stream, |stream| {
            kernels
                .iter()
                .enumerate()
                .try_for_each(|(number, (function, arguments))| function.launch(stream, arguments, early && number > 0))
        })
    };
    let plain = record(false)?;
    if !stream.may_start_early() {
        return Ok(plain);
    }
    // Drivers before CUDA 12.3 do not record it.
    let Ok(early) = record(true) else { return Ok(plain) };
    let mut best = [f64::INFINITY; 2];
    for reading in 0..=READINGS {
        for (graph, best) in [&plain, &early].into_iter().zip(&mut best) {
            bounds[0].record(stream)?;
            graph.launch(stream)?;
            bounds[1].record(stream)?;
            stream.wait()?;
            // The first one warms up.
            if reading > 0 {
                *best = best.min(bounds[0].nanoseconds_to(&bounds[1])?);
            }
        }
    }
    Ok(if best[1] < WORTH * best[0] { early } else { plain })
}

impl Board for OnCard {
    fn write(&mut self, bank: usize, at: u64, bytes: &[u8]) -> Result<(), DeviceFault> {
        self.reserve(bytes.len())?;
        self.staging.bytes_mut()[..bytes.len()].copy_from_slice(bytes);
        Ok(self.stream.upload(self.bank(bank)?, at as usize, (&self.staging, bytes.len()))?)
    }

    fn read(&mut self, bank: usize, at: u64, bytes: &mut [u8]) -> Result<(), DeviceFault> {
        self.reserve(bytes.len())?;
        let Some(memory) = self.banks.get(bank) else { return Ok(()) };
        self.stream.download((&mut self.staging, bytes.len()), memory, at as usize)?;
        bytes.copy_from_slice(&self.staging.bytes()[..bytes.len()]);
        Ok(())
    }

    fn start(&mut self, stamps: Stamps) -> Result<(), DeviceFault> {
        self.stamps = stamps;
        let Some(graph) = &self.graph else { return Ok(()) };
        match stamps {
            Stamps::None => graph.launch(&self.stream)?,
            Stamps::Whole => {
                self.bounds[0].record(&self.stream)?;
                graph.launch(&self.stream)?;
                self.bounds[1].record(&self.stream)?;
            }
            Stamps::Each => {
                if self.marked.is_none() {
                    match self.record_marked() {
                        Ok(marked) => self.marked = Some(marked),
                        // The driver does not record times.
                        Err(CudaError::Refused { .. }) => self.stamps = Stamps::None,
                        Err(error) => return Err(error.into()),
                    }
                }
                if let Some(marked) = &self.marked {
                    marked.graph.launch(&self.stream)?;
                }
            }
        }
        Ok(())
    }

    fn step(&mut self, index: usize) -> Result<(), DeviceFault> {
        if let Some((function, arguments)) = self.kernels.get(index) {
            function.launch(&self.stream, arguments, false)?;
        }
        Ok(())
    }

    fn wait(&mut self) -> Result<(), DeviceFault> {
        Ok(self.stream.wait()?)
    }

    fn stamps(&mut self) -> Result<Vec<u64>, DeviceFault> {
        match self.times() {
            // An event that was not taken, whatever the driver's reason: there are no times.
            Err(CudaError::Refused { .. }) => Ok(Vec::new()),
            other => Ok(other?),
        }
    }
}
