//! Times launches of one shader.

use std::time::{Duration, Instant};

use super::gpu::Gpu;
use super::stamps::Stamps;
use crate::runtime::DeviceFault;
use crate::units::Nanos;

/// Device time that the launches of one reading take together, about.
const READING: Duration = Duration::from_micros(300);

/// Most launches of one reading.
const MOST_LAUNCHES: u32 = 64;

/// Readings of every shader; the fastest counts.
const READINGS: usize = 3;

/// One shader with what it is bound to.
pub(super) struct Launches<'a> {
    pub pipeline: &'a wgpu::ComputePipeline,
    pub group: &'a wgpu::BindGroup,
    pub workgroups: [u32; 3],
}

/// A clock for launches: the device's own, or the host's where the device has none.
pub(super) struct Timer<'a> {
    gpu: &'a Gpu,
    stamps: Option<Stamps>,
}

impl<'a> Timer<'a> {
    /// # Errors
    /// Where the device fails.
    pub fn new(gpu: &'a Gpu) -> Result<Self, DeviceFault> {
        Ok(Self { gpu, stamps: Stamps::new(gpu, 1)? })
    }

    /// Time of one launch: the best of some readings, each over several launches in a row.
    ///
    /// # Errors
    /// Where the device fails.
    pub fn best(&mut self, work: &Launches<'_>) -> Result<Nanos, DeviceFault> {
        self.reading(work, 1)?;
        let first = self.reading(work, 2)?;
        let launches = (READING.as_nanos() as u64 / first.0.max(1)).clamp(1, u64::from(MOST_LAUNCHES)) as u32;
        let mut best = first;
        for _ in 0..READINGS {
            best = best.min(self.reading(work, launches)?);
        }
        Ok(best)
    }

    /// Time of one of so many launches in a row.
    ///
    /// # Errors
    /// Where the device fails.
    pub fn reading(&mut self, work: &Launches<'_>, launches: u32) -> Result<Nanos, DeviceFault> {
        let [x, y, z] = work.workgroups;
        let mut encoder = self.gpu.device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
        {
            let timestamp_writes = self.stamps.as_ref().map(|stamps| stamps.pass(0));
            let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor { label: None, timestamp_writes });
            pass.set_pipeline(work.pipeline);
            pass.set_bind_group(0, work.group, &[]);
            for _ in 0..launches {
                pass.dispatch_workgroups(x, y, z);
            }
        }
        if let Some(stamps) = &self.stamps {
            stamps.collect(&mut encoder, 1);
        }
        let begin = Instant::now();
        let submission = self.gpu.queue.submit([encoder.finish()]);
        self.gpu.wait(submission)?;
        let host = Nanos::from(begin.elapsed());
        let device = match &mut self.stamps {
            Some(stamps) => stamps.read(self.gpu, 1, &mut Vec::new())?,
            None => None,
        };
        Ok(Nanos(device.unwrap_or(host).0 / u64::from(launches.max(1))))
    }
}
