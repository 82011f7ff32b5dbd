//! A model in a file of another program, with its own weights.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use super::ModelError;
use crate::design::{Batch, Fingerprint, InputSize};
use crate::graph::Graph;
use crate::model_file::ModelFileError;
use crate::model_file::onnx::{Imported, import_output};
use crate::weights::Weights;

/// An ONNX file and the input to run it with.
///
/// The file's content is kept once it was read; a `ModelFile` that comes out of a profile reads it when the graph or the
/// weights are asked for, so a profile can be looked at after its file is gone.
#[derive(Clone)]
pub struct ModelFile {
    pub(super) name: String,
    pub(super) path: PathBuf,
    pub(super) input: InputSize,
    pub(super) content: Fingerprint,
    /// The output that is taken where it is not the classifier's.
    pub(super) output: Option<String>,
    pub(super) loaded: Loaded,
}

/// What was read of a file so far; the same for all copies from then on.
#[derive(Clone, Default)]
pub(super) struct Loaded {
    whole: OnceLock<Arc<Imported>>,
    outline: OnceLock<Arc<Imported>>,
}

impl ModelFile {
    /// Opens an ONNX file.
    ///
    /// # Errors
    /// Where the file cannot be read, is damaged, or holds operations without counterpart here: all are listed.
    pub fn open(path: &Path) -> Result<Self, ModelFileError> {
        Self::open_output(path, None)
    }

    /// As [`open`](Self::open), with the model's output of this name in place of the classifier's.
    ///
    /// # Errors
    /// As [`open`](Self::open), and where the model has no such output.
    pub fn open_output(path: &Path, output: Option<&str>) -> Result<Self, ModelFileError> {
        if path.to_str().is_none() {
            let reason = "its path is not Unicode, which no profile can hold: rename it";
            let source = io::Error::new(io::ErrorKind::InvalidInput, reason);
            return Err(ModelFileError::Io { path: path.display().to_string(), source });
        }
        let imported = import_output(path, output)?;
        Ok(Self {
            name: imported.name().to_owned(),
            path: path.to_owned(),
            input: own_input(&imported),
            content: imported.content().clone(),
            output: output.map(str::to_owned),
            loaded: Loaded { whole: OnceLock::from(Arc::new(imported)), outline: OnceLock::new() },
        })
    }

    /// The same file where it lies on another machine.
    #[must_use]
    pub fn moved_to(self, path: PathBuf) -> Self {
        Self { path, ..self }
    }

    /// The file's name without its ending.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Where the file is, or was.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Size of the image read: the file's own, or the one asked for.
    #[must_use]
    pub const fn input(&self) -> InputSize {
        self.input
    }

    /// A short name for the file's bytes.
    #[must_use]
    pub const fn content(&self) -> &Fingerprint {
        &self.content
    }

    /// The output that is taken; `None` for the classifier's.
    #[must_use]
    pub fn output(&self) -> Option<&str> {
        self.output.as_deref()
    }

    /// What is otherwise than in the file, for people; nothing where the file has not been read yet.
    #[must_use]
    pub fn notes(&self) -> &[String] {
        let read = self.loaded.whole.get().or_else(|| self.loaded.outline.get());
        read.map_or(&[], |imported| imported.notes())
    }

    /// The file's graph for this many images.
    ///
    /// # Errors
    /// Where the file is gone or has changed, or the model is made for another input.
    pub fn graph(&self, batch: Batch) -> Result<Graph, ModelError> {
        let imported = match (self.loaded.whole.get(), self.loaded.outline.get()) {
            (None, Some(outline)) => outline,
            _ => self.imported()?,
        };
        let own = own_input(imported);
        let InputSize { height, width } = self.input;
        imported.graph_for(batch.0 as usize, [height as usize, width as usize]).map_err(|source| match source {
            source if self.input == own => source.into(),
            source => ModelError::OtherInput { own, input: self.input, source },
        })
    }

    /// The file's own weights, by the names that the graph's layers have.
    ///
    /// # Errors
    /// Where the file is gone or has changed.
    pub fn weights(&self) -> Result<&Weights, ModelError> {
        Ok(self.imported()?.weights())
    }

    /// All that its graphs follow from, for a process that is not to read the file.
    ///
    /// # Errors
    /// Where the file is gone or has changed, or is no network of usual size.
    pub fn outline(&self) -> Result<Vec<u8>, ModelError> {
        Ok(self.imported()?.outline()?)
    }

    /// The same model, which need not read its file to give graphs.
    ///
    /// # Errors
    /// Where the bytes are no outline.
    pub fn with_outline(self, outline: &[u8]) -> Result<Self, ModelFileError> {
        let outline = Imported::from_outline(outline, &self.path, self.content.clone())?;
        let loaded = Loaded { outline: OnceLock::from(Arc::new(outline)), ..self.loaded };
        Ok(Self { loaded, ..self })
    }

    fn imported(&self) -> Result<&Imported, ModelError> {
        if let Some(imported) = self.loaded.whole.get() {
            return Ok(imported);
        }
        let imported = import_output(&self.path, self.output.as_deref())?;
        if *imported.content() != self.content {
            return Err(ModelError::Changed { path: self.path.display().to_string() });
        }
        Ok(self.loaded.whole.get_or_init(|| Arc::new(imported)))
    }
}

/// The input that the model was made for.
fn own_input(imported: &Imported) -> InputSize {
    let shape = imported.input_shape();
    let side = |length: usize| u32::try_from(length).unwrap_or(u32::MAX);
    InputSize { height: side(shape.height), width: side(shape.width) }
}

/// What was read of the file does not count: it follows from the rest.
impl PartialEq for ModelFile {
    fn eq(&self, other: &Self) -> bool {
        let Self { name, path, input, content, output, loaded: _ } = self;
        (name, path, input) == (&other.name, &other.path, &other.input)
            && (content, output) == (&other.content, &other.output)
    }
}

impl fmt::Debug for ModelFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, path, input, content, output, loaded: _ } = self;
        f.debug_struct("ModelFile")
            .field("name", name)
            .field("path", path)
            .field("input", input)
            .field("content", content)
            .field("output", output)
            .finish_non_exhaustive()
    }
}
