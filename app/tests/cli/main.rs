//! The command line as scripts see it.

#![allow(clippy::unwrap_used, reason = "tests and their helpers")]

mod basics;
mod classify;
mod history;
mod lab;
mod predict;
#[path = "../support/program.rs"]
mod program;
mod search;
mod train;
