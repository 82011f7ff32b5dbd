//! A clock, an executable and a canary that take exactly the time they are told, for exact tests of the sampler.

mod noise;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use candle_core::{DType, Device, Tensor};

use super::Canary;
use crate::clock::{Clock, TimerQuality};
use crate::graph::NodeId;
use crate::runtime::{DeviceFault, Executable, Kernel, KernelPlan, Marks, RunError, RunTimes, Stopwatch};
use crate::units::Nanos;

pub use noise::{Noise, NoisyMachine};

/// A clock that stands still until it is told to move; clones share the time.
#[derive(Clone, Debug)]
pub struct FakeClock {
    now: Arc<AtomicU64>,
    quality: TimerQuality,
}

impl FakeClock {
    /// A clock at 1 s with a tick of 1 ns and free readings.
    #[must_use]
    pub fn new() -> Self {
        let quality = TimerQuality { precision: Nanos(1), read_cost: Nanos::ZERO };
        Self { now: Arc::new(AtomicU64::new(Nanos::from_secs(1).0)), quality }
    }

    /// The same clock, which claims this tick.
    #[must_use]
    pub fn with_precision(mut self, precision: Nanos) -> Self {
        self.quality.precision = precision;
        self
    }

    /// Lets time pass.
    pub fn advance(&self, by: Nanos) {
        self.now.fetch_add(by.0, Ordering::Relaxed);
    }

    /// Sets the clock back, as a broken time source does.
    pub fn set_back(&self, by: Nanos) {
        self.now.fetch_sub(by.0, Ordering::Relaxed);
    }
}

impl Default for FakeClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for FakeClock {
    fn now(&self) -> Nanos {
        Nanos(self.now.load(Ordering::Relaxed))
    }

    fn quality(&self) -> TimerQuality {
        self.quality
    }
}

type Durations<T> = Box<dyn FnMut(u64) -> T + Send>;

/// A network whose runs take exactly the time they are told.
///
/// Runs are numbered from 0, warm-up and marked runs included.
pub struct FakeExecutable {
    clock: FakeClock,
    plan: KernelPlan,
    whole: Durations<Nanos>,
    kernels: Durations<Vec<Nanos>>,
    mark_cost: Nanos,
    enqueue: Option<Nanos>,
    device: Option<Durations<Option<Nanos>>>,
    transfer: Option<Durations<Nanos>>,
    transfers: u64,
    fault: Durations<Option<DeviceFault>>,
    runs: u64,
    output: Option<Tensor>,
}

impl FakeExecutable {
    /// Unmarked runs take what `whole` says. There is one kernel, which takes 1 ms in marked runs.
    pub fn new(clock: &FakeClock, whole: impl FnMut(u64) -> Nanos + Send + 'static) -> Self {
        Self {
            clock: clock.clone(),
            plan: plan_of(1),
            whole: Box::new(whole),
            kernels: Box::new(|_| vec![Nanos::from_millis(1)]),
            mark_cost: Nanos::ZERO,
            enqueue: None,
            device: None,
            transfer: None,
            transfers: 0,
            fault: Box::new(|_| None),
            runs: 0,
            output: None,
        }
    }

    /// Marked runs have `count` kernels that take what `kernels` says.
    #[must_use]
    pub fn with_kernels(mut self, count: usize, kernels: impl FnMut(u64) -> Vec<Nanos> + Send + 'static) -> Self {
        self.plan = plan_of(count);
        self.kernels = Box::new(kernels);
        self
    }

    /// Each mark costs this much, outside every kernel.
    #[must_use]
    pub fn with_mark_cost(mut self, cost: Nanos) -> Self {
        self.mark_cost = cost;
        self
    }

    /// Everything is enqueued after this time, as on a GPU; the rest of a run is waited for.
    #[must_use]
    pub fn with_enqueue(mut self, enqueue: Nanos) -> Self {
        self.enqueue = Some(enqueue);
        self
    }

    /// The device has timestamps, by which runs that ask for them take what `device` says, and their kernels what
    /// [`with_kernels`](Self::with_kernels) says. From the first `None` on they fail.
    #[must_use]
    pub fn with_device(mut self, device: impl FnMut(u64) -> Option<Nanos> + Send + 'static) -> Self {
        self.device = Some(Box::new(device));
        self
    }

    /// Input and result take this long to bring; transfers are numbered from 0.
    #[must_use]
    pub fn with_transfer(mut self, transfer: impl FnMut(u64) -> Nanos + Send + 'static) -> Self {
        self.transfer = Some(Box::new(transfer));
        self
    }

