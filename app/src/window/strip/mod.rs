//! The network as a strip: a bar for every unit in a frame for every stage, and A's under it, aligned by stage.
//!
//! - [`Strip`]: the stages of a network, their units, and what these take and cost,
//! - [`aligned`]: two networks' stages side by side.

mod aligned;
mod bars;

pub use aligned::aligned;
pub use bars::{Bar, Section, Strip};
