//! What the steps of a program do, for every instruction set: the only unsafe code of the engine's CPU runtime.
//!
//! In layers, from the inside out:
//!
//! - [`simd`] and its implementations: a register and what it can do,
//! - `matmul`, `depthwise`, `transform`, `linear`, `pooling`, `elementwise`, `window`: kernels over raw rows, generic over the register
//!   and compiled once per instruction set by `table`,
//! - `convolution`, `winograd`, `planes`, `direct`, `reduce`, `dense`, `rowwise`: steps over whole maps, cut into items of work,
//! - `program`: checks that steps keep to their memory, and runs them on all threads. What it exports is safe.

mod arena;
#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
#[cfg(target_arch = "x86_64")]
mod avx512vl;
mod convolution;
mod dense;
mod depthwise;
mod direct;
mod elementwise;
mod filters;
mod finish;
mod footprint;
mod isa;
mod linear;
mod map;
mod matmul;
#[cfg(target_arch = "aarch64")]
mod neon;
mod planes;
mod pooling;
mod portable;
mod program;
mod reduce;
mod rowwise;
mod simd;
mod table;
mod transform;
mod window;
mod winograd;

pub use arena::REDZONE;
pub use convolution::{Convolution, Sink, Spec as ConvolutionSpec};
pub use dense::Dense;
pub use direct::{Direct, Spec as DirectSpec};
pub use filters::Filters;
pub use finish::Finish;
pub use footprint::Footprint;
pub use isa::Isa;
pub use map::{Map, row_room};
pub use planes::{Depthwise, Planes};
pub use pooling::Pooling;
pub use program::{Conflict, Machine, Program, Step};
pub use reduce::Reduce;
pub use rowwise::{Factor, Rowwise};
pub use table::Table;
pub use winograd::Winograd;
