//! What to run a design with; part of every measurement's key.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::isa::Isa;
use crate::device::{DeviceId, Precision};

/// Which implementation of the operations runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Runtime {
    /// Our own kernels: batch norm folded, layers fused; on the CPU and on graphics cards (`gpu:N`,
    /// `cuda:N`).
    Tuned,
    /// Stock Candle operations, one kernel per layer; on the CPU, CUDA and Metal.
    Candle,
}

impl Runtime {
    /// Every runtime, in the order they are offered.
    pub const ALL: [Self; 2] = [Self::Tuned, Self::Candle];

    /// What runs on `device` where nothing else is asked for.
    #[must_use]
    pub const fn default_on(device: DeviceId) -> Self {
        match device {
            DeviceId::Cpu | DeviceId::Gpu(_) | DeviceId::SoftwareGpu | DeviceId::Cuda(_) => Self::Tuned,
            DeviceId::Metal(_) => Self::Candle,
        }
    }

    /// Whether this runtime has kernels for `device`.
    #[must_use]
    pub const fn runs_on(self, device: DeviceId) -> bool {
        match (self, device) {
            (_, DeviceId::Cpu) => true,
            (Self::Tuned, device) => device.is_of_wgpu() || matches!(device, DeviceId::Cuda(_)),
            (Self::Candle, device) => !device.is_of_wgpu(),
        }
    }

    /// What it has kernels for on `device`; whether the device itself can do it is another question
    /// ([`Device::precisions`](crate::device::Device::precisions)).
    #[must_use]
    pub const fn precisions_on(self, device: DeviceId) -> &'static [Precision] {
        match (self, device) {
            (Self::Tuned, DeviceId::Gpu(_) | DeviceId::SoftwareGpu) => &Precision::PORTABLE,
            (Self::Tuned, DeviceId::Cuda(_)) => &Precision::NVIDIA,
            (Self::Tuned, DeviceId::Cpu) => &Precision::PROCESSOR,
            _ => &[Precision::F32],
        }
    }

    /// The name used on the command line and in files.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Tuned => "tuned",
            Self::Candle => "candle",
        }
    }
}

impl fmt::Display for Runtime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Runtime {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL.into_iter().find(|runtime| runtime.name() == text).ok_or_else(|| {
            let known: Vec<_> = Self::ALL.iter().map(|runtime| runtime.name()).collect();
            format!("unknown runtime `{text}`; known: {}", known.join(", "))
        })
    }
}

/// Everything besides the design that decides what runs. Shown as `cpu, tuned, 2 threads, batch 1`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub struct RunOptions {
    /// `cpu`, `gpu:0`, `gpu:software`, `cuda:0`, `metal:0`.
    pub device: DeviceId,
    /// The implementation.
    pub runtime: Runtime,
    /// CPU threads at most; our kernels run on no more than there are cores.
    pub threads: usize,
    /// Images per run.
    pub batch: u32,
    /// Forces the tuned kernels' instruction set; the widest that the machine has where absent.
    #[serde(default)]
    pub instruction_set: Option<Isa>,
    /// What feature maps and weights are stored in.
    #[serde(default)]
    pub precision: Precision,
}

impl RunOptions {
    /// The device's default runtime with the machine's widest instruction set.
    #[must_use]
    pub const fn new(device: DeviceId, threads: usize, batch: u32) -> Self {
        let (runtime, precision) = (Runtime::default_on(device), Precision::F32);
        Self { device, runtime, threads, batch, instruction_set: None, precision }
    }

    /// The same on another device, with what that one has no kernels for put back to what is usual there.
    #[must_use]
    pub fn on(&self, device: DeviceId) -> Self {
        let runtime = if self.runtime.runs_on(device) { self.runtime } else { Runtime::default_on(device) };
        // Cards have half precision as a rule, processors as an exception.
        let half = self.precision == Precision::F16 && device == DeviceId::Cpu && self.device != DeviceId::Cpu;
        let precision = if half { Precision::F32 } else { self.precision };
        Self { device, precision, ..self.clone() }.with(runtime)
    }

    /// The same with another runtime, in 32 bits where that has no kernels for the precision.
    #[must_use]
    pub fn with(&self, runtime: Runtime) -> Self {
        let is_known = runtime.precisions_on(self.device).contains(&self.precision);
        let precision = if is_known { self.precision } else { Precision::F32 };
        Self { runtime, precision, ..self.clone() }
    }

    /// The part of a stored result's name that tells ways of running apart: `cpu tuned-avx2 t2 b1`, with the precision
    /// (`gpu:0 tuned f16 t2 b1`) only where it is not 32 bits, as in names of before there was a choice.
    #[must_use]
    pub fn key(&self) -> String {
        let Self { device, runtime, threads, batch, instruction_set, precision } = self;
        let isa = instruction_set.map_or_else(String::new, |isa| format!("-{isa}"));
        let precision = if *precision == Precision::F32 { String::new() } else { format!(" {precision}") };
        format!("{device} {runtime}{isa}{precision} t{threads} b{batch}")
    }
}

