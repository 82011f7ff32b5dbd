//! Gets a published file into a folder, whole and checked, or says why not. What has come stays in a `.part` file, from
//! which the next attempt goes on.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use sha2::{Digest, Sha256};
use shufflescope_engine::units::Bytes;
use thiserror::Error;

use super::catalogue::sha256_prefix;
use super::download::download;

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

/// How far a download is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// What there is, earlier attempts included.
    pub received: Bytes,
    /// What there will be, where the server says so.
    pub total: Option<Bytes>,
}

/// Why a file could not be fetched.
#[derive(Debug, Error)]
pub enum FetchError {
    /// The file's name does not say what its bytes must be.
    #[error("`{file}` cannot be checked: its name does not end in the start of a SHA-256")]
    NoHash {
        /// The file's name.
        file: String,
    },
    /// The file or its folder cannot be written.
    #[error("cannot write `{}`: {source}{}", .path.display(), remedy(.source))]
    Write {
        /// What was to be written.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// Someone else is fetching the same file.
    #[error("`{}` is being downloaded by another program: wait for it, or end it", .path.display())]
    Busy {
        /// The unfinished file.
        path: PathBuf,
    },
    /// No answer from the server.
    #[error("cannot reach {url}: {reason}; check the network connection (HTTPS_PROXY names a proxy)")]
    Unreachable {
        /// What was asked for.
        url: String,
        /// What went wrong.
        reason: String,
    },
    /// The server answers, but does not give the file.
    #[error("the server refuses {url}: HTTP status {status}{}", meaning(*.status))]
    Refused {
        /// What was asked for.
        url: String,
        /// The status of its answer.
        status: u16,
    },
    /// The transfer ended before the file did.
    #[error("the download broke off at {}: {reason}; what has come is kept, and the same command goes on from there",
        extent(.progress))]
    Interrupted {
        /// What there is.
        progress: Progress,
        /// What went wrong.
        reason: String,
    },
    /// More bytes than any weights have.
    #[error("{url} is larger than {}: not what was asked for", Bytes(LARGEST))]
    TooLarge {
        /// What was asked for.
        url: String,
    },
    /// Other bytes than those published.
    #[error(
        "what came for `{file}` is something else: its SHA-256 starts with {found}, not with {expected}; it was \
        deleted. Try again later or on another network"
    )]
    Corrupt {
        /// The file's name.
        file: String,
        /// What its name says.
        expected: String,
        /// What its bytes give.
        found: String,
    },
    /// A person has stopped it.
    #[error("the download was stopped at {}; the same command goes on from there", extent(.progress))]
    Cancelled {
        /// What there is.
        progress: Progress,
    },
}

/// No published weights of the kind are larger.
pub(super) const LARGEST: u64 = 1 << 30;

fn remedy(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => "; make room, and the same command goes on",
        _ => "",
    }
}

const fn meaning(status: u16) -> &'static str {
    match status {
        404 | 410 => ", it is not there",
        401 | 403 => ", access is not allowed",
        429 => ", too many requests: try again later",
        500..=599 => ", it has a problem of its own: try again later",
        _ => "",
    }
}

fn extent(progress: &Progress) -> String {
    match progress.total {
        Some(total) => format!("{} of {total}", progress.received),
        None => progress.received.to_string(),
    }
}

/// Fetches `file` from the server into `folder`, unless it is there already, and returns its path. The name ends in the
/// start of the SHA-256 that its bytes must have; only a file that has it gets its name.
///
/// `progress` is called with every piece that comes; `cancelled` is looked at as often, and at least whenever the
/// server's patience ends.
///
/// # Errors
/// Everything that can go wrong has its variant; only after [`FetchError::Corrupt`] does nothing remain to go on from.
pub fn fetch(
    file: &str,
    folder: &Path,
    server: &Server,
    cancelled: &AtomicBool,
    progress: &mut dyn FnMut(Progress),
) -> Result<PathBuf, FetchError> {
    let expected = sha256_prefix(file).ok_or_else(|| FetchError::NoHash { file: file.into() })?;
    let target = folder.join(file);
    let part = folder.join(format!("{file}.part"));
    let write = |path: &Path| {
        let path = path.to_owned();
        move |source| FetchError::Write { path, source }
    };
    if let Ok(mut there) = File::open(&target)
        && sha256(&mut there).is_ok_and(|found| found.starts_with(expected))
    {
        return Ok(target);
    }
    std::fs::create_dir_all(folder).map_err(write(folder))?;
    let mut partial =
        OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&part).map_err(write(&part))?;
    // Where the file system knows no locks, the hash still tells whether two downloads have mixed.
    if let Err(TryLockError::WouldBlock) = partial.try_lock() {
        return Err(FetchError::Busy { path: part });
    }
    let url = format!("{}{file}", server.base_url);
    loop {
        let before = partial.seek(SeekFrom::End(0)).map_err(write(&part))?;
        download(&url, server.patience, (&mut partial, &part), cancelled, progress)?;
        let found = sha256(&mut partial).map_err(write(&part))?;
        if found.starts_with(expected) {
            break;
        }
        partial.set_len(0).map_err(write(&part))?;
        // Perhaps only the older half was wrong: once more, from the start.
        if before == 0 {
            drop(partial);
            let _ = std::fs::remove_file(&part);
            let found = found.chars().take(expected.len()).collect();
            return Err(FetchError::Corrupt { file: file.into(), expected: expected.into(), found });
        }
    }
    partial.sync_all().map_err(write(&part))?;
    drop(partial);
    std::fs::rename(&part, &target).map_err(write(&target))?;
    Ok(target)
}

/// The SHA-256 of a whole file, in hexadecimal digits.
fn sha256(file: &mut File) -> io::Result<String> {
    file.rewind()?;
    let mut digest = Sha256::new();
    let mut buffer = vec![0; 1 << 16];
    loop {
        match file.read(&mut buffer) {
            Ok(0) => break,
            Ok(count) => digest.update(buffer.get(..count).unwrap_or_default()),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}
