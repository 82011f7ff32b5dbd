//! What can go wrong with NVIDIA's driver.

use cudarc::driver::DriverError;
use cudarc::driver::sys::CUresult;
use thiserror::Error;

/// The first driver whose functions are all there, times thousand.
pub(super) const OLDEST_DRIVER: i32 = 12_000;

/// Why the driver did not do what was asked.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum CudaError {
    /// There is no driver.
    #[error(
        "there is no NVIDIA driver on this machine (its library `libcuda.so.1` or `nvcuda.dll` was not found): install the \
         card's driver, or use `--device gpu` or `--device cpu`"
    )]
    NoDriver,
    /// It is too old.
    #[error(
        "the NVIDIA driver is for CUDA {}.{}, and CUDA {}.0 is the oldest that works: install a newer driver",
        .version / 1000, .version % 1000 / 10, OLDEST_DRIVER / 1000
    )]
    OldDriver {
        /// Major version times thousand, plus minor version times ten.
        version: i32,
    },
    /// There is no such card.
    #[error("there is no device cuda:{index}: the driver has {found} of them")]
    NoDevice {
        /// What was asked for.
        index: usize,
        /// How many there are.
        found: usize,
    },
    /// The card's memory is full.
    #[error("the GPU has no {bytes} bytes of memory free: lower batch or input, or close other programs that use it")]
    OutOfMemory {
        /// What was asked for.
        bytes: usize,
    },
    /// The card, or the program's hold on it, is gone.
    #[error(
        "the GPU stopped working for this program ({name} while {action}): start again; if it comes back, look at the driver's log"
    )]
    Lost {
        /// What was done.
        action: &'static str,
        /// The driver's name for it.
        name: String,
    },
    /// Anything else.
    #[error("NVIDIA's driver refused {action}: {name}")]
    Refused {
        /// What was done.
        action: &'static str,
        /// The driver's name for it.
        name: String,
    },
}

impl CudaError {
    /// What the driver says of an action.
    pub(crate) fn of(action: &'static str, error: DriverError) -> Self {
        use CUresult::{
            CUDA_ERROR_ECC_UNCORRECTABLE, CUDA_ERROR_HARDWARE_STACK_ERROR, CUDA_ERROR_ILLEGAL_ADDRESS,
            CUDA_ERROR_ILLEGAL_INSTRUCTION, CUDA_ERROR_INVALID_PC, CUDA_ERROR_LAUNCH_FAILED, CUDA_ERROR_LAUNCH_TIMEOUT,
            CUDA_ERROR_MISALIGNED_ADDRESS, CUDA_ERROR_UNKNOWN,
        };
        let name = format!("{:?}", error.0);
        match error.0 {
            CUresult::CUDA_ERROR_OUT_OF_MEMORY => Self::OutOfMemory { bytes: 0 },
            CUDA_ERROR_ECC_UNCORRECTABLE
            | CUDA_ERROR_HARDWARE_STACK_ERROR
            | CUDA_ERROR_ILLEGAL_ADDRESS
            | CUDA_ERROR_ILLEGAL_INSTRUCTION
            | CUDA_ERROR_INVALID_PC
            | CUDA_ERROR_LAUNCH_FAILED
            | CUDA_ERROR_LAUNCH_TIMEOUT
            | CUDA_ERROR_MISALIGNED_ADDRESS
            | CUDA_ERROR_UNKNOWN => Self::Lost { action, name },
            _ => Self::Refused { action, name },
        }
    }
}

/// Names the action that a driver's result belongs to.
pub(crate) trait While<T> {
    fn while_(self, action: &'static str) -> Result<T, CudaError>;
}

impl<T> While<T> for Result<T, DriverError> {
    fn while_(self, action: &'static str) -> Result<T, CudaError> {
        self.map_err(|error| CudaError::of(action, error))
    }
}
