//! What a person can ask of teaching.

use std::path::PathBuf;

use crate::teach::Kind;

/// One request.
#[derive(Clone, Debug, PartialEq)]
pub enum TeachCommand {
    /// Adds a class of this name.
    AddClass(String),
    /// Gives a class another name.
    RenameClass(u64, String),
    /// Deletes a class with its pictures.
    DeleteClass(u64),
    /// From now on every new frame is a picture of this class, or of none.
    Show(Option<u64>),
    /// Takes the present frame as a picture of this class.
    TakeOne(u64),
    /// Deletes pictures of a class.
    Delete(u64, Vec<u64>),
    /// Takes the last change of classes and pictures back.
    Undo,
    /// Asks for a folder with one folder a class, and takes it in.
    FolderDialog,
    /// Takes this folder in.
    TakeIn(PathBuf),
    /// Teaches the design in hand.
    Teach(Kind),
    /// Stops what a worker does.
    Cancel,
    /// Lets the camera use what was taught and is in this file of the project.
    Use(String),
    /// Begins another project.
    NewProject,
    /// Opens this project.
    OpenProject(PathBuf),
    /// Gives the project, and so its data, another name.
    RenameProject(String),
    /// Deletes the project with all that is in it.
    DeleteProject,
}
