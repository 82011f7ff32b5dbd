//! Writes the user's work: designs, drafts, results and the bytes of exports. Nothing that reads can stop it.

use std::collections::VecDeque;
use std::error::Error;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::Sender;
use std::time::Duration;

use shufflescope_engine::classify::Picture;
use shufflescope_engine::design::Design;
use shufflescope_engine::files::write_atomically;

use super::event::FileEvent;
use super::write_queue::{Job, NotWritten, WriteQueue};
use crate::image_file::png;
use crate::window::document::Save;
use crate::window::drafts::Draft;
use crate::window::pacer::Pacer;
use crate::window::settings::Changes;

/// A write that takes longer is told.
const PATIENCE: Duration = Duration::from_secs(4);

/// Most that the end of the program waits.
const AT_THE_END: Duration = Duration::from_secs(3);

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

/// What writes.
#[derive(Clone, Debug)]
pub(super) struct Writer {
    queue: Arc<WriteQueue>,
    tell: Sender<FileEvent>,
    pacer: Pacer,
}

impl Writer {
    pub fn new(tell: Sender<FileEvent>, pacer: Pacer) -> Self {
        Self { queue: Arc::new(WriteQueue::new(Box::new(write_atomically))), tell, pacer }
    }

    /// Writes a file for elsewhere.
    pub fn write(&self, write: Write) {
        let Write { path, bytes, said } = write;
        self.export(path, said, move || Ok(bytes));
    }

    /// Writes designs into files of this folder, one after another, and ends with the first that cannot be written.
    pub fn save_all(&self, folder: &Path, files: Vec<(PathBuf, Design)>) {
        let said = match files.len() {
            1 => format!("Saved 1 design to {}.", folder.display()),
            many => format!("Saved {many} designs to {}.", folder.display()),
        };
        let (all, mut files) = (files.len(), VecDeque::from(files));
        if let Some(first) = files.pop_front() {
            self.clone().save_next(first, files, all, said);
        }
    }

    fn save_next(
        self,
        (path, design): (PathBuf, Design),
        mut rest: VecDeque<(PathBuf, Design)>,
        all: usize,
        said: String,
    ) {
        let then = self.clone();
        let content = move || design.to_toml().map(String::into_bytes).map_err(|error| error.to_string());
        self.add(path.clone(), false, content, move |result| match result.map(|()| rest.pop_front()) {
            Ok(Some(next)) => {
                then.save_next(next, rest, all, said);
                None
            }
            Ok(None) => Some(FileEvent::Exported(path, Ok(said))),
            Err(error) => {
                let written = all - rest.len() - 1;
                let told = format!("{} {written} of {all} designs were saved.", told(&path, &error));
                Some(FileEvent::Exported(path, Err(told)))
            }
        });
    }

    /// Writes a picture as PNG.
    pub fn snapshot(&self, path: PathBuf, picture: Arc<Picture>) {
        let said = format!("The picture was saved to {}.", path.display());
        self.export(path, said, move || png(&picture));
    }

    fn export(&self, path: PathBuf, said: String, content: impl FnOnce() -> Result<Vec<u8>, String> + Send + 'static) {
        self.add(path.clone(), false, content, move |result| {
            let result = result.map(|()| said).map_err(|error| told(&path, &error));
            Some(FileEvent::Exported(path, result))
        });
    }

    /// Writes a design file.
    pub fn save(&self, save: Save) {
        let design = save.design.clone();
        let content = move || design.to_toml().map(String::into_bytes).map_err(|error| error.to_string());
        self.add(save.path.clone(), false, content, move |result| {
            Some(match result {
                Ok(()) => FileEvent::Saved(save),
                Err(error) => FileEvent::NotSaved(told(&save.path, &error)),
            })
        });
    }

    /// Keeps a draft.
    pub fn keep(&self, path: PathBuf, draft: Draft) {
        let content = move || draft.to_text().map(String::into_bytes);
        self.add(path.clone(), true, content, move |result| {
            result.err().map(|error| FileEvent::NotKept(told(&path, &error)))
        });
    }

    /// Puts changes into the file of settings.
    pub fn change_settings(&self, changes: &Arc<Changes>) {
        let (before, after) = (Arc::clone(changes), Arc::clone(changes));
        self.add(
            changes.file().to_owned(),
            true,
            move || before.merge(),
            move |result| {
                let result = result.map_err(|error| told(after.file(), &error));
                after.end(result).map(FileEvent::Settings)
            },
        );
    }

    /// Whether anything is being written.
    pub fn is_busy(&self) -> bool {
        self.queue.is_busy()
    }

    /// The files that take long to be written and were not told yet.
    pub fn hung(&self) -> Vec<PathBuf> {
        self.queue.hung(PATIENCE)
    }

    /// Waits until everything requested is on disk, but not for long; for the end of the program.
    pub fn finish(&self) {
        self.queue.finish(AT_THE_END);
    }

    fn add(
        &self,
        path: PathBuf,
        makes_folder: bool,
        content: impl FnOnce() -> Result<Vec<u8>, String> + Send + 'static,
        event: impl FnOnce(Result<(), NotWritten>) -> Option<FileEvent> + Send + 'static,
    ) {
        let (tell, pacer) = (self.tell.clone(), self.pacer.clone());
        self.queue.add(Job {
            path,
            makes_folder,
            content: Box::new(move || content().map_err(NotWritten::Content)),
            done: Box::new(move |result| {
                if let Some(event) = event(result) {
                    let _ = tell.send(event);
                    pacer.wake();
                }
            }),
        });
    }
}

/// Why a file was not written, and what to do about it.
fn told(path: &Path, error: &NotWritten) -> String {
    let path = path.display();
    match error {
        NotWritten::Io(error) => format!("{path}: cannot be written: {error}.{}", remedy(error)),
        NotWritten::Content(reason) => format!("{path}: cannot be written: {reason}."),
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
