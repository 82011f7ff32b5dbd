//! NVIDIA's GPUs with our own kernels, at full speed and from the plain program: driver and compiler are found at run time,
//! nothing of CUDA is needed to build or start.
//!
//! - [`kernels`]: the kernels as data, from a spec to texts, launches and packed weights,
//! - [`nvrtc`] and [`code_cache`]: the compiler, and what it made on disk; [`portable`]: PTX made beforehand, for machines
//!   without it; [`code`]: which of the two,
//! - [`context`] and [`launch`]: memory, launches, graphs, the card's clock,
//! - [`gpu`]: a card opened for computing; [`tuner`]: which of several forms of a kernel is fastest on it,
//! - [`machine`]: what a network needs of a card, so that tests can play one,
//! - [`fusing`] and [`compile`]: from a graph to launches; [`on_card`]: the launches on the card, as one graph,
//! - [`unmet`]: a card of which nothing is known, for plans on paper,
//! - [`executable`]: what runs them; [`peaks`]: what the card can do at most,
//! - `sources/`: CUDA C++, and an emulator for it on the CPU.

mod backend;
mod code;
pub mod code_cache;
mod compile;
pub mod context;
#[cfg(test)]
mod emulated;
mod executable;
mod fault;
mod fusing;
mod gpu;
pub mod kernels;
pub mod launch;
mod machine;
pub mod nvrtc;
mod nvrtc_places;
mod on_card;
mod peaks;
pub mod portable;
#[cfg(test)]
mod tests;
mod tuner;
mod unmet;

pub use crate::device::cuda::{CudaDevice, CudaError, driver};
pub use backend::CudaBackend;
pub(super) use peaks::cuda_peaks;
