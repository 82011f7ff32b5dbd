//! Files and file dialogs, all off the painting thread; results come back as events.
//!
//! What reads files of others and what writes the user's work are threads of their own, so that one never waits for the
//! other.

mod dialogs;
mod event;
mod exporter;
mod file_manager;
mod names;
mod reader;
mod write_queue;
mod writer;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};

use shufflescope_engine::classify::Picture;
use shufflescope_engine::design::Design;

pub use self::dialogs::{Dialogs, Pending, Question, Reply, SystemDialogs, Wanted};
pub use self::event::{Chosen, FileEvent, Opened};
use self::exporter::Exporter;
use self::names::{file_name, with_ending};
pub use self::reader::Place;
use self::reader::Reader;
pub use self::writer::Write;
use self::writer::Writer;
use super::document::{DocumentId, Save};
use super::drafts::Draft;
use super::export::{Export, Material};
use super::pacer::Pacer;
use crate::image_file::ENDINGS;

/// The file in the data folder that names the folder of the last export.
const EXPORT_FOLDER: &str = "export-folder.txt";

/// Endings of files that open as a network.
const NETWORKS: [&str; 3] = ["toml", "json", "onnx"];

/// Asks for files, reads and writes them.
#[derive(Debug)]
pub struct Files {
    dialogs: Arc<dyn Dialogs>,
    reader: Reader,
    exporter: Exporter,
    writer: Writer,
    events: Receiver<FileEvent>,
    tell: Sender<FileEvent>,
    pacer: Pacer,
    /// Where the design is kept over a crash.
    draft: Option<PathBuf>,
    export_folder: Option<PathBuf>,
    export_folder_file: Option<PathBuf>,
}

impl Files {
    /// Starts the threads; without a `draft` nothing is kept over a crash, and without a data folder no folder of exports.
    #[must_use]
    pub fn new(data_folder: Option<&Path>, draft: Option<PathBuf>, dialogs: Arc<dyn Dialogs>, pacer: Pacer) -> Self {
        let (tell, events) = channel();
        let writer = Writer::new(tell.clone(), pacer.clone());
        let export_folder_file = data_folder.map(|folder| folder.join(EXPORT_FOLDER));
        Self {
            dialogs,
            reader: Reader::new(tell.clone(), pacer.clone()),
            exporter: Exporter::new(writer.clone(), tell.clone(), pacer.clone()),
            writer,
            events,
            tell,
            pacer,
            draft,
            export_folder: export_folder_file.as_deref().and_then(remembered),
            export_folder_file,
        }
    }

    /// Where the last export went, in this session or an earlier one.
    #[must_use]
    pub fn export_folder(&self) -> Option<&Path> {
        self.export_folder.as_deref()
    }

    /// Remembers the folder of an exported file.
    pub fn remember(&mut self, file: &Path) {
        let folder = file.parent().map(Path::to_owned);
        if folder == self.export_folder {
            return;
        }
        if let (Some(file), Some(folder)) = (&self.export_folder_file, &folder) {
            self.writer.remember(file.clone(), folder);
        }
        self.export_folder = folder;
    }

    /// What has become of the requests so far.
    pub fn poll(&self) -> Vec<FileEvent> {
        self.events.try_iter().chain(self.writer.hung().into_iter().map(FileEvent::Hung)).collect()
    }

    /// Whether anything is being written, so that it is worth to look again.
    #[must_use]
    pub fn is_writing(&self) -> bool {
        self.writer.is_busy()
    }

    /// Reads a design file, a saved profile or an ONNX model.
    pub fn open(&self, place: Place, path: PathBuf) {
        self.reader.read(place, path);
    }

    /// Writes bytes for elsewhere.
    pub fn write(&self, path: PathBuf, bytes: Vec<u8>) {
        let said = format!("Exported to {}.", path.display());
        self.writer.write(Write { path, bytes, said });
    }

    /// Writes a design file.
    pub fn save(&self, save: Save) {
        self.writer.save(save);
    }

    /// Writes a file for elsewhere.
    pub fn export(&self, path: PathBuf, what: Export, material: Box<Material>) {
        self.exporter.export(path, what, material);
    }

    /// Writes a picture as PNG.
    pub fn snapshot(&self, path: PathBuf, picture: Arc<Picture>) {
        self.writer.snapshot(path, picture);
    }

    /// Shows a folder in the system's file manager.
    pub fn show_folder(&self, folder: PathBuf) {
        let (tell, pacer) = (self.tell.clone(), self.pacer.clone());
        std::thread::spawn(move || {
            if let Err(error) = file_manager::show_folder(&folder) {
                let _ = tell.send(FileEvent::NoFileManager(error));
                pacer.wake();
            }
        });
    }

    /// Keeps the design safe in the data folder.
    pub fn keep(&self, draft: Draft) {
        if let Some(path) = &self.draft {
            self.writer.keep(path.clone(), draft);
        }
    }

    /// Waits until everything requested is on disk, but not for long; for the end of the program.
    pub fn finish(&self) {
        self.writer.finish();
    }

