//! Gets a published file into a folder, whole and checked, or says why not. What has come stays in a `.part` file, from
//! which the next attempt goes on.

use std::fs::{OpenOptions, TryLockError};
use std::io::{Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use super::check::{check, compare, contents, record};
use super::download::{Source, download};
use super::error::{FetchError, Progress};
use super::expected::Expected;
use crate::address::{self, shown};

/// Where files come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Server {
    /// What stands before the file's name, with a slash at the end.
    pub base_url: String,
    /// How long to wait for a connection, an answer or the next bytes.
    pub patience: Duration,
}

impl Server {
    /// Where torchvision's weights are published.
    #[must_use]
    pub fn pytorch() -> Self {
        Self { base_url: "https://download.pytorch.org/models/".into(), patience: Duration::from_secs(20) }
    }
}

/// Fetches a file from the server into `folder`, unless it is there already, and returns its path. Only a file whose
/// bytes are what they must be gets its name.
///
/// `progress` is called with every piece that comes; `cancelled` is looked at as often, and at least whenever the
/// server's patience ends.
///
/// # Errors
/// Everything that can go wrong has its variant; only after [`FetchError::Corrupt`] does nothing remain to go on from.
pub fn fetch(
    expected: &Expected<'_>,
    folder: &Path,
    server: &Server,
    cancelled: &AtomicBool,
    progress: &mut dyn FnMut(Progress),
) -> Result<PathBuf, FetchError> {
    let target = folder.join(expected.file);
    let part = folder.join(format!("{}.part", expected.file));
    let write = |path: &Path| {
        let path = path.to_owned();
        move |source| FetchError::Write { path, source }
    };
    if check(&target, expected).is_ok() {
        return Ok(target);
    }
    let url = format!("{}{}", server.base_url, expected.file);
    let url = address::parse(&url)
        .map_err(|error| FetchError::Unreachable { url: shown(&url), reason: error.to_string() })?;
    std::fs::create_dir_all(folder).map_err(write(folder))?;
    let mut partial =
        OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&part).map_err(write(&part))?;
    // Where the file system knows no locks, the hash still tells whether two downloads have mixed.
    if let Err(TryLockError::WouldBlock) = partial.try_lock() {
        return Err(FetchError::Busy { path: part });
    }
    let source = Source { url, patience: server.patience, largest: expected.sizes.to };
    let found = loop {
        let before = partial.seek(SeekFrom::End(0)).map_err(write(&part))?;
        download(&source, (&mut partial, &part), cancelled, progress)?;
        let found = contents(&mut partial).map_err(write(&part))?;
        let Err(mismatch) = compare(&found, expected, &target) else { break found };
        partial.set_len(0).map_err(write(&part))?;
        // Perhaps only the older half was wrong: once more, from the start.
        if before == 0 {
            drop(partial);
            let _ = std::fs::remove_file(&part);
            return Err(FetchError::Corrupt { file: expected.file.into(), reason: mismatch.to_string() });
        }
    };
    partial.sync_all().map_err(write(&part))?;
    drop(partial);
    std::fs::rename(&part, &target).map_err(write(&target))?;
    record(&found, expected, &target);
    Ok(target)
}
