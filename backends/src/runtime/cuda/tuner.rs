//! Finds the fastest form of each kernel by running them on made-up values.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::compile::plan;
use super::context::{Context, Memory, Stream};
use super::gpu::{Gpu, Session};
use super::kernels::{GpuKernel, ImageStrides, Parameters, Source, Variant};
use super::launch::{Arguments, Event, Function, Graph};
use super::machine::{Machine, Untaken};
use crate::device::cuda::CudaError;
use crate::graph::Graph as Network;
use crate::runtime::gpu::candidate::{
    MADE_UP, made_up, made_up_parameters, plain_planes, second_shape, unknown_kernels,
};
use crate::runtime::gpu::choices::Choice;
use crate::runtime::gpu::stored::stored;
use crate::runtime::plan::KernelSpec;
use crate::runtime::{DeviceFault, Fusing, Precision};
use crate::units::Nanos;

/// Kernels whose forms are compiled together, so that all threads have work.
const TUNED_TOGETHER: usize = 8;

/// Device time that the launches of one reading take together, about.
const READING: Duration = Duration::from_micros(300);

/// Most launches of one reading.
const MOST_LAUNCHES: u64 = 32;

/// Readings of every form; the fastest counts.
const READINGS: usize = 4;

/// A kernel to be tuned.
struct Candidate {
    spec: KernelSpec,
    kernel: GpuKernel,
    sources: Vec<(Variant, Source)>,
}

/// Finds the fastest form of each kernel that the graph may be cut into and that nothing is known of, as far as that can
/// be done until `until`: those that take longest first. How many are left. What nobody remembers is not worth it.
///
/// # Errors
/// Where the card fails.
pub(super) fn tune_new(
    gpu: &Gpu,
    graph: &Network,
    how: (Fusing, Precision),
    until: Instant,
) -> Result<usize, DeviceFault> {
    if !gpu.choices.are_kept() {
        return Ok(0);
    }
    let machine = Session::new(gpu);
    let unknown = unknown_kernels(
        |chains| plan(&machine, graph, how, chains),
        |spec, strides| gpu.choices.get(spec, strides).is_some(),
    );
    let candidates: Vec<Candidate> = unknown.iter().filter_map(|spec| Candidate::of(spec, &machine)).collect();
    let mut left = candidates.len();
    for together in candidates.chunks(TUNED_TOGETHER) {
        if Instant::now() >= until {
            break;
        }
        left -= together.len();
        let session = Session::new(gpu);
        let sources: Vec<&Source> = together.iter().flat_map(|of| &of.sources).map(|(_, source)| source).collect();
        session.compile_all(&sources);
        for candidate in together {
            if let Some(choice) = tune(&session, candidate, until)? {
                gpu.choices.learn(&candidate.spec, ImageStrides::plain(&candidate.spec), choice);
            }
        }
    }
    gpu.choices.keep();
    Ok(left)
}

/// The fastest form of `candidate`; `None` where none runs, or `until` is over before the first has.
fn tune(session: &Session<'_>, candidate: &Candidate, until: Instant) -> Result<Option<Choice<Variant>>, DeviceFault> {
    let Some(rig) = Rig::new(&session.gpu.context, candidate)? else { return Ok(None) };
    let mut best: Option<Choice<Variant>> = None;
    for (variant, source) in &candidate.sources {
        if best.is_some() && Instant::now() >= until {
            break;
        }
        let function = match session.function(source) {
            Ok(function) => function,
            Err(Untaken::Text(_)) => continue,
            Err(Untaken::Fault(fault)) => return Err(fault),
        };
        let Some(time) = rig.time(candidate, *variant, (source, &function))? else { continue };
        if best.is_none_or(|best| time < best.time) {
            best = Some(Choice { variant: *variant, time });
        }
    }
    Ok(best)
}

impl Candidate {
    fn of(spec: &KernelSpec, machine: &dyn Machine) -> Option<Self> {
        let kernel = GpuKernel::of(spec, &ImageStrides::plain(spec)).ok()?;
        let variants = machine.variants(&kernel);
        let sources =
            variants.into_iter().filter_map(|variant| Some((variant, kernel.source(variant).ok()?))).collect();
        Some(Self { spec: spec.clone(), kernel, sources })
    }
}

