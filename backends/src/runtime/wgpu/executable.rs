//! The runtime for GPUs as an [`Executable`].

use std::sync::Arc;

use candle_core::{Device as CandleDevice, Tensor};

use super::compile::{Compiled, Launch, compile};
use super::gpu::Gpu;
use super::stamps::Stamps;
use crate::clock::Clock;
use crate::device::Device;
use crate::graph::{Graph, Shape};
use crate::runtime::executable::{check_input, made_up_input};
use crate::runtime::gpu::planes::{Logits, Window, input_planes};
use crate::runtime::{
    DeviceFault, Executable, Fusing, KernelPlan, Marks, Precision, PrepareError, RunError, RunTimes, Stopwatch,
};
use crate::units::Nanos;
use crate::weights::Weights;

/// A network ready to run on a GPU.
#[derive(Debug)]
pub struct WgpuExecutable {
    gpu: Arc<Gpu>,
    network: Compiled,
    precision: Precision,
    input_shape: Shape,
    /// The commands of the next run, written while the last one was waited for.
    next: Option<wgpu::CommandBuffer>,
    stamps: Option<Stamps>,
    readback: Readback,
    /// The input as it lies on the device, for measuring how long it takes to get there.
    uploaded: Vec<u8>,
    output: Tensor,
}

/// How the result comes to the host.
#[derive(Debug)]
struct Readback {
    staging: wgpu::Buffer,
    window: Window,
}

impl WgpuExecutable {
    /// Compiles `graph` for the GPU behind `device`, uploads its weights and a made-up input.
    ///
    /// # Errors
    /// Where weights are missing or mis-shaped, the device does not open, or something is larger than it allows.
    pub fn prepare(
        graph: &Graph,
        weights: &Weights,
        device: &Device,
        (fusing, precision): (Fusing, Precision),
    ) -> Result<Self, PrepareError> {
        Self::on(Gpu::of(device)?, graph, weights, (fusing, precision))
    }

    pub(super) fn on(
        gpu: Arc<Gpu>,
        graph: &Graph,
        weights: &Weights,
        (fusing, precision): (Fusing, Precision),
    ) -> Result<Self, PrepareError> {
        let network = compile(&gpu, graph, weights, (fusing, precision))?;
        let output_shape = graph.node(graph.output()).output;
        let stamps = Stamps::new(&gpu, network.launches.len())?;
        let readback = Readback::new(&gpu, &network, (output_shape, precision))?;
        let classes = output_shape.channels * output_shape.pixels();
        let output = Tensor::zeros((output_shape.batch, classes), candle_core::DType::F32, &CandleDevice::Cpu)?;
        let input_shape = graph.input_shape();
        let (next, uploaded) = (None, Vec::new());
        let mut executable = Self { gpu, network, precision, input_shape, next, stamps, readback, uploaded, output };
        executable.upload(&made_up_input(input_shape));
        executable.gpu.check()?;
        Ok(executable)
    }

    /// Puts the values of `[batch, channels, height, width]` into the input's planes.
    fn upload(&mut self, values: &[f32]) {
        self.uploaded = input_planes(values, self.input_shape, self.precision);
        self.write_input();
    }

    /// Writes the input to the device; it is there before the next run.
    fn write_input(&self) {
        let Some(bank) = self.network.banks.get(self.network.input.bank) else { return };
        let planes = self.uploaded.len() / self.network.input.offsets.len().max(1);
        for (plane, &offset) in self.uploaded.chunks_exact(planes.max(1)).zip(&self.network.input.offsets) {
            self.gpu.queue.write_buffer(bank, u64::from(offset) * self.precision.bytes(), plane);
        }
    }

