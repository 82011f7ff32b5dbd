//! The files that were open lately. Whether they are still there is looked up on a thread: a disk that does not answer
//! holds nothing up.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use super::pacer::Pacer;

/// Most files remembered.
pub const MOST: usize = 10;

/// The list, the newest first.
#[derive(Debug)]
pub struct Recent {
    files: Vec<PathBuf>,
    seen: Arc<Seen>,
    pacer: Pacer,
}

/// What the last look has found.
#[derive(Debug, Default)]
struct Seen {
    missing: Mutex<BTreeSet<PathBuf>>,
    is_looking: AtomicBool,
}

impl Recent {
    /// The files of earlier sessions.
    #[must_use]
    pub fn new(files: Vec<PathBuf>, pacer: Pacer) -> Self {
        Self { files, seen: Arc::default(), pacer }
    }

    /// All of them, the newest first.
    #[must_use]
    pub fn files(&self) -> &[PathBuf] {
        &self.files
    }

    /// Whether a file was not there when it was last looked for.
    #[must_use]
    pub fn is_missing(&self, file: &Path) -> bool {
        self.missing().contains(file)
    }

    /// Whether any file was not there.
    #[must_use]
    pub fn any_missing(&self) -> bool {
        self.files.iter().any(|file| self.is_missing(file))
    }

    /// Puts a file first.
    pub fn add(&mut self, file: &Path) {
        put_first(&mut self.files, file);
        self.missing().remove(file);
    }

    /// Takes a file from the list.
    pub fn forget(&mut self, file: &Path) {
        self.files.retain(|other| other != file);
    }

    /// The files that were not there.
    #[must_use]
    pub fn missing_files(&self) -> Vec<PathBuf> {
        let missing = self.missing();
        self.files.iter().filter(|file| missing.contains(*file)).cloned().collect()
    }

    /// Looks which files are there; one look at a time.
    pub fn look(&self) {
        if self.files.is_empty() || self.seen.is_looking.swap(true, Ordering::AcqRel) {
            return;
        }
        let (files, seen, pacer) = (self.files.clone(), Arc::clone(&self.seen), self.pacer.clone());
        let look = move || {
            let missing = files.into_iter().filter(|file| matches!(file.try_exists(), Ok(false))).collect();
            *seen.missing.lock().unwrap_or_else(PoisonError::into_inner) = missing;
            seen.is_looking.store(false, Ordering::Release);
            pacer.wake();
        };
        if std::thread::Builder::new().name("recent files".into()).spawn(look).is_err() {
            self.seen.is_looking.store(false, Ordering::Release);
        }
    }

    fn missing(&self) -> std::sync::MutexGuard<'_, BTreeSet<PathBuf>> {
        self.seen.missing.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Puts a file first in a list that has no file twice and at most [`MOST`].
pub fn put_first(files: &mut Vec<PathBuf>, file: &Path) {
    files.retain(|other| other != file);
    files.insert(0, file.to_owned());
    files.truncate(MOST);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_file_stands_first_and_none_twice() {
        let mut recent = Recent::new(Vec::new(), Pacer::default());
        for name in ["a", "b", "a"] {
            recent.add(Path::new(name));
        }
        assert_eq!(recent.files(), [PathBuf::from("a"), "b".into()]);
        (0..20).for_each(|number| recent.add(Path::new(&number.to_string())));
        assert_eq!(recent.files().len(), MOST);
        recent.forget(Path::new("19"));
        assert_eq!(recent.files()[0], PathBuf::from("18"));
    }
}
