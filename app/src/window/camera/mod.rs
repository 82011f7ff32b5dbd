//! A camera's pictures and what the network in hand says of them: the tab's state, without its painting.
//!
//! Sources, weights and networks are the worker's: [`Camera`] asks it and takes what it tells once a frame, and waits for
//! nothing. Downloads have a thread of their own.

mod command;
mod download;
mod network;
mod recording;
mod running;
mod sources;
mod state;

pub use crate::camera::{Fit, Offer, Trained, WeightsChoice};
pub use command::CameraCommand;
pub use download::Download;
pub use recording::{RecordedRun, Recording};
pub use state::{Camera, Still};
