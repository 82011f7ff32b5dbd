//! What lies over the window: the question about unsaved work, the command palette, the tour, the targets, versions
//! and licences.

mod about;
mod finder;
mod guard;
mod state;
mod targets;
mod tour;

pub use state::{OverState, show};
