//! NVIDIA's GPUs with our own kernels, at full speed and from the plain program: driver and compiler are found at run time,
//! nothing of CUDA is needed to build or start.
//!
//! - [`kernels`]: the kernels as data, from a spec to texts, launches and packed weights,
//! - [`nvrtc`] and [`code_cache`]: the compiler, and what it made on disk,
//! - [`portable`]: PTX made beforehand, for machines without the compiler,
//! - [`driver`], [`context`], [`launch`]: cards, memory, launches, graphs, the card's clock,
//! - `sources/`: CUDA C++, and an emulator for it on the CPU.

pub mod code_cache;
pub mod context;
pub mod driver;
mod error;
pub mod kernels;
pub mod launch;
pub mod nvrtc;
mod nvrtc_places;
pub mod portable;

pub use error::CudaError;
