//! What processes that were killed while they wrote have left: unfinished files, under a name of their own.

use std::fs::{DirEntry, OpenOptions};
use std::path::Path;
use std::time::Duration;

use super::FileLock;

/// How the names of unfinished files begin.
pub(super) const PREFIX: &str = ".shufflescope-";

/// Characters that follow.
pub(super) const RANDOM: usize = 10;

/// Most entries of a folder that are looked at.
const MOST: usize = 10_000;

/// Where the file system knows no locks, nobody writes for so long.
const LONG: Duration = Duration::from_secs(24 * 60 * 60);

/// Removes unfinished files from a folder. Whoever still writes one holds a lock on it; it is removed under that lock.
pub(super) fn sweep(folder: &Path) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    for entry in entries.take(MOST).flatten().filter(is_unfinished) {
        let Ok(file) = OpenOptions::new().read(true).write(true).open(entry.path()) else { continue };
        let lock = FileLock::lock(file);
        if matches!(lock, Ok(Some(_))) || lock.is_err() && is_old(&entry) {
            // What cannot be removed now stays for the next time.
            let _ = std::fs::remove_file(entry.path());
        }
    }
}

/// Whether it is named as unfinished files are, and a file.
fn is_unfinished(entry: &DirEntry) -> bool {
    let name = entry.file_name();
    let random = name.to_str().and_then(|name| name.strip_prefix(PREFIX));
    // Earlier versions wrote six characters.
    let is_ours = random
        .is_some_and(|end| matches!(end.len(), 6 | RANDOM) && end.bytes().all(|byte| byte.is_ascii_alphanumeric()));
    is_ours && entry.file_type().is_ok_and(|kind| kind.is_file())
}

fn is_old(entry: &DirEntry) -> bool {
    let written = entry.metadata().and_then(|about| about.modified());
    written.is_ok_and(|at| at.elapsed().is_ok_and(|age| age > LONG))
}
