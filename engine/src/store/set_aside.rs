//! A damaged store is kept, under a name that says so: somebody may want to save what is left in it.

use std::fmt;
use std::io::{Error, ErrorKind};
use std::path::{Path, PathBuf};

use super::{StoreError, Timestamp};

/// Most damaged stores of one day.
const MOST: usize = 1_000;

/// What belongs to a database: itself last, so that it is never left beside another one's log.
const PARTS: [&str; 3] = ["-wal", "-shm", ""];

/// The store could not be read and was set aside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Damaged {
    /// Where it was, and a new one is now.
    pub path: PathBuf,
    /// Where it is now.
    pub kept_as: PathBuf,
    /// What is wrong with it.
    pub reason: String,
}

impl fmt::Display for Damaged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { path, kept_as, reason } = self;
        let (path, kept_as) = (path.display(), kept_as.display());
        write!(f, "the store of results {path} was damaged ({reason}); it is kept as {kept_as}, and a new one is begun")
    }
}

/// Moves the database and its log aside, never over an earlier one; where to.
pub(super) fn set_aside(path: &Path, now: Timestamp) -> Result<PathBuf, StoreError> {
    let part = |of: &Path, ending: &str| {
        let mut name = of.as_os_str().to_owned();
        name.push(ending);
        PathBuf::from(name)
    };
    let is_free = |of: &PathBuf| PARTS.iter().all(|ending| !part(of, ending).exists());
    let name = |number: usize| match number {
        1 => format!("store.damaged-{}.sqlite", now.date()),
        _ => format!("store.damaged-{}-{number}.sqlite", now.date()),
    };
    let aside = (1..=MOST).map(|number| path.with_file_name(name(number))).find(is_free).ok_or_else(|| {
        let reason = "too many damaged stores stand beside it: remove some";
        StoreError::Io { path: path.display().to_string(), source: Error::new(ErrorKind::AlreadyExists, reason) }
    })?;
    for ending in PARTS {
        let from = part(path, ending);
        match std::fs::rename(&from, part(&aside, ending)) {
            Err(error) if error.kind() == ErrorKind::NotFound && !ending.is_empty() => {}
            result => result.map_err(|source| StoreError::Io { path: from.display().to_string(), source })?,
        }
    }
    Ok(aside)
}
