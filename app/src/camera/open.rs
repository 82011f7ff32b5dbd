//! From a source's name to the source.

use super::{FrameSource, SourceError, SourceOptions, SourceSpec, Stop, device, folder, http, synthetic};

/// Opens a source. Returns early, with any result, once `stop` is raised.
///
/// # Errors
/// Where it cannot be opened: no such camera, refused, busy, no picture in the folder, no connection.
pub fn open(spec: &SourceSpec, options: &SourceOptions, stop: &Stop) -> Result<Box<dyn FrameSource>, SourceError> {
    Ok(match spec {
        SourceSpec::Synthetic { seed } => Box::new(synthetic::Scene::new(*seed, options)),
        SourceSpec::Pictures(path) => Box::new(folder::Pictures::open(path, options)?),
        SourceSpec::Http(address) => Box::new(http::HttpStream::open(address, stop)?),
        SourceSpec::Device(name) => device::open(name, options)?,
    })
}
