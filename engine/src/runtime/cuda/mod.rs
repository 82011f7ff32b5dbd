//! NVIDIA's GPUs with our own kernels, at full speed and from the plain program: driver and compiler are found at run time,
//! nothing of CUDA is needed to build or start.
//!
//! - [`kernels`]: the kernels as data, from a spec to texts, launches and packed weights,
//! - [`nvrtc`]: the compiler,
//! - `sources/`: CUDA C++, and an emulator for it on the CPU.

pub mod kernels;
pub mod nvrtc;
mod nvrtc_places;
