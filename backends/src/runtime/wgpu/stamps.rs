//! The device's own clock: timestamps at the begin and end of passes.

use super::gpu::Gpu;
use crate::runtime::{DeviceFault, device_times};
use crate::units::Nanos;

/// Where the device writes the times of passes.
#[derive(Debug)]
pub(super) struct Stamps {
    queries: wgpu::QuerySet,
    resolved: wgpu::Buffer,
    staging: wgpu::Buffer,
    /// Nanoseconds of a tick.
    period: f64,
    /// As read back.
    values: Vec<u64>,
}

impl Stamps {
    /// Room for a begin and an end of so many passes; `None` where the device has no clock, or no room for so many.
    ///
    /// # Errors
    /// Where the device fails.
    pub fn new(gpu: &Gpu, passes: usize) -> Result<Option<Self>, DeviceFault> {
        use wgpu::BufferUsages as Usage;
        let count = 2 * passes.max(1) as u32;
        let Some(period) = gpu.timestamp_period.filter(|_| count <= wgpu::QUERY_SET_MAX_QUERIES) else {
            return Ok(None);
        };
        let queries = gpu.guarded(|| {
            gpu.device.create_query_set(&wgpu::QuerySetDescriptor {
                label: None,
                ty: wgpu::QueryType::Timestamp,
                count,
            })
        })?;
        let bytes = u64::from(count) * 8;
        Ok(Some(Self {
            queries,
            resolved: gpu.buffer(bytes, Usage::QUERY_RESOLVE | Usage::COPY_SRC)?,
            staging: gpu.buffer(bytes, Usage::MAP_READ | Usage::COPY_DST)?,
            period,
            values: Vec::with_capacity(count as usize),
        }))
    }

    /// What pass number `pass` writes.
    pub const fn pass(&self, pass: u32) -> wgpu::ComputePassTimestampWrites<'_> {
        wgpu::ComputePassTimestampWrites {
            query_set: &self.queries,
            beginning_of_pass_write_index: Some(2 * pass),
            end_of_pass_write_index: Some(2 * pass + 1),
        }
    }

    /// Brings the stamps of the first `passes` passes to where the host can read them.
    pub fn collect(&self, encoder: &mut wgpu::CommandEncoder, passes: u32) {
        encoder.resolve_query_set(&self.queries, 0..2 * passes, &self.resolved, 0);
        encoder.copy_buffer_to_buffer(&self.resolved, 0, &self.staging, 0, u64::from(2 * passes) * 8);
    }

    /// The time from the first begin to the last end, and into `each` every pass's own; `None` where the driver gave none.
    ///
    /// # Errors
    /// Where the device fails.
    pub fn read(&mut self, gpu: &Gpu, passes: usize, each: &mut Vec<Nanos>) -> Result<Option<Nanos>, DeviceFault> {
        let values = &mut self.values;
        gpu.read(&self.staging, 16 * passes as u64, |bytes| {
            values.clear();
            values.extend(bytes.as_chunks::<8>().0.iter().map(|bytes| u64::from_le_bytes(*bytes)));
        })?;
        Ok(device_times(values, self.period, each))
    }
}
