//! Lists the devices that a person can choose, with the reason where one cannot be used.

#[cfg(feature = "gpu")]
use super::adapters::Gpus;
use super::cuda::driver;
use super::{Device, DeviceApi, DeviceError, DeviceId, DeviceInfo, DeviceKind, Precision};
use crate::units::Bytes;

/// Every device: the CPU first, then each GPU that opens, or one line per kind that says why there is none; what plays a
/// GPU is told only where it is there.
#[must_use]
pub fn devices() -> Vec<DeviceInfo> {
    let mut found = vec![cpu()];
    found.extend(cards());
    found.extend(all_of(DeviceId::Cuda));
    found.extend(all_of(DeviceId::Metal));
    found
}

/// The cards, and what plays one where it is there.
#[cfg(feature = "gpu")]
fn cards() -> Vec<DeviceInfo> {
    let (gpus, id) = (Gpus::find(), DeviceId::Gpu(0));
    let missing = (gpus.count() == 0).then(|| DeviceError::NoGpu { device: id, reason: gpus.missing(id) });
    let missing = missing.map(|error| DeviceInfo { unavailable: Some(error.to_string()), ..DeviceInfo::unknown(id) });
    missing.into_iter().chain(gpus.infos()).collect()
}

/// That this build has no kernels for cards.
#[cfg(not(feature = "gpu"))]
fn cards() -> Vec<DeviceInfo> {
    let id = DeviceId::Gpu(0);
    let unavailable = Device::open(&id).err().map(|error| error.to_string());
    vec![DeviceInfo { unavailable, ..DeviceInfo::unknown(id) }]
}

fn cpu() -> DeviceInfo {
    let machine = super::Machine::detect();
    DeviceInfo {
        name: machine.cpu_model,
        kind: Some(DeviceKind::Cpu),
        memory: machine.memory,
        precisions: Precision::of_processor().to_vec(),
        ..DeviceInfo::unknown(DeviceId::Cpu)
    }
}

/// NVIDIA's cards or Candle's devices of Metal, up to the first ordinal that does not exist.
fn all_of(kind: fn(usize) -> DeviceId) -> Vec<DeviceInfo> {
    let mut found = Vec::new();
    for ordinal in 0.. {
        let id = kind(ordinal);
        let opened = match Device::open(&id) {
            Err(DeviceError::NoSuchOrdinal { .. }) if ordinal > 0 => break,
            opened => opened,
        };
        let info = DeviceInfo { backend: Some(api(id)), ..DeviceInfo::unknown(id) };
        match opened {
            Ok(device) => found.push(described(&device, info)),
            Err(error) => {
                found.push(DeviceInfo { unavailable: Some(error.to_string()), ..info });
                break;
            }
        }
    }
    found
}

const fn api(id: DeviceId) -> DeviceApi {
    if matches!(id, DeviceId::Cuda(_)) { DeviceApi::Cuda } else { DeviceApi::Metal }
}

/// What NVIDIA's driver tells of its cards; of others only what they compute in is known.
fn described(device: &Device, info: DeviceInfo) -> DeviceInfo {
    let info = DeviceInfo { precisions: device.precisions().to_vec(), ..info };
    let Some(cuda) = device.cuda() else { return info };
    let version = driver::driver_version().ok();
    DeviceInfo {
        name: Some(cuda.name.clone()),
        kind: Some(if cuda.integrated { DeviceKind::IntegratedGpu } else { DeviceKind::DiscreteGpu }),
        driver: version.map(|version| format!("driver for CUDA {}.{}", version / 1000, version % 1000 / 10)),
        memory: Some(Bytes(cuda.memory)).filter(|memory| *memory > Bytes(0)),
        compute_capability: Some(cuda.compute_capability()),
        timestamps: Some(true),
        ..info
    }
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
