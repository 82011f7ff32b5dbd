//! Lists the devices that a person can choose, with the reason where one cannot be used.

use serde::{Deserialize, Serialize};

use super::{Device, DeviceError, DeviceId};

/// One device that exists or could exist in another build.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceInfo {
    /// What to give as `--device`.
    pub id: DeviceId,
    /// The hardware's name where the system tells it.
    pub name: Option<String>,
    /// Why it cannot be used; `None` where it can.
    pub unavailable: Option<String>,
}

impl DeviceInfo {
    /// Whether the device opens.
    #[must_use]
    pub const fn is_available(&self) -> bool {
        self.unavailable.is_none()
    }
}

/// Every device: the CPU first, then each GPU that opens, or one line per kind that says why there is none.
#[must_use]
pub fn devices() -> Vec<DeviceInfo> {
    let mut found = vec![DeviceInfo { id: DeviceId::Cpu, name: super::machine::cpu_model(), unavailable: None }];
    found.extend(all_of(DeviceId::Cuda));
    found.extend(all_of(DeviceId::Metal));
    found
}

/// The devices of one kind, up to the first ordinal that does not exist.
fn all_of(kind: fn(usize) -> DeviceId) -> Vec<DeviceInfo> {
    let mut found = Vec::new();
    for ordinal in 0.. {
        let id = kind(ordinal);
        let unavailable = match Device::open(&id) {
            Ok(_) => None,
            Err(DeviceError::NoSuchOrdinal { .. }) if ordinal > 0 => break,
            Err(error) => Some(error.to_string()),
        };
        let works = unavailable.is_none();
        found.push(DeviceInfo { name: gpu_name(id), id, unavailable });
        if !works {
            break;
        }
    }
    found
}

#[cfg(feature = "cuda")]
fn gpu_name(id: DeviceId) -> Option<String> {
    let DeviceId::Cuda(ordinal) = id else { return None };
    candle_core::cuda_backend::cudarc::driver::CudaContext::new(ordinal).ok()?.name().ok()
}

#[cfg(not(feature = "cuda"))]
fn gpu_name(_id: DeviceId) -> Option<String> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cpu_comes_first_and_every_kind_is_told_available_or_why_not() {
        let found = devices();
        assert_eq!(found[0].id, DeviceId::Cpu);
        assert!(found[0].is_available());
        assert!(found.iter().any(|info| matches!(info.id, DeviceId::Cuda(_))));
        assert!(found.iter().any(|info| matches!(info.id, DeviceId::Metal(_))));
        for info in found {
            assert_eq!(Device::open(&info.id).is_ok(), info.is_available(), "{}", info.id);
        }
    }
}