    /// Runs of which `fault` says so fail.
    #[must_use]
    pub fn with_fault(mut self, fault: impl FnMut(u64) -> Option<DeviceFault> + Send + 'static) -> Self {
        self.fault = Box::new(fault);
        self
    }

    /// Runs made so far.
    #[must_use]
    pub const fn runs(&self) -> u64 {
        self.runs
    }

    /// Enqueues and waits; when everything was enqueued.
    fn pass(&mut self, run: u64, clock: &dyn Clock) -> Nanos {
        let whole = (self.whole)(run);
        let enqueue = self.enqueue.map_or(whole, |enqueue| enqueue.min(whole));
        self.clock.advance(enqueue);
        let enqueued = clock.now();
        self.clock.advance(whole.since(enqueue));
        enqueued
    }

    /// What the device's timestamps say of this run.
    fn device_time(&mut self, run: u64) -> Option<Nanos> {
        let time = self.device.as_mut()?(run);
        if time.is_none() {
            self.device = None;
        }
        time
    }
}

fn plan_of(kernels: usize) -> KernelPlan {
    let kernel =
        |index: usize| Kernel { layers: vec![NodeId(index + 1)], label: format!("kernel {index}"), spec: None };
    KernelPlan { kernels: (0..kernels).map(kernel).collect() }
}

impl Executable for FakeExecutable {
    fn set_input(&mut self, _input: &Tensor) -> Result<(), RunError> {
        Ok(())
    }

    fn run(&mut self, clock: &dyn Clock, marks: Marks<'_>) -> Result<RunTimes, RunError> {
        let run = self.runs;
        self.runs += 1;
        let start = clock.now();
        if let Some(fault) = (self.fault)(run) {
            return Err(fault.into());
        }
        let (enqueued, device) = match marks {
            Marks::None => (self.pass(run, clock), None),
            Marks::Device => (self.pass(run, clock), self.device_time(run)),
            Marks::Kernels(kernels) => match self.device_time(run) {
                Some(device) => {
                    kernels.clear();
                    kernels.extend((self.kernels)(run));
                    (self.pass(run, clock), Some(device))
                }
                None => {
                    let mut stopwatch = Stopwatch::start(clock, kernels);
                    for kernel in (self.kernels)(run) {
                        self.clock.advance(kernel);
                        stopwatch.mark();
                        self.clock.advance(self.mark_cost);
                        stopwatch.skip();
                    }
                    (clock.now(), None)
                }
            },
        };
        Ok(RunTimes { host: clock.now().since(start), enqueue: enqueued.since(start), device })
    }

    /// One zero.
    fn logits(&mut self) -> Result<&Tensor, RunError> {
        let output = match self.output.take() {
            Some(output) => output,
            None => Tensor::zeros((1, 1), DType::F32, &Device::Cpu)?,
        };
        Ok(self.output.insert(output))
    }

    fn transfer(&mut self, clock: &dyn Clock) -> Result<Option<Nanos>, RunError> {
        let Some(transfer) = &mut self.transfer else { return Ok(None) };
        let start = clock.now();
        self.clock.advance(transfer(self.transfers));
        self.transfers += 1;
        Ok(Some(clock.now().since(start)))
    }

    fn plan(&self) -> &KernelPlan {
        &self.plan
    }

    fn threads(&self) -> usize {
        1
    }
}

impl fmt::Debug for FakeExecutable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FakeExecutable").field("plan", &self.plan).field("runs", &self.runs).finish_non_exhaustive()
    }
}

/// A canary whose readings take exactly the time they are told; readings are numbered from 0.
pub struct FakeCanary {
    clock: FakeClock,
    time: Durations<Nanos>,
    readings: u64,
}

impl FakeCanary {
    /// Readings take what `time` says.
    pub fn new(clock: &FakeClock, time: impl FnMut(u64) -> Nanos + Send + 'static) -> Self {
        Self { clock: clock.clone(), time: Box::new(time), readings: 0 }
    }

    /// Readings take 2 ms.
    #[must_use]
    pub fn steady(clock: &FakeClock) -> Self {
        Self::new(clock, |_| Nanos::from_millis(2))
    }
}

impl Canary for FakeCanary {
    fn run(&mut self, clock: &dyn Clock) -> Nanos {
        let start = clock.now();
        self.clock.advance((self.time)(self.readings));
        self.readings += 1;
        clock.now().since(start)
    }
}

impl fmt::Debug for FakeCanary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FakeCanary").field("readings", &self.readings).finish_non_exhaustive()
    }
}
