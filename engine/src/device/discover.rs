//! Lists the devices that a person can choose, with the reason where one cannot be used.

use super::adapters::Gpus;
use super::{Device, DeviceApi, DeviceError, DeviceId, DeviceInfo, DeviceKind, Precision};

/// Every device: the CPU first, then each GPU that opens, or one line per kind that says why there is none; what plays a
/// GPU is told only where it is there.
#[must_use]
pub fn devices() -> Vec<DeviceInfo> {
    let mut found = vec![cpu()];
    let gpus = Gpus::find();
    if gpus.count() == 0 {
        let (id, reason) = (DeviceId::Gpu(0), gpus.missing(DeviceId::Gpu(0)));
        let unavailable = Some(DeviceError::NoGpu { device: id, reason }.to_string());
        found.push(DeviceInfo { unavailable, ..DeviceInfo::unknown(id) });
    }
    found.extend(gpus.infos());
    found.extend(all_of(DeviceId::Cuda));
    found.extend(all_of(DeviceId::Metal));
    found
}

fn cpu() -> DeviceInfo {
    let machine = super::Machine::detect();
    DeviceInfo {
        name: machine.cpu_model,
        kind: Some(DeviceKind::Cpu),
        memory: machine.memory,
        precisions: vec![Precision::F32],
        ..DeviceInfo::unknown(DeviceId::Cpu)
    }
}

/// Candle's devices of one kind, up to the first ordinal that does not exist.
fn all_of(kind: fn(usize) -> DeviceId) -> Vec<DeviceInfo> {
    let mut found = Vec::new();
    for ordinal in 0.. {
        let id = kind(ordinal);
        let opened = match Device::open(&id) {
            Err(DeviceError::NoSuchOrdinal { .. }) if ordinal > 0 => break,
            opened => opened,
        };
        let works = opened.is_ok();
        let (precisions, unavailable) = match opened {
            Ok(device) => (device.precisions().to_vec(), None),
            Err(error) => (Vec::new(), Some(error.to_string())),
        };
        let backend = if matches!(id, DeviceId::Cuda(_)) { DeviceApi::Cuda } else { DeviceApi::Metal };
        let name = gpu_name(id);
        found.push(DeviceInfo { name, unavailable, backend: Some(backend), precisions, ..DeviceInfo::unknown(id) });
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

    /// Whatever this machine has.
    #[test]
    fn the_cpu_comes_first_and_every_kind_is_told_available_or_why_not() {
        let found = devices();
        assert_eq!(found[0].id, DeviceId::Cpu);
        assert!(found[0].is_available());
        for kind in [DeviceId::Gpu(0), DeviceId::Cuda(0), DeviceId::Metal(0)] {
            assert!(found.iter().any(|info| info.id == kind), "{kind}");
        }
        for info in found {
            let opened = Device::open(&info.id);
            assert_eq!(opened.is_ok(), info.is_available(), "{}", info.id);
            let precisions = opened.map_or(Vec::new(), |device| device.precisions().to_vec());
            assert_eq!(precisions, info.precisions, "{}", info.id);
            assert_ne!(info.memory, Some(crate::units::Bytes(0)), "{}", info.id);
        }
    }
}
