//! Why the store cannot be used.

use rusqlite::ErrorCode;
use thiserror::Error;

/// What is wrong with the store, where, and what helps.
#[derive(Debug, Error)]
pub enum StoreError {
    /// Its folder or its files cannot be made, read or moved.
    #[error("{path}: {source}")]
    Io {
        /// The file or folder.
        path: String,
        /// What the system says.
        source: std::io::Error,
    },
    /// The database refuses.
    #[error("{path}: {source}; {}", remedy(source))]
    Database {
        /// The file.
        path: String,
        /// What it says.
        source: rusqlite::Error,
    },
    /// A newer version of the program has changed the schema.
    #[error(
        "{path} was made by a newer ShuffleScope (schema {found}; this one knows {known}): use that version; nothing \
         was changed"
    )]
    Newer {
        /// The file.
        path: String,
        /// Its schema.
        found: i64,
        /// The newest schema known here.
        known: i64,
    },
    /// Another process does not come to an end with opening it.
    #[error("{path}: another ShuffleScope has been opening it for seconds; end that process and start again")]
    Held {
        /// The file.
        path: String,
    },
    /// A result that has no JSON form.
    #[error("{path}: the result `{name}` cannot be written: {source}")]
    Unwritable {
        /// The file.
        path: String,
        /// Whose result.
        name: String,
        /// Why.
        source: serde_json::Error,
    },
}

impl StoreError {
    /// Whether the file is no database, or a broken one.
    pub(super) fn is_damage(&self) -> bool {
        let Self::Database { source, .. } = self else { return false };
        matches!(source.sqlite_error_code(), Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase))
    }
}

fn remedy(error: &rusqlite::Error) -> &'static str {
    match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => "make room on the disk",
        Some(ErrorCode::ReadOnly | ErrorCode::CannotOpen | ErrorCode::PermissionDenied) => {
            "make the file and its folder writable"
        }
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            "another program keeps it locked: end it or try again"
        }
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
            "at the next start it is kept aside and a new one is begun"
        }
        Some(ErrorCode::SystemIoFailure) => "check the disk",
        _ => "if this happens again, move the file away: a new one is begun",
    }
}
