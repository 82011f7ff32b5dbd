//! What becomes of files and dialogs.

use std::path::PathBuf;

use shufflescope_engine::design::Design;
use shufflescope_engine::model::Model;
use shufflescope_engine::report::Profile;

use crate::export::{Export, Material};
use crate::window::bench::Side;
use crate::window::document::{DocumentId, Save};

/// What became of a request.
#[derive(Debug)]
pub enum FileEvent {
    /// A person has chosen a file to read for this place.
    ToOpen(Place, PathBuf),
    /// A file was read for this place, or why not.
    Opened(Place, PathBuf, Result<Opened, String>),
    /// These files were not read to their end, for the other one was asked for in their place.
    GivenUp(Vec<PathBuf>, PathBuf),
    /// The errand of this number has read its file, or why not.
    Read(u64, Result<Opened, String>),
    /// The errand of this number has rendered what is being written now.
    Rendered(u64),
    /// The errand of this number could not render, and why.
    NotRendered(u64, String),
    /// A person has chosen where to save the design that was there when the dialog came up.
    SaveTo(PathBuf, DocumentId, Box<Design>),
    /// A design file was written.
    Saved(Save),
    /// A design file was not written: why.
    NotSaved(String),
    /// A person thought better of saving.
    SaveCancelled,
    /// A file takes long to be written: its disk or network share does not answer.
    Hung(PathBuf),
    /// A person has chosen where to export what was there when the dialog came up.
    ExportTo(PathBuf, Export, Box<Material>),
    /// A file for elsewhere was written, and what to say of it, or why not.
    Exported(PathBuf, Result<String, String>),
    /// A person has chosen where results of the *Lab* or a comparison go.
    WriteTo(PathBuf, Vec<u8>),
    /// A person has chosen the folder that these designs go to, each to the file beside it.
    SaveAllTo(PathBuf, Vec<(PathBuf, Design)>),
    /// A person has chosen a file or folder for the camera tab.
    Chosen(Chosen),
    /// The file manager could not be shown.
    NoFileManager(String),
    /// The design could not be kept safe in the data folder.
    NotKept(String),
    /// What there is to say of the settings, which were to be written.
    Settings(String),
    /// No file dialog could be shown; where the design is kept meanwhile.
    NoDialog(Option<PathBuf>),
}

/// Where what is read is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// The document.
    Document,
    /// One side of the comparison.
    Side(Side),
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
    /// Pictures to be taught, one folder a class.
    Things(PathBuf),
}
