//! What a project holds: classes, their pictures by number, and what was taught on them.
//!
//! The index is small; pictures are files of their own beside it, called by their numbers, so that a class may have any
//! name. A number is never given twice.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use shufflescope_engine::design::Design;
use shufflescope_engine::files::read_regular;
use shufflescope_engine::training::{Accuracy, Way};
use shufflescope_engine::units::Bytes;
use thiserror::Error;

/// The index's file in the project's folder.
pub const INDEX: &str = "project.json";

/// Pictures of a class from which on it is worth teaching.
pub const WANTED_OF_A_CLASS: usize = 20;

/// Most pictures of a class: more of the same from a camera teach nothing.
pub const MOST_OF_A_CLASS: usize = 300;

/// What was taught that is remembered; the oldest go.
pub const MOST_TAUGHT: usize = 12;

/// Most bytes of an index: a thousand classes of three hundred pictures.
const LARGEST: Bytes = Bytes(32 << 20);

/// Longest name in characters.
pub(crate) const LONGEST_NAME: usize = 60;

/// The form that this release writes.
const VERSION: u32 = 1;

/// Folders and files of a project.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place(pub PathBuf);

impl Place {
    /// The index.
    #[must_use]
    pub fn index(&self) -> PathBuf {
        self.0.join(INDEX)
    }

    /// Where the pictures are.
    #[must_use]
    pub fn pictures(&self) -> PathBuf {
        self.0.join("pictures")
    }

    /// The picture of this number.
    #[must_use]
    pub fn picture(&self, number: u64) -> PathBuf {
        self.pictures().join(format!("{number:06}.png"))
    }

    /// A file of weights.
    #[must_use]
    pub fn weights(&self, file: &str) -> PathBuf {
        self.0.join(file)
    }

    /// The file that one window at a time holds.
    #[must_use]
    pub fn lock(&self) -> PathBuf {
        self.0.join("in-use.lock")
    }
}

/// A picture of a class.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shot {
    /// Names its file.
    pub number: u64,
    /// Whether it is one of a camera's run, whose neighbours are almost the same picture.
    #[serde(default)]
    pub in_a_run: bool,
}

/// Things that are told apart from others.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Class {
    /// Tells it from others, whatever it is called.
    pub id: u64,
    /// What it is called.
    pub name: String,
    /// Its pictures, in the order in which they were taken.
    pub shots: Vec<Shot>,
}

/// Weights that were taught on the project's pictures.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TaughtHere {
    /// The file in the project's folder.
    pub file: String,
    /// How.
    pub way: Way,
    /// The network.
    pub design: Design,
    /// On held-out pictures.
    pub accuracy: Accuracy,
}

/// See the module.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Project {
    version: u32,
    /// What the data is called.
    pub name: String,
    /// The next number or identity that is given.
    next: u64,
    /// In the order in which they were made.
    pub classes: Vec<Class>,
    /// The newest last.
    #[serde(default)]
    pub taught: Vec<TaughtHere>,
}

