//! An adapter opened for computing.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::kernels::{Limits, Variant};
use super::pipelines::Pipelines;
use crate::device::{Device, DeviceId};
use crate::runtime::gpu::choices::Choices;
use crate::runtime::{DeviceFault, PrepareError};
use crate::units::Nanos;

/// How long the host asks again and again whether the GPU is done before it sleeps: a sleeping thread wakes 30 µs late.
const SPIN: Duration = Duration::from_millis(5);

/// After how long a run is given up. Drivers' own watchdogs end work after 2 to 10 seconds.
const PATIENCE: Duration = Duration::from_secs(30);

/// A device and queue of our own.
#[derive(Debug)]
pub(super) struct Gpu {
    pub device: wgpu::Device,
    pub queue: wgpu::Queue,
    /// What a workgroup may have.
    pub limits: Limits,
    /// Most bytes of one buffer that a shader sees.
    pub binding_bytes: u64,
    /// Multiples at which a shader's part of a buffer may begin, in bytes.
    pub alignment: u64,
    /// Nanoseconds of a timestamp's tick; `None` where there are no timestamps.
    pub timestamp_period: Option<f64>,
    /// A processor that plays a GPU.
    pub is_software: bool,
    pub pipelines: Pipelines,
    /// What was found out about kernels on this adapter with this driver.
    pub choices: Choices<Variant>,
    faults: Faults,
}

/// The first failure that the driver told of outside of any call.
#[derive(Clone, Debug, Default)]
struct Faults(Arc<Mutex<Option<DeviceFault>>>);

impl Faults {
    fn report(&self, fault: DeviceFault) {
        let mut first = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // That the device is lost is worth more than what went wrong before.
        if first.is_none() || fault.ends_process() {
            *first = Some(fault);
        }
    }

