//! The parts of the window; each reads a [`Scene`](super::Scene) and pushes commands.

mod camera;
mod center;
mod compare;
mod design;
mod explore;
mod export_menu;
mod forecast;
mod guidelines;
mod headline;
mod lab;
mod layout;
mod notice;
mod progress;
mod status;
mod strip;
mod top_bar;

pub use camera::CameraPanel;
pub use compare::CompareView;
pub use design::DesignView;
pub use explore::ExploreView;
pub use lab::LabView;
pub use layout::show;
