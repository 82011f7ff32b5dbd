//! What can go wrong with a profile on its way to a file and back.

use std::io;

use thiserror::Error;

use super::{Format, SCHEMA};
use crate::design::DesignErrors;

/// A profile that cannot be exported.
#[derive(Debug, Error)]
pub enum ExportError {
    /// The file cannot be written; what was there is untouched.
    #[error("{path}: cannot be written: {source}")]
    Io {
        /// The file.
        path: String,
        /// What the system says.
        source: io::Error,
    },
    /// Whatever the exporter writes to takes no more.
    #[error("cannot be written: {0}")]
    Write(#[from] io::Error),
    /// A number that JSON cannot hold.
    #[error("the profile has no JSON form: {0}")]
    Json(#[from] serde_json::Error),
    /// The format shows kernel times and there are none.
    #[error("a {} shows measured kernel times, and `{design}` was not measured: profile it first", .format.about())]
    NotMeasured {
        /// The format asked for.
        format: Format,
        /// The model's name.
        design: String,
    },
}

/// A file that cannot be opened as a profile.
#[derive(Debug, Error)]
pub enum ProfileFileError {
    /// The file cannot be read.
    #[error("{path}: {source}")]
    Io {
        /// The file.
        path: String,
        /// What the system says.
        source: io::Error,
    },
    /// Not JSON at all.
    #[error("{path}: not a profile: {reason}")]
    Syntax {
        /// The file.
        path: String,
        /// Line, column and reason.
        reason: String,
    },
    /// JSON, but without the profile's version.
    #[error("{path}: not a profile: it has no `schema` number")]
    NoSchema {
        /// The file.
        path: String,
    },
    /// Written by a version of the program that this one does not understand.
    #[error("{path}: has schema {found}, this program reads 1 to {SCHEMA}: open it with a newer ShuffleScope")]
    Schema {
        /// The file.
        path: String,
        /// The number found.
        found: u64,
    },
    /// A field is missing or holds something else than it should.
    #[error("{path}: `{field}`: {reason}")]
    Field {
        /// The file.
        path: String,
        /// Where in the file: `cost.layers[3].mult_adds`.
        field: String,
        /// What is wrong there.
        reason: String,
    },
    /// The design in it is not a network that can be built.
    #[error("{path}: `design`: {source}")]
    Design {
        /// The file.
        path: String,
        /// Every broken rule.
        source: DesignErrors,
    },
}
