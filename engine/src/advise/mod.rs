//! What to change next: every knob of a design with its predicted change of latency on a target.
//!
//! - [`knobs`]: every knob of every stage, stem, head and input as an edit, one step each way,
//! - [`advice`]: what each of them, and each remedy of a guideline, would change, best first.

mod advice;
mod knobs;
#[cfg(test)]
mod tests;

pub use advice::{Advice, advise};
pub use knobs::knobs;
