//! Opens a device, or says what is missing and how to get it.

use std::path::{Path, PathBuf};

use thiserror::Error;

#[cfg(feature = "gpu")]
use super::adapters::{Gpus, precisions};
use super::cuda::{CudaDevice, CudaError, driver};
use super::{DeviceId, NoGpu, Precision};

/// A device that is ready to hold networks.
#[derive(Clone, Debug)]
pub struct Device {
    id: DeviceId,
    candle: candle_core::Device,
    #[cfg(feature = "gpu")]
    adapter: Option<wgpu::Adapter>,
    cuda: Option<CudaDevice>,
    memory_folder: Option<PathBuf>,
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
    /// No GPU of this kind is on the machine.
    #[error("device `{device}` cannot be used: {reason}")]
    NoGpu {
        /// The device asked for.
        device: DeviceId,
        /// What is missing, and how to get it.
        reason: NoGpu,
    },
    /// NVIDIA's driver is not there or does not answer.
    #[error("device `{device}` cannot be used: {reason}")]
    Cuda {
        /// The device asked for.
        device: DeviceId,
        /// What is missing, and how to get it.
        reason: CudaError,
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
        let mut device = Self { id: *id, ..Self::cpu() };
        match *id {
            DeviceId::Cpu => {}
            // Drivers are loaded only here: a network on the processor needs none of them.
            #[cfg(feature = "gpu")]
            DeviceId::Gpu(_) | DeviceId::SoftwareGpu => device.adapter = Some(find_adapter(*id)?),
            #[cfg(not(feature = "gpu"))]
            DeviceId::Gpu(_) | DeviceId::SoftwareGpu => {
                let note = ", which brings our kernels for cards of any maker";
                return Err(DeviceError::NotCompiledIn { device: *id, feature: "gpu", note });
            }
            DeviceId::Cuda(ordinal) => {
                device.cuda = Some(find_cuda(*id, ordinal)?);
                device.candle = open_cuda(*id, ordinal)?;
            }
            DeviceId::Metal(ordinal) => device.candle = open_metal(*id, ordinal)?,
        }
        Ok(device)
    }

    /// The processor; this cannot fail.
    #[must_use]
    pub const fn cpu() -> Self {
        Self {
            id: DeviceId::Cpu,
            candle: candle_core::Device::Cpu,
            #[cfg(feature = "gpu")]
            adapter: None,
            cuda: None,
            memory_folder: None,
        }
    }

    /// The same device, whose backend remembers what it has tuned and compiled in this folder. Without one it is tuned
    /// anew by every process.
    #[must_use]
    pub fn remembering(self, folder: PathBuf) -> Self {
        Self { memory_folder: Some(folder), ..self }
    }

    /// Where its backend remembers what it has tuned and compiled; not made yet, perhaps.
    #[must_use]
    pub fn memory_folder(&self) -> Option<&Path> {
        self.memory_folder.as_deref()
    }

    /// The device's name.
    #[must_use]
    pub const fn id(&self) -> DeviceId {
        self.id
    }

    /// The card through Vulkan, Metal or Direct3D 12: of `gpu:N` and `gpu:software`.
    #[cfg(feature = "gpu")]
    #[must_use]
    pub const fn adapter(&self) -> Option<&wgpu::Adapter> {
        self.adapter.as_ref()
    }

    /// NVIDIA's card: of `cuda:N`.
    #[must_use]
    pub const fn cuda(&self) -> Option<&CudaDevice> {
        self.cuda.as_ref()
    }

    /// What a network can be computed in here.
    #[must_use]
    pub fn precisions(&self) -> &'static [Precision] {
        #[cfg(feature = "gpu")]
        if let Some(adapter) = &self.adapter {
            return precisions(adapter.features());
        }
        match &self.cuda {
            Some(cuda) if cuda.card.has_tf32() => &Precision::NVIDIA,
            Some(cuda) if cuda.card.has_f16() => &Precision::PORTABLE,
            None if self.id == DeviceId::Cpu => Precision::of_processor(),
            _ => &[Precision::F32],
        }
    }

    /// Whether Candle has the device, as it has `cuda:N` only in builds with that feature.
    ///
    /// # Errors
    /// With what to build it with.
    pub fn check_candle(&self) -> Result<(), DeviceError> {
        match self.id {
            DeviceId::Cuda(_) if self.candle.is_cpu() => {
                Err(DeviceError::NotCompiledIn { device: self.id, feature: "cuda", note: CUDA_NOTE })
            }
            _ => Ok(()),
        }
    }

    /// Candle's handle, for making tensors. Those that go to a card of ours and come from it lie in the machine's memory.
    #[must_use]
    pub const fn candle(&self) -> &candle_core::Device {
        &self.candle
    }

    /// Waits until everything that Candle has enqueued on the device is done; immediate on the CPU and on cards of ours,
    /// whose executables wait themselves.
    ///
    /// # Errors
    /// Where the device reports a failure of earlier work.
    pub fn synchronize(&self) -> Result<(), DeviceError> {
        self.candle.synchronize().map_err(|source| DeviceError::Failed { device: self.id, source })
    }
}

