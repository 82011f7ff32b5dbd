//! Writes the user's work on a thread of its own: nothing that reads can stop it.

use std::error::Error;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Sender, channel};
use std::time::Duration;

use shufflescope_engine::classify::Picture;
use shufflescope_engine::design::Design;
use shufflescope_engine::files::write_atomically;

use super::event::FileEvent;
use crate::image_file::write_png;
use crate::window::pacer::Pacer;

/// The file in the data folder that survives a crash.
const DRAFT: &str = "draft.toml";

/// A file to be written for elsewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Write {
    /// Where.
    pub path: PathBuf,
    /// What.
    pub bytes: Vec<u8>,
    /// What is said once it is written.
    pub said: String,
}

enum Request {
    Snapshot(PathBuf, Arc<Picture>),
    Write(Write),
    Save(PathBuf, Box<Design>),
    Remember(PathBuf, PathBuf),
    Keep(PathBuf, Box<Design>),
    Finish(Sender<()>),
}

/// The thread that writes.
#[derive(Clone, Debug)]
pub(super) struct Writer {
    requests: Sender<Request>,
    draft: Option<PathBuf>,
}

impl Writer {
    /// Starts the thread; without a data folder nothing is kept over a crash.
    pub fn new(data_folder: Option<&Path>, tell: Sender<FileEvent>, pacer: Pacer) -> Self {
        let (requests, inbox) = channel();
        std::thread::spawn(move || {
            for request in inbox {
                if let Some(event) = carry_out(request) {
                    let _ = tell.send(event);
                    pacer.wake();
                }
            }
        });
        Self { requests, draft: data_folder.map(|folder| folder.join(DRAFT)) }
    }

    /// Where the design is kept over a crash.
    pub fn draft(&self) -> Option<&Path> {
        self.draft.as_deref()
    }

    /// Writes a file for elsewhere.
    pub fn write(&self, write: Write) {
        self.request(Request::Write(write));
    }

    /// Writes a picture as PNG.
    pub fn snapshot(&self, path: PathBuf, picture: Arc<Picture>) {
        self.request(Request::Snapshot(path, picture));
    }

    /// Writes a design file.
    pub fn save(&self, path: PathBuf, design: Box<Design>) {
        self.request(Request::Save(path, design));
    }

    /// Keeps the design safe in the data folder.
    pub fn keep(&self, design: &Design) {
        if let Some(path) = &self.draft {
            self.request(Request::Keep(path.clone(), Box::new(design.clone())));
        }
    }

    /// Writes the path of a folder into a file, for the next session.
    pub fn remember(&self, file: PathBuf, folder: PathBuf) {
        self.request(Request::Remember(file, folder));
    }

    /// Waits until everything requested is on disk, but not for long; for the end of the program.
    pub fn finish(&self) {
        let (done, wait) = channel();
        self.request(Request::Finish(done));
        let _ = wait.recv_timeout(Duration::from_secs(2));
    }

    fn request(&self, request: Request) {
        // The thread only ends with the last sender.
        let _ = self.requests.send(request);
    }
}

/// The design that the last session left unsaved.
pub(super) fn recover(data_folder: Option<&Path>) -> Option<Design> {
    Design::read(&data_folder?.join(DRAFT)).ok()
}

fn carry_out(request: Request) -> Option<FileEvent> {
    match request {
        Request::Write(Write { path, bytes, said }) => {
            let result = write_atomically(&path, &bytes);
            let result = result
                .map(|()| said)
                .map_err(|error| format!("{}: cannot be written: {error}.{}", path.display(), remedy(&error)));
            Some(FileEvent::Exported(path, result))
        }
        Request::Snapshot(path, picture) => {
            let result = write_png(&path, &picture).map(|()| format!("The picture was saved to {}.", path.display()));
            Some(FileEvent::Exported(path, result))
        }
        Request::Remember(file, folder) => {
            // A folder that is forgotten costs a few clicks; nothing to bother anybody with.
            let _ = file.parent().map(std::fs::create_dir_all);
            let _ = folder.to_str().map(|folder| write_atomically(&file, folder.as_bytes()));
            None
        }
        Request::Save(path, design) => {
            let result = design.write(&path).map_err(|error| error.to_string());
            Some(FileEvent::Saved(path, design, result))
        }
        Request::Keep(path, design) => {
            let folder = path.parent().map_or(Ok(()), std::fs::create_dir_all);
            let result = folder.map_err(|error| error.to_string());
            let result = result.and_then(|()| design.write(&path).map_err(|error| error.to_string()));
            result.err().map(FileEvent::NotKept)
        }
        Request::Finish(done) => {
            let _ = done.send(());
            None
        }
    }
}

/// What to do where the system refused to write.
fn remedy(error: &(dyn Error + 'static)) -> &'static str {
    let causes = std::iter::successors(Some(error), |&error| error.source());
    let kind = causes.filter_map(|cause| cause.downcast_ref::<io::Error>()).map(io::Error::kind).next();
    match kind {
        None => "",
        Some(io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded) => {
            " Make room or choose another disk; an older file of that name is untouched."
        }
        Some(io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => " There is no such folder; choose another one.",
        Some(io::ErrorKind::IsADirectory) => " Choose another name.",
        Some(_) => " Choose a folder that you may write to; an older file of that name is untouched.",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_is_told_with_its_remedy() {
        let full = io::Error::from(io::ErrorKind::StorageFull);
        assert!(remedy(&full).contains("Make room"));
        assert_eq!(remedy(&std::fmt::Error), "");
    }
}
