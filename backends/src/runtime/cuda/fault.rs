//! What the driver's errors mean for the work that a card was given.

use crate::device::cuda::CudaError;
use crate::runtime::{DeviceFault, PrepareError, RunError};

impl From<CudaError> for DeviceFault {
    fn from(error: CudaError) -> Self {
        let reason = error.to_string();
        match error {
            CudaError::OutOfMemory { .. } => Self::OutOfMemory { reason },
            CudaError::Lost { name, .. } => Self::Lost { reason: name },
            _ => Self::Other { reason },
        }
    }
}

impl From<CudaError> for PrepareError {
    fn from(error: CudaError) -> Self {
        DeviceFault::from(error).into()
    }
}

impl From<CudaError> for RunError {
    fn from(error: CudaError) -> Self {
        DeviceFault::from(error).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lost_card_ends_its_process_and_a_full_one_does_not() {
        let lost = CudaError::Lost { action: "launching", name: "CUDA_ERROR_ILLEGAL_ADDRESS".to_owned() };
        let fault = DeviceFault::from(lost);
        assert!(fault.ends_process() && fault.to_string().contains("CUDA_ERROR_ILLEGAL_ADDRESS"), "{fault}");
        let fault = DeviceFault::from(CudaError::OutOfMemory { bytes: 77 });
        assert!(!fault.ends_process() && fault.to_string().contains("77 bytes"), "{fault}");
        let refused = CudaError::Refused { action: "loading a kernel", name: "CUDA_ERROR_INVALID_IMAGE".to_owned() };
        assert!(matches!(DeviceFault::from(refused), DeviceFault::Other { .. }));
    }
}
