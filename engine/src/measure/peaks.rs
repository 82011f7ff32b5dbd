//! What a device can do at most: the ceilings of its roofline, measured and never looked up.
//!
//! Each ceiling is the best of what was tried within a fixed time, for a ceiling is what is possible and not what is
//! usual. On the CPU the arithmetic is Candle's SGEMM and our own pointwise kernel; data is moved by a copy and by the
//! triad `a = b + s * c` of the STREAM benchmark (McCalpin 1995), once over buffers larger than most caches and once
//! over a few KiB per thread. On a GPU it is Candle's matrix product and addition, or shaders of our own that only multiply
//! and add, or copy.

use std::hint::black_box;
use std::sync::Barrier;
use std::time::{Duration, Instant};

use candle_core::Tensor;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::clock::{Clock, MonotonicClock};
use crate::device::{Device, DeviceError, DeviceId, available_memory, keep_to_fastest};
use crate::graph::{Conv2d, Graph, GraphBuilder, LowerError, Op, Shape, Window};
use crate::runtime::{GpuPeaks, Marks, PrepareError, RunError, RunOptions, gpu_peaks, prepare};
use crate::units::{Bandwidth, Bytes, FlopRate, MultAdds, Nanos};
use crate::weights::Weights;

/// What a device can do at most, as measured.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Peaks {
    /// The device.
    pub device: DeviceId,
    /// CPU threads at work.
    pub threads: usize,
    /// The fastest arithmetic.
    pub compute: FlopRate,
    /// What reached it.
    pub compute_by: String,
    /// The fastest stream through memory.
    pub memory: Bandwidth,
    /// Bytes that it went over.
    pub memory_bytes: Bytes,
    /// The fastest stream through the caches, and the bytes per thread that it went over; `None` on a GPU.
    pub cache: Option<(Bandwidth, Bytes)>,
    /// From one tiny launch to the next that depends on it; `None` where nothing is launched or nobody knows.
    #[serde(default, rename = "launch_ns")]
    pub launch: Option<Nanos>,
    /// What finding all this out took.
    #[serde(rename = "took_ns")]
    pub took: Nanos,
}

impl Peaks {
    /// The most that a kernel of this arithmetic intensity (FLOP per byte) can reach while its data comes from memory.
    #[must_use]
    pub fn attainable(&self, intensity: f64) -> FlopRate {
        FlopRate((self.memory.0 * intensity).min(self.compute.0))
    }
}