    fn first(&self) -> Option<DeviceFault> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// The GPUs that this process has opened: networks share one device and its pipelines.
static OPENED: Mutex<Vec<(DeviceId, Arc<Gpu>)>> = Mutex::new(Vec::new());

impl Gpu {
    /// The GPU behind `device`, opened at its first use and kept.
    ///
    /// # Errors
    /// Where `device` is no GPU or does not open, or was lost.
    pub fn of(device: &Device) -> Result<Arc<Self>, PrepareError> {
        let mut opened = OPENED.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, gpu)) = opened.iter().find(|(id, _)| *id == device.id()) {
            gpu.check()?;
            return Ok(Arc::clone(gpu));
        }
        let Some(adapter) = device.adapter() else {
            return Err(candle_core::Error::msg(format!("`{}` is no GPU for the tuned runtime", device.id())).into());
        };
        let gpu = Arc::new(Self::open(adapter, device)?);
        opened.push((device.id(), Arc::clone(&gpu)));
        Ok(gpu)
    }

    /// Opens an adapter for nobody else.
    pub fn open(adapter: &wgpu::Adapter, device: &Device) -> Result<Self, PrepareError> {
        use wgpu::Features;
        let info = adapter.get_info();
        let wanted = Features::TIMESTAMP_QUERY | Features::SHADER_F16 | Features::PIPELINE_CACHE;
        let limits = adapter.limits();
        let features = adapter.features() & wanted;
        let asked = adapter.request_device(&wgpu::DeviceDescriptor {
            label: Some("ShuffleScope"),
            required_features: features,
            required_limits: limits.clone(),
            memory_hints: wgpu::MemoryHints::Performance,
            ..Default::default()
        });
        let (opened, queue) = pollster::block_on(asked)
            .map_err(|error| PrepareError::Fault(DeviceFault::Other { reason: error.to_string() }))?;
        let faults = Faults::default();
        let (lost, failed) = (faults.clone(), faults.clone());
        opened.set_device_lost_callback(move |reason, message| {
            // Closing it is no loss.
            if reason != wgpu::DeviceLostReason::Destroyed {
                lost.report(DeviceFault::Lost { reason: message });
            }
        });
        opened.on_uncaptured_error(Arc::new(move |error: wgpu::Error| failed.report(fault(&error))));
        let name = format!("{} {:?} {} {}", info.name, info.backend, info.driver, info.driver_info);
        let pipelines = Pipelines::new(&opened, &name, device.memory_folder());
        let has_timestamps = features.contains(Features::TIMESTAMP_QUERY);
        let period = has_timestamps.then(|| f64::from(queue.get_timestamp_period()));
        Ok(Self {
            limits: Limits {
                workgroup_bytes: limits.max_compute_workgroup_storage_size,
                invocations: limits.max_compute_invocations_per_workgroup.min(limits.max_compute_workgroup_size_x),
            },
            binding_bytes: limits.max_storage_buffer_binding_size.min(limits.max_buffer_size),
            alignment: u64::from(limits.min_storage_buffer_offset_alignment).max(256),
            timestamp_period: period.filter(|period| *period > 0.0),
            is_software: info.device_type == wgpu::DeviceType::Cpu,
            pipelines,
            choices: Choices::new(&name, device.memory_folder()),
            faults,
            device: opened,
            queue,
        })
    }

    /// # Errors
    /// What the driver has told since the device was opened.
    pub fn check(&self) -> Result<(), DeviceFault> {
        self.faults.first().map_or(Ok(()), Err)
    }

    /// A buffer of at least `bytes`, filled with zeros.
    ///
    /// # Errors
    /// Where the device has no memory left.
    pub fn buffer(&self, bytes: u64, usage: wgpu::BufferUsages) -> Result<wgpu::Buffer, DeviceFault> {
        let size = bytes.max(16).next_multiple_of(16);
        self.guarded(|| {
            self.device.create_buffer(&wgpu::BufferDescriptor { label: None, size, usage, mapped_at_creation: false })
        })
    }

    /// What `make` makes on the device.
    ///
    /// # Errors
    /// What goes wrong meanwhile.
    pub fn guarded<T>(&self, make: impl FnOnce() -> T) -> Result<T, DeviceFault> {
        self.check()?;
        let scopes = [wgpu::ErrorFilter::Internal, wgpu::ErrorFilter::OutOfMemory, wgpu::ErrorFilter::Validation]
            .map(|filter| self.device.push_error_scope(filter));
        let made = make();
        let mut first = None;
        for scope in scopes.into_iter().rev() {
            let error = pollster::block_on(scope.pop());
            first = first.or(error);
        }
        match first {
            Some(error) => Err(fault(&error)),
            None => self.check().map(|()| made),
        }
    }

    /// Waits until `submission` is done.
    ///
    /// # Errors
    /// Where the device fails or takes too long.
    pub fn wait(&self, submission: wgpu::SubmissionIndex) -> Result<(), DeviceFault> {
        let begin = Instant::now();
        while begin.elapsed() < SPIN {
            match self.device.poll(wgpu::PollType::Poll) {
                Ok(wgpu::PollStatus::QueueEmpty) => return self.check(),
                Ok(_) => std::hint::spin_loop(),
                Err(_) => break,
            }
        }
        let wait = wgpu::PollType::Wait { submission_index: Some(submission), timeout: Some(PATIENCE) };
        match self.device.poll(wait) {
            Ok(_) => self.check(),
            Err(_) => {
                self.check()?;
                let fault = DeviceFault::Watchdog { waited: Nanos::from(begin.elapsed()) };
                self.faults.report(fault.clone());
                Err(fault)
            }
        }
    }

    /// The first `bytes` of a buffer that the host can map, copied by `read`.
    ///
    /// # Errors
    /// Where the device fails.
    pub fn read(&self, staging: &wgpu::Buffer, bytes: u64, read: impl FnOnce(&[u8])) -> Result<(), DeviceFault> {
        let slice = staging.slice(..bytes);
        let failed = self.faults.clone();
        slice.map_async(wgpu::MapMode::Read, move |mapped| {
            if let Err(error) = mapped {
                failed.report(DeviceFault::Other { reason: error.to_string() });
            }
        });
        let wait = wgpu::PollType::Wait { submission_index: None, timeout: Some(PATIENCE) };
        if self.device.poll(wait).is_err() {
            self.check()?;
            return Err(DeviceFault::Watchdog { waited: Nanos::from(PATIENCE) });
        }
        self.check()?;
        {
            let mapped = slice.get_mapped_range().map_err(|error| DeviceFault::Other { reason: error.to_string() })?;
            read(&mapped);
        }
        staging.unmap();
        Ok(())
    }

    /// Takes the device away, as a driver that resets does.
    #[cfg(test)]
    pub fn lose(&self) {
        self.faults.report(DeviceFault::Lost { reason: "taken away by a test".into() });
        self.device.destroy();
    }
}

fn fault(error: &wgpu::Error) -> DeviceFault {
    match error {
        wgpu::Error::OutOfMemory { source } => DeviceFault::OutOfMemory { reason: source.to_string() },
        wgpu::Error::Validation { description, .. } | wgpu::Error::Internal { description, .. } => {
            DeviceFault::Other { reason: description.clone() }
        }
    }
}
