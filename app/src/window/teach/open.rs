//! The project in hand and those beside it, each a folder that one window at a time holds.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use shufflescope_engine::files::FileLock;

use crate::teach::{INDEX, Place, Project};

/// What a project is called before anybody calls it something else.
const FIRST_NAME: &str = "my things";

/// Most projects that are listed.
const MOST_LISTED: usize = 100;

/// A project on disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// Its folder.
    pub folder: PathBuf,
    /// What it is called.
    pub name: String,
}

/// The project in hand.
#[derive(Debug)]
pub(super) struct Open {
    pub place: Place,
    pub project: Project,
    /// Held while it is open, once it is on disk.
    lock: Option<FileLock>,
}

impl Open {
    /// The project that was changed last and nobody else has open, or a new one; and what there is to say about others.
    pub fn last(root: &Path) -> (Self, Vec<String>) {
        let mut said = vec![];
        for folder in folders(root) {
            match Self::at(&folder) {
                Ok(Some(open)) => return (open, said),
                Ok(None) => {}
                Err(reason) => said.push(reason),
            }
        }
        (Self::fresh(root), said)
    }

    /// One that is not on disk yet, under a name that no other has.
    pub fn fresh(root: &Path) -> Self {
        let taken = list(root);
        let free = |name: &String| taken.iter().all(|listed| listed.name != *name);
        let mut names = std::iter::once(FIRST_NAME.to_owned()).chain((2..).map(|n| format!("{FIRST_NAME} {n}")));
        let name = names.find(free).unwrap_or_else(|| FIRST_NAME.into());
        let folder = (1..).map(|number: u64| root.join(number.to_string())).find(|folder| !folder.exists());
        let place = Place(folder.unwrap_or_else(|| root.join("1")));
        Self { place, project: Project::new(name), lock: None }
    }

    /// Opens a project; `None` where another window has it.
    pub fn at(folder: &Path) -> Result<Option<Self>, String> {
        let place = Place(folder.to_owned());
        let lock = match FileLock::attempt(&place.lock()) {
            Ok(Some(lock)) => Some(lock),
            Ok(None) => return Ok(None),
            // A file system without locks holds nobody off.
            Err(error) if error.kind() == std::io::ErrorKind::Unsupported => None,
            Err(error) => return Err(format!("{} cannot be opened: {error}.", folder.display())),
        };
        let project = Project::read(folder).map_err(|error| format!("A project was left alone: {error}."))?;
        Ok(Some(Self { place, project, lock }))
    }

    /// Makes the folder and holds it, where that was not done yet.
    pub fn hold(&mut self) -> Result<(), String> {
        if self.lock.is_some() {
            return Ok(());
        }
        let told = |error: std::io::Error| {
            format!("Pictures cannot be kept: the folder {} cannot be made: {error}.", self.place.0.display())
        };
        std::fs::create_dir_all(&self.place.0).map_err(told)?;
        self.lock = match FileLock::attempt(&self.place.lock()) {
            Ok(lock) => lock,
            Err(error) if error.kind() == std::io::ErrorKind::Unsupported => None,
            Err(error) => return Err(told(error)),
        };
        Ok(())
    }

    /// Lets go of the folder, so that it can be deleted.
    pub fn let_go(&mut self) {
        self.lock = None;
    }
}

/// Every project, the one changed last first.
pub(super) fn list(root: &Path) -> Vec<Listed> {
    let read = |folder: PathBuf| Some(Listed { name: Project::read(&folder).ok()?.name, folder });
    folders(root).into_iter().filter_map(read).collect()
}

/// Folders with an index, the one changed last first.
fn folders(root: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(root) else { return vec![] };
    let changed = |folder: PathBuf| {
        let at = std::fs::metadata(folder.join(INDEX)).ok()?.modified().unwrap_or(SystemTime::UNIX_EPOCH);
        Some((at, folder))
    };
    let mut folders: Vec<_> = entries.filter_map(|entry| changed(entry.ok()?.path())).collect();
    folders.sort_by(|a, b| b.cmp(a));
    folders.truncate(MOST_LISTED);
    folders.into_iter().map(|(_, folder)| folder).collect()
}
