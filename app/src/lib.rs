//! ShuffleScope: design ShuffleNet-style networks and see at once what they cost, on paper and on your device.
//!
//! Three faces of one program: the [`window`], the [`cli`], and the [`worker`] process that measures for both.

pub mod cli;
pub mod window;
pub mod worker;
