//! What to change next: every knob of a design with its predicted change of latency on a target.
//!
//! - [`knobs`]: every knob of every stage, stem, head and input as an edit, one step each way,
//! - [`advice`]: what one change would bring, and [`outlook`], whether that makes the design faster,
//! - [`staircase`]: the latency over the channels of a stage, and the channels that cost nothing,
//! - [`counsel`]: all of it for one design: guidelines' remedies, free channels and knobs, best first,
//! - [`look`]: a design on paper and as it is predicted.

mod advice;
mod counsel;
mod knobs;
mod look;
mod outlook;
mod staircase;
#[cfg(test)]
mod tests;

pub use advice::Advice;
pub use counsel::{Counsel, remedies};
pub use knobs::knobs;
pub use outlook::Outlook;
pub use staircase::{FreeChannels, Staircase, Tread};
