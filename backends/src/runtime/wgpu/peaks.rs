//! What a GPU can do at most, by shaders that do nothing else: multiply and add, copy, or be launched.

use super::gpu::Gpu;
use super::kernels::Source;
use super::timer::{Launches, Timer};
use crate::device::Device;
use crate::runtime::gpu::GpuPeaks;
use crate::runtime::{DeviceFault, PrepareError};
use crate::units::{Bytes, MultAdds, Nanos};

/// Threads of a workgroup: what every adapter allows.
const THREADS: u32 = 256;

/// Steps of the arithmetic's loop, in each of which a thread does so many multiply-adds.
const STEPS: u32 = 256;
const ADDS: u32 = 32;

/// A launch is made larger until it takes this long, or has so many workgroups.
const LONG: Nanos = Nanos::from_millis(2);
const MOST_WORKGROUPS: u32 = 1 << 15;

/// Bytes of each of the copy's two buffers; less where the device binds less.
const COPY_BYTES: u64 = 128 << 20;

/// Tiny launches in a row.
const TINY: u32 = 64;

/// Measures a GPU in well under a second. `go_on` is asked between readings.
///
/// # Errors
/// Where the device does not open or fails; `None` where `go_on` says no.
pub(in crate::runtime) fn wgpu_peaks(
    device: &Device,
    go_on: &dyn Fn() -> bool,
) -> Result<Option<GpuPeaks>, PrepareError> {
    let gpu = Gpu::of(device)?;
    let mut bench = Bench { gpu: &gpu, timer: Timer::new(&gpu)? };
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
    gpu: &'a Gpu,
    timer: Timer<'a>,
}

impl Bench<'_> {
    fn compute(&mut self) -> Result<(MultAdds, Nanos), PrepareError> {
        let mut text = String::from(HEAD);
        text +=
            &format!("@compute @workgroup_size({THREADS})\nfn main(@builtin(global_invocation_id) g: vec3<u32>) {{\n");
        text += "  let b = vec4<f32>(x[0]) * 0.5 + 0.25;\n  let c = vec4<f32>(x[1]);\n";
        let sums = ADDS / 4;
        for sum in 0..sums {
            text += &format!("  var a{sum} = vec4<f32>(f32(g.x + {sum}u));\n");
        }
        text += &format!("  for (var i = 0u; i < {STEPS}u; i++) {{\n");
        for sum in 0..sums {
            text += &format!("    a{sum} = fma(a{sum}, b, c);\n");
        }
        let all: Vec<String> = (0..sums).map(|sum| format!("a{sum}")).collect();
        text += &format!("  }}\n  let all = {};\n", all.join(" + "));
        // Never so, which the compiler cannot know.
        text += "  if (all.x + all.y + all.z + all.w == 12345.678) { y[0] = all.x; }\n}\n";
        let buffers = [self.buffer(64)?, self.buffer(64)?];
        let mut workgroups = 16;
        loop {
            let time = self.time(&text, &buffers, workgroups)?;
            if time >= LONG || workgroups >= MOST_WORKGROUPS {
                let adds = u64::from(workgroups) * u64::from(THREADS) * u64::from(STEPS) * u64::from(ADDS);
                return Ok((MultAdds(adds), time));
            }
            workgroups *= 2;
        }
    }

    fn copy(&mut self) -> Result<(Bytes, Nanos), PrepareError> {
        let bytes = COPY_BYTES.min(self.gpu.binding_bytes / 2) / 4096 * 4096;
        let buffers = [self.buffer(bytes)?, self.buffer(bytes)?];
        let vectors = bytes / 16;
        let text = format!(
            "@group(0) @binding(0) var<storage, read> x: array<vec4<f32>>;\n\
            @group(0) @binding(1) var<storage, read_write> y: array<vec4<f32>>;\n\
            @compute @workgroup_size({THREADS})\n\
            fn main(@builtin(global_invocation_id) g: vec3<u32>) {{\n\
            \u{20} if (g.x < {vectors}u) {{ y[g.x] = x[g.x]; }}\n}}\n"
        );
        let workgroups = vectors.div_ceil(u64::from(THREADS)).min(65_535) as u32;
        let copied = (u64::from(workgroups) * u64::from(THREADS)).min(vectors) * 16;
        Ok((Bytes(2 * copied), self.time(&text, &buffers, workgroups)?))
    }

    fn launch(&mut self) -> Result<Nanos, PrepareError> {
        let text = format!(
            "{HEAD}@compute @workgroup_size(64)\n\
            fn main(@builtin(local_invocation_index) i: u32) {{ y[i] = y[i] * 0.5 + x[i]; }}\n"
        );
        let buffers = [self.buffer(4096)?, self.buffer(4096)?];
        let (pipeline, group) = self.bound(&text, &buffers)?;
        let work = Launches { pipeline: &pipeline, group: &group, workgroups: [1; 3] };
        let (mut best, mut few) = (Nanos(u64::MAX), Nanos(u64::MAX));
        for _ in 0..5 {
            few = few.min(Nanos(self.timer.reading(&work, TINY / 4)?.0 * u64::from(TINY / 4)));
            best = best.min(Nanos(self.timer.reading(&work, TINY)?.0 * u64::from(TINY)));
        }
        // What a pass takes however many launches it has is none of theirs.
        Ok(Nanos(best.since(few).0 / u64::from(TINY - TINY / 4)))
    }

    fn buffer(&self, bytes: u64) -> Result<wgpu::Buffer, DeviceFault> {
        self.gpu.buffer(bytes, wgpu::BufferUsages::STORAGE)
    }

    fn time(&mut self, text: &str, buffers: &[wgpu::Buffer; 2], workgroups: u32) -> Result<Nanos, PrepareError> {
        let (pipeline, group) = self.bound(text, buffers)?;
        let work = Launches { pipeline: &pipeline, group: &group, workgroups: [workgroups, 1, 1] };
        Ok(self.timer.best(&work)?)
    }

    fn bound(
        &self,
        text: &str,
        buffers: &[wgpu::Buffer; 2],
    ) -> Result<(wgpu::ComputePipeline, wgpu::BindGroup), PrepareError> {
        let source = Source { text: text.to_owned(), workgroups: [1; 3], bindings: vec![0, 1] };
        let made = self
            .gpu
            .pipelines
            .of(&source)
            .map_err(|message| PrepareError::Shader { layer: "measuring peaks".to_owned(), message })?;
        let [x, y] = buffers.each_ref().map(wgpu::Buffer::as_entire_binding);
        let entries =
            [wgpu::BindGroupEntry { binding: 0, resource: x }, wgpu::BindGroupEntry { binding: 1, resource: y }];
        let layout = &made.layout;
        let group = self.gpu.guarded(|| {
            self.gpu.device.create_bind_group(&wgpu::BindGroupDescriptor { label: None, layout, entries: &entries })
        })?;
        Ok((made.pipeline, group))
    }
}

const HEAD: &str = "@group(0) @binding(0) var<storage, read> x: array<f32>;\n\
    @group(0) @binding(1) var<storage, read_write> y: array<f32>;\n";
