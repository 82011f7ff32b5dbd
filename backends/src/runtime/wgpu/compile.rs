//! From a graph and its weights to launches on a GPU: kernels are planned, planes get places in banks, shaders are chosen,
//! weights are folded, packed and uploaded.

use std::time::{Duration, Instant};

use super::fusing::WgpuFuses;
use super::gpu::Gpu;
use super::kernels::{Aliases, GpuKernel, ImageStrides, Parameters as Step, Source, Variant};
use super::tuner::{Candidate, tune};
use crate::graph::{Graph, NodeId};
use crate::runtime::gpu::candidate::unknown_kernels;
use crate::runtime::gpu::check_maps;
use crate::runtime::gpu::choices::Choices;
use crate::runtime::gpu::fusing::Chains;
use crate::runtime::gpu::launches::{Operands, step_parameters};
use crate::runtime::gpu::stored::stored;
use crate::runtime::parameters::Parameters;
use crate::runtime::plan::{Banks, Operand, Planned, partition};
use crate::runtime::{DeviceFault, Fusing, KernelPlan, Precision, PrepareError};
use crate::weights::Weights;

/// How long the kernels of a network that were never run before are tuned when it is prepared. What remains is tuned when
/// it, or another network with the same kernels, is prepared again.
const TUNING: Duration = Duration::from_secs(3);

/// Kernels whose shaders are compiled together, so that all threads have work.
const TUNED_TOGETHER: usize = 4;

/// A network on the device.
#[derive(Debug)]
pub(super) struct Compiled {
    pub plan: KernelPlan,
    pub launches: Vec<Launch>,
    /// The feature maps' buffers.
    pub banks: Vec<wgpu::Buffer>,
    pub input: Operand,
    pub output: Operand,
    /// Kernels whose fastest shader there was no time to find.
    pub untuned: usize,
}

/// One kernel.
#[derive(Debug)]
pub(super) struct Launch {
    pub pipeline: wgpu::ComputePipeline,
    pub group: wgpu::BindGroup,
    pub workgroups: [u32; 3],
}

/// A kernel with everything that is uploaded for it.
struct Prepared {
    source: Source,
    /// Values of its weights, and where they begin in the buffer of all weights, in bytes.
    weights: Vec<f32>,
    weights_at: u64,
    table: Vec<u32>,
    table_at: u64,
    /// Banks of input, output and second operand.
    banks: [usize; 3],
    /// The layer that it is there for.
    layer: NodeId,
}

/// Compiles `graph` for `gpu`, which has the precision.
///
/// # Errors
/// Where weights do not fit, or something is larger than the device allows.
pub(super) fn compile(
    gpu: &Gpu,
    graph: &Graph,
    weights: &Weights,
    (fusing, precision): (Fusing, Precision),
) -> Result<Compiled, PrepareError> {
    let parameters = Parameters::new(graph, weights)?;
    let untuned = tune_new(gpu, graph, (fusing, precision), Instant::now() + TUNING)?;
    let planned = plan(gpu, graph, (fusing, precision), Chains::WherePaid);
    let builder = Builder { gpu, graph, parameters, precision };
    check_maps(graph, &planned, builder.precision, ("bytes in one buffer", gpu.binding_bytes))?;
    let banks = Banks::place(graph, &planned).map_err(|values| {
        builder.limit(graph.output(), "values of feature maps", values as u64, u64::from(u32::MAX))
    })?;
    let prepared = builder.prepare(&planned, &banks)?;
    let sources: Vec<&Source> = prepared.iter().map(|kernel| &kernel.source).collect();
    gpu.pipelines.make_all(&sources);
    let buffers = builder.buffers(&banks)?;
    let launches = builder.launches(&prepared, &buffers)?;
    gpu.pipelines.keep();
    Ok(Compiled {
        plan: KernelPlan::of(graph, &planned, |_| None),
        launches,
        banks: buffers,
        input: banks.operand(NodeId(0)),
        output: banks.operand(graph.output()),
        untuned,
    })
}

/// The kernels of a GPU of which nothing was measured yet.
pub(super) fn untuned_plan(graph: &Graph, (fusing, precision): (Fusing, Precision)) -> KernelPlan {
    let choices = Choices::<Variant>::new("", None);
    let fuses = WgpuFuses { chains: Chains::WherePaid, choices: &choices };
    KernelPlan::of(graph, &partition(graph, fusing, precision, &fuses), |_| None)
}

