//! The child process that owns devices, weights and executables, and the client that talks to it.
//!
//! One JSON object per line: [`Request`] in, [`Event`] out, a version handshake first. The thread pool of a process is
//! fixed once Candle has used it, so another thread count needs a fresh child; a crash in a driver does not take the
//! window down; and cancelling can always fall back on killing.

mod apart;
mod child;
mod client;
mod current;
mod protocol;
mod serve;
mod turn;

pub use child::Launcher;
pub use client::{Client, ClientEvent};
pub use protocol::{ColumnChoice, Contest, Event, Job, Request, Ticket, TurnsJob, VERSION};
pub use serve::serve;
