//! The tuned runtime as an [`Executable`].

use candle_core::{CpuStorage, Device as CandleDevice, InplaceOp1, Layout, Storage, Tensor};

use super::error::CompileError;
use super::kernels::Isa;
use super::network::Network;
use crate::clock::Clock;
use crate::device::{Device, usable_cores};
use crate::graph::Graph;
use crate::runtime::executable::{check_input, made_up_input};
use crate::runtime::{
    Executable, Fusing, KernelPlan, Marks, Precision, PrepareError, RunError, RunOptions, RunTimes, Stopwatch,
    ThreadChoice,
};
use crate::weights::Weights;

/// A network ready to run with the tuned kernels, on memory and threads of its own.
#[derive(Debug)]
pub struct CpuExecutable {
    network: Network,
    /// `[batch, classes]`: the same tensor every time, so that a run allocates nothing.
    output: Tensor,
    /// The first value of `output`, through which all are replaced: Candle's check of an in-place operation allocates
    /// for a tensor of more than one value.
    handle: Tensor,
    /// Why it runs on so many threads, where that was tried.
    choice: Option<ThreadChoice>,
}

impl CpuExecutable {
    /// Packs the weights for `threads` threads and the best instruction set of this machine, or the one asked for, and
    /// puts a made-up input in front of them.
    ///
    /// # Errors
    /// Where weights are missing or mis-shaped, the device is not the CPU, or the machine lacks the instruction set.
    pub fn prepare(
        graph: &Graph,
        weights: &Weights,
        device: &Device,
        isa: Option<Isa>,
        threads: usize,
    ) -> Result<Self, PrepareError> {
        Self::new(graph, weights, device, (isa, threads, Fusing::Full, Precision::F32))
    }

    /// As the options say, but on no more threads than the process may use cores.
    pub(in crate::runtime) fn with_options(
        graph: &Graph,
        weights: &Weights,
        device: &Device,
        (options, fusing): (&RunOptions, Fusing),
    ) -> Result<Self, PrepareError> {
        let threads = threads_of(options);
        Self::new(graph, weights, device, (options.instruction_set, threads, fusing, options.precision))
    }

    fn new(
        graph: &Graph,
        weights: &Weights,
        device: &Device,
        (isa, threads, fusing, precision): (Option<Isa>, usize, Fusing, Precision),
    ) -> Result<Self, PrepareError> {
        if !device.candle().is_cpu() {
            return Err(candle_core::Error::msg("the tuned runtime runs on the CPU only").into());
        }
        let mut network = match precision {
            Precision::Int8 => Network::in_int8(graph, weights, isa, threads, fusing)?,
            _ => Network::in_floats(graph, weights, (isa, threads), fusing, precision)?,
        };
        network.set_input(&made_up_input(graph.input_shape()));
        let output = Tensor::zeros(network.output_dims(), candle_core::DType::F32, &CandleDevice::Cpu)?;
        let handle = output.flatten_all()?.narrow(0, 0, 1)?;
        Ok(Self { network, output, handle, choice: None })
    }

    /// The same, which tells why it runs on so many threads.
    pub(in crate::runtime) fn chosen(self, choice: ThreadChoice) -> Self {
        Self { choice: Some(choice), ..self }
    }
}

/// The threads asked for, but no more than the process may use cores: those would only wait for one another.
pub(super) fn threads_of(options: &RunOptions) -> usize {
    options.threads.min(usable_cores().unwrap_or(usize::MAX))
}

impl Executable for CpuExecutable {
    fn set_input(&mut self, input: &Tensor) -> Result<(), RunError> {
        check_input(self.network.input_shape(), input)?;
        let input = input.to_device(&CandleDevice::Cpu)?.contiguous()?;
        let (storage, layout) = input.storage_and_layout();
        match &*storage {
            Storage::Cpu(storage) => self.network.set_input(values(storage, layout)?),
            _ => return Err(candle_core::Error::msg("the input did not reach the CPU").into()),
        }
        Ok(())
    }

    fn run(&mut self, clock: &dyn Clock, marks: Marks<'_>) -> Result<RunTimes, RunError> {
        let start = clock.now();
        match marks {
            Marks::None | Marks::Device => self.network.run(),
            Marks::Kernels(kernels) => {
                let mut stopwatch = Stopwatch::start(clock, kernels);
                self.network.run_marked(&mut || stopwatch.mark())
            }
        }
        .map_err(candle_core::Error::wrap)?;
        self.handle.inplace_op1(&Logits(&self.network))?;
        Ok(RunTimes::on_host(clock.now().since(start)))
    }

    /// The tensor is the same in every run: a clone of it changes with the next.
    fn logits(&mut self) -> Result<&Tensor, RunError> {
        Ok(&self.output)
    }

    fn plan(&self) -> &KernelPlan {
        self.network.plan()
    }

    fn threads(&self) -> usize {
        self.network.threads()
    }

    fn thread_choice(&self) -> Option<&ThreadChoice> {
        self.choice.as_ref()
    }

    fn instruction_set(&self) -> Option<Isa> {
        Some(self.network.isa())
    }
}

/// Replaces all values of a tensor's storage by the result of a network's last run.
struct Logits<'a>(&'a Network);

impl InplaceOp1 for Logits<'_> {
    fn name(&self) -> &'static str {
        "tuned-logits"
    }

    fn cpu_fwd(&self, storage: &mut CpuStorage, _: &Layout) -> candle_core::Result<()> {
        let CpuStorage::F32(values) = storage else { candle_core::bail!("logits are f32") };
        self.0.output(values);
        Ok(())
    }
}

/// The values of a contiguous f32 tensor.
pub(super) fn values<'a>(storage: &'a CpuStorage, layout: &Layout) -> candle_core::Result<&'a [f32]> {
    match (storage, layout.contiguous_offsets()) {
        (CpuStorage::F32(values), Some((from, to))) => Ok(values.get(from..to).unwrap_or_default()),
        (CpuStorage::F32(_), None) => candle_core::bail!("the input is not contiguous"),
        _ => candle_core::bail!("the input is not f32"),
    }
}

impl From<CompileError> for PrepareError {
    fn from(error: CompileError) -> Self {
        match error {
            CompileError::Weights(error) => Self::Weights(error),
            error => Self::Candle(candle_core::Error::wrap(error)),
        }
    }
}
