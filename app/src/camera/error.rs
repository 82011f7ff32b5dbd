//! What can go wrong with a source, and what a person can do about it.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize, Serializer};
use thiserror::Error;

/// Why no frames come. Every message says what to do; all but a wrong source are tried again.
#[derive(Clone, Debug, Error, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SourceError {
    /// Nothing is connected there.
    #[error(
        "there is no camera at {device}: connect one, choose another with `shufflescope camera list`, or use `synthetic`"
    )]
    NoCamera {
        /// What was asked for.
        device: String,
    },
    /// The system does not let this user or program use the camera.
    #[error("the camera {device} may not be used: {}", permission_remedy())]
    PermissionDenied {
        /// What was asked for.
        device: String,
    },
    /// Somebody else has it.
    #[error("the camera {device} is busy: close the other program that uses it")]
    Busy {
        /// What was asked for.
        device: String,
    },
    /// It was there, and is gone.
    #[error("the camera {device} was unplugged: plug it in again")]
    Unplugged {
        /// What was asked for.
        device: String,
    },
    /// A device that gives no pictures, or none of a format known here.
    #[error("{device} gives no pictures that can be used: {reason}")]
    Unsupported {
        /// What was asked for.
        device: String,
        /// What it is, or which formats it has.
        reason: String,
    },
    /// Anything else that a device or its driver says.
    #[error("the camera {device} failed: {reason}; unplug it and plug it in again")]
    Device {
        /// What was asked for.
        device: String,
        /// What the system says.
        reason: String,
    },
    /// Open, but silent.
    #[error("{source_name} has sent no picture for {seconds} s: look whether it is switched on and not asleep")]
    Stalled {
        /// The source as text.
        source_name: String,
        /// How long was waited.
        seconds: u64,
    },
    /// No file or folder there, or it cannot be read.
    #[error("{} cannot be read: {reason}", path.display())]
    Unreadable {
        /// The file or folder.
        #[serde(serialize_with = "as_shown")]
        path: PathBuf,
        /// What the system says.
        reason: String,
    },
    /// A folder, or a file, without a single usable picture.
    #[error("there is no picture in {}: {reason}", path.display())]
    NoPictures {
        /// The file or folder.
        #[serde(serialize_with = "as_shown")]
        path: PathBuf,
        /// What was looked for, or what is wrong with the last one.
        reason: String,
    },
    /// The connection could not be made, or was lost.
    #[error("no connection to {address}: {reason}")]
    Connection {
        /// `host:port`.
        address: String,
        /// What happened.
        reason: String,
    },
    /// The server answers, but not with a stream.
    #[error("{address} sends no MJPEG stream: {reason}")]
    NotAStream {
        /// The address without credentials.
        address: String,
        /// What it answered.
        reason: String,
    },
}

impl SourceError {
    /// Whether the same source may well work a moment later, without anybody doing anything.
    #[must_use]
    pub const fn may_pass(&self) -> bool {
        matches!(self, Self::Stalled { .. } | Self::Connection { .. } | Self::Unplugged { .. } | Self::Device { .. })
    }
}

/// A path for people: one that is no Unicode must not keep an error from being told.
fn as_shown<S: Serializer>(path: &Path, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&path.display())
}

/// What to do about a camera that may not be used, on this system.
const fn permission_remedy() -> &'static str {
    if cfg!(target_os = "windows") {
        "allow desktop apps to use the camera in Settings > Privacy & security > Camera"
    } else if cfg!(target_os = "macos") {
        "allow this program in System Settings > Privacy & Security > Camera"
    } else {
        "add yourself to the group `video` (sudo usermod -aG video $USER) and log in again"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refused_camera_says_what_to_do_on_this_system() {
        let said = SourceError::PermissionDenied { device: "/dev/video0".into() }.to_string();
        let remedy = if cfg!(target_os = "linux") { "group `video`" } else { "Privacy" };
        assert!(said.contains("/dev/video0") && said.contains(remedy), "{said}");
    }
}
