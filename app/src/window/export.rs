//! What can be taken out of the window: every form of a profile, and the network as a model.

use std::error::Error;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use shufflescope_engine::design::Batch;
use shufflescope_engine::measure::Measurement;
use shufflescope_engine::model::Model;
use shufflescope_engine::model_file::onnx::{BatchNorm, write_onnx};
use shufflescope_engine::model_file::pytorch::write_pytorch;
use shufflescope_engine::report::{CameraRun, Format, Profile};
use shufflescope_engine::weights::{Weights, save_safetensors};

/// A kind of file that can be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Export {
    /// What is known about the network.
    Profile(Format),
    /// The network with its weights.
    Onnx,
    /// The weights alone.
    Safetensors,
    /// The network's source.
    Pytorch,
}

impl Export {
    /// The models, in the order they are offered.
    pub const MODELS: [Self; 3] = [Self::Onnx, Self::Safetensors, Self::Pytorch];

    /// What the menu calls it.
    #[must_use]
    pub const fn about(self) -> &'static str {
        match self {
            Self::Profile(format) => format.about(),
            Self::Onnx => "ONNX model",
            Self::Safetensors => "weights (safetensors)",
            Self::Pytorch => "PyTorch source",
        }
    }

    /// How the names of such files end; the first one is offered.
    #[must_use]
    pub const fn endings(self) -> &'static [&'static str] {
        match self {
            Self::Profile(format) => format.endings(),
            Self::Onnx => &[".onnx"],
            Self::Safetensors => &[".safetensors"],
            Self::Pytorch => &[".py"],
        }
    }

    /// What it is good for.
    #[must_use]
    pub const fn hint(self) -> &'static str {
        match self {
            Self::Profile(Format::Json) => "Everything, to be opened here again or read by scripts (Ctrl+E)",
            Self::Profile(Format::Html) => "One page with tables and charts, to read and print",
            Self::Profile(Format::Csv) => "One row per layer, for spreadsheets",
            Self::Profile(Format::Markdown) => "Tables for a README or a pull request",
            Self::Profile(Format::Latex) => "Tables for a paper",
            Self::Profile(Format::Trace) => "Kernels on a time line; open it at ui.perfetto.dev",
            Self::Profile(Format::ModelExplorer) => "Numbers over the nodes of Google's Model Explorer",
            Self::Onnx => "The network with its weights, for ONNX Runtime and graph viewers",
            Self::Safetensors => "The weights alone, under torchvision's names",
            Self::Pytorch => "A module to train; its state_dict has torchvision's names",
        }
    }

    const fn has_weights(self) -> bool {
        matches!(self, Self::Onnx | Self::Safetensors)
    }
}

/// How a result of a tab is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResultForm {
    /// Tables to read.
    Markdown,
    /// Everything, for scripts.
    Json,
}

impl ResultForm {
    /// Both, in the order offered.
    pub const ALL: [Self; 2] = [Self::Markdown, Self::Json];

    /// What its button says.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Markdown => "Markdown",
            Self::Json => "JSON",
        }
    }

    /// How the names of such files end.
    #[must_use]
    pub const fn ending(self) -> &'static str {
        match self {
            Self::Markdown => ".md",
            Self::Json => ".json",
        }
    }
}

/// What exports are written from, as it was when a person asked.
#[derive(Clone, Debug)]
pub struct Material {
    /// The network.
    pub model: Model,
    /// Images per run.
    pub batch: Batch,
    /// Its measurement, where there is one.
    pub measurement: Option<Measurement>,
    /// A recorded run behind a camera, where there is one.
    pub camera: Option<CameraRun>,
}

impl Material {
    /// Writes the file whole or not at all; the message of a failure says what to do about it.
    pub(super) fn write(&self, what: Export, path: &Path) -> Result<(), String> {
        let graph = self.model.graph(self.batch).map_err(|error| error.to_string())?;
        let weights = || self.model.weights(&graph, None).map_err(|error| error.to_string());
        match what {
            Export::Profile(format) => {
                let profile = Profile::of_graph(&self.model, &graph, self.measurement.clone());
                explained(Profile { camera: self.camera.clone(), ..profile }.export(format, path))
            }
            Export::Onnx => explained(write_onnx(&graph, &*weights()?, BatchNorm::Keep, path)),
            Export::Safetensors => explained(save_safetensors(&*weights()?, path)),
            Export::Pytorch => explained(write_pytorch(&graph, path)),
        }
    }
}

