//! Dialogs that ask a person for a file: the system's, or in tests ones that answer by themselves.

use std::fmt;
use std::future::Future;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// A dialog that is gone this soon was never there.
const TOO_SOON: Duration = Duration::from_millis(400);

/// Shows file dialogs.
pub trait Dialogs: fmt::Debug + Send + Sync {
    /// Shows a dialog. Called on the painting thread, as macOS wants it; the answer is waited for on another one.
    fn show(&self, question: Question) -> Pending;
}

/// Waits for a dialog's answer.
pub type Pending = Box<dyn FnOnce() -> Reply + Send>;

/// What a dialog asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// The dialog's title.
    pub title: String,
    /// What is to be chosen.
    pub wanted: Wanted,
    /// What such files are called, and how their names end; every file where there are no endings.
    pub filter: (&'static str, Vec<&'static str>),
    /// The folder shown first; the system's choice where `None`.
    pub folder: Option<PathBuf>,
}

/// What is to be chosen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// A file to read.
    File,
    /// A folder to read.
    Folder,
    /// A file to write, and the name that is offered.
    NewFile(String),
}

/// How a dialog ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// A file or folder was chosen.
    Chosen(PathBuf),
    /// A person thought better of it.
    Cancelled,
    /// The desktop has no dialogs.
    NoDialog,
}

/// The dialogs of the operating system.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemDialogs;

impl Dialogs for SystemDialogs {
    fn show(&self, question: Question) -> Pending {
        let Question { title, wanted, filter: (kind, endings), folder } = question;
        let mut dialog = rfd::AsyncFileDialog::new().set_title(title);
        if !endings.is_empty() {
            dialog = dialog.add_filter(kind, &endings);
        }
        if let Some(folder) = folder {
            dialog = dialog.set_directory(folder);
        }
        match wanted {
            Wanted::File => pending(dialog.pick_file()),
            Wanted::Folder => pending(dialog.pick_folder()),
            Wanted::NewFile(name) => pending(dialog.set_file_name(name).save_file()),
        }
    }
}

fn pending(dialog: impl Future<Output = Option<rfd::FileHandle>> + Send + 'static) -> Pending {
    Box::new(move || {
        let asked = Instant::now();
        match pollster::block_on(dialog) {
            Some(file) => Reply::Chosen(file.path().to_owned()),
            None if asked.elapsed() < TOO_SOON => Reply::NoDialog,
            None => Reply::Cancelled,
        }
    })
}
