//! Design files and file dialogs, all off the painting thread; results come back as events.

use std::future::Future;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::task::{Context, Poll, Wake, Waker};
use std::time::{Duration, Instant};

use shufflescope_engine::design::Design;

use super::pacer::Pacer;

/// The file in the data folder that survives a crash.
const DRAFT: &str = "draft.toml";

/// A dialog that is gone this soon was never there.
const TOO_SOON: Duration = Duration::from_millis(400);

/// What became of a request.
#[derive(Debug)]
pub enum FileEvent {
    /// A design file was read, or why not.
    Opened(PathBuf, Result<Box<Design>, String>),
    /// A design file was written, or why not.
    Saved(PathBuf, Box<Design>, Result<(), String>),
    /// The design could not be kept safe in the data folder.
    NotKept(String),
    /// No file dialog could be shown; where the design is kept meanwhile.
    NoDialog(Option<PathBuf>),
}

enum Request {
    Open(PathBuf),
    Save(PathBuf, Box<Design>),
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
        Self { requests, events, tell, pacer, draft: data_folder.map(|folder| folder.join(DRAFT)) }
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

    /// Reads a design file.
    pub fn open(&self, path: PathBuf) {
        self.request(Request::Open(path));
    }

    /// Writes a design file.
    pub fn save(&self, path: PathBuf, design: &Design) {
        self.request(Request::Save(path, Box::new(design.clone())));
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

    /// Asks a person for a design file and opens it.
    pub fn ask_to_open(&self) {
        let dialog = rfd::AsyncFileDialog::new().set_title("Open a design").add_filter("Design", &["toml"]);
        let requests = self.requests.clone();
        self.ask(dialog.pick_file(), move |path| {
            let _ = requests.send(Request::Open(path));
        });
    }

    /// Asks a person for a file and saves the design to it.
    pub fn ask_to_save(&self, design: &Design) {
        let dialog = rfd::AsyncFileDialog::new()
            .set_title("Save the design")
            .add_filter("Design", &["toml"])
            .set_file_name(file_name(&design.name));
        let requests = self.requests.clone();
        let design = Box::new(design.clone());
        self.ask(dialog.save_file(), move |path| {
            let _ = requests.send(Request::Save(path, design));
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
            let result = Design::read(&path).map(Box::new).map_err(|error| error.to_string());
            Some(FileEvent::Opened(path, result))
        }
        Request::Save(path, design) => {
            let path = if path.extension().is_none() { path.with_extension("toml") } else { path };
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

/// A file name that every system accepts.
fn file_name(design: &str) -> String {
    let plain = |c: char| if c.is_alphanumeric() || matches!(c, '-' | '_' | '.') { c } else { '-' };
    let name: String = design.chars().map(plain).collect();
    format!("{}.toml", name.trim_matches(['-', '.']))
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
        assert_eq!(file_name("shufflenet-v2-x1.0 (edited)"), "shufflenet-v2-x1.0--edited.toml");
        assert_eq!(file_name("a/b\\c:d"), "a-b-c-d.toml");
    }
}