    /// The commands of a run without marks.
    fn encode(&self) -> wgpu::CommandBuffer {
        let mut encoder = self.encoder();
        {
            let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor::default());
            self.network.launches.iter().for_each(|launch| launch.encode(&mut pass));
        }
        encoder.finish()
    }

    /// The commands of a run with the device's time of the whole, or of each kernel.
    fn encode_stamped(&self, stamps: &Stamps, each: bool) -> wgpu::CommandBuffer {
        let mut encoder = self.encoder();
        let launches = &self.network.launches;
        let in_one = [launches.as_slice()];
        let mut pairs = 0;
        let mut pass = |launches: &[Launch]| {
            let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor {
                label: None,
                timestamp_writes: Some(stamps.pass(pairs)),
            });
            launches.iter().for_each(|launch| launch.encode(&mut pass));
            pairs += 1;
        };
        match each {
            true => launches.chunks(1).for_each(&mut pass),
            false => in_one.into_iter().for_each(&mut pass),
        }
        stamps.collect(&mut encoder, pairs);
        encoder.finish()
    }

    fn encoder(&self) -> wgpu::CommandEncoder {
        self.gpu.device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default())
    }

    /// A run with nothing but the host's clock. The commands of the next run are written while the GPU is at work on this
    /// one: they do not depend on it, and a command buffer is good for one run only. What that takes counts as enqueuing:
    /// where it is longer than the device's time, the host is what a run waits for.
    fn run_plain(&mut self, clock: &dyn Clock) -> Result<RunTimes, DeviceFault> {
        let begin = clock.now();
        let commands = self.next.take().unwrap_or_else(|| self.encode());
        let submission = self.gpu.queue.submit([commands]);
        self.next = Some(self.encode());
        let enqueued = clock.now();
        self.gpu.wait(submission)?;
        let end = clock.now();
        Ok(RunTimes { host: end.since(begin), enqueue: enqueued.since(begin), device: None })
    }

    /// A run with the device's clock; `None` where it gave no times.
    fn run_stamped(
        &mut self,
        clock: &dyn Clock,
        kernels: Option<&mut Vec<Nanos>>,
    ) -> Result<Option<RunTimes>, DeviceFault> {
        let Some(mut stamps) = self.stamps.take() else { return Ok(None) };
        let begin = clock.now();
        let commands = self.encode_stamped(&stamps, kernels.is_some());
        let submission = self.gpu.queue.submit([commands]);
        let enqueued = clock.now();
        self.gpu.wait(submission)?;
        let end = clock.now();
        let pairs = if kernels.is_some() { self.network.launches.len() } else { 1 };
        let mut whole = Vec::new();
        let device = stamps.read(&self.gpu, pairs, kernels.unwrap_or(&mut whole))?;
        let times = RunTimes { host: end.since(begin), enqueue: enqueued.since(begin), device };
        if device.is_none() {
            // A clock that fails once is not asked again.
            return Ok(None);
        }
        self.stamps = Some(stamps);
        Ok(Some(times))
    }

    /// A run that waits behind every kernel, by the host's clock.
    fn run_in_steps(&mut self, clock: &dyn Clock, kernels: &mut Vec<Nanos>) -> Result<RunTimes, DeviceFault> {
        let begin = clock.now();
        let mut watch = Stopwatch::start(clock, kernels);
        for launch in &self.network.launches {
            let mut encoder = self.encoder();
            launch.encode(&mut encoder.begin_compute_pass(&wgpu::ComputePassDescriptor::default()));
            let submission = self.gpu.queue.submit([encoder.finish()]);
            self.gpu.wait(submission)?;
            watch.mark();
        }
        if self.network.launches.is_empty() {
            watch.mark();
        }
        let host = clock.now().since(begin);
        Ok(RunTimes { host, enqueue: host, device: None })
    }

    /// Copies the result to where the host can read it.
    fn read_back(&mut self) -> Result<(), DeviceFault> {
        let Readback { staging, window } = &mut self.readback;
        let Some(bank) = self.network.banks.get(self.network.output.bank) else { return Ok(()) };
        let mut encoder = self.gpu.device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
        encoder.copy_buffer_to_buffer(bank, window.from, staging, 0, window.bytes);
        self.gpu.queue.submit([encoder.finish()]);
        let bytes = window.bytes;
        self.gpu.read(staging, bytes, |mapped| window.take(mapped))
    }
}

impl Executable for WgpuExecutable {
    fn set_input(&mut self, input: &Tensor) -> Result<(), RunError> {
        check_input(self.input_shape, input)?;
        let values: Vec<f32> = input.to_device(&CandleDevice::Cpu)?.flatten_all()?.to_vec1()?;
        self.upload(&values);
        Ok(self.gpu.check()?)
    }

    fn run(&mut self, clock: &dyn Clock, marks: Marks<'_>) -> Result<RunTimes, RunError> {
        match marks {
            Marks::None => Ok(self.run_plain(clock)?),
            Marks::Device => match self.run_stamped(clock, None)? {
                Some(times) => Ok(times),
                None => Ok(self.run_plain(clock)?),
            },
            Marks::Kernels(kernels) => match self.run_stamped(clock, Some(&mut *kernels))? {
                Some(times) => Ok(times),
                None => Ok(self.run_in_steps(clock, kernels)?),
            },
        }
    }

    fn logits(&mut self) -> Result<&Tensor, RunError> {
        self.read_back()?;
        self.output.inplace_op1(&Logits(&self.readback.window.values))?;
        Ok(&self.output)
    }

    fn transfer(&mut self, clock: &dyn Clock) -> Result<Option<Nanos>, RunError> {
        let begin = clock.now();
        self.write_input();
        let submission = self.gpu.queue.submit([]);
        self.gpu.wait(submission)?;
        self.read_back()?;
        Ok(Some(clock.now().since(begin)))
    }

    fn plan(&self) -> &KernelPlan {
        &self.network.plan
    }

    fn untuned(&self) -> usize {
        self.network.untuned
    }

    /// One thread feeds the GPU.
    fn threads(&self) -> usize {
        1
    }
}

impl Launch {
    fn encode(&self, pass: &mut wgpu::ComputePass<'_>) {
        let [x, y, z] = self.workgroups;
        pass.set_pipeline(&self.pipeline);
        pass.set_bind_group(0, &self.group, &[]);
        pass.dispatch_workgroups(x, y, z);
    }
}

impl Readback {
    fn new(gpu: &Gpu, network: &Compiled, how: (Shape, Precision)) -> Result<Self, DeviceFault> {
        use wgpu::BufferUsages as Usage;
        let window = Window::of(&network.output, how);
        Ok(Self { staging: gpu.buffer(window.bytes, Usage::MAP_READ | Usage::COPY_DST)?, window })
    }
}