fn plan(gpu: &Gpu, graph: &Graph, (fusing, precision): (Fusing, Precision), chains: Chains) -> Vec<Planned> {
    partition(graph, fusing, precision, &WgpuFuses { chains, choices: &gpu.choices })
}

/// Finds the fastest shader of each kernel that the graph may be cut into and that nothing is known of, as far as that can
/// be done until `until`: those that take longest first. How many are left. A processor that plays a GPU is not worth it, and neither is
/// what nobody remembers.
fn tune_new(gpu: &Gpu, graph: &Graph, how: (Fusing, Precision), until: Instant) -> Result<usize, DeviceFault> {
    if gpu.is_software || !gpu.choices.are_kept() {
        return Ok(0);
    }
    let unknown = unknown_kernels(
        |chains| plan(gpu, graph, how, chains),
        |spec, strides| gpu.choices.get(spec, strides).is_some(),
    );
    let candidates: Vec<Candidate> = unknown.iter().filter_map(|spec| Candidate::of(spec, gpu)).collect();
    let mut left = candidates.len();
    for together in candidates.chunks(TUNED_TOGETHER) {
        if Instant::now() >= until {
            break;
        }
        left -= together.len();
        let sources: Vec<&Source> = together.iter().flat_map(|of| &of.sources).map(|(_, source)| source).collect();
        gpu.pipelines.make_all(&sources);
        for candidate in together {
            if let Some(choice) = tune(gpu, candidate, until)? {
                gpu.choices.learn(&candidate.spec, ImageStrides::plain(&candidate.spec), choice);
            }
        }
    }
    gpu.choices.keep();
    Ok(left)
}

struct Builder<'a> {
    gpu: &'a Gpu,
    graph: &'a Graph,
    parameters: Parameters<'a>,
    precision: Precision,
}

