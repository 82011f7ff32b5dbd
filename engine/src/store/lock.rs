//! One process at a time opens the store: it may change the schema, take old files over, or set a damaged one aside.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::ErrorKind;
use std::path::Path;
use std::time::{Duration, Instant};

use super::StoreError;

/// The file that is locked; it stays, empty.
const FILE: &str = "store.lock";

/// How long another process may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// How soon to try again.
const PAUSE: Duration = Duration::from_millis(5);

/// Held while the store is opened. The system takes the lock back from a process that dies.
#[derive(Debug)]
pub(super) struct Turn {
    _file: File,
}

impl Turn {
    /// Waits for the turn.
    pub(super) fn wait(folder: &Path) -> Result<Self, StoreError> {
        let path = folder.join(FILE);
        let io = |source| StoreError::Io { path: path.display().to_string(), source };
        let file = OpenOptions::new().write(true).create(true).truncate(false).open(&path).map_err(io)?;
        let since = Instant::now();
        loop {
            match file.try_lock() {
                Ok(()) => break,
                // A file system without locks: the database's own have to do.
                Err(TryLockError::Error(error)) if error.kind() == ErrorKind::Unsupported => break,
                Err(TryLockError::Error(error)) => return Err(io(error)),
                Err(TryLockError::WouldBlock) if since.elapsed() > PATIENCE => {
                    return Err(StoreError::Held { path: path.display().to_string() });
                }
                Err(TryLockError::WouldBlock) => std::thread::sleep(PAUSE),
            }
        }
        Ok(Self { _file: file })
    }
}
