//! What a card can do at most, by kernels that do nothing else: multiply and add, copy, or be launched.

use super::context::{Memory, Stream};
use super::gpu::{Gpu, Session};
use super::kernels::peak::{ADDS, Peak, STEPS, THREADS};
use super::launch::{Arguments, Event, Graph};
use super::machine::Untaken;
use crate::device::Device;
use crate::device::cuda::CudaError;
use crate::runtime::PrepareError;
use crate::runtime::gpu::GpuPeaks;
use crate::units::{Bytes, MultAdds, Nanos};

/// A launch is made larger until it takes this long, or has so many blocks.
const LONG: Nanos = Nanos::from_millis(2);
const MOST_BLOCKS: u32 = 1 << 15;

/// Bytes of each of the copy's two buffers.
const COPY_BYTES: u32 = 128 << 20;

/// Tiny launches in a row.
const TINY: usize = 64;

/// Readings, of which the fastest counts.
const READINGS: usize = 4;

/// Measures a card in well under a second. `go_on` is asked between readings.
///
/// # Errors
/// Where the device does not open or fails; `None` where `go_on` says no.
pub(in crate::runtime) fn cuda_peaks(
    device: &Device,
    go_on: &dyn Fn() -> bool,
) -> Result<Option<GpuPeaks>, PrepareError> {
    let gpu = Gpu::of(device)?;
    let bench = Bench::new(&gpu)?;
    if !go_on() {
        return Ok(None);
    }
    let compute = bench.compute()?;
    if !go_on() {
        return Ok(None);
    }
    let copy = bench.copy()?;
    let launch = bench.launch()?;
    Ok(Some(GpuPeaks { compute, copy, launch }))
}

struct Bench<'a> {
    session: Session<'a>,
    buffers: [Memory; 2],
    stream: Stream,
    bounds: [Event; 2],
}

impl<'a> Bench<'a> {
    fn new(gpu: &'a Gpu) -> Result<Self, CudaError> {
        let context = &gpu.context;
        let bytes = (COPY_BYTES as usize).min(context.free_memory()? / 8 / 4096 * 4096);
        let zeros = vec![0; 4096];
        let buffers = [Memory::new(context, bytes)?, Memory::new(context, bytes)?];
        buffers.iter().try_for_each(|buffer| buffer.write(0, &zeros[..zeros.len().min(bytes)]))?;
        let bounds = [Event::new(context)?, Event::new(context)?];
        Ok(Self { session: Session::new(gpu), buffers, stream: Stream::new(context)?, bounds })
    }

    fn compute(&self) -> Result<(MultAdds, Nanos), PrepareError> {
        let mut blocks = 16;
        loop {
            let time = self.time(Peak::MultiplyAdds, blocks, 1)?;
            if time >= LONG || blocks >= MOST_BLOCKS {
                let adds = u64::from(blocks) * u64::from(THREADS) * u64::from(STEPS) * u64::from(ADDS);
                return Ok((MultAdds(adds), time));
            }
            blocks *= 2;
        }
    }

    fn copy(&self) -> Result<(Bytes, Nanos), PrepareError> {
        let bytes = self.buffers[0].len();
        let vectors = u32::try_from(bytes / 16).unwrap_or(0);
        let time = self.time(Peak::Copy(vectors), vectors.div_ceil(THREADS).max(1), 1)?;
        Ok((Bytes(2 * bytes as u64), time))
    }

    /// From one tiny launch to the next in a graph.
    fn launch(&self) -> Result<Nanos, PrepareError> {
        let few = self.time(Peak::Launch, 1, TINY / 4)?;
        let many = self.time(Peak::Launch, 1, TINY)?;
        // What a graph takes however many launches it has is none of theirs.
        Ok(Nanos(many.since(few).0 / (TINY - TINY / 4) as u64))
    }

    fn time(&self, peak: Peak, blocks: u32, launches: usize) -> Result<Nanos, PrepareError> {
        let source = peak.source(blocks);
        let function = self.session.function(&source).map_err(|untaken| match untaken {
            Untaken::Text(message) => PrepareError::NoKernel { layer: "measuring peaks".to_owned(), message },
            Untaken::Fault(fault) => fault.into(),
        })?;
        let [x, y] = self.buffers.each_ref().map(Memory::address);
        let arguments = Arguments { x, y, w: x, table: x, second: x, sizes: source.arguments() };
        let graph = Graph::record(&self.stream, |stream| {
            (0..launches).try_for_each(|_| function.launch(stream, &arguments, false))
        })?;
        let mut best = Nanos(u64::MAX);
        for _ in 0..READINGS {
            self.bounds[0].record(&self.stream)?;
            graph.launch(&self.stream)?;
            self.bounds[1].record(&self.stream)?;
            self.stream.wait()?;
            best = best.min(Nanos(self.bounds[0].nanoseconds_to(&self.bounds[1])?.max(0.0) as u64));
        }
        Ok(best)
    }
}
