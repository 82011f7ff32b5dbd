//! Opens a device, or says what is missing and how to get it.

use thiserror::Error;

use super::DeviceId;

/// A device that is ready to hold tensors.
#[derive(Clone, Debug)]
pub struct Device {
    id: DeviceId,
    candle: candle_core::Device,
}

/// Why a device cannot be used.
#[derive(Debug, Error)]
pub enum DeviceError {
    /// The program was built without this kind of device.
    #[error("device `{device}` is not compiled in: rebuild with `--features {feature}`{note}")]
    NotCompiledIn {
        /// The device asked for.
        device: DeviceId,
        /// The cargo feature that brings it.
        feature: &'static str,
        /// What else that build needs.
        note: &'static str,
    },
    /// The machine has fewer devices of this kind.
    #[error("there is no device `{device}`: {}", count_of(*.found))]
    NoSuchOrdinal {
        /// The device asked for.
        device: DeviceId,
        /// How many of its kind the system reports.
        found: usize,
    },
    /// The device is there but does not open or fails.
    #[error("device `{device}` does not work: {source}; check its driver, or use `--device cpu`")]
    Failed {
        /// The device asked for.
        device: DeviceId,
        /// What Candle or the driver says.
        source: candle_core::Error,
    },
}

fn count_of(found: usize) -> String {
    match found {
        0 => "the system reports none of its kind; check the driver, or use `--device cpu`".to_owned(),
        1 => "the system reports one of its kind, number 0".to_owned(),
        n => format!("the system reports {n} of its kind, numbers 0 to {}", n - 1),
    }
}

impl Device {
    /// Opens the device.
    ///
    /// # Errors
    /// Where the build, the machine or the driver lacks it; the message names the remedy.
    pub fn open(id: &DeviceId) -> Result<Self, DeviceError> {
        let candle = match *id {
            DeviceId::Cpu => Ok(candle_core::Device::Cpu),
            DeviceId::Cuda(ordinal) => open_cuda(*id, ordinal),
            DeviceId::Metal(ordinal) => open_metal(*id, ordinal),
        }?;
        Ok(Self { id: *id, candle })
    }

    /// The processor; this cannot fail.
    #[must_use]
    pub const fn cpu() -> Self {
        Self { id: DeviceId::Cpu, candle: candle_core::Device::Cpu }
    }

    /// The device's name.
    #[must_use]
    pub const fn id(&self) -> DeviceId {
        self.id
    }

    /// Candle's handle, for making tensors.
    #[must_use]
    pub const fn candle(&self) -> &candle_core::Device {
        &self.candle
    }

    /// Waits until everything enqueued on the device is done; immediate on the CPU.
    ///
    /// # Errors
    /// Where the device reports a failure of earlier work.
    pub fn synchronize(&self) -> Result<(), DeviceError> {
        self.candle.synchronize().map_err(|source| DeviceError::Failed { device: self.id, source })
    }
}

#[cfg(feature = "cuda")]
fn open_cuda(id: DeviceId, ordinal: usize) -> Result<candle_core::Device, DeviceError> {
    let found = cuda_count(id)?;
    if ordinal >= found {
        return Err(DeviceError::NoSuchOrdinal { device: id, found });
    }
    candle_core::Device::new_cuda(ordinal).map_err(|source| DeviceError::Failed { device: id, source })
}

#[cfg(feature = "cuda")]
fn cuda_count(id: DeviceId) -> Result<usize, DeviceError> {
    let count = candle_core::cuda_backend::cudarc::driver::CudaContext::device_count()
        .map_err(|error| DeviceError::Failed { device: id, source: candle_core::Error::wrap(error) })?;
    Ok(usize::try_from(count).unwrap_or(0))
}

#[cfg(not(feature = "cuda"))]
fn open_cuda(id: DeviceId, _ordinal: usize) -> Result<candle_core::Device, DeviceError> {
    Err(DeviceError::NotCompiledIn { device: id, feature: "cuda", note: " (needs NVIDIA's CUDA toolkit)" })
}

/// Candle indexes Metal's device list without a check, so a missing ordinal panics inside it. Candle does not export the
/// list's length; the panic is caught and told as the missing device that it means.
#[cfg(feature = "metal")]
fn open_metal(id: DeviceId, ordinal: usize) -> Result<candle_core::Device, DeviceError> {
    match std::panic::catch_unwind(|| candle_core::Device::new_metal(ordinal)) {
        Ok(opened) => opened.map_err(|source| DeviceError::Failed { device: id, source }),
        Err(_) => Err(DeviceError::NoSuchOrdinal { device: id, found: metal_count(ordinal) }),
    }
}

#[cfg(feature = "metal")]
fn metal_count(below: usize) -> usize {
    let opens =
        |ordinal: &usize| matches!(std::panic::catch_unwind(|| candle_core::Device::new_metal(*ordinal)), Ok(Ok(_)));
    (0..below.min(8)).take_while(opens).count()
}

#[cfg(not(feature = "metal"))]
fn open_metal(id: DeviceId, _ordinal: usize) -> Result<candle_core::Device, DeviceError> {
    Err(DeviceError::NotCompiledIn { device: id, feature: "metal", note: " on a Mac" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cpu_always_opens() {
        let device = Device::open(&DeviceId::Cpu).unwrap();
        assert_eq!(device.id(), DeviceId::Cpu);
        assert!(device.candle().is_cpu());
        device.synchronize().unwrap();
    }

    #[cfg(not(any(feature = "cuda", feature = "metal")))]
    #[test]
    fn a_device_that_is_not_compiled_in_names_the_feature_to_build_with() {
        let cuda = Device::open(&DeviceId::Cuda(0)).unwrap_err().to_string();
        assert!(cuda.contains("`cuda:0`") && cuda.contains("--features cuda"), "{cuda}");
        let metal = Device::open(&DeviceId::Metal(3)).unwrap_err().to_string();
        assert!(metal.contains("`metal:3`") && metal.contains("--features metal"), "{metal}");
    }

    #[test]
    fn a_missing_ordinal_says_how_many_there_are() {
        let message = |found| DeviceError::NoSuchOrdinal { device: DeviceId::Cuda(9), found }.to_string();
        assert!(message(0).contains("none of its kind"));
        assert!(message(1).contains("number 0"));
        assert!(message(4).contains("numbers 0 to 3"));
    }
}
