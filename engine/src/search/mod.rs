//! The designs that do the most within a latency: an evolutionary search over edits, whose proposals are measured.
//!
//! - [`goal`]: what is searched for, what was found, and which of it nothing beats,
//! - [`space`]: the designs that are looked at: what starting designs become when their knobs are turned,
//! - [`archive`]: the best of those that were looked at, by predicted latency,
//! - [`trust`]: how far measured times are from predicted ones,
//! - [`evolve`]: the [`Search`]: looks at designs with a predictor and proposes which to measure. It measures nothing,
//! - [`bench`]: measures proposals on a device, in turns, and their kernels,
//! - [`run`]: all of it together within a time: proposals are measured, what their kernels took improves the predictor, and
//!   the search goes on.

mod archive;
mod bench;
mod evolve;
mod goal;
mod run;
mod space;
#[cfg(test)]
mod tests;
mod trust;

pub use bench::{Asked, Bench, DeviceBench, Pulse, SearchError, Verified};
pub use evolve::{Proposal, Search};
pub use goal::{Capacity, Found, Goal, front};
pub use run::{Effort, Known, News, Phase, Standing, Tell, run};
pub use space::{Knobs, starts};
