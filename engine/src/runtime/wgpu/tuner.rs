//! Finds the fastest of a kernel's shaders by running them on made-up values.

use std::time::Instant;

use super::choices::Choice;
use super::gpu::Gpu;
use super::kernels::{Aliases, GpuKernel, ImageStrides, Parameters, Source, Variant};
use super::stored::stored;
use super::timer::{Launches, Timer};
use crate::graph::Shape;
use crate::runtime::DeviceFault;
use crate::runtime::plan::{Elementwise, KernelSpec, Work};
use crate::units::Nanos;

/// Values that are made up; larger buffers repeat them.
const MADE_UP: usize = 1 << 20;

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

    /// How much the kernel computes and moves, for an order: those that take longest are tuned first.
    pub fn weight(&self) -> u64 {
        let mut input = self.spec.input;
        let step = |work: Work, input: Shape, output: Shape| {
            let reads = match work {
                Work::Conv { window, groups } => (input.channels / groups.max(1) * window.taps()) as u64,
                Work::Linear => (input.channels * input.pixels()) as u64,
                _ => 1,
            };
            output.elements().0.saturating_mul(reads / 8 + 4)
        };
        let mut sum = 0_u64;
        for of in &self.spec.steps {
            sum = sum.saturating_add(step(of.work, input, of.output));
            input = of.output;
        }
        sum
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
pub(super) fn tune(gpu: &Gpu, candidate: &Candidate, until: Instant) -> Result<Option<Choice>, DeviceFault> {
    let Some(mut rig) = Rig::new(gpu, candidate)? else { return Ok(None) };
    let mut best: Option<Choice> = None;
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
        let is_gate = matches!(spec.steps.first().map(|step| step.work), Some(work) if work.has_second())
            && spec.steps.iter().any(|step| step.work == Work::Elementwise(Elementwise::Gate));
        let second = if is_gate { Shape { height: 1, width: 1, ..output } } else { output };
        let offsets = |shape: Shape| -> Vec<u32> {
            let room = (shape.batch * shape.pixels()).next_multiple_of(4);
            (0..shape.channels).map(|channel| (channel * room) as u32).collect()
        };
        let bytes = |shape: Shape| {
            ((shape.batch * shape.pixels()).next_multiple_of(4) * shape.channels) as u64 * spec.precision.bytes()
        };
        let seconds = kernel.reads_second().then(|| offsets(second));
        let Ok(table) = kernel.table(&offsets(input), &offsets(output), seconds.as_deref()) else { return Ok(None) };
        let lengths = candidate.parameter_lengths();
        let parameters: Vec<(Vec<f32>, Vec<f32>)> =
            lengths.iter().map(|&(filters, bias)| (made_up(filters), made_up(bias))).collect();
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

impl Candidate {
    /// Numbers of weights and biases of each step.
    fn parameter_lengths(&self) -> Vec<(usize, usize)> {
        let mut input = self.spec.input;
        let mut lengths = Vec::new();
        for step in &self.spec.steps {
            let out = step.output.channels;
            lengths.push(match step.work {
                Work::Conv { window, groups } => (out * (input.channels / groups.max(1)) * window.taps(), out),
                Work::Linear => (out * input.channels * input.pixels(), out),
                Work::Elementwise(Elementwise::Affine) => (out, out),
                _ => (0, 0),
            });
            input = step.output;
        }
        lengths
    }
}

/// Values between -0.5 and 0.5, the same every time: arithmetic on zeros draws less power and runs at another clock.
fn made_up(count: usize) -> Vec<f32> {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let next = |_| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f32 / (1_u64 << 24) as f32 - 0.5
    };
    (0..count).map(next).collect()
}
