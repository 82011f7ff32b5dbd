//! Why pictures cannot be trained on.

use std::fmt;
use std::io;
use std::path::PathBuf;

use thiserror::Error;

use super::pictures_in_memory::{MOST_BYTES, MOST_CLASSES, MOST_PICTURES};
use crate::classify::ResizeError;
use crate::units::Bytes;

/// A file that was no usable picture and is left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broken {
    /// The file.
    pub path: PathBuf,
    /// What is wrong with it.
    pub reason: String,
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Readers of pictures name the file themselves.
        let path = self.path.display().to_string();
        if self.reason.contains(&path) { f.write_str(&self.reason) } else { write!(f, "`{path}`: {}", self.reason) }
    }
}

/// See the module.
#[derive(Debug, Error)]
pub enum DataError {
    /// The folder cannot be listed.
    #[error("cannot read the folder `{}`: {source}", .path.display())]
    Read {
        /// The folder.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// No folders within the folder.
    #[error(
        "`{}` has no folders in it: give a folder with one folder of pictures for each class, called as the class",
        .path.display()
    )]
    NoClasses {
        /// The folder.
        path: PathBuf,
    },
    /// Nothing to tell apart.
    #[error("there is only the class `{class}`: a network learns to tell at least two classes apart; add another")]
    OneClass {
        /// The only one.
        class: String,
    },
    /// No classes at all.
    #[error("there are no classes: name at least two and give each some pictures")]
    Nothing,
    /// A class without pictures.
    #[error("the class `{class}` has no pictures{}: add some, or delete the class", .broken.as_ref().map_or_else(
        String::new, |broken| format!(" that can be read ({broken})")))]
    EmptyClass {
        /// The class.
        class: String,
        /// The first file in it that was none.
        broken: Option<Box<Broken>>,
    },
    /// A class with too few pictures to hold one out.
    #[error(
        "the class `{class}` has 1 picture: at least 2 different ones are needed, one to learn from and one held out to \
         test on"
    )]
    OnePicture {
        /// The class.
        class: String,
    },
    /// More classes than a design may have.
    #[error("there are {classes} classes: at most {MOST_CLASSES} can be taught")]
    TooManyClasses {
        /// How many.
        classes: usize,
    },
    /// More pictures than fit.
    #[error(
        "there are too many pictures: at most {MOST_PICTURES} and {most} as the network sees them are held in memory; give \
         fewer, or a smaller input",
        most = Bytes(MOST_BYTES as u64)
    )]
    TooMany,
    /// A picture of a class that is not there.
    #[error("there is no class {class}")]
    NoSuchClass {
        /// Its number.
        class: usize,
    },
    /// A picture that the resizer refuses.
    #[error(transparent)]
    Resize(#[from] ResizeError),
    /// A person has had enough.
    #[error("reading the pictures was cancelled")]
    Cancelled,
}
