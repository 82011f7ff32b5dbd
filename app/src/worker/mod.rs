//! The child process that owns devices, cameras, weights and executables, and the clients that talk to it.
//!
//! One JSON object per line: [`Request`] in, [`Event`] out, a version handshake first. The thread pool of a process is
//! fixed once Candle has used it, so another thread count needs a fresh child; a crash in a driver does not take the
//! window down; and cancelling can always fall back on killing. A [`Client`] has things measured, a [`CameraClient`] looks
//! through a camera, each with a process of its own; [`find_devices`] and [`find_cameras`] ask one that ends at once.
//!
//! The child may run on another machine, behind `ssh`: [`reach`] finds out what is there. Everything that is asked travels
//! in the requests, files by content; a line that is cut ends both sides.

mod apart;
mod ask;
mod beside;
mod camera;
mod camera_client;
mod child;
mod client;
mod client_event;
mod content;
mod current;
mod events;
mod measuring;
mod offers;
mod protocol;
mod reach;
mod reaper;
mod search;
mod serve;
mod teach_client;
mod teaching;
mod threads;
mod turn;

pub use crate::target::{Launcher, Programs};
pub use ask::{find_cameras, find_devices, run_camera};
pub use beside::CandleCuda;
pub use camera_client::{CameraClient, CameraFrame, CameraLimits, CameraNews};
pub use client::Client;
pub use client_event::ClientEvent;
pub use protocol::{
    CameraEvent, CameraReport, CameraRequest, CameraRun, ColumnChoice, Contest, Event, FileOffer, FilePart, FrameHead,
    Host, Job, PROGRAM, Request, SearchJob, Session, Ticket, TurnsJob, VERSION,
};
pub use reach::{Place, ReachError, Reaching, reach};
pub use serve::serve;
pub use teach_client::TeachClient;
pub(crate) use turn::{Turn, Turns};
