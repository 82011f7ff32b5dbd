//! Files and file dialogs, all off the painting thread; results come back as events.
//!
//! Files of others are read, and exports rendered, in processes that can be ended; the user's work is written on a thread
//! that nothing of that can stop.

mod dialogs;
mod event;
mod file_manager;
mod names;
mod reader;
mod write_queue;
mod writer;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

use shufflescope_engine::classify::Picture;
use shufflescope_engine::design::Design;

pub use self::dialogs::{Dialogs, Pending, Question, Reply, SystemDialogs, Wanted};
pub use self::event::{Chosen, FileEvent, Opened, Place};
use self::names::{file_name, free_names, with_ending};
pub use self::reader::Errand;
use self::reader::Reader;
pub use self::writer::Write;
use self::writer::Writer;
use super::document::{DocumentId, Save};
use super::drafts::Draft;
use super::pacer::Pacer;
use super::settings::Changes;
use crate::export::{Export, Material};
use crate::image_file::ENDINGS;
use crate::reader::Readers;

/// How long the end of the program waits for exports that are being rendered.
const MOST_WAIT: Duration = Duration::from_secs(2);

/// Endings of files that open as a network.
const NETWORKS: [&str; 3] = ["toml", "json", "onnx"];

/// Asks for files, reads and writes them.
#[derive(Debug)]
pub struct Files {
    dialogs: Arc<dyn Dialogs>,
    reader: Reader,
    writer: Writer,
    events: Receiver<FileEvent>,
    tell: Sender<FileEvent>,
    pacer: Pacer,
    /// Where the design is kept over a crash.
    draft: Option<PathBuf>,
    export_folder: Option<PathBuf>,
}

impl Files {
    /// Starts the threads; without a `draft` nothing is kept over a crash. Exports are first offered `export_folder`.
    #[must_use]
    pub fn new(
        export_folder: Option<PathBuf>,
        draft: Option<PathBuf>,
        readers: Readers,
        dialogs: Arc<dyn Dialogs>,
        pacer: Pacer,
    ) -> Self {
        let (tell, events) = channel();
        let writer = Writer::new(tell.clone(), pacer.clone());
        Self {
            dialogs,
            reader: Reader::new(readers, writer.clone(), tell.clone(), pacer.clone()),
            writer,
            events,
            tell,
            pacer,
            draft,
            export_folder,
        }
    }

    /// Where the last export went, in this session or an earlier one.
    #[must_use]
    pub fn export_folder(&self) -> Option<&Path> {
        self.export_folder.as_deref()
    }

    /// Remembers the folder of an exported file; answers it where it is another than before.
    pub fn remember(&mut self, file: &Path) -> Option<&Path> {
        let folder = file.parent().map(Path::to_owned);
        if folder == self.export_folder {
            return None;
        }
        self.export_folder = folder;
        self.export_folder()
    }

    /// Writes what is changed of the settings.
    pub fn change_settings(&self, changes: &Arc<Changes>) {
        self.writer.change_settings(changes);
    }

    /// What has become of the requests so far.
    pub fn poll(&mut self) -> Vec<FileEvent> {
        let reader = &mut self.reader;
        let hung = self.writer.hung().into_iter().map(FileEvent::Hung);
        self.events.try_iter().flat_map(|event| reader.take(event)).chain(hung).collect()
    }

    /// Whether anything is being written, so that it is worth to look again.
    #[must_use]
    pub fn is_writing(&self) -> bool {
        self.writer.is_busy()
    }

    /// What is being read and rendered.
    #[must_use]
    pub fn errands(&self) -> &[Errand] {
        self.reader.errands()
    }

    /// Ends the errand of this number.
    pub fn cancel(&mut self, id: u64) -> Option<FileEvent> {
        self.reader.cancel(id)
    }

