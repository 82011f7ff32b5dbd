//! Reads files of others on a thread of its own.

use std::path::{Path, PathBuf};
use std::sync::mpsc::{Sender, channel};

use shufflescope_engine::design::{Batch, Design};
use shufflescope_engine::model::{Model, ModelFile};
use shufflescope_engine::report::{Profile, ProfileFileError};

use super::event::{FileEvent, Opened};
use crate::window::bench::Side;
use crate::window::pacer::Pacer;

/// Where what is read is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// The document.
    Document,
    /// One side of the comparison.
    Side(Side),
}

/// The thread that reads.
#[derive(Clone, Debug)]
pub(super) struct Reader {
    requests: Sender<(Place, PathBuf)>,
}

impl Reader {
    pub fn new(tell: Sender<FileEvent>, pacer: Pacer) -> Self {
        let (requests, inbox) = channel::<(Place, PathBuf)>();
        std::thread::spawn(move || {
            for (place, path) in inbox {
                let result = read(&path);
                let _ = tell.send(match place {
                    Place::Document => FileEvent::Opened(path, result),
                    Place::Side(side) => FileEvent::OpenedFor(side, result),
                });
                pacer.wake();
            }
        });
        Self { requests }
    }

    /// Reads a design file, a saved profile or an ONNX model.
    pub fn read(&self, place: Place, path: PathBuf) {
        // The thread only ends with this sender.
        let _ = self.requests.send((place, path));
    }
}

/// Reads a saved profile, an ONNX model or a design, as the file's name says.
fn read(path: &Path) -> Result<Opened, String> {
    let has_ending = |ending| path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case(ending));
    if has_ending("onnx") {
        let opened = ModelFile::open(path).map(Model::from).map(Box::new);
        return opened.map(Opened::Model).map_err(|error| error.to_string());
    }
    if !has_ending("json") {
        return Design::read(path).map(Box::new).map(Opened::Design).map_err(|error| error.to_string());
    }
    let remedy = "Of all exports only a profile (JSON) opens again.";
    match Profile::read(path) {
        Ok(profile) => {
            // A model file is read here, off the painting thread; a design is checked already.
            let fixed = profile.design.design().is_none().then_some(&profile.design);
            let missing = fixed.and_then(|model| model.graph(Batch(1)).err()).map(|error| error.to_string());
            Ok(Opened::Profile(Box::new(profile), missing))
        }
        Err(error @ (ProfileFileError::Syntax { .. } | ProfileFileError::NoSchema { .. })) => {
            Err(format!("{error}. {remedy}"))
        }
        Err(error) => Err(error.to_string()),
    }
}
