//! The parts of the window; each reads a [`Scene`](super::Scene) and pushes commands.

mod camera;
mod center;
mod design;
mod export_menu;
mod guidelines;
mod headline;
mod layout;
mod notice;
mod status;
mod top_bar;

pub use camera::CameraPanel;
pub use layout::show;
