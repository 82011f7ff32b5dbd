//! Cameras: the command, the devices of Linux, the process that has them.

#![allow(clippy::unwrap_used, reason = "tests and their helpers")]

mod command;
mod device;
#[path = "../support/program.rs"]
mod program;
#[path = "../support/stand_in.rs"]
mod stand_in;
#[path = "../support/wait.rs"]
mod wait;
mod worker;
