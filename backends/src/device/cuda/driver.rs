//! The driver and its cards. Nothing here needs a driver to be there: its absence is an answer.

use std::sync::OnceLock;

use cudarc::driver::{result, sys};
use libloading::Library;

use super::Card;
use super::error::{CudaError, OLDEST_DRIVER, While};

/// A card as the driver describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CudaDevice {
    /// Its number: `cuda:0` is the first.
    pub index: usize,
    /// Marketing name.
    pub name: String,
    /// Memory in bytes.
    pub memory: u64,
    /// Identifies this very card, as `nvidia-smi -L` writes it.
    pub uuid: String,
    /// Where it is on the PCI bus: domain, bus and device.
    pub slot: [u32; 3],
    /// Whether it shares the processor's memory.
    pub integrated: bool,
    /// What kernels must know.
    pub card: Card,
}

impl CudaDevice {
    /// Compute capability as NVIDIA writes it: `9.0`.
    #[must_use]
    pub fn compute_capability(&self) -> String {
        format!("{}.{}", self.card.capability / 10, self.card.capability % 10)
    }
}

/// The driver's version: major times thousand plus minor times ten.
///
/// # Errors
/// Where there is no driver, or one that is too old.
pub fn driver_version() -> Result<i32, CudaError> {
    static VERSION: OnceLock<Result<i32, CudaError>> = OnceLock::new();
    VERSION.get_or_init(start).clone()
}

/// Every card, in the driver's order; empty where the driver has none.
///
/// # Errors
/// Where there is no driver, or it does not answer.
pub fn devices() -> Result<Vec<CudaDevice>, CudaError> {
    driver_version()?;
    let count = result::device::get_count().while_("counting GPUs")?;
    (0..count).map(describe).collect()
}

/// One card.
///
/// # Errors
/// Where there is no such card.
pub fn device(index: usize) -> Result<CudaDevice, CudaError> {
    let mut all = devices()?;
    let found = all.len();
    if index < found { Ok(all.swap_remove(index)) } else { Err(CudaError::NoDevice { index, found }) }
}

/// Whether the driver's library is there. The bindings must not be called without: they would not return.
fn is_present() -> bool {
    let names = if cfg!(windows) { &["nvcuda.dll"][..] } else { &["libcuda.so.1", "libcuda.so"] };
    // SAFETY: libraries of these names are the driver's; loading one runs nothing but its own initialisation.
    names.iter().any(|&name| unsafe { Library::new(name) }.is_ok())
}

fn start() -> Result<i32, CudaError> {
    if !is_present() {
        return Err(CudaError::NoDriver);
    }
    let mut version = 0;
    // SAFETY: `version` is a place for an integer; the function needs no initialisation.
    unsafe { sys::cuDriverGetVersion(&raw mut version) }.result().while_("saying its version")?;
    if version < OLDEST_DRIVER {
        return Err(CudaError::OldDriver { version });
    }
    match result::init() {
        // A driver without a card answers so.
        Err(error) if error.0 == sys::CUresult::CUDA_ERROR_NO_DEVICE => Err(CudaError::NoDevice { index: 0, found: 0 }),
        other => other.while_("starting").map(|()| version),
    }
}

fn describe(index: i32) -> Result<CudaDevice, CudaError> {
    use sys::CUdevice_attribute_enum::{
        CU_DEVICE_ATTRIBUTE_CLUSTER_LAUNCH, CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR,
        CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR, CU_DEVICE_ATTRIBUTE_INTEGRATED,
        CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN, CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT,
        CU_DEVICE_ATTRIBUTE_PCI_BUS_ID, CU_DEVICE_ATTRIBUTE_PCI_DEVICE_ID, CU_DEVICE_ATTRIBUTE_PCI_DOMAIN_ID,
    };
    let action = "describing a GPU";
    let handle = result::device::get(index).while_(action)?;
    // SAFETY: the handle is the driver's own, here and below.
    let ask = |attribute| unsafe { result::device::get_attribute(handle, attribute) }.while_(action);
    let number = |attribute| Ok::<_, CudaError>(u32::try_from(ask(attribute)?).unwrap_or(0));
    let capability = number(CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR)? * 10
        + number(CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR)?;
    let clusters = number(CU_DEVICE_ATTRIBUTE_CLUSTER_LAUNCH)? > 0;
    let card = Card {
        capability,
        shared_bytes: number(CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN)?,
        multiprocessors: number(CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT)?,
        // Sixteen is the data-centre cards'; whether a kernel's fit is asked before it is launched.
        cluster: match (clusters, capability) {
            (false, _) => 1,
            (true, 90 | 100) => 16,
            (true, _) => 8,
        },
    };
    // SAFETY: as above.
    let memory = unsafe { result::device::total_mem(handle) }.while_(action)? as u64;
    let uuid = result::device::get_uuid(handle).while_(action)?;
    let index = usize::try_from(index).unwrap_or(0);
    let name = result::device::get_name(handle).while_(action)?;
    let slot = [
        number(CU_DEVICE_ATTRIBUTE_PCI_DOMAIN_ID)?,
        number(CU_DEVICE_ATTRIBUTE_PCI_BUS_ID)?,
        number(CU_DEVICE_ATTRIBUTE_PCI_DEVICE_ID)?,
    ];
    let integrated = number(CU_DEVICE_ATTRIBUTE_INTEGRATED)? > 0;
    Ok(CudaDevice { index, name, memory, uuid: written(uuid), slot, integrated, card })
}

/// `GPU-` and the bytes in the usual groups.
fn written(uuid: sys::CUuuid) -> String {
    let mut text = String::from("GPU");
    for (index, byte) in uuid.bytes.iter().enumerate() {
        if matches!(index, 0 | 4 | 6 | 8 | 10) {
            text.push('-');
        }
        text.push_str(&format!("{:02x}", *byte as u8));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_without_a_driver_says_so_and_another_one_lists_its_cards() {
        match devices() {
            Err(error) if !is_present() => {
                assert_eq!(error, CudaError::NoDriver);
                assert!(error.to_string().contains("no NVIDIA driver"), "{error}");
                assert_eq!(device(0).unwrap_err(), CudaError::NoDriver);
            }
            Err(error) => assert!(!matches!(error, CudaError::NoDriver), "{error}"),
            Ok(all) => {
                for (index, device) in all.iter().enumerate() {
                    assert_eq!(device.index, index);
                    assert!(device.uuid.starts_with("GPU-") && device.uuid.len() == 40, "{}", device.uuid);
                }
            }
        }
    }
}
