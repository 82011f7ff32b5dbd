//! Finds the fastest of a kernel's shaders by running them on made-up values.

use std::time::Instant;

use super::gpu::Gpu;
use super::kernels::{Aliases, GpuKernel, ImageStrides, Parameters, Source, Variant};
use super::timer::{Launches, Timer};
use crate::graph::Shape;
use crate::runtime::DeviceFault;
use crate::runtime::gpu::candidate::{MADE_UP, made_up, made_up_parameters, plain_planes, second_shape};
use crate::runtime::gpu::choices::Choice;
use crate::runtime::gpu::stored::stored;
use crate::runtime::plan::KernelSpec;
use crate::units::Nanos;

/// A kernel to be tuned.
#[derive(Clone, Debug)]
pub(super) struct Candidate {
    pub spec: KernelSpec,
    pub kernel: GpuKernel,
    /// Every variant with its text.
    pub sources: Vec<(Variant, Source)>,
}

impl Candidate {
    /// All shaders of a kernel whose operands lie in different banks; `None` where there is no kernel.
    pub fn of(spec: &KernelSpec, gpu: &Gpu) -> Option<Self> {
        let kernel = GpuKernel::of(spec, &ImageStrides::plain(spec)).ok()?;
        let variants = kernel.variants(&gpu.limits);
        let source = |variant: Variant| Some((variant, kernel.source(variant, Aliases::default()).ok()?));
        let sources = variants.into_iter().filter_map(source).collect();
        Some(Self { spec: spec.clone(), kernel, sources })
    }
}

/// The buffers that a kernel runs on while it is tuned.
struct Rig<'a> {
    gpu: &'a Gpu,
    x: wgpu::Buffer,
    y: wgpu::Buffer,
    second: wgpu::Buffer,
    weights: wgpu::Buffer,
    table: wgpu::Buffer,
    timer: Timer<'a>,
}

/// The fastest shader of `candidate`; `None` where none runs, or `until` is over before the first has.
///
/// # Errors
/// Where the device fails.
pub(super) fn tune(gpu: &Gpu, candidate: &Candidate, until: Instant) -> Result<Option<Choice<Variant>>, DeviceFault> {
    let Some(mut rig) = Rig::new(gpu, candidate)? else { return Ok(None) };
    let mut best: Option<Choice<Variant>> = None;
    for (variant, source) in &candidate.sources {
        if best.is_some() && Instant::now() >= until {
            break;
        }
        let Some(time) = rig.time(source)? else { continue };
        if best.is_none_or(|best| time < best.time) {
            best = Some(Choice { variant: *variant, time });
        }
    }
    Ok(best)
}

impl<'a> Rig<'a> {
    fn new(gpu: &'a Gpu, candidate: &Candidate) -> Result<Option<Self>, DeviceFault> {
        use wgpu::BufferUsages as Usage;
        let (spec, kernel) = (&candidate.spec, &candidate.kernel);
        let (input, output) = (spec.input, spec.output());
        let second = second_shape(spec);
        let bytes = |shape: Shape| plain_planes(shape).1 * spec.precision.bytes();
        let offsets = |shape: Shape| plain_planes(shape).0;
        let seconds = kernel.reads_second().then(|| offsets(second));
        let Ok(table) = kernel.table(&offsets(input), &offsets(output), seconds.as_deref()) else { return Ok(None) };
        let parameters = made_up_parameters(spec);
        let steps: Vec<Parameters<'_>> =
            parameters.iter().map(|(filters, bias)| Parameters { filters, bias }).collect();
        let Ok(packed) = kernel.pack(&steps) else { return Ok(None) };
        let most = [bytes(input), bytes(output), bytes(second), packed.len() as u64 * spec.precision.bytes()];
        if most.into_iter().any(|bytes| bytes > gpu.binding_bytes) {
            return Ok(None);
        }
        let usage = Usage::STORAGE | Usage::COPY_DST | Usage::COPY_SRC;
        let rig = Self {
            x: gpu.buffer(bytes(input), usage)?,
            y: gpu.buffer(bytes(output), usage)?,
            second: gpu.buffer(if seconds.is_some() { bytes(second) } else { 16 }, usage)?,
            weights: gpu.buffer(packed.len() as u64 * spec.precision.bytes(), usage)?,
            table: gpu.buffer(table.len() as u64 * 4, usage)?,
            timer: Timer::new(gpu)?,
            gpu,
        };
        let table: Vec<u8> = table.iter().flat_map(|offset| offset.to_le_bytes()).collect();
        gpu.queue.write_buffer(&rig.table, 0, &table);
        gpu.queue.write_buffer(&rig.weights, 0, &stored(&packed, spec.precision));
        let values = stored(&made_up(MADE_UP), spec.precision);
        for buffer in [&rig.x, &rig.second] {
            let mut at = 0;
            while at < buffer.size() {
                let length = (buffer.size() - at).min(values.len() as u64);
                gpu.queue.write_buffer(buffer, at, &values[..length as usize]);
                at += length;
            }
        }
        Ok(Some(rig))
    }

    /// Device time of one launch; `None` where the driver does not take the shader.
    fn time(&mut self, source: &Source) -> Result<Option<Nanos>, DeviceFault> {
        let Ok(made) = self.gpu.pipelines.of(source) else { return Ok(None) };
        let buffers = [&self.x, &self.y, &self.weights, &self.table, &self.second];
        let entries: Vec<wgpu::BindGroupEntry<'_>> = source
            .bindings
            .iter()
            .filter_map(|&binding| {
                let resource = buffers.get(binding as usize)?.as_entire_binding();
                Some(wgpu::BindGroupEntry { binding, resource })
            })
            .collect();
        let group = self.gpu.guarded(|| {
            self.gpu.device.create_bind_group(&wgpu::BindGroupDescriptor {
                label: None,
                layout: &made.layout,
                entries: &entries,
            })
        })?;
        let work = Launches { pipeline: &made.pipeline, group: &group, workgroups: source.workgroups };
        Ok(Some(self.timer.best(&work)?))
    }
}
