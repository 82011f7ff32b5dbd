//! The runtime for NVIDIA's GPUs as an [`Executable`].

use std::time::{Duration, Instant};

use candle_core::{Device as CandleDevice, Tensor};

use super::compile::{Network, compile};
use super::gpu::{Gpu, Session};
use super::machine::{Board, Stamps};
use super::on_card::OnCard;
use super::tuner::tune_new;
use crate::clock::Clock;
use crate::device::Device;
use crate::graph::{Graph, Shape};
use crate::runtime::executable::{check_input, made_up_input};
use crate::runtime::gpu::planes::{Logits, Window, input_planes};
use crate::runtime::plan::Operand;
use crate::runtime::{
    DeviceFault, Executable, Fusing, KernelCode, KernelPlan, Marks, Precision, PrepareError, RunError, RunTimes,
    Stopwatch, device_times,
};
use crate::units::Nanos;
use crate::weights::Weights;

/// How long the kernels of a network that were never run before are tuned when it is prepared. What remains is tuned when
/// it, or another network with the same kernels, is prepared again.
const TUNING: Duration = Duration::from_secs(3);

/// A network ready to run on an NVIDIA GPU.
#[derive(Debug)]
pub struct CudaExecutable {
    board: Box<dyn Board>,
    plan: KernelPlan,
    launches: usize,
    precision: Precision,
    input_shape: Shape,
    input: Operand,
    /// The input as it lies on the device, for measuring how long it takes to get there.
    uploaded: Vec<u8>,
    output_bank: usize,
    window: Window,
    /// The part of the output's bank that holds the result.
    part: Vec<u8>,
    output: Tensor,
    untuned: usize,
    code: Option<KernelCode>,
    /// A clock that fails once is not asked again.
    clock_fails: bool,
}

impl CudaExecutable {
    /// Compiles `graph` for the GPU behind `device`, uploads its weights and a made-up input.
    ///
    /// # Errors
    /// Where weights are missing or mis-shaped, the device does not open, a kernel cannot be had, or memory does not suffice.
    pub fn prepare(
        graph: &Graph,
        weights: &Weights,
        device: &Device,
        (fusing, precision): (Fusing, Precision),
    ) -> Result<Self, PrepareError> {
        let gpu = Gpu::of(device)?;
        weights.check(graph)?;
        let untuned = tune_new(&gpu, graph, (fusing, precision), Instant::now() + TUNING)?;
        let session = Session::new(&gpu);
        let network = compile(&session, graph, weights, (fusing, precision))?;
        let board = OnCard::new(&session, &network, |launch| graph.node(launch.layer).path.clone())?;
        let executable = Self::on(Box::new(board), graph, network, precision)?;
        Ok(Self { untuned, code: Some(gpu.compiler.told()), ..executable })
    }

    /// A network that is on a board already.
    pub(super) fn on(
        board: Box<dyn Board>,
        graph: &Graph,
        network: Network,
        precision: Precision,
    ) -> Result<Self, PrepareError> {
        let output_shape = graph.node(graph.output()).output;
        let window = Window::of(&network.output, (output_shape, precision));
        let classes = output_shape.channels * output_shape.pixels();
        let output = Tensor::zeros((output_shape.batch, classes), candle_core::DType::F32, &CandleDevice::Cpu)?;
        let part = vec![0; window.bytes as usize];
        let mut executable = Self {
            board,
            plan: network.plan,
            launches: network.launches.len(),
            precision,
            input_shape: graph.input_shape(),
            input: network.input,
            uploaded: Vec::new(),
            output_bank: network.output.bank,
            window,
            part,
            output,
            untuned: 0,
            code: None,
            clock_fails: false,
        };
        executable.upload(&made_up_input(executable.input_shape))?;
        Ok(executable)
    }

    /// Puts the values of `[batch, channels, height, width]` into the input's planes.
    fn upload(&mut self, values: &[f32]) -> Result<(), DeviceFault> {
        self.uploaded = input_planes(values, self.input_shape, self.precision);
        self.write_input()
    }

