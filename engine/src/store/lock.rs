//! One process at a time opens the store: it may change the schema, take old files over, or set a damaged one aside.

use std::io::ErrorKind;
use std::path::Path;
use std::time::Duration;

use super::StoreError;
use crate::files::FileLock;

/// The file that is locked; it stays, empty.
const FILE: &str = "store.lock";

/// How long another process may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// Held while the store is opened.
#[derive(Debug)]
pub(super) struct Turn {
    _lock: Option<FileLock>,
}

impl Turn {
    /// Waits for the turn.
    pub(super) fn wait(folder: &Path) -> Result<Self, StoreError> {
        let path = folder.join(FILE);
        let name = path.display().to_string();
        match FileLock::wait(&path, PATIENCE) {
            Ok(Some(lock)) => Ok(Self { _lock: Some(lock) }),
            Ok(None) => Err(StoreError::Held { path: name }),
            // A file system without locks: the database's own have to do.
            Err(error) if error.kind() == ErrorKind::Unsupported => Ok(Self { _lock: None }),
            Err(source) => Err(StoreError::Io { path: name, source }),
        }
    }
}
