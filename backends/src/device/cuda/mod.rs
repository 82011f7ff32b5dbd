//! NVIDIA's driver and its cards, found at run time: nothing of CUDA is needed to build or start.

mod card;
pub mod driver;
mod error;

pub use card::Card;
pub use driver::CudaDevice;
pub use error::CudaError;
pub(crate) use error::While;