/// What a kernel runs on while it is tuned.
struct Rig {
    context: Arc<Context>,
    x: Memory,
    y: Memory,
    second: Memory,
    table: Memory,
    parameters: Vec<(Vec<f32>, Vec<f32>)>,
    stream: Stream,
    bounds: [Event; 2],
}

impl Rig {
    fn new(context: &Arc<Context>, candidate: &Candidate) -> Result<Option<Self>, CudaError> {
        let (spec, kernel) = (&candidate.spec, &candidate.kernel);
        let [(input, x), (output, y), (seconds, second)] =
            [spec.input, spec.output(), second_shape(spec)].map(plain_planes);
        let reads_second = kernel.reads_second().then_some(seconds.as_slice());
        let Ok(table) = kernel.table(&input, &output, reads_second) else { return Ok(None) };
        let table: Vec<u8> = table.iter().flat_map(|offset| offset.to_le_bytes()).collect();
        let bytes = |values: u64| usize::try_from(values * spec.precision.bytes()).unwrap_or(usize::MAX);
        let second = if reads_second.is_some() { second } else { 4 };
        let sizes = [bytes(x), bytes(y), bytes(second)];
        if sizes.iter().fold(0_usize, |sum, &size| sum.saturating_add(size)) > context.free_memory()? {
            return Ok(None);
        }
        let [x, y, second] = sizes;
        let rig = Self {
            context: Arc::clone(context),
            x: Memory::new(context, x)?,
            y: Memory::new(context, y)?,
            second: Memory::new(context, second)?,
            table: Memory::new(context, table.len())?,
            parameters: made_up_parameters(spec),
            stream: Stream::new(context)?,
            bounds: [Event::new(context)?, Event::new(context)?],
        };
        rig.table.write(0, &table)?;
        let values = stored(&made_up(MADE_UP), spec.precision);
        for (memory, size) in [(&rig.x, x), (&rig.second, second)] {
            for at in (0..size).step_by(values.len()) {
                memory.write(at, &values[..values.len().min(size - at)])?;
            }
        }
        Ok(Some(rig))
    }

    /// Device time of one launch among many in a graph, as the plan's are; `None` where the driver refuses it.
    fn time(
        &self,
        candidate: &Candidate,
        variant: Variant,
        (source, function): (&Source, &Function),
    ) -> Result<Option<Nanos>, DeviceFault> {
        let steps: Vec<Parameters<'_>> =
            self.parameters.iter().map(|(filters, bias)| Parameters { filters, bias }).collect();
        let Ok(packed) = candidate.kernel.pack(variant, &steps) else { return Ok(None) };
        let weights = Memory::new(&self.context, packed.len())?;
        weights.write(0, &packed)?;
        let arguments = Arguments {
            x: self.x.address(),
            y: self.y.address(),
            w: weights.address(),
            table: self.table.address(),
            second: self.second.address(),
            sizes: source.arguments(),
        };
        match self.best(function, &arguments) {
            Ok(time) => Ok(Some(time)),
            Err(CudaError::Refused { .. }) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    fn best(&self, function: &Function, arguments: &Arguments) -> Result<Nanos, CudaError> {
        let launches =
            |stream: &Stream, count: u64| (0..count).try_for_each(|_| function.launch(stream, arguments, false));
        // Warm, then roughly.
        launches(&self.stream, 1)?;
        let once = self.reading(|stream| launches(stream, 1))?;
        let count = (READING.as_nanos() as u64 / once.0.max(1)).clamp(2, MOST_LAUNCHES);
        let graph = Graph::record(&self.stream, |stream| launches(stream, count))?;
        let mut best = Nanos(u64::MAX);
        for _ in 0..READINGS {
            best = best.min(self.reading(|stream| graph.launch(stream))?);
        }
        Ok(Nanos(best.0 / count))
    }

    fn reading(&self, work: impl Fn(&Stream) -> Result<(), CudaError>) -> Result<Nanos, CudaError> {
        self.bounds[0].record(&self.stream)?;
        work(&self.stream)?;
        self.bounds[1].record(&self.stream)?;
        self.stream.wait()?;
        Ok(Nanos(self.bounds[0].nanoseconds_to(&self.bounds[1])?.max(0.0) as u64))
    }
}
