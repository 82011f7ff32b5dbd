//! What becomes of files and dialogs.

use std::path::PathBuf;

use shufflescope_engine::design::Design;
use shufflescope_engine::model::Model;
use shufflescope_engine::report::Profile;

use crate::window::bench::Side;
use crate::window::document::{DocumentId, Save};
use crate::window::export::{Export, Material};

/// What became of a request.
#[derive(Debug)]
pub enum FileEvent {
    /// A file was read, or why not.
    Opened(PathBuf, Result<Opened, String>),
    /// A file for one side of a comparison was read, or why not.
    OpenedFor(Side, Result<Opened, String>),
    /// A person has chosen where to save the design that was there when the dialog came up.
    SaveTo(PathBuf, DocumentId, Box<Design>),
    /// A design file was written.
    Saved(Save),
    /// A design file was not written: why.
    NotSaved(String),
    /// A file takes long to be written: its disk or network share does not answer.
    Hung(PathBuf),
    /// A person has chosen where to export what was there when the dialog came up.
    ExportTo(PathBuf, Export, Box<Material>),
    /// A file for elsewhere was written, and what to say of it, or why not.
    Exported(PathBuf, Result<String, String>),
    /// A person has chosen where results of the *Lab* or a comparison go.
    WriteTo(PathBuf, Vec<u8>),
    /// A person has chosen a file or folder for the camera tab.
    Chosen(Chosen),
    /// The file manager could not be shown.
    NoFileManager(String),
    /// The design could not be kept safe in the data folder.
    NotKept(String),
    /// No file dialog could be shown; where the design is kept meanwhile.
    NoDialog(Option<PathBuf>),
}

/// What a file held.
#[derive(Debug)]
pub enum Opened {
    /// A design.
    Design(Box<Design>),
    /// A saved profile, and why its network cannot be shown where that is so: its file is gone, say.
    Profile(Box<Profile>, Option<String>),
    /// An ONNX model.
    Model(Box<Model>),
}

/// What a file or folder was chosen for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Chosen {
    /// Trained weights.
    Weights(PathBuf),
    /// Names of classes.
    Labels(PathBuf),
    /// Pictures to show in a camera's place.
    Pictures(PathBuf),
}