impl fmt::Display for RunOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { device, runtime, threads, batch, instruction_set, precision } = self;
        let isa = instruction_set.map_or_else(String::new, |isa| format!(" ({isa})"));
        let plural = if *threads == 1 { "" } else { "s" };
        let remark = precision.remark();
        f.pad(&format!("{device}, {runtime}{isa}{remark}, {threads} thread{plural}, batch {batch}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DEVICES: [DeviceId; 5] =
        [DeviceId::Cpu, DeviceId::Gpu(0), DeviceId::SoftwareGpu, DeviceId::Cuda(0), DeviceId::Metal(0)];

    #[test]
    fn our_kernels_run_on_the_processor_and_on_cards_and_candles_on_its_own_devices() {
        let on = |runtime: Runtime| DEVICES.map(|device| runtime.runs_on(device));
        assert_eq!(on(Runtime::Tuned), [true, true, true, true, false]);
        assert_eq!(on(Runtime::Candle), [true, false, false, true, true]);
        for device in DEVICES {
            assert!(Runtime::default_on(device).runs_on(device), "{device}");
        }
    }

    #[test]
    fn sixteen_bits_are_there_with_our_kernels_tf32_on_cards_of_nvidia_and_eight_on_the_processor() {
        let has =
            |runtime: Runtime, precision| DEVICES.map(|device| runtime.precisions_on(device).contains(&precision));
        assert_eq!(has(Runtime::Tuned, Precision::F16), [true, true, true, true, false]);
        assert_eq!(has(Runtime::Tuned, Precision::Tf32), [false, false, false, true, false]);
        assert_eq!(has(Runtime::Tuned, Precision::Int8), [true, false, false, false, false]);
        assert_eq!(has(Runtime::Tuned, Precision::Bf16), [true, false, false, false, false]);
        assert_eq!(has(Runtime::Candle, Precision::Bf16), [false; 5]);
        assert_eq!(has(Runtime::Candle, Precision::F16), [false; 5]);
        assert_eq!(has(Runtime::Candle, Precision::Int8), [false; 5]);
        assert_eq!(has(Runtime::Candle, Precision::Tf32), [false; 5]);
    }

    #[test]
    fn what_another_device_or_runtime_cannot_do_is_put_back() {
        let on_card = RunOptions { precision: Precision::F16, ..RunOptions::new(DeviceId::Gpu(1), 2, 8) };
        assert_eq!(on_card.on(DeviceId::Gpu(0)), RunOptions { device: DeviceId::Gpu(0), ..on_card.clone() });
        assert_eq!(on_card.on(DeviceId::Cpu), RunOptions::new(DeviceId::Cpu, 2, 8));
        assert_eq!(on_card.on(DeviceId::Cuda(0)), RunOptions { device: DeviceId::Cuda(0), ..on_card.clone() });
        let tf32 = RunOptions { precision: Precision::Tf32, ..RunOptions::new(DeviceId::Cuda(0), 2, 8) };
        assert_eq!(tf32.on(DeviceId::Gpu(0)), RunOptions::new(DeviceId::Gpu(0), 2, 8));
        assert_eq!(on_card.on(DeviceId::Metal(0)), RunOptions::new(DeviceId::Metal(0), 2, 8));
        let stock = RunOptions { runtime: Runtime::Candle, ..RunOptions::new(DeviceId::Cpu, 2, 8) };
        assert_eq!(stock.on(DeviceId::Gpu(0)), RunOptions::new(DeviceId::Gpu(0), 2, 8));
        assert_eq!(stock.on(DeviceId::Metal(0)).runtime, Runtime::Candle);
        assert_eq!(on_card.with(Runtime::Candle).precision, Precision::F32);
    }

    #[test]
    fn the_precision_is_told_where_it_is_not_the_usual_one_and_old_options_have_that() {
        let usual = RunOptions::new(DeviceId::Gpu(0), 1, 8);
        let half = RunOptions { precision: Precision::F16, ..usual.clone() };
        assert_eq!(usual.to_string(), "gpu:0, tuned, 1 thread, batch 8");
        assert_eq!(half.to_string(), "gpu:0, tuned, f16, 1 thread, batch 8");
        let tf32 = RunOptions { precision: Precision::Tf32, ..RunOptions::new(DeviceId::Cuda(0), 1, 8) };
        assert_eq!(tf32.to_string(), "cuda:0, tuned, tf32, 1 thread, batch 8");
        assert_eq!((usual.key(), half.key()), ("gpu:0 tuned t1 b8".into(), "gpu:0 tuned f16 t1 b8".into()));
        let old = r#"{"device":"gpu:0","runtime":"tuned","threads":1,"batch":8}"#;
        assert_eq!(serde_json::from_str::<RunOptions>(old).unwrap(), usual);
        let json = serde_json::to_string(&half).unwrap();
        assert_eq!(serde_json::from_str::<RunOptions>(&json).unwrap(), half);
    }
}
