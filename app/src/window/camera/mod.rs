//! A camera's pictures and what the network in hand says of them: the tab's state, without its painting.
//!
//! [`Camera`] owns the pipeline while it runs. Weights are looked at and classifiers made on a thread of their own
//! ([`maker`]), downloads on another; answers are taken once a frame and never waited for.

mod command;
mod download;
mod fit;
mod maker;
mod recording;
mod sources;
mod state;

pub use command::CameraCommand;
pub use download::Download;
pub use fit::{Fit, Offer, Trained, WeightsChoice};
pub use recording::Recording;
pub use state::{Camera, Numbers};
