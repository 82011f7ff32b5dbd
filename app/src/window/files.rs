//! Files and file dialogs, all off the painting thread; results come back as events.

use std::future::Future;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::task::{Context, Poll, Wake, Waker};
use std::time::{Duration, Instant};

use shufflescope_engine::classify::Picture;
use shufflescope_engine::design::{Batch, Design};
use shufflescope_engine::files::write_atomically;
use shufflescope_engine::model::{Model, ModelFile};
use shufflescope_engine::report::{Profile, ProfileFileError};

use super::bench::Side;
use super::export::{Export, Material, done, show_folder, with_ending};
use super::pacer::Pacer;
use crate::image_file::{ENDINGS, write_png};

/// The file in the data folder that survives a crash.
const DRAFT: &str = "draft.toml";

/// The file in the data folder that names the folder of the last export.
const EXPORT_FOLDER: &str = "export-folder.txt";

/// A dialog that is gone this soon was never there.
const TOO_SOON: Duration = Duration::from_millis(400);

/// What became of a request.
#[derive(Debug)]
pub enum FileEvent {
    /// A file was read, or why not.
    Opened(PathBuf, Result<Opened, String>),
    /// A file for one side of a comparison was read, or why not.
    OpenedFor(Side, Result<Opened, String>),
    /// A design file was written, or why not.
    Saved(PathBuf, Box<Design>, Result<(), String>),
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

/// A file to be written, off the painting thread.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Write {
    /// Where.
    pub path: PathBuf,
    /// What.
    pub bytes: Vec<u8>,
}

enum Request {
    Snapshot(PathBuf, Arc<Picture>),
    Open(PathBuf),
    OpenFor(Side, PathBuf),
    Write(Write),
    Save(PathBuf, Box<Design>),
    Export(PathBuf, Export, Box<Material>),
    Remember(PathBuf, PathBuf),
    Keep(PathBuf, Box<Design>),
    Finish(Sender<()>),
}

/// Reads and writes on a thread of its own.
#[derive(Debug)]
pub struct Files {
    requests: Sender<Request>,
    events: Receiver<FileEvent>,
    tell: Sender<FileEvent>,
    pacer: Pacer,
    draft: Option<PathBuf>,
    export_folder: Option<PathBuf>,
    export_folder_file: Option<PathBuf>,
}

impl Files {
    /// Starts the thread; without a data folder nothing is kept over a crash.
    #[must_use]
    pub fn new(data_folder: Option<&Path>, pacer: Pacer) -> Self {
        let (requests, inbox) = channel();
        let (tell, events) = channel();
        let outbox = tell.clone();
        let wake = pacer.clone();
        std::thread::spawn(move || {
            for request in inbox {
                if let Some(event) = carry_out(request) {
                    let _ = outbox.send(event);
                    wake.wake();
                }
            }
        });
        let export_folder_file = data_folder.map(|folder| folder.join(EXPORT_FOLDER));
        Self {
            requests,
            events,
            tell,
            pacer,
            draft: data_folder.map(|folder| folder.join(DRAFT)),
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
            self.request(Request::Remember(file.clone(), folder.clone()));
        }
        self.export_folder = folder;
    }

    /// The design that the last session left unsaved.
    #[must_use]
    pub fn recover(data_folder: Option<&Path>) -> Option<Design> {
        Design::read(&data_folder?.join(DRAFT)).ok()
    }

    /// What has become of the requests so far.
    pub fn poll(&self) -> Vec<FileEvent> {
        self.events.try_iter().collect()
    }

    /// Reads a design file, a saved profile or an ONNX model.
    pub fn open(&self, path: PathBuf) {
        self.request(Request::Open(path));
    }

    /// Reads a file for one side of a comparison.
    pub fn open_for(&self, side: Side, path: PathBuf) {
        self.request(Request::OpenFor(side, path));
    }

    /// Writes a text for elsewhere.
    pub fn write(&self, write: Write) {
        self.request(Request::Write(write));
    }

    /// Writes a design file.
    pub fn save(&self, path: PathBuf, design: &Design) {
        self.request(Request::Save(path, Box::new(design.clone())));
    }