/// What is said of a file that was written; `has_weights` says that the model brought its own.
pub(super) fn done(what: Export, path: &Path, has_weights: bool) -> String {
    let path = path.display();
    if what.has_weights() && !has_weights {
        let seed = Weights::DEFAULT_SEED;
        format!(
            "Exported to {path}. Its weights are random (seed {seed}); \
             `shufflescope export DESIGN --weights FILE` writes trained ones."
        )
    } else {
        format!("Exported to {path}.")
    }
}

pub(super) fn explained<E: Error + 'static>(result: Result<(), E>) -> Result<(), String> {
    result.map_err(|error| format!("{error}.{}", remedy(&error)))
}

/// What to do where the system refused to write.
fn remedy(error: &(dyn Error + 'static)) -> &'static str {
    let causes = std::iter::successors(Some(error), |&error| error.source());
    let kind = causes.filter_map(|cause| cause.downcast_ref::<io::Error>()).map(io::Error::kind).next();
    match kind {
        None => "",
        Some(io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded) => {
            " Make room or choose another disk; an older file of that name is untouched."
        }
        Some(io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => " There is no such folder; choose another one.",
        Some(io::ErrorKind::IsADirectory) => " Choose another name.",
        Some(_) => " Choose a folder that you may write to; an older file of that name is untouched.",
    }
}

/// A chosen name with the ending it lacks.
pub(super) fn with_ending(path: PathBuf, ending: &str) -> Result<PathBuf, NameTaken> {
    // `shufflenet-v2-x1.0` has no ending, though it has a dot.
    let extension = path.extension().map(|extension| extension.to_string_lossy().into_owned());
    if extension.is_some_and(|extension| extension.starts_with(char::is_alphabetic)) {
        return Ok(path);
    }
    let mut name = path.into_os_string();
    name.push(ending);
    let path = PathBuf::from(name);
    // The dialog asked about the name without its ending.
    if path.exists() { Err(NameTaken(path)) } else { Ok(path) }
}

/// Nobody was asked whether this file may be replaced.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct NameTaken(pub PathBuf);

impl fmt::Display for NameTaken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} exists and is untouched: choose it by its whole name to replace it.", self.0.display())
    }
}

/// Shows a folder in the system's file manager and waits for the program that is asked to; not for the painting thread.
pub(super) fn show_folder(folder: &Path) -> Result<(), String> {
    let program = if cfg!(windows) {
        "explorer"
    } else if cfg!(target_os = "macos") {
        "open"
    } else {
        "xdg-open"
    };
    show_with(program, folder)
}

fn show_with(program: &str, folder: &Path) -> Result<(), String> {
    use std::process::{Command, Stdio};
    let quiet =
        Command::new(program).arg(folder).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status();
    match quiet {
        // Explorer ends with 1 whatever it did.
        Ok(status) if status.success() || cfg!(windows) => Ok(()),
        Ok(status) => Err(format!("`{program} {}` failed ({status}).", folder.display())),
        Err(error) => Err(format!("`{program}` cannot be started: {error}. The folder is {}.", folder.display())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_gets_the_ending_it_lacks_and_replaces_nothing_unasked() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        assert_eq!(with_ending(at("x1.0"), ".trace.json"), Ok(at("x1.0.trace.json")));
        assert_eq!(with_ending(at("a.json"), ".trace.json"), Ok(at("a.json")));
        std::fs::write(at("a.json"), "").unwrap();
        assert_eq!(with_ending(at("a"), ".json"), Err(NameTaken(at("a.json"))));
        assert_eq!(with_ending(at("a.json"), ".json"), Ok(at("a.json")), "the dialog asked");
    }

    #[test]
    fn a_file_manager_that_is_missing_is_told_with_the_folder() {
        let error = show_with("no such program", Path::new("/some/folder")).unwrap_err();
        assert!(error.contains("no such program") && error.contains("/some/folder"), "{error}");
    }

    #[test]
    fn a_full_disk_is_told_with_its_remedy() {
        let full = io::Error::from(io::ErrorKind::StorageFull);
        assert!(remedy(&full).contains("Make room"));
        assert_eq!(remedy(&fmt::Error), "");
    }
}