/// Why there are no peaks.
#[derive(Debug, Error)]
pub enum PeaksError {
    /// The device is missing or refuses.
    #[error(transparent)]
    Device(#[from] DeviceError),
    /// Candle fails.
    #[error(transparent)]
    Candle(#[from] candle_core::Error),
    /// Our own kernel cannot be made.
    #[error(transparent)]
    Layer(#[from] LowerError),
    /// Our own kernel cannot be prepared.
    #[error(transparent)]
    Prepare(#[from] PrepareError),
    /// Our own kernel fails.
    #[error(transparent)]
    Run(#[from] RunError),
    /// The system gives no threads.
    #[error("{0} threads cannot be started; choose fewer")]
    Threads(usize),
    /// The clock did not move while work was done.
    #[error("the clock does not move, so nothing can be timed")]
    Clock,
    /// Asked to stop.
    #[error("stopped")]
    Stopped,
}

/// Time for each kind of arithmetic.
const COMPUTE_TIME: Duration = Duration::from_millis(120);

/// Time for each kind of stream.
const STREAM_TIME: Duration = Duration::from_millis(60);

/// Side of the matrices that Candle multiplies on the CPU: 268 M FLOP, well under 100 ms on a small board.
const CPU_SIDE: usize = 512;

/// The same on a GPU, which needs more work to be busy.
const GPU_SIDE: usize = 2048;

/// Floats of each of a stream's three buffers, over all threads: three times 64 MiB.
const MEMORY_FLOATS: usize = 16 << 20;

/// Floats of each of a thread's three buffers where they should stay in the caches: three times 64 KiB.
const CACHE_FLOATS: usize = 16 << 10;

/// Floats between two looks at the clock.
const BLOCK: usize = 64 << 10;

/// Measures the ceilings of `device` with `threads` CPU threads, in well under a second. `go_on` is asked every few
/// milliseconds whether to go on. Candle's arithmetic runs on the process's own thread pool, which should have as many.
///
/// # Errors
/// Where the device fails or `go_on` says no.
pub fn measure_peaks(id: DeviceId, threads: usize, go_on: &(dyn Fn() -> bool + Sync)) -> Result<Peaks, PeaksError> {
    let start = Instant::now();
    let device = Device::open(&id)?;
    let peaks = match id {
        DeviceId::Cpu => {
            keep_to_fastest(threads);
            cpu(&device, threads.max(1), go_on)?
        }
        DeviceId::Gpu(_) | DeviceId::SoftwareGpu | DeviceId::Cuda(_) => card(&device, threads, go_on)?,
        DeviceId::Metal(_) => gpu(&device, threads, (GPU_SIDE, MEMORY_FLOATS), go_on)?,
    };
    Ok(Peaks { took: start.elapsed().into(), ..peaks })
}

fn cpu(device: &Device, threads: usize, go_on: &(dyn Fn() -> bool + Sync)) -> Result<Peaks, PeaksError> {
    let ours = pointwise(device, threads, go_on)?;
    let candles = matrix_product(device, CPU_SIDE, 1, go_on)?;
    let (compute, compute_by) = if ours >= candles {
        (ours, format!("our pointwise kernel, {0} to {0} channels of {1}x{1}", POINTWISE.0, POINTWISE.1))
    } else {
        (candles, format!("Candle's matrix product of {CPU_SIDE}x{CPU_SIDE}"))
    };
    let pool =
        rayon::ThreadPoolBuilder::new().num_threads(threads).build().map_err(|_| PeaksError::Threads(threads))?;
    // A quarter of what is free at most, so that measuring never makes a small board swap.
    let room = available_memory().map_or(usize::MAX, |free| usize::try_from(free.0 / 48).unwrap_or(usize::MAX));
    let floats = (MEMORY_FLOATS.min(room) / threads).max(CACHE_FLOATS);
    let memory = stream(&pool, floats, go_on)?;
    let cache = stream(&pool, CACHE_FLOATS, go_on)?;
    Ok(Peaks {
        device: device.id(),
        threads,
        compute,
        compute_by,
        memory,
        memory_bytes: Bytes((3 * 4 * floats * threads) as u64),
        cache: Some((cache, Bytes(3 * 4 * CACHE_FLOATS as u64))),
        launch: None,
        took: Nanos::ZERO,
    })
}

/// What our kernels reach that do nothing else.
fn card(device: &Device, threads: usize, go_on: &dyn Fn() -> bool) -> Result<Peaks, PeaksError> {
    let GpuPeaks { compute, copy, launch } = gpu_peaks(device, go_on)?.ok_or(PeaksError::Stopped)?;
    Ok(Peaks {
        device: device.id(),
        threads,
        compute: FlopRate::of(compute.0, compute.1).ok_or(PeaksError::Clock)?,
        compute_by: "multiply-adds in registers".to_owned(),
        memory: Bandwidth::of(copy.0, copy.1).ok_or(PeaksError::Clock)?,
        memory_bytes: copy.0,
        cache: None,
        launch: Some(launch),
        took: Nanos::ZERO,
    })
}

/// What Candle alone can show; also right on the CPU, only less than it can do.
fn gpu(
    device: &Device,
    threads: usize,
    (side, floats): (usize, usize),
    go_on: &dyn Fn() -> bool,
) -> Result<Peaks, PeaksError> {
    let compute = matrix_product(device, side, 10, go_on)?;
    let numbers = Tensor::ones(floats, candle_core::DType::F32, device.candle())?;
    let bytes = Bytes(3 * 4 * floats as u64);
    let time = best(
        &MonotonicClock::new(),
        10,
        STREAM_TIME * 2,
        go_on,
        || {
            black_box((&numbers + &numbers)?);
            Ok(())
        },
        || Ok(device.synchronize()?),
    )?;
    // Both operands are one tensor, which is read once.
    let moved = Bytes(bytes.0 / 3 * 2);
    Ok(Peaks {
        device: device.id(),
        threads,
        compute,
        compute_by: format!("Candle's matrix product of {side}x{side}"),
        memory: Bandwidth::of(moved, time).ok_or(PeaksError::Clock)?,
        memory_bytes: moved,
        cache: None,
        launch: None,
        took: Nanos::ZERO,
    })
}

/// The shortest time of one piece of work among those that fit into `time`, two at least, each timed over `launches`
/// of them.
fn best(
    clock: &dyn Clock,
    launches: u32,
    time: Duration,
    go_on: &dyn Fn() -> bool,
    mut work: impl FnMut() -> Result<(), PeaksError>,
    finish: impl Fn() -> Result<(), PeaksError>,
) -> Result<Nanos, PeaksError> {
    work()?; // Buffers are touched and threads are awake.
    finish()?;
    let start = clock.now();
    let (mut shortest, mut rounds) = (Nanos(u64::MAX), 0);
    while rounds < 2 || clock.now().since(start) < time.into() {
        if !go_on() {
            return Err(PeaksError::Stopped);
        }
        let round = clock.now();
        for _ in 0..launches {
            work()?;
        }
        finish()?;
        shortest = shortest.min(Nanos(clock.now().since(round).0 / u64::from(launches.max(1))));
        rounds += 1;
    }
    Ok(shortest)
}

/// Candle's product of two square matrices.
fn matrix_product(
    device: &Device,
    side: usize,
    launches: u32,
    go_on: &dyn Fn() -> bool,
) -> Result<FlopRate, PeaksError> {
    let matrix = || Tensor::rand(-1_f32, 1.0, (side, side), device.candle());
    let (a, b) = (matrix()?, matrix()?);
    let work = || {
        black_box(a.matmul(&b)?);
        Ok(())
    };
    let time = best(&MonotonicClock::new(), launches, COMPUTE_TIME, go_on, work, || Ok(device.synchronize()?))?;
    FlopRate::of(MultAdds((side as u64).pow(3)), time).ok_or(PeaksError::Clock)
}

/// Channels and side of the map that our own kernel computes.
const POINTWISE: (usize, usize) = (256, 28);

/// The tuned runtime's pointwise convolution.
fn pointwise(device: &Device, threads: usize, go_on: &dyn Fn() -> bool) -> Result<FlopRate, PeaksError> {
    let graph = one_pointwise_layer()?;
    let weights = Weights::seeded(&graph, Weights::DEFAULT_SEED);
    let mut executable = prepare(&graph, &weights, device, &RunOptions::new(DeviceId::Cpu, threads, 1))?;
    let clock = MonotonicClock::new();
    let work = || {
        executable.run(&clock, Marks::None)?;
        Ok(())
    };
    let time = best(&clock, 1, COMPUTE_TIME, go_on, work, || Ok(()))?;
    let (channels, side) = (POINTWISE.0 as u64, POINTWISE.1 as u64);
    FlopRate::of(MultAdds(channels * channels * side * side), time).ok_or(PeaksError::Clock)
}

fn one_pointwise_layer() -> Result<Graph, LowerError> {
    let (channels, side) = POINTWISE;
    let mut graph = GraphBuilder::new("peak", Shape::new(1, channels, side, side));
    let window = Window::square(1, 1);
    let conv = Conv2d { in_channels: channels, out_channels: channels, window, groups: 1, bias: true };
    let input = graph.input();
    graph.push("conv", Op::Conv2d(conv), &[input])?;
    Ok(graph.finish())
}

/// The faster of copy and triad, on all threads of the pool together, each in three buffers of its own.
fn stream(pool: &rayon::ThreadPool, floats: usize, go_on: &(dyn Fn() -> bool + Sync)) -> Result<Bandwidth, PeaksError> {
    let together = Barrier::new(pool.current_num_threads());
    let rates = pool.broadcast(|_| {
        let [mut a, b, c] = [0.0_f32, 1.0, 2.0].map(|value| vec![value; floats]);
        let mut run = |bytes_per_float: usize, pass: fn(&mut [f32], &[f32], &[f32])| {
            together.wait();
            let start = Instant::now();
            let mut moved = 0;
            'time: loop {
                for ((a, b), c) in a.chunks_mut(BLOCK).zip(b.chunks(BLOCK)).zip(c.chunks(BLOCK)) {
                    pass(black_box(&mut *a), black_box(b), black_box(c));
                    moved += a.len() * bytes_per_float;
                    if start.elapsed() >= STREAM_TIME || !go_on() {
                        break 'time;
                    }
                }
            }
            moved as f64 / Nanos::from(start.elapsed()).as_f64().max(1.0)
        };
        [run(8, copy), run(12, triad)]
    });
    if !go_on() {
        return Err(PeaksError::Stopped);
    }
    let sum = |way: usize| rates.iter().filter_map(|rates| rates.get(way)).sum::<f64>();
    Ok(Bandwidth(sum(0).max(sum(1))))
}

fn copy(a: &mut [f32], b: &[f32], _: &[f32]) {
    a.copy_from_slice(b);
}

fn triad(a: &mut [f32], b: &[f32], c: &[f32]) {
    for ((a, b), c) in a.iter_mut().zip(b).zip(c) {
        *a = b + 3.0 * c;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::fake::FakeClock;

    /// Whether a rate per nanosecond is one that a machine may have: a mistaken unit is a thousand times off.
    fn is_plausible(rate: f64, threads: usize) -> bool {
        (0.02..400.0).contains(&(rate / threads as f64))
    }

    #[test]
    fn the_processors_ceilings_are_measured_over_what_they_say() {
        let peaks = measure_peaks(DeviceId::Cpu, 2, &|| true).unwrap();
        assert_eq!((peaks.device, peaks.threads), (DeviceId::Cpu, 2));
        let (cache, per_thread) = peaks.cache.unwrap();
        assert_eq!(per_thread, Bytes(3 * 64 * 1024), "three buffers of 64 KiB each");
        assert!(peaks.memory_bytes <= Bytes(3 * 64 * 1024 * 1024) && peaks.memory_bytes > Bytes(2 * per_thread.0));
        for rate in [peaks.compute.0, peaks.memory.0, cache.0] {
            assert!(is_plausible(rate, 2), "{peaks:?}");
        }
        assert!(["our pointwise kernel", "Candle's matrix product"].iter().any(|by| peaks.compute_by.starts_with(by)));
        // Each of two kinds of arithmetic and of four streams is tried for its whole time.
        assert!(peaks.took >= Nanos::from(2 * COMPUTE_TIME + 4 * STREAM_TIME), "{peaks:?}");
    }

    #[test]
    fn what_a_gpu_does_is_measured_with_candle_alone() {
        let peaks = gpu(&Device::cpu(), 1, (32, 4096), &|| true).unwrap();
        assert_eq!(peaks.compute_by, "Candle's matrix product of 32x32");
        assert!(is_plausible(peaks.compute.0, 1) && is_plausible(peaks.memory.0, 1), "{peaks:?}");
        assert_eq!(
            (peaks.memory_bytes, peaks.cache),
            (Bytes(2 * 4 * 4096), None),
            "one operand, read once, and a result"
        );
    }

    /// Work that takes these microseconds a launch, timed over `launches` for at least `time`; and how often it ran.
    fn best_of(micros: &[u64], launches: u32, time: Duration) -> (Nanos, usize) {
        let (clock, mut runs) = (FakeClock::new(), 0);
        let work = || {
            clock.advance(Nanos(1_000 * micros[runs.min(micros.len() - 1)]));
            runs += 1;
            Ok(())
        };
        let best = best(&clock, launches, time, &|| true, work, || Ok(())).unwrap();
        (best, runs)
    }

    #[test]
    fn a_ceiling_is_the_shortest_time_of_all_but_the_first_run() {
        let brief = Duration::from_micros(1);
        assert_eq!(best_of(&[1, 50, 40], 1, brief), (Nanos(40_000), 3), "two at least, the first untimed");
        let launches_of_two = best_of(&[1, 10, 30, 40, 60], 2, brief);
        assert_eq!(launches_of_two, (Nanos(20_000), 5), "the mean of a round's launches");
        assert_eq!(best_of(&[9, 10], 1, Duration::from_micros(95)), (Nanos(10_000), 11), "as long as there is time");
    }

    #[test]
    fn a_clock_that_stands_still_gives_no_rate() {
        assert_eq!(best_of(&[0], 1, Duration::ZERO), (Nanos::ZERO, 3));
        assert_eq!(FlopRate::of(MultAdds(1), Nanos::ZERO), None);
    }

    #[test]
    fn measuring_stops_when_it_is_asked_to() {
        assert!(matches!(measure_peaks(DeviceId::Cpu, 1, &|| false), Err(PeaksError::Stopped)));
    }

    #[test]
    fn a_roof_is_the_lower_of_bandwidth_and_arithmetic() {
        let peaks = Peaks {
            device: DeviceId::Cpu,
            threads: 1,
            compute: FlopRate(100.0),
            compute_by: "a test".into(),
            memory: Bandwidth(20.0),
            memory_bytes: Bytes(1),
            cache: None,
            launch: None,
            took: Nanos(1),
        };
        assert_eq!(peaks.attainable(0.5), FlopRate(10.0));
        assert_eq!(peaks.attainable(50.0), FlopRate(100.0));
    }

    #[test]
    fn the_kernel_timed_is_one_pointwise_convolution() {
        let graph = one_pointwise_layer().unwrap();
        let cost = crate::cost::model_cost(&graph);
        assert_eq!(cost.layers.len(), 1);
        assert_eq!(cost.total.mult_adds, MultAdds(256 * 256 * 28 * 28));
    }
}