    /// Reads a design file, a saved profile or an ONNX model.
    pub fn open(&mut self, place: Place, path: PathBuf) {
        self.reader.open(place, path);
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
    pub fn export(&mut self, path: PathBuf, what: Export, material: Box<Material>) {
        self.reader.export(path, what, material);
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
    pub fn finish(&mut self) {
        self.writer.finish();
        let since = Instant::now();
        while self.reader.is_exporting() && since.elapsed() < MOST_WAIT {
            if let Ok(event) = self.events.recv_timeout(Duration::from_millis(50)) {
                self.reader.take(event);
            }
        }
        self.writer.finish();
    }

    /// Asks a person for a design file, a saved profile or an ONNX model and opens it.
    pub fn ask_to_open(&self, place: Place) {
        let title = match place {
            Place::Document => "Open a design, a saved profile or an ONNX model",
            Place::Side(_) => "Open a network to compare",
        };
        let filter = ("Design, profile or model", NETWORKS.to_vec());
        self.ask(title, Wanted::File, filter, move |path| Some(FileEvent::ToOpen(place, path)));
    }

    /// Asks a person for a file and writes these bytes to it.
    pub fn ask_to_write(&self, name: &str, ending: &'static str, bytes: Vec<u8>) {
        let (name, filter) = (file_name(name, ending), ("Result", vec![ending.trim_start_matches('.')]));
        self.ask_where("Export the result", name, filter, move |path| match with_ending(path, ending) {
            Ok(path) => Some(FileEvent::WriteTo(path, bytes)),
            Err(taken) => Some(not_exported(taken)),
        });
    }

    /// Asks a person for a file to save this design of this document to.
    pub fn ask_to_save(&self, document: DocumentId, design: &Design) {
        let wanted = Wanted::NewFile(file_name(&design.name, ".toml"));
        let design = Box::new(design.clone());
        let filter = ("Design", vec!["toml"]);
        let question = Question { title: "Save the design".into(), wanted, filter, folder: None };
        let save = move |path| match with_ending(path, ".toml") {
            Ok(path) => Some(FileEvent::SaveTo(path, document, design)),
            Err(taken) => Some(FileEvent::NotSaved(taken.to_string())),
        };
        self.show(question, save, || Some(FileEvent::SaveCancelled));
    }

    /// Asks a person for a folder and saves each of these designs to a file of its own there; what is there stays.
    pub fn ask_to_save_all(&self, designs: Vec<Design>) {
        let title = format!("A folder for {} designs", designs.len());
        let folder = self.export_folder().map(Path::to_owned);
        let question = Question { title, wanted: Wanted::Folder, filter: ("Folder", vec![]), folder };
        let save = move |folder: PathBuf| {
            let files = free_names(&folder, designs.iter().map(|design| design.name.as_str()), ".toml");
            Some(FileEvent::SaveAllTo(folder, files.into_iter().zip(designs).collect()))
        };
        self.show(question, save, || None);
    }

    /// Saves these designs, each to the file beside it, in this folder.
    pub fn save_all(&self, folder: &Path, files: Vec<(PathBuf, Design)>) {
        self.writer.save_all(folder, files);
    }

    /// Asks a person for a file of weights.
    pub fn ask_for_weights(&self) {
        let filter = ("Weights", vec!["pth", "pt", "tar", "ckpt", "bin", "safetensors"]);
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

    /// Asks a person for a folder with one folder of pictures a class.
    pub fn ask_for_things(&self) {
        let title = "A folder with one folder of pictures for each class";
        self.ask(title, Wanted::Folder, ("Folder", vec![]), |path| Some(FileEvent::Chosen(Chosen::Things(path))));
    }

    /// Asks a person for a file and writes the picture to it.
    pub fn ask_for_snapshot(&self, picture: Arc<Picture>) {
        let (writer, filter) = (self.writer.clone(), ("PNG picture", vec!["png"]));
        self.ask_where("Save the picture", "snapshot.png".into(), filter, move |path| {
            match with_ending(path, ".png") {
                Ok(path) => {
                    writer.snapshot(path, picture);
                    None
                }
                Err(taken) => Some(not_exported(taken)),
            }
        });
    }

    /// Asks a person for a file and exports to it.
    pub fn ask_to_export(&self, what: Export, material: Material) {
        let ending = what.endings().first().copied().unwrap_or_default();
        let endings = what.endings().iter().map(|ending| ending.trim_start_matches('.')).collect();
        let name = file_name(material.model.name(), ending);
        let title = format!("Export: {}", what.about());
        self.ask_where(&title, name, (what.about(), endings), move |path| match with_ending(path, ending) {
            Ok(path) => Some(FileEvent::ExportTo(path, what, Box::new(material))),
            Err(taken) => Some(not_exported(taken)),
        });
    }

    /// Asks a person for a file or folder; `then` says what has come of the answer.
    fn ask(
        &self,
        title: &str,
        wanted: Wanted,
        filter: (&'static str, Vec<&'static str>),
        then: impl FnOnce(PathBuf) -> Option<FileEvent> + Send + 'static,
    ) {
        self.show(Question { title: title.into(), wanted, filter, folder: None }, then, || None);
    }

    /// Asks a person for a new file, first in the folder of the last export.
    fn ask_where(
        &self,
        title: &str,
        name: String,
        filter: (&'static str, Vec<&'static str>),
        then: impl FnOnce(PathBuf) -> Option<FileEvent> + Send + 'static,
    ) {
        let folder = self.export_folder().map(Path::to_owned);
        self.show(Question { title: title.into(), wanted: Wanted::NewFile(name), filter, folder }, then, || None);
    }

    /// Shows a dialog and waits for it on a thread.
    fn show(
        &self,
        question: Question,
        then: impl FnOnce(PathBuf) -> Option<FileEvent> + Send + 'static,
        cancelled: impl FnOnce() -> Option<FileEvent> + Send + 'static,
    ) {
        let wait = self.dialogs.show(question);
        let (tell, pacer) = (self.tell.clone(), self.pacer.clone());
        let draft = self.draft.clone();
        std::thread::spawn(move || {
            let event = match wait() {
                Reply::Chosen(path) => then(path),
                Reply::Cancelled => cancelled(),
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
