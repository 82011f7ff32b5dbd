//! The worker process: what it answers, the lines that it speaks in, and when it ends.

#![allow(clippy::unwrap_used, reason = "tests and their helpers")]

mod answers;
mod golden;
mod lifetime;
#[path = "../support/outcome.rs"]
mod outcome;
#[path = "../support/stand_in.rs"]
mod stand_in;
#[path = "../support/wait.rs"]
mod wait;
