//! Cameras of this machine: V4L2 on Linux, Media Foundation on Windows, AVFoundation on macOS.

#[cfg(target_os = "linux")]
#[path = "v4l2.rs"]
mod system;

#[cfg(any(target_os = "windows", target_os = "macos"))]
#[path = "native.rs"]
mod system;

#[cfg(not(any(target_os = "linux", target_os = "windows", target_os = "macos")))]
#[path = "none.rs"]
mod system;

mod choice;

pub(super) use system::{list, open};
