//! What lies over the window: the question about unsaved work, the command palette, the tour, versions and licences.

mod about;
mod finder;
mod guard;
mod state;
mod tour;

pub use state::{OverState, show};
