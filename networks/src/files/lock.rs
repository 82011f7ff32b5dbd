//! Locks between processes: files that the system lets go of when their holder ends, however it ends.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::path::Path;
use std::time::{Duration, Instant};

/// How soon to try again.
const PAUSE: Duration = Duration::from_millis(5);

/// A lock file that is held until this is dropped, or its process dies. The file stays, so that nobody can hold one that
/// another process has removed; programs that are started meanwhile do not inherit it.
#[derive(Debug)]
pub struct FileLock {
    _held: File,
}

impl FileLock {
    /// Takes the lock, or `None` where another process (or another holder in this one) has it. The file is made where it
    /// is missing; its folder is not.
    ///
    /// # Errors
    /// Where the file cannot be opened; [`io::ErrorKind::Unsupported`] where the file system knows no locks.
    pub fn attempt(path: &Path) -> io::Result<Option<Self>> {
        // Opened for reading too: a pipe that stands in the way is then an error or harmless, but nothing to wait for.
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)?;
        Self::lock(file)
    }

    /// As [`attempt`](Self::attempt), but waits this long for another process.
    ///
    /// # Errors
    /// As [`attempt`](Self::attempt).
    pub fn wait(path: &Path, patience: Duration) -> io::Result<Option<Self>> {
        let since = Instant::now();
        loop {
            match Self::attempt(path)? {
                None if since.elapsed() < patience => std::thread::sleep(PAUSE),
                taken => return Ok(taken),
            }
        }
    }

    /// Takes the lock on a file that is open.
    pub(super) fn lock(file: File) -> io::Result<Option<Self>> {
        loop {
            return match file.try_lock() {
                Ok(()) => Ok(Some(Self { _held: file })),
                Err(TryLockError::WouldBlock) => Ok(None),
                Err(TryLockError::Error(error)) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(TryLockError::Error(error)) => Err(error),
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_at_a_time_holds_it_and_the_file_stays() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.lock");
        let first = FileLock::attempt(&path).unwrap();
        assert!(first.is_some());
        assert!(FileLock::attempt(&path).unwrap().is_none());
        assert!(FileLock::wait(&path, Duration::from_millis(20)).unwrap().is_none(), "waiting ends");
        drop(first);
        assert!(path.exists());
        assert!(FileLock::attempt(&path).unwrap().is_some());
    }

    #[test]
    fn who_waits_gets_it_when_the_other_is_done() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.lock");
        let first = FileLock::attempt(&path).unwrap();
        let waiting = std::thread::spawn(move || FileLock::wait(&path, Duration::from_secs(60)).unwrap().is_some());
        std::thread::sleep(Duration::from_millis(20));
        drop(first);
        assert!(waiting.join().unwrap());
    }

    #[test]
    fn a_folder_that_is_not_there_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        assert!(FileLock::attempt(&folder.path().join("missing/a.lock")).is_err());
    }
}