    /// Writes a file for elsewhere.
    pub fn export(&self, path: PathBuf, what: Export, material: Box<Material>) {
        self.request(Request::Export(path, what, material));
    }

    /// Shows a folder in the system's file manager.
    pub fn show_folder(&self, folder: PathBuf) {
        let (tell, pacer) = (self.tell.clone(), self.pacer.clone());
        std::thread::spawn(move || {
            if let Err(error) = show_folder(&folder) {
                let _ = tell.send(FileEvent::NoFileManager(error));
                pacer.wake();
            }
        });
    }

    /// Keeps the design safe in the data folder.
    pub fn keep(&self, design: &Design) {
        if let Some(path) = &self.draft {
            self.request(Request::Keep(path.clone(), Box::new(design.clone())));
        }
    }

    /// Waits until everything requested is on disk, but not for long; for the end of the program.
    pub fn finish(&self) {
        let (done, wait) = channel();
        self.request(Request::Finish(done));
        let _ = wait.recv_timeout(Duration::from_secs(2));
    }

    /// Asks a person for a design file, a saved profile or an ONNX model and opens it.
    pub fn ask_to_open(&self) {
        let dialog = rfd::AsyncFileDialog::new()
            .set_title("Open a design, a saved profile or an ONNX model")
            .add_filter("Design, profile or model", &["toml", "json", "onnx"]);
        let requests = self.requests.clone();
        self.ask(dialog.pick_file(), move |path| {
            let _ = requests.send(Request::Open(path));
        });
    }

    /// Asks a person for a file for one side of a comparison.
    pub fn ask_to_open_for(&self, side: Side) {
        let dialog = rfd::AsyncFileDialog::new()
            .set_title("Open a network to compare")
            .add_filter("Design, profile or model", &["toml", "json", "onnx"]);
        let requests = self.requests.clone();
        self.ask(dialog.pick_file(), move |path| {
            let _ = requests.send(Request::OpenFor(side, path));
        });
    }

    /// Asks a person for a file and writes these bytes to it.
    pub fn ask_to_write(&self, name: &str, ending: &'static str, bytes: Vec<u8>) {
        let mut dialog = rfd::AsyncFileDialog::new()
            .set_title("Export the result")
            .add_filter("Result", &[ending.trim_start_matches('.')])
            .set_file_name(file_name(name, ending));
        if let Some(folder) = self.export_folder() {
            dialog = dialog.set_directory(folder);
        }
        let (tell, pacer) = (self.tell.clone(), self.pacer.clone());
        self.ask(dialog.save_file(), move |path| {
            let _ = tell.send(match with_ending(path, ending) {
                Ok(path) => FileEvent::WriteTo(path, bytes),
                Err(taken) => {
                    let error = taken.to_string();
                    FileEvent::Exported(taken.0, Err(error))
                }
            });
            pacer.wake();
        });
    }

    /// Asks a person for a file and saves the design to it.
    pub fn ask_to_save(&self, design: &Design) {
        let dialog = rfd::AsyncFileDialog::new()
            .set_title("Save the design")
            .add_filter("Design", &["toml"])
            .set_file_name(file_name(&design.name, ".toml"));
        let (requests, tell, pacer) = (self.requests.clone(), self.tell.clone(), self.pacer.clone());
        let design = Box::new(design.clone());
        self.ask(dialog.save_file(), move |path| match with_ending(path, ".toml") {
            Ok(path) => {
                let _ = requests.send(Request::Save(path, design));
            }
            Err(taken) => {
                let error = taken.to_string();
                let _ = tell.send(FileEvent::Saved(taken.0, design, Err(error)));
                pacer.wake();
            }
        });
    }

    /// Asks a person for a file of weights.
    pub fn ask_for_weights(&self) {
        let dialog = rfd::AsyncFileDialog::new()
            .set_title("Open trained weights")
            .add_filter("Weights", &["pth", "pt", "safetensors"]);
        self.ask_for(dialog.pick_file(), Chosen::Weights);
    }

