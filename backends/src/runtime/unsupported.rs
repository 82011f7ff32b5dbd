//! Refuses ways of running that nothing here has kernels for, before anything is prepared.

use thiserror::Error;

use super::{Precision, RunOptions, Runtime};
use crate::device::{Device, DeviceId};

/// A way of running that nothing has kernels for.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum UnsupportedRun {
    /// The runtime knows no such device.
    #[error("the {runtime} runtime has no kernels for {device}: {}", instead(*.runtime))]
    Runtime {
        /// The runtime asked for.
        runtime: Runtime,
        /// The device asked for.
        device: DeviceId,
    },
    /// The runtime computes in something else there.
    #[error(
        "the {runtime} runtime does not compute in {precision} on {device}: use --precision f32, or the tuned runtime on {} \
         that `shufflescope devices` lists with {precision}", devices(*.precision)
    )]
    Precision {
        /// The precision asked for.
        precision: Precision,
        /// The runtime asked for.
        runtime: Runtime,
        /// The device asked for.
        device: DeviceId,
    },
    /// The device or its driver has no such numbers.
    #[error(
        "{device} has no {precision}: use --precision f32, or another device that `shufflescope devices` \
         lists with {precision}"
    )]
    Driver {
        /// The precision asked for.
        precision: Precision,
        /// The device asked for.
        device: DeviceId,
    },
}

const fn devices(precision: Precision) -> &'static str {
    match precision {
        Precision::F32 => "a GPU (gpu:N, cuda:N)",
        Precision::F16 => "a GPU (gpu:N, cuda:N) or a processor that has it (cpu)",
        Precision::Tf32 => "a GPU (cuda:N)",
        Precision::Int8 => "the processor (cpu)",
        Precision::Bf16 => "a processor that has it (cpu)",
    }
}

const fn instead(runtime: Runtime) -> &'static str {
    match runtime {
        Runtime::Tuned => {
            "use --runtime candle, --device gpu (the card through Vulkan, Metal or Direct3D), or --device cpu"
        }
        Runtime::Candle => "use --runtime tuned, or --device cpu, cuda:N or metal:N",
    }
}

impl RunOptions {
    /// Whether anything here has kernels for these options, on whatever machine.
    ///
    /// # Errors
    /// Where runtime, device and precision do not go together, with what would.
    pub fn check(&self) -> Result<(), UnsupportedRun> {
        let Self { device, runtime, precision, .. } = *self;
        if !runtime.runs_on(device) {
            return Err(UnsupportedRun::Runtime { runtime, device });
        }
        if !runtime.precisions_on(device).contains(&precision) {
            return Err(UnsupportedRun::Precision { precision, runtime, device });
        }
        Ok(())
    }

    /// As [`check`](Self::check), and whether this very device has the numbers.
    ///
    /// # Errors
    /// As [`check`](Self::check), and where the device's driver lacks the precision.
    pub fn check_on(&self, device: &Device) -> Result<(), UnsupportedRun> {
        self.check()?;
        if !device.precisions().contains(&self.precision) {
            return Err(UnsupportedRun::Driver { precision: self.precision, device: device.id() });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn half(runtime: Runtime, device: DeviceId) -> RunOptions {
        RunOptions { runtime, precision: Precision::F16, ..RunOptions::new(device, 1, 1) }
    }

    #[test]
    fn sixteen_bits_are_refused_by_candle_with_what_can() {
        for (runtime, device) in [(Runtime::Candle, DeviceId::Cpu), (Runtime::Candle, DeviceId::Cuda(0))] {
            let error = half(runtime, device).check().unwrap_err();
            assert_eq!(error, UnsupportedRun::Precision { precision: Precision::F16, runtime, device });
            let text = error.to_string();
            assert!(text.contains("gpu:N") && text.contains("--precision f32"), "{text}");
        }
        for device in [DeviceId::Cpu, DeviceId::Gpu(0), DeviceId::SoftwareGpu, DeviceId::Cuda(0)] {
            assert_eq!(half(Runtime::Tuned, device).check(), Ok(()));
        }
    }

    #[test]
    fn tf32_is_refused_wherever_there_are_no_tensor_cores_with_the_devices_that_may_have_them() {
        let tf32 = |device| RunOptions { precision: Precision::Tf32, ..RunOptions::new(device, 1, 1) };
        for device in [DeviceId::Cpu, DeviceId::Gpu(0), DeviceId::SoftwareGpu, DeviceId::Metal(0)] {
            let text = tf32(device).check().unwrap_err().to_string();
            assert!(text.contains(&format!("tf32 on {device}")) && text.contains("GPU (cuda:N)"), "{text}");
        }
        assert_eq!(tf32(DeviceId::Cuda(0)).check(), Ok(()));
        // An older card, which computes in 32 bits only.
        let error = tf32(DeviceId::Cuda(0)).check_on(&Device::cpu()).unwrap_err();
        assert_eq!(error, UnsupportedRun::Driver { precision: Precision::Tf32, device: DeviceId::Cpu });
    }

    #[test]
    fn eight_bits_are_refused_on_graphics_cards_and_by_candle_with_the_processor() {
        let int8 =
            |runtime, device| RunOptions { runtime, precision: Precision::Int8, ..RunOptions::new(device, 1, 1) };
        assert_eq!(int8(Runtime::Tuned, DeviceId::Cpu).check_on(&Device::cpu()), Ok(()));
        for (runtime, device) in
            [(Runtime::Tuned, DeviceId::Gpu(0)), (Runtime::Tuned, DeviceId::Cuda(0)), (Runtime::Candle, DeviceId::Cpu)]
        {
            let text = int8(runtime, device).check().unwrap_err().to_string();
            assert!(text.contains(&format!("int8 on {device}")) && text.contains("the processor (cpu)"), "{text}");
        }
    }

    #[test]
    fn a_runtime_on_a_device_that_it_does_not_know_is_refused_with_one_that_does() {
        let refused = |runtime, device| {
            let options = RunOptions { runtime, ..RunOptions::new(device, 1, 1) };
            options.check().unwrap_err().to_string()
        };
        assert!(refused(Runtime::Tuned, DeviceId::Metal(0)).contains("--runtime candle"));
        assert!(refused(Runtime::Candle, DeviceId::Gpu(0)).contains("--runtime tuned"));
        assert!(refused(Runtime::Candle, DeviceId::SoftwareGpu).contains("gpu:software"));
    }

    #[test]
    fn a_device_without_the_numbers_is_refused_although_the_runtime_has_kernels() {
        let tf32 = RunOptions { precision: Precision::Tf32, ..RunOptions::new(DeviceId::Cuda(0), 1, 1) };
        let error = tf32.check_on(&Device::cpu()).unwrap_err();
        assert_eq!(error, UnsupportedRun::Driver { precision: Precision::Tf32, device: DeviceId::Cpu });
        for precision in Precision::PROCESSOR {
            let run = RunOptions { precision, ..RunOptions::new(DeviceId::Cpu, 1, 1) };
            assert_eq!(run.check_on(&Device::cpu()).is_ok(), Precision::of_processor().contains(&precision));
        }
        assert_eq!(RunOptions::new(DeviceId::Cpu, 1, 1).check_on(&Device::cpu()), Ok(()));
    }
}
