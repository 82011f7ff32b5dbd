//! What can be wrong with a sweep.

use thiserror::Error;

/// A text that describes no axis.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("`{text}`: {reason}; write a list such as `1,2,4`, a range such as `0.5..2.0:0.25`, or both")]
pub struct AxisError {
    /// The part that is wrong.
    pub text: String,
    /// What is wrong with it.
    pub reason: String,
}

/// A sweep that cannot begin.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum SweepError {
    /// Far too many combinations.
    #[error("the axes make {points} combinations, more than {most}: shorten a list")]
    TooMany {
        /// Combinations asked for.
        points: usize,
        /// The most there may be.
        most: usize,
    },
}

/// A results file that cannot be used.
#[derive(Debug, Error)]
pub enum ResultsFileError {
    /// The file cannot be read or written.
    #[error("{path}: {source}")]
    Io {
        /// The file.
        path: String,
        /// What the system says.
        source: std::io::Error,
    },
    /// A line in the middle of the file is none of ours.
    #[error("{path}, line {line}: not a result ({source}); remove the file or choose another")]
    Syntax {
        /// The file.
        path: String,
        /// The line, from 1.
        line: usize,
        /// Where and why.
        source: serde_json::Error,
    },
    /// A result that has no JSON form.
    #[error("{path}: the result of `{key}` cannot be written: {source}")]
    Unwritable {
        /// The file.
        path: String,
        /// Whose result.
        key: String,
        /// Why.
        source: serde_json::Error,
    },
}
