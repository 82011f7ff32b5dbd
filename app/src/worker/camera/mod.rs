//! The child's side of the camera: an open source, the previews and reports of it, and the network that looks at it.

mod cameras;
mod networks;
mod run;
mod session;

pub(super) use cameras::Cameras;
pub(super) use run::run as run_camera;