    /// Writes the input to the device, planes that lie one after another at once.
    fn write_input(&mut self) -> Result<(), DeviceFault> {
        let offsets = &self.input.offsets;
        let plane = self.uploaded.len() / offsets.len().max(1);
        let bytes = self.precision.bytes();
        let mut from = 0;
        while from < offsets.len() {
            let follows = |index: &usize| {
                let end = u64::from(offsets[index - 1]) * bytes + plane as u64;
                u64::from(offsets[*index]) * bytes == end
            };
            let to = (from + 1..offsets.len()).take_while(follows).last().map_or(from + 1, |last| last + 1);
            let at = u64::from(offsets[from]) * bytes;
            self.board.write(self.input.bank, at, &self.uploaded[from * plane..to * plane])?;
            from = to;
        }
        Ok(())
    }

    /// Enqueues everything and waits.
    fn run_whole(&mut self, clock: &dyn Clock, stamps: Stamps) -> Result<RunTimes, DeviceFault> {
        let begin = clock.now();
        self.board.start(stamps)?;
        let enqueued = clock.now();
        self.board.wait()?;
        let end = clock.now();
        Ok(RunTimes { host: end.since(begin), enqueue: enqueued.since(begin), device: None })
    }

    /// A run with the device's clock; `None` where it gave no times.
    fn run_stamped(
        &mut self,
        clock: &dyn Clock,
        kernels: Option<&mut Vec<Nanos>>,
    ) -> Result<Option<RunTimes>, DeviceFault> {
        if self.clock_fails {
            return Ok(None);
        }
        let (stamps, intervals) = if kernels.is_some() { (Stamps::Each, self.launches) } else { (Stamps::Whole, 1) };
        let times = self.run_whole(clock, stamps)?;
        let stamps = self.board.stamps()?;
        let mut whole = Vec::new();
        let device =
            device_times(&stamps, 1.0, kernels.unwrap_or(&mut whole)).filter(|_| stamps.len() == 2 * intervals);
        self.clock_fails = device.is_none();
        Ok(device.map(|device| RunTimes { device: Some(device), ..times }))
    }

    /// A run that waits behind every kernel, by the host's clock.
    fn run_in_steps(&mut self, clock: &dyn Clock, kernels: &mut Vec<Nanos>) -> Result<RunTimes, DeviceFault> {
        let begin = clock.now();
        let mut watch = Stopwatch::start(clock, kernels);
        for index in 0..self.launches {
            self.board.step(index)?;
            self.board.wait()?;
            watch.mark();
        }
        if self.launches == 0 {
            watch.mark();
        }
        let host = clock.now().since(begin);
        Ok(RunTimes { host, enqueue: host, device: None })
    }

    fn read_back(&mut self) -> Result<(), DeviceFault> {
        self.board.read(self.output_bank, self.window.from, &mut self.part)?;
        self.window.take(&self.part);
        Ok(())
    }
}

impl Executable for CudaExecutable {
    fn set_input(&mut self, input: &Tensor) -> Result<(), RunError> {
        check_input(self.input_shape, input)?;
        let values: Vec<f32> = input.to_device(&CandleDevice::Cpu)?.flatten_all()?.to_vec1()?;
        Ok(self.upload(&values)?)
    }

    fn run(&mut self, clock: &dyn Clock, marks: Marks<'_>) -> Result<RunTimes, RunError> {
        match marks {
            Marks::None => Ok(self.run_whole(clock, Stamps::None)?),
            Marks::Device => match self.run_stamped(clock, None)? {
                Some(times) => Ok(times),
                None => Ok(self.run_whole(clock, Stamps::None)?),
            },
            Marks::Kernels(kernels) => match self.run_stamped(clock, Some(&mut *kernels))? {
                Some(times) => Ok(times),
                None => Ok(self.run_in_steps(clock, kernels)?),
            },
        }
    }

    fn logits(&mut self) -> Result<&Tensor, RunError> {
        self.read_back()?;
        self.output.inplace_op1(&Logits(&self.window.values))?;
        Ok(&self.output)
    }

    fn transfer(&mut self, clock: &dyn Clock) -> Result<Option<Nanos>, RunError> {
        let begin = clock.now();
        self.write_input()?;
        self.read_back()?;
        Ok(Some(clock.now().since(begin)))
    }

    fn plan(&self) -> &KernelPlan {
        &self.plan
    }

    fn untuned(&self) -> usize {
        self.untuned
    }

    fn kernel_code(&self) -> Option<KernelCode> {
        self.code
    }

    /// One thread feeds the GPU.
    fn threads(&self) -> usize {
        1
    }
}
