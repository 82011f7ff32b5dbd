//! What a download tells while it runs, and why it failed.

use std::io;
use std::path::PathBuf;

use shufflescope_engine::units::Bytes;
use thiserror::Error;

/// How far a download is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// What there is, earlier attempts included.
    pub received: Bytes,
    /// What there will be, where the server says so.
    pub total: Option<Bytes>,
}

/// Why a file could not be fetched. Addresses are without name and password.
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
    /// More bytes than the file has.
    #[error("{url} is larger than {largest}: not what was asked for")]
    TooLarge {
        /// What was asked for.
        url: String,
        /// The most that was expected.
        largest: Bytes,
    },
    /// Other bytes than those published.
    #[error(
        "what came for `{file}` is something else: {reason}; it was deleted. Try again later or on another network"
    )]
    Corrupt {
        /// The file's name.
        file: String,
        /// Which size or SHA-256 it has, and which it should have.
        reason: String,
    },
    /// A person has stopped it.
    #[error("the download was stopped at {}; the same command goes on from there", extent(.progress))]
    Cancelled {
        /// What there is.
        progress: Progress,
    },
}

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
