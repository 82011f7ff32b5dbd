//! The tuned CPU runtime: what a design costs, and not what a missing kernel costs.
//!
//! A feature map is a list of rows, one per channel and image, anywhere in an arena. Slices, concatenations and channel
//! shuffles are then new lists, decided while planning: no bytes move. On the way from a graph to a run:
//!
//! - [`algorithm`]: how a kernel is computed, and which layers it takes along,
//! - [`place`]: where rows lie, from the liveness of each,
//! - [`compile`]: all of it put together as steps,
//! - [`memory`]: what that takes, before it is taken,
//! - [`kernels`]: what steps do, for every instruction set; the only unsafe code,
//! - [`int8`]: the same in 8 bits,
//! - [`pool`]: the threads; [`limit`]: what they can gain at most,
//! - [`error`]: why a network is refused,
//! - [`network`]: plain floats in and out; [`executable`] and [`custom_op`] are its faces to the engine and to Candle.

mod algorithm;
mod backend;
mod compile;
mod custom_op;
mod error;
mod executable;
mod int8;
mod kernels;
mod limit;
mod memory;
mod network;
mod place;
mod pool;
#[cfg(test)]
mod tests;

pub use super::isa::Isa;
pub use backend::CpuBackend;
pub use compile::plan;
pub use custom_op::CpuNetwork;
pub use error::{CompileError, ThreadFailed};
pub use executable::CpuExecutable;
pub use int8::{Inputs, in_bytes, quantise};
pub use limit::{Dealt, least_time};
pub use network::Network;

/// The registers of every instruction set, for kernels that are written elsewhere.
pub mod registers {
    #[cfg(target_arch = "aarch64")]
    pub use super::kernels::neon::Neon;
    #[cfg(target_arch = "x86_64")]
    pub use super::kernels::{avx2::Avx2, avx512::Avx512, avx512vl::Avx512Vl};
    pub use super::kernels::{portable::Portable, simd::Simd};
}
