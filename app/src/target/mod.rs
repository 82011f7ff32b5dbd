//! Which program a job runs in: this one, or one beside it that has what this one was built without.

mod candle_cuda;
mod launcher;

pub use candle_cuda::{CANDLE_CUDA, CANDLE_CUDA_VARIABLE, NoCandleCuda, find_candle_cuda, needs_candle_cuda};
pub use launcher::{Launcher, Programs};
