//! Networks in 8 bits on the processor: a quarter of the memory traffic, four products where there was one.
//!
//! A kernel's arithmetic is said, to the last bit, in [`kernels::int8`](super::kernels::int8), and what runs together is what
//! does so in floats ([`CpuFuses`](super::algorithm::CpuFuses)). What is computed does not
//! depend on what runs together: every value of the network that is not just another name, and no normalisation folded into
//! weights, is rounded to bytes, whether a kernel stores it or not. On the way from a graph to a run:
//!
//! - `calibrate`: the range of every value, from runs in 32 bits on made-up input: noise and `leaves`,
//! - `scales`: how bytes stand for each value, as the weights say or as ranges ask for; values that share rows, and those on
//!   both sides of an activation that only limits, share a scale, or bytes are converted between them where theirs are known
//!   and differ,
//! - `layer`: weights as bytes, biases as integers,
//! - `model`: what every layer does to bytes, and the layers that nothing here does,
//! - `lanes`: which words hold which channels. Four channels share a word; whoever needs only some of them multiplies the
//!   others by zero, so that slices, concatenations and shuffles move nothing here either,
//! - `quantise`: the model of a graph with its weights, and what of it is kept with them,
//! - `schedule`: the steps and what they depend on; `build`: each with its operands; `compile`: all of it put together,
//! - `reference`: plain loops over bytes and integers, which every instruction set must equal bit for bit.

mod build;
mod calibrate;
mod compile;
mod lanes;
mod layer;
mod leaves;
mod model;
mod pack;
mod quantise;
#[cfg(test)]
mod reference;
mod scales;
mod schedule;
#[cfg(test)]
mod tests;

pub(super) use compile::{compile, plan};
pub(super) use model::Model;
pub(super) use quantise::model;
pub use quantise::{Inputs, in_bytes, quantise};