#[cfg(feature = "gpu")]
fn find_adapter(id: DeviceId) -> Result<wgpu::Adapter, DeviceError> {
    let gpus = Gpus::find();
    gpus.adapter(id).cloned().ok_or_else(|| match (id, gpus.count()) {
        (DeviceId::Gpu(_), found @ 1..) => DeviceError::NoSuchOrdinal { device: id, found },
        _ => DeviceError::NoGpu { device: id, reason: gpus.missing(id) },
    })
}

/// What stock Candle needs on an NVIDIA card, beside the feature.
const CUDA_NOTE: &str = " (needs NVIDIA's CUDA toolkit), or use `--runtime tuned`, which needs the driver alone";

fn find_cuda(id: DeviceId, ordinal: usize) -> Result<CudaDevice, DeviceError> {
    driver::device(ordinal).map_err(|reason| match reason {
        CudaError::NoDevice { found, .. } => DeviceError::NoSuchOrdinal { device: id, found },
        reason => DeviceError::Cuda { device: id, reason },
    })
}

#[cfg(feature = "cuda")]
fn open_cuda(id: DeviceId, ordinal: usize) -> Result<candle_core::Device, DeviceError> {
    candle_core::Device::new_cuda(ordinal).map_err(|source| DeviceError::Failed { device: id, source })
}

/// Candle is not there: our own kernels take their tensors from the machine's memory.
#[cfg(not(feature = "cuda"))]
#[expect(clippy::unnecessary_wraps, reason = "it may fail in builds with the feature")]
fn open_cuda(_: DeviceId, _: usize) -> Result<candle_core::Device, DeviceError> {
    Ok(candle_core::Device::Cpu)
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
        assert_eq!(device.precisions(), Precision::of_processor());
        device.synchronize().unwrap();
    }

    #[cfg(not(any(feature = "cuda", feature = "metal")))]
    #[test]
    fn a_device_that_is_not_compiled_in_names_the_feature_to_build_with() {
        let card = Device { id: DeviceId::Cuda(0), ..Device::cpu() };
        let cuda = card.check_candle().unwrap_err().to_string();
        assert!(cuda.contains("`cuda:0`") && cuda.contains("--features cuda") && cuda.contains("tuned"), "{cuda}");
        assert!(Device::cpu().check_candle().is_ok());
        let metal = Device::open(&DeviceId::Metal(3)).unwrap_err().to_string();
        assert!(metal.contains("`metal:3`") && metal.contains("--features metal"), "{metal}");
    }

    #[cfg(not(feature = "gpu"))]
    #[test]
    fn cards_that_are_not_compiled_in_name_the_feature_to_build_with() {
        for id in [DeviceId::Gpu(0), DeviceId::SoftwareGpu] {
            let told = Device::open(&id).unwrap_err().to_string();
            assert!(told.contains(&format!("`{id}`")) && told.contains("`--features gpu`"), "{told}");
        }
    }

    /// Whether there are cards or not.
    #[test]
    fn a_card_of_nvidia_that_is_not_there_is_refused_with_the_driver_or_how_many_there_are() {
        let error = Device::open(&DeviceId::Cuda(4_096)).unwrap_err();
        let is_right = match &error {
            DeviceError::NoSuchOrdinal { device, .. } => *device == DeviceId::Cuda(4_096),
            DeviceError::Cuda { reason: CudaError::NoDriver, .. } => {
                let text = error.to_string();
                text.contains("no NVIDIA driver") && text.contains("`cuda:4096`") && text.contains("--device cpu")
            }
            DeviceError::Cuda { .. } => true,
            _ => false,
        };
        assert!(is_right, "{error}");
    }

    #[test]
    fn a_device_remembers_in_the_folder_it_was_given() {
        assert_eq!(Device::cpu().memory_folder(), None);
        let device = Device::cpu().remembering("cache".into());
        assert_eq!((device.id(), device.memory_folder()), (DeviceId::Cpu, Some(Path::new("cache"))));
    }

    /// Whether there are cards or not.
    #[cfg(feature = "gpu")]
    #[test]
    fn a_card_that_is_not_there_is_refused_with_how_many_there_are_or_what_to_install() {
        let error = Device::open(&DeviceId::Gpu(4_096)).unwrap_err();
        let is_right = match &error {
            DeviceError::NoSuchOrdinal { device, found } => *device == DeviceId::Gpu(4_096) && *found > 0,
            DeviceError::NoGpu { device, reason } => *device == DeviceId::Gpu(4_096) && *reason != NoGpu::NoSoftware,
            _ => false,
        };
        assert!(is_right, "{error}");
    }

    #[cfg(feature = "gpu")]
    #[test]
    fn a_card_of_ours_takes_its_tensors_from_the_machines_memory() {
        for id in [DeviceId::Gpu(0), DeviceId::SoftwareGpu] {
            match Device::open(&id) {
                Ok(device) => {
                    assert!(device.candle().is_cpu() && device.adapter().is_some(), "{id}");
                    device.synchronize().unwrap();
                }
                Err(error) => assert!(error.to_string().contains("--device"), "{error}"),
            }
        }
    }

    #[test]
    fn a_missing_ordinal_says_how_many_there_are() {
        let message = |found| DeviceError::NoSuchOrdinal { device: DeviceId::Cuda(9), found }.to_string();
        assert!(message(0).contains("none of its kind"));
        assert!(message(1).contains("number 0"));
        assert!(message(4).contains("numbers 0 to 3"));
    }
}