    /// Asks a person for a list of labels.
    pub fn ask_for_labels(&self) {
        let dialog = rfd::AsyncFileDialog::new().set_title("Open labels, one a line").add_filter("Labels", &["txt"]);
        self.ask_for(dialog.pick_file(), Chosen::Labels);
    }

    /// Asks a person for a picture, or for a folder of pictures.
    pub fn ask_for_pictures(&self, folder: bool) {
        let dialog = rfd::AsyncFileDialog::new();
        if folder {
            self.ask_for(dialog.set_title("Show a folder of pictures").pick_folder(), Chosen::Pictures);
        } else {
            let dialog = dialog.set_title("Show a picture").add_filter("Picture", &ENDINGS);
            self.ask_for(dialog.pick_file(), Chosen::Pictures);
        }
    }

    fn ask_for(
        &self,
        dialog: impl Future<Output = Option<rfd::FileHandle>> + Send + 'static,
        what: impl FnOnce(PathBuf) -> Chosen + Send + 'static,
    ) {
        let (tell, pacer) = (self.tell.clone(), self.pacer.clone());
        self.ask(dialog, move |path| {
            let _ = tell.send(FileEvent::Chosen(what(path)));
            pacer.wake();
        });
    }

    /// Asks a person for a file and writes the picture to it.
    pub fn ask_for_snapshot(&self, picture: Arc<Picture>) {
        let mut dialog = rfd::AsyncFileDialog::new()
            .set_title("Save the picture")
            .add_filter("PNG picture", &["png"])
            .set_file_name("snapshot.png");
        if let Some(folder) = self.export_folder() {
            dialog = dialog.set_directory(folder);
        }
        let (requests, tell, pacer) = (self.requests.clone(), self.tell.clone(), self.pacer.clone());
        self.ask(dialog.save_file(), move |path| match with_ending(path, ".png") {
            Ok(path) => {
                let _ = requests.send(Request::Snapshot(path, picture));
            }
            Err(taken) => {
                let error = taken.to_string();
                let _ = tell.send(FileEvent::Exported(taken.0, Err(error)));
                pacer.wake();
            }
        });
    }

    /// Writes a picture as PNG.
    pub fn snapshot(&self, path: PathBuf, picture: Arc<Picture>) {
        self.request(Request::Snapshot(path, picture));
    }

    /// Asks a person for a file and exports to it.
    pub fn ask_to_export(&self, what: Export, material: Material) {
        let ending = what.endings().first().copied().unwrap_or_default();
        let extensions: Vec<_> = what.endings().iter().map(|ending| ending.trim_start_matches('.')).collect();
        let mut dialog = rfd::AsyncFileDialog::new()
            .set_title(format!("Export: {}", what.about()))
            .add_filter(what.about(), &extensions)
            .set_file_name(file_name(material.model.name(), ending));
        if let Some(folder) = self.export_folder() {
            dialog = dialog.set_directory(folder);
        }
        let (tell, pacer) = (self.tell.clone(), self.pacer.clone());
        self.ask(dialog.save_file(), move |path| {
            let _ = tell.send(match with_ending(path, ending) {
                Ok(path) => FileEvent::ExportTo(path, what, Box::new(material)),
                Err(taken) => {
                    let error = taken.to_string();
                    FileEvent::Exported(taken.0, Err(error))
                }
            });
            pacer.wake();
        });
    }

    /// Waits for a dialog on a thread; the dialog itself was made on the painting thread, as macOS wants it.
    fn ask(
        &self,
        dialog: impl Future<Output = Option<rfd::FileHandle>> + Send + 'static,
        then: impl FnOnce(PathBuf) + Send + 'static,
    ) {
        let (tell, pacer, draft) = (self.tell.clone(), self.pacer.clone(), self.draft.clone());
        std::thread::spawn(move || {
            let asked = Instant::now();
            match block_on(dialog) {
                Some(file) => then(file.path().to_owned()),
                None if asked.elapsed() < TOO_SOON => {
                    let _ = tell.send(FileEvent::NoDialog(draft));
                    pacer.wake();
                }
                None => {}
            }
        });
    }

    fn request(&self, request: Request) {
        // The thread only ends with this sender.
        let _ = self.requests.send(request);
    }
}