impl Builder<'_> {
    fn limit(&self, layer: NodeId, what: &'static str, needed: u64, limit: u64) -> PrepareError {
        PrepareError::Limit { layer: self.graph.node(layer).path.clone(), what, needed, limit }
    }

    fn prepare(&self, planned: &[Planned], banks: &Banks) -> Result<Vec<Prepared>, PrepareError> {
        let (mut weights_at, mut table_at) = (0, 0);
        let mut prepared = Vec::with_capacity(planned.len());
        for kernel in planned {
            let layer = kernel.parts.first().map_or(kernel.value, |part| part.node);
            let mut one = self.one(kernel, layer, banks)?;
            (one.weights_at, one.table_at) = (weights_at, table_at);
            weights_at += (one.weights.len() as u64 * self.precision.bytes()).next_multiple_of(self.gpu.alignment);
            table_at += (one.table.len() as u64 * 4).next_multiple_of(self.gpu.alignment);
            prepared.push(one);
        }
        Ok(prepared)
    }

    fn one(&self, kernel: &Planned, layer: NodeId, banks: &Banks) -> Result<Prepared, PrepareError> {
        let refuse = |message: String| PrepareError::Shader { layer: self.graph.node(layer).path.clone(), message };
        let Operands { input, output, second, strides } = Operands::of(self.graph, kernel, banks).map_err(refuse)?;
        let gpu_kernel = GpuKernel::of(&kernel.spec, &strides).map_err(|refusal| refuse(refusal.to_string()))?;
        let steps = step_parameters(&self.parameters, kernel);
        let steps: Vec<Step<'_>> = steps.iter().map(|(filters, bias)| Step { filters, bias }).collect();
        let weights = gpu_kernel.pack(&steps).map_err(|refusal| refuse(refusal.to_string()))?;
        let offsets = second.as_ref().filter(|_| gpu_kernel.reads_second()).map(|second| second.offsets.as_slice());
        let table = gpu_kernel
            .table(&input.offsets, &output.offsets, offsets)
            .map_err(|refusal| refuse(refusal.to_string()))?;
        let second_bank = second.as_ref().map_or(usize::MAX, |second| second.bank);
        let aliases = Aliases {
            x_is_y: input.bank == output.bank,
            r_is_y: second_bank == output.bank,
            r_is_x: second_bank == input.bank,
        };
        let variants = gpu_kernel.variants(&self.gpu.limits);
        let known = self.gpu.choices.get(&kernel.spec, strides).map(|choice| choice.variant);
        let variant = known.filter(|variant| variants.contains(variant)).or(variants.first().copied());
        let variant = variant.ok_or_else(|| refuse("no shader fits into the device's workgroups".to_owned()))?;
        let source = gpu_kernel.source(variant, aliases).map_err(|refusal| refuse(refusal.to_string()))?;
        let banks = [input.bank, output.bank, second_bank];
        Ok(Prepared { source, weights, weights_at: 0, table, table_at: 0, banks, layer })
    }

    fn buffers(&self, banks: &Banks) -> Result<Vec<wgpu::Buffer>, PrepareError> {
        use wgpu::BufferUsages as Usage;
        let limit = self.gpu.binding_bytes;
        let usage = Usage::STORAGE | Usage::COPY_DST | Usage::COPY_SRC;
        let buffer = |&values: &usize| {
            let bytes = (values as u64).saturating_mul(self.precision.bytes());
            if bytes > limit {
                return Err(self.limit(self.graph.output(), "bytes of feature maps in one buffer", bytes, limit));
            }
            Ok(self.gpu.buffer(bytes, usage)?)
        };
        banks.sizes.iter().map(buffer).collect()
    }

    fn launches(&self, prepared: &[Prepared], banks: &[wgpu::Buffer]) -> Result<Vec<Launch>, PrepareError> {
        use wgpu::BufferUsages as Usage;
        let bytes = |kernel: &Prepared| {
            let weights = (kernel.weights.len() as u64 * self.precision.bytes()).next_multiple_of(4);
            [(kernel.weights_at, weights), (kernel.table_at, kernel.table.len() as u64 * 4)]
        };
        let end = |which: usize| prepared.iter().map(|kernel| bytes(kernel)[which]).map(|(at, size)| at + size).max();
        let usage = Usage::STORAGE | Usage::COPY_DST;
        let weights = self.gpu.buffer(end(0).unwrap_or(0), usage)?;
        let tables = self.gpu.buffer(end(1).unwrap_or(0), usage)?;
        let mut launches = Vec::with_capacity(prepared.len());
        for kernel in prepared {
            let [weights_part, table_part] = bytes(kernel);
            if weights_part.1 > self.gpu.binding_bytes {
                let limit = self.gpu.binding_bytes;
                return Err(self.limit(kernel.layer, "bytes of weights in one buffer", weights_part.1, limit));
            }
            if weights_part.1 > 0 {
                self.gpu.queue.write_buffer(&weights, weights_part.0, &stored(&kernel.weights, self.precision));
            }
            let table: Vec<u8> = kernel.table.iter().flat_map(|offset| offset.to_le_bytes()).collect();
            self.gpu.queue.write_buffer(&tables, table_part.0, &table);
            let part = |buffer, (offset, size): (u64, u64)| {
                wgpu::BindingResource::Buffer(wgpu::BufferBinding { buffer, offset, size: wgpu::BufferSize::new(size) })
            };
            let resource = |binding: u32| match binding {
                2 => Some(part(&weights, weights_part)),
                3 => Some(part(&tables, table_part)),
                0 => banks.get(kernel.banks[0]).map(wgpu::Buffer::as_entire_binding),
                1 => banks.get(kernel.banks[1]).map(wgpu::Buffer::as_entire_binding),
                _ => banks.get(kernel.banks[2]).map(wgpu::Buffer::as_entire_binding),
            };
            let entry = |&binding: &u32| Some(wgpu::BindGroupEntry { binding, resource: resource(binding)? });
            let entries: Vec<_> = kernel.source.bindings.iter().filter_map(entry).collect();
            let made = self.gpu.pipelines.of(&kernel.source).map_err(|message| PrepareError::Shader {
                layer: self.graph.node(kernel.layer).path.clone(),
                message,
            })?;
            let group = self.gpu.guarded(|| {
                let layout = &made.layout;
                self.gpu.device.create_bind_group(&wgpu::BindGroupDescriptor { label: None, layout, entries: &entries })
            })?;
            launches.push(Launch { pipeline: made.pipeline, group, workgroups: kernel.source.workgroups });
        }
        // The uploads happen now, and what goes wrong with them shows.
        self.gpu.guarded(|| self.gpu.queue.submit([]))?;
        Ok(launches)
    }
}