    /// Asks a person for a design file, a saved profile or an ONNX model and opens it.
    pub fn ask_to_open(&self, place: Place) {
        let title = match place {
            Place::Document => "Open a design, a saved profile or an ONNX model",
            Place::Side(_) => "Open a network to compare",
        };
        let reader = self.reader.clone();
        let filter = ("Design, profile or model", NETWORKS.to_vec());
        self.ask(title, Wanted::File, filter, move |path| {
            reader.read(place, path);
            None
        });
    }

    /// Asks a person for a file and writes these bytes to it.
    pub fn ask_to_write(&self, name: &str, ending: &'static str, bytes: Vec<u8>) {
        let wanted = Wanted::NewFile(file_name(name, ending));
        let filter = ("Result", vec![ending.trim_start_matches('.')]);
        self.ask("Export the result", wanted, filter, move |path| match with_ending(path, ending) {
            Ok(path) => Some(FileEvent::WriteTo(path, bytes)),
            Err(taken) => Some(not_exported(taken)),
        });
    }

    /// Asks a person for a file to save this design of this document to.
    pub fn ask_to_save(&self, document: DocumentId, design: &Design) {
        let wanted = Wanted::NewFile(file_name(&design.name, ".toml"));
        let design = Box::new(design.clone());
        self.ask("Save the design", wanted, ("Design", vec!["toml"]), move |path| match with_ending(path, ".toml") {
            Ok(path) => Some(FileEvent::SaveTo(path, document, design)),
            Err(taken) => Some(FileEvent::NotSaved(taken.to_string())),
        });
    }

    /// Asks a person for a file of weights.
    pub fn ask_for_weights(&self) {
        let filter = ("Weights", vec!["pth", "pt", "safetensors"]);
        self.ask("Open trained weights", Wanted::File, filter, |path| Some(FileEvent::Chosen(Chosen::Weights(path))));
    }

    /// Asks a person for a list of labels.
    pub fn ask_for_labels(&self) {
        let filter = ("Labels", vec!["txt"]);
        self.ask("Open labels, one a line", Wanted::File, filter, |path| Some(FileEvent::Chosen(Chosen::Labels(path))));
    }

    /// Asks a person for a picture, or for a folder of pictures.
    pub fn ask_for_pictures(&self, folder: bool) {
        let (title, wanted, endings) = if folder {
            ("Show a folder of pictures", Wanted::Folder, vec![])
        } else {
            ("Show a picture", Wanted::File, ENDINGS.to_vec())
        };
        self.ask(title, wanted, ("Picture", endings), |path| Some(FileEvent::Chosen(Chosen::Pictures(path))));
    }

    /// Asks a person for a file and writes the picture to it.
    pub fn ask_for_snapshot(&self, picture: Arc<Picture>) {
        let (writer, wanted) = (self.writer.clone(), Wanted::NewFile("snapshot.png".into()));
        let filter = ("PNG picture", vec!["png"]);
        self.ask("Save the picture", wanted, filter, move |path| match with_ending(path, ".png") {
            Ok(path) => {
                writer.snapshot(path, picture);
                None
            }
            Err(taken) => Some(not_exported(taken)),
        });
    }

    /// Asks a person for a file and exports to it.
    pub fn ask_to_export(&self, what: Export, material: Material) {
        let ending = what.endings().first().copied().unwrap_or_default();
        let endings = what.endings().iter().map(|ending| ending.trim_start_matches('.')).collect();
        let wanted = Wanted::NewFile(file_name(material.model.name(), ending));
        let title = format!("Export: {}", what.about());
        self.ask(&title, wanted, (what.about(), endings), move |path| match with_ending(path, ending) {
            Ok(path) => Some(FileEvent::ExportTo(path, what, Box::new(material))),
            Err(taken) => Some(not_exported(taken)),
        });
    }

    /// Shows a dialog and waits for it on a thread; `then` says what has come of the answer.
    fn ask(
        &self,
        title: &str,
        wanted: Wanted,
        filter: (&'static str, Vec<&'static str>),
        then: impl FnOnce(PathBuf) -> Option<FileEvent> + Send + 'static,
    ) {
        let is_export = matches!(wanted, Wanted::NewFile(_)) && filter.1 != ["toml"];
        let folder = self.export_folder().filter(|_| is_export).map(Path::to_owned);
        let wait = self.dialogs.show(Question { title: title.into(), wanted, filter, folder });
        let (tell, pacer) = (self.tell.clone(), self.pacer.clone());
        let draft = self.draft.clone();
        std::thread::spawn(move || {
            let event = match wait() {
                Reply::Chosen(path) => then(path),
                Reply::Cancelled => None,
                Reply::NoDialog => Some(FileEvent::NoDialog(draft)),
            };
            if let Some(event) = event {
                let _ = tell.send(event);
                pacer.wake();
            }
        });
    }
}

fn not_exported(taken: names::NameTaken) -> FileEvent {
    let error = taken.to_string();
    FileEvent::Exported(taken.0, Err(error))
}

/// The folder that an earlier session exported to.
fn remembered(file: &Path) -> Option<PathBuf> {
    let folder = std::fs::read_to_string(file).ok()?;
    (!folder.is_empty()).then(|| folder.into())
}
