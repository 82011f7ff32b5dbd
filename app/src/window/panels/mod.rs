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
mod menu;
mod notice;
mod over;
mod progress;
mod status;
mod strip;
mod tabs;
mod top_bar;

use camera::CameraPanel;
use compare::CompareView;
use design::DesignView;
use explore::ExploreView;
use lab::LabView;

pub use layout::show;
pub use tabs::Tabs;