/// An index that cannot be used.
#[derive(Debug, Error)]
pub enum ProjectError {
    /// It cannot be read.
    #[error("cannot read `{}`: {source}", .path.display())]
    Read {
        /// The index.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// It is damaged, or of a later release.
    #[error("`{}` is no index of pictures of this release: {reason}", .path.display())]
    Malformed {
        /// The index.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
}

impl Project {
    /// Without classes.
    #[must_use]
    pub fn new(name: impl Into<String>) -> Self {
        Self { version: VERSION, name: name.into(), next: 1, classes: vec![], taught: vec![] }
    }

    /// Reads the index of a project's folder.
    ///
    /// # Errors
    /// Where it cannot be read, or makes no sense.
    pub fn read(folder: &Path) -> Result<Self, ProjectError> {
        let path = Place(folder.to_owned()).index();
        let bytes = match read_regular(&path, LARGEST) {
            Ok(bytes) => bytes,
            Err(source) => return Err(ProjectError::Read { path, source }),
        };
        let project: Self = match serde_json::from_slice(&bytes) {
            Ok(project) => project,
            Err(error) => return Err(ProjectError::Malformed { path, reason: error.to_string() }),
        };
        match project.nonsense() {
            None => Ok(project),
            Some(reason) => Err(ProjectError::Malformed { path, reason }),
        }
    }

    /// What makes no sense about it.
    fn nonsense(&self) -> Option<String> {
        if self.version != VERSION {
            return Some(format!("its form is {}, this release knows {VERSION}", self.version));
        }
        let mut numbers: Vec<u64> = self.shots().map(|shot| shot.number).collect();
        numbers.extend(self.classes.iter().map(|class| class.id));
        numbers.sort_unstable();
        let twice = numbers.windows(2).any(|pair| matches!(pair, [a, b] if a == b));
        if twice || numbers.last().is_some_and(|last| *last >= self.next) {
            return Some("a number in it is given twice".into());
        }
        let is_name =
            |name: &str| (1..=LONGEST_NAME).contains(&name.chars().count()) && !name.contains(char::is_control);
        let names = self.classes.iter().map(|class| &class.name).chain([&self.name]);
        if let Some(name) = names.into_iter().find(|name| !is_name(name)) {
            return Some(format!("`{name}` is no name"));
        }
        let elsewhere = self.taught.iter().find(|taught| !is_plain(&taught.file));
        elsewhere.map(|taught| format!("`{}` is no file of the project", taught.file))
    }

    /// The index as text.
    ///
    /// # Errors
    /// Never for what is in it; told rather than hidden.
    pub fn to_text(&self) -> Result<String, String> {
        serde_json::to_string_pretty(self).map(|text| text + "\n").map_err(|error| error.to_string())
    }

    /// A number that nothing else has.
    pub fn number(&mut self) -> u64 {
        self.next += 1;
        self.next - 1
    }

    /// So many numbers that nothing else has; the first.
    pub fn numbers(&mut self, count: u64) -> u64 {
        let first = self.next;
        self.next += count;
        first
    }

    /// All pictures.
    pub fn shots(&self) -> impl Iterator<Item = &Shot> {
        self.classes.iter().flat_map(|class| &class.shots)
    }

    /// The class of this identity.
    #[must_use]
    pub fn class(&self, id: u64) -> Option<&Class> {
        self.classes.iter().find(|class| class.id == id)
    }

    /// As [`class`](Self::class), to be changed.
    pub fn class_mut(&mut self, id: u64) -> Option<&mut Class> {
        self.classes.iter_mut().find(|class| class.id == id)
    }

    /// The class that is called so, made behind the others where there is none.
    pub fn class_called(&mut self, name: &str) -> u64 {
        if let Some(class) = self.classes.iter().find(|class| class.name == name) {
            return class.id;
        }
        let id = self.number();
        self.classes.push(Class { id, name: name.to_owned(), shots: vec![] });
        id
    }

    /// A name as it may be given: without blanks around it, not empty, not too long, of one line; else why not.
    ///
    /// # Errors
    /// What is wrong, in a sentence.
    pub fn checked_name(&self, name: &str, except: Option<u64>) -> Result<String, String> {
        let name: String = name.trim().chars().filter(|letter| !letter.is_control()).collect();
        if name.is_empty() {
            return Err("Type a name for the class.".into());
        }
        if name.chars().count() > LONGEST_NAME {
            return Err(format!("A name has at most {LONGEST_NAME} characters."));
        }
        if self.classes.iter().any(|class| class.name == name && Some(class.id) != except) {
            return Err(format!("There is a class `{name}` already."));
        }
        Ok(name)
    }

    /// Remembers what was taught, in place of what was taught on the same network before; the files of what is forgotten.
    pub fn remember(&mut self, taught: TaughtHere) -> Vec<String> {
        let print = taught.design.fingerprint();
        let is_same = |other: &TaughtHere| other.way == taught.way && other.design.fingerprint() == print;
        let (replaced, mut kept): (Vec<_>, Vec<_>) = self.taught.drain(..).partition(is_same);
        kept.push(taught);
        let too_many = kept.len().saturating_sub(MOST_TAUGHT);
        let forgotten = kept.drain(..too_many).chain(replaced).map(|taught| taught.file).collect();
        self.taught = kept;
        forgotten
    }
}

/// Whether it names a file in the folder itself.
fn is_plain(file: &str) -> bool {
    !file.is_empty() && !file.starts_with('.') && !file.contains(['/', '\\', ':'])
}

#[cfg(test)]
mod tests {
    use shufflescope_engine::training::DataName;
    use shufflescope_engine::zoo;

    use super::*;

    fn project() -> Project {
        let mut project = Project::new("desk");
        let mug = project.class_called("mug");
        for in_a_run in [true, true, false] {
            let number = project.number();
            project.class_mut(mug).unwrap().shots.push(Shot { number, in_a_run });
        }
        project
    }

    fn taught(file: &str, design: &str) -> TaughtHere {
        let accuracy = Accuracy::new(9, 10, DataName { name: "desk".into(), pictures: 50 }).unwrap();
        TaughtHere { file: file.into(), way: Way::AtOnce, design: zoo::preset(design).unwrap(), accuracy }
    }

    #[test]
    fn an_index_reads_back_equal_and_one_that_makes_no_sense_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let write = |text: &str| std::fs::write(folder.path().join(INDEX), text).unwrap();
        let mut whole = project();
        whole.remember(taught("taught-9.safetensors", "shufflenet-v2-x0.5"));
        write(&whole.to_text().unwrap());
        assert_eq!(Project::read(folder.path()).unwrap(), whole);
        let text = whole.to_text().unwrap();
        for (from, to) in [
            ("\"version\": 1", "\"version\": 2"),
            ("\"number\": 3", "\"number\": 2"),
            ("\"name\": \"mug\"", "\"name\": \"\""),
            ("taught-9.safetensors", "../../other.safetensors"),
            ("\"next\": 5", "\"next\": 1"),
        ] {
            assert!(text.contains(from), "{from}");
            write(&text.replace(from, to));
            assert!(matches!(Project::read(folder.path()), Err(ProjectError::Malformed { .. })), "{to}");
        }
        write(&text[..40]);
        assert!(Project::read(folder.path()).is_err());
    }

    #[test]
    fn names_are_checked_and_numbers_are_never_given_twice() {
        let mut project = project();
        assert_eq!(project.class_called("mug"), project.classes[0].id);
        assert_eq!(project.checked_name("  plant \n", None), Ok("plant".into()));
        assert!(project.checked_name("mug", None).unwrap_err().contains("already"));
        assert_eq!(project.checked_name("mug", Some(project.classes[0].id)), Ok("mug".into()));
        assert!(project.checked_name(" ", None).is_err() && project.checked_name(&"x".repeat(61), None).is_err());
        let (first, many, last) = (project.number(), project.numbers(10), project.number());
        assert!(first < many && last == many + 10);
    }

    #[test]
    fn what_is_taught_anew_takes_the_place_of_what_was_and_the_oldest_go() {
        let mut project = project();
        assert!(project.remember(taught("a", "shufflenet-v2-x0.5")).is_empty());
        assert!(project.remember(taught("b", "shufflenet-v2-x1.0")).is_empty());
        assert_eq!(project.remember(taught("c", "shufflenet-v2-x0.5")), ["a"]);
        let files: Vec<&str> = project.taught.iter().map(|taught| taught.file.as_str()).collect();
        assert_eq!(files, ["b", "c"]);
    }
}
