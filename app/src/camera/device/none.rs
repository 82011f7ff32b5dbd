//! Systems without a camera interface known here.

use super::super::{FrameSource, Listed, SourceError, SourceOptions};

/// No cameras.
pub(in super::super) fn list() -> Vec<Listed> {
    Vec::new()
}

/// There is none to open.
pub(in super::super) fn open(name: &str, _: &SourceOptions) -> Result<Box<dyn FrameSource>, SourceError> {
    let reason = "cameras are supported on Linux, Windows and macOS; use a picture, a folder or a network stream";
    Err(SourceError::Unsupported { device: name.to_owned(), reason: reason.to_owned() })
}
