//! Changes on their way to the file. They are put into what the file holds at that moment, under a lock, so that windows
//! do not take each other's changes back; the file is replaced whole.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use shufflescope_engine::files::{FileLock, read_regular};
use shufflescope_engine::units::Bytes;
use toml::Table;

use super::change::Change;

/// How long another window may be at the file.
const PATIENCE: Duration = Duration::from_secs(5);

/// Most changes that wait for a disk that does not answer.
const MOST: usize = 64;

/// More than anybody sets.
const MOST_BYTES: Bytes = Bytes(1 << 20);

/// What is to be changed in the file.
#[derive(Debug)]
pub struct Changes {
    file: PathBuf,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    waiting: Vec<Change>,
    /// As many of them are being written.
    taken: usize,
    /// Held while they are written.
    lock: Option<FileLock>,
    /// What there is to say of the file as it was found.
    said: Vec<String>,
}

impl Changes {
    /// Changes of this file.
    #[must_use]
    pub fn new(file: PathBuf) -> Self {
        Self { file, state: Mutex::default() }
    }

    /// The file.
    #[must_use]
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// Adds a change.
    pub fn add(&self, change: Change) {
        let mut state = self.state();
        // Those that are being written are counted by their place.
        let taken = state.taken;
        let mut index = 0;
        state.waiting.retain(|earlier| {
            index += 1;
            index <= taken || !earlier.is_undone_by(&change)
        });
        state.waiting.push(change);
        if state.waiting.len() > MOST && taken < state.waiting.len() {
            state.waiting.remove(taken);
        }
    }

    /// The file as it is to be, from what it holds now; until [`end`](Self::end) nobody else changes it.
    ///
    /// # Errors
    /// Where the file cannot be read or another window does not let go of it.
    pub fn merge(&self) -> Result<Vec<u8>, String> {
        if let Some(folder) = self.file.parent() {
            std::fs::create_dir_all(folder).map_err(|error| error.to_string())?;
        }
        let lock = match FileLock::wait(&self.file.with_extension("lock"), PATIENCE) {
            Ok(Some(lock)) => Some(lock),
            Ok(None) => return Err("another window does not let go of it".into()),
            // A file system without locks: the last of two changes in the same instant wins.
            Err(error) if error.kind() == io::ErrorKind::Unsupported => None,
            Err(error) => return Err(error.to_string()),
        };
        let mut said = Vec::new();
        let mut table = read(&self.file, &mut said)?;
        let mut state = self.state();
        state.waiting.iter().for_each(|change| change.make(&mut table));
        let text = toml::to_string(&table).map_err(|error| error.to_string())?;
        state.taken = state.waiting.len();
        state.lock = lock;
        state.said.append(&mut said);
        Ok(text.into_bytes())
    }

    /// The file was written, or not: then the changes wait for the next time. What there is to say.
    pub fn end(&self, result: Result<(), String>) -> Option<String> {
        let mut state = self.state();
        let taken = std::mem::take(&mut state.taken);
        state.lock = None;
        let mut said = std::mem::take(&mut state.said);
        match result {
            Ok(()) => {
                let written = taken.min(state.waiting.len());
                state.waiting.drain(..written);
            }
            Err(reason) => said.push(format!("Settings are not kept. {reason}")),
        }
        (!said.is_empty()).then(|| said.join(" "))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What the file holds: nothing where there is none. One that cannot be understood is moved aside and told, and never
/// written over.
pub(super) fn read(file: &Path, said: &mut Vec<String>) -> Result<Table, String> {
    let named = |reason: &dyn std::fmt::Display| format!("{}: {reason}", file.display());
    let bytes = match read_regular(file, MOST_BYTES) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Table::new()),
        Err(error) => return Err(named(&error)),
    };
    let understood = String::from_utf8(bytes)
        .map_err(|_| "it is no text".to_owned())
        .and_then(|text| text.parse::<Table>().map_err(|error| error.message().to_owned()));
    let reason = match understood {
        Ok(table) => return Ok(table),
        Err(reason) => reason,
    };
    let kept = aside(file).ok_or_else(|| named(&"it cannot be understood, and so are many beside it"))?;
    std::fs::rename(file, &kept).map_err(|error| named(&format!("it cannot be understood ({reason}; {error})")))?;
    said.push(format!("Settings cannot be understood ({reason}); they are kept as {}.", kept.display()));
    Ok(Table::new())
}

/// A free name beside a file that cannot be understood.
fn aside(file: &Path) -> Option<PathBuf> {
    let stem = file.file_stem().unwrap_or_default().to_string_lossy();
    let mut names = (1..=200).map(|number| file.with_file_name(format!("unreadable-{stem}-{number}.toml")));
    names.find(|aside| std::fs::symlink_metadata(aside).is_err())
}