fn carry_out(request: Request) -> Option<FileEvent> {
    match request {
        Request::Open(path) => {
            let result = read(&path);
            Some(FileEvent::Opened(path, result))
        }
        Request::OpenFor(side, path) => {
            let result = read(&path);
            Some(FileEvent::OpenedFor(side, result))
        }
        Request::Write(Write { path, bytes }) => {
            let result = super::export::explained(write_atomically(&path, &bytes));
            let said = result.map(|()| format!("Exported to {}.", path.display()));
            Some(FileEvent::Exported(path, said))
        }
        Request::Export(path, what, material) => {
            let done = || done(what, &path, material.model.has_weights());
            let result = material.write(what, &path).map(|()| done());
            Some(FileEvent::Exported(path, result))
        }
        Request::Snapshot(path, picture) => {
            let result = write_png(&path, &picture).map(|()| format!("The picture was saved to {}.", path.display()));
            Some(FileEvent::Exported(path, result))
        }
        Request::Remember(file, folder) => {
            // A folder that is forgotten costs a few clicks; nothing to bother anybody with.
            let _ = file.parent().map(std::fs::create_dir_all);
            let _ = folder.to_str().map(|folder| write_atomically(&file, folder.as_bytes()));
            None
        }
        Request::Save(path, design) => {
            let result = design.write(&path).map_err(|error| error.to_string());
            Some(FileEvent::Saved(path, design, result))
        }
        Request::Keep(path, design) => {
            let folder = path.parent().map_or(Ok(()), std::fs::create_dir_all);
            let result = folder.map_err(|error| error.to_string());
            let result = result.and_then(|()| design.write(&path).map_err(|error| error.to_string()));
            result.err().map(FileEvent::NotKept)
        }
        Request::Finish(done) => {
            let _ = done.send(());
            None
        }
    }
}

/// Reads a saved profile, an ONNX model or a design, as the file's name says.
fn read(path: &Path) -> Result<Opened, String> {
    let has_ending = |ending| path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case(ending));
    if has_ending("onnx") {
        let opened = ModelFile::open(path).map(Model::from).map(Box::new);
        return opened.map(Opened::Model).map_err(|error| error.to_string());
    }
    if !has_ending("json") {
        return Design::read(path).map(Box::new).map(Opened::Design).map_err(|error| error.to_string());
    }
    let remedy = "Of all exports only a profile (JSON) opens again.";
    match Profile::read(path) {
        Ok(profile) => {
            // A model file is read here, off the painting thread; a design is checked already.
            let fixed = profile.design.design().is_none().then_some(&profile.design);
            let missing = fixed.and_then(|model| model.graph(Batch(1)).err()).map(|error| error.to_string());
            Ok(Opened::Profile(Box::new(profile), missing))
        }
        Err(error @ (ProfileFileError::Syntax { .. } | ProfileFileError::NoSchema { .. })) => {
            Err(format!("{error}. {remedy}"))
        }
        Err(error) => Err(error.to_string()),
    }
}

/// The folder that an earlier session exported to.
fn remembered(file: &Path) -> Option<PathBuf> {
    let folder = std::fs::read_to_string(file).ok()?;
    (!folder.is_empty()).then(|| folder.into())
}

/// A file name that every system accepts.
fn file_name(design: &str, ending: &str) -> String {
    let plain = |c: char| if c.is_alphanumeric() || matches!(c, '-' | '_' | '.') { c } else { '-' };
    let name: String = design.chars().map(plain).collect();
    format!("{}{ending}", name.trim_matches(['-', '.']))
}

/// Runs a future to its end on this thread.
fn block_on<T>(future: impl Future<Output = T>) -> T {
    struct Unpark(std::thread::Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
    let mut future = pin!(future);
    loop {
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(value) => return value,
            Poll::Pending => std::thread::park(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_name_becomes_a_file_name() {
        assert_eq!(file_name("shufflenet-v2-x1.0 (edited)", ".toml"), "shufflenet-v2-x1.0--edited.toml");
        assert_eq!(file_name("a/b\\c:d", ".trace.json"), "a-b-c-d.trace.json");
    }
}
