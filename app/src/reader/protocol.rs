//! What window and reader say to each other: one line of JSON each; bytes may follow the answer.

use std::ffi::OsString;

use serde::{Deserialize, Serialize};
use shufflescope_engine::design::Design;
use shufflescope_engine::model::Model;
use shufflescope_engine::report::Profile;
use shufflescope_engine::units::Bytes;

use crate::export::{Export, Material};

/// Longest line; a rigorous profile of the largest network has about 2 MiB.
pub(super) const MOST_LINE: Bytes = Bytes(256 << 20);

/// Most bytes behind an answer: what a file of ours may have.
pub(super) const MOST_ATTACHED: Bytes = Bytes(2 << 30);

/// Window to reader.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Request {
    /// Reads a design, a saved profile or an ONNX model, as the file's name says.
    Open(OsString),
    /// Renders an export.
    Render(Export, Box<Material>),
}

/// Reader to window.
#[derive(Debug, Serialize, Deserialize)]
pub enum Answer {
    /// A design.
    Design(Box<Design>),
    /// A saved profile, and why its network cannot be shown where that is so; the outline of a model file follows.
    Profile(Box<Profile>, Option<String>),
    /// An ONNX model; its outline follows.
    Model(Box<Model>),
    /// The file's bytes follow.
    Rendered,
    /// What was asked for cannot be done.
    Failed(String),
}

/// The line in front of the bytes.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Head {
    /// Version of the program that answers.
    pub version: String,
    /// What it says.
    pub answer: Answer,
    /// Bytes that follow.
    pub attached: Bytes,
}

/// Spoken by this build: a program that was updated while its window was open does not answer that window.
pub(super) const VERSION: &str = env!("CARGO_PKG_VERSION");
