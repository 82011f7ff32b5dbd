//! How classes are called.

use std::borrow::Cow;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use thiserror::Error;

use crate::design::limits;
use crate::files::read_regular;
use crate::units::Bytes;

/// The categories of ImageNet-1k in the order of their numbers, as torchvision lists them.
const IMAGENET: &str = include_str!("../../../assets/labels/imagenet.txt");

/// Most bytes of a file of labels: 65,536 classes of 64 bytes each.
const LARGEST: Bytes = Bytes(4 << 20);

/// Longest label in characters: what a person can read beside a bar.
const LONGEST: usize = 200;

/// Names of the classes by number; without names, the numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Labels {
    names: Option<Arc<[String]>>,
}

/// Labels that cannot be used.
#[derive(Debug, Error)]
pub enum LabelsError {
    /// The file cannot be read.
    #[error("cannot read the labels `{}`: {source}", .path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The text is no list of labels.
    #[error("`{}` is not a list of labels, one a line: {reason}", .path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The labels are of other classes.
    #[error("there are {labels} labels, but the network tells {classes} classes apart")]
    Count {
        /// Labels in the list.
        labels: usize,
        /// Classes of the network.
        classes: usize,
    },
}

impl Labels {
    /// The numbers of the classes in place of names.
    #[must_use]
    pub const fn numbers() -> Self {
        Self { names: None }
    }

    /// The 1000 categories of ImageNet-1k.
    #[must_use]
    pub fn imagenet() -> Self {
        Self::of_names(IMAGENET.lines().map(str::to_owned))
    }

    /// These names, class 0 first.
    #[must_use]
    pub fn of_names(names: impl IntoIterator<Item = String>) -> Self {
        Self { names: Some(names.into_iter().collect()) }
    }

    /// What is known about a network of so many classes: 1000 are taken for ImageNet's, others have numbers.
    #[must_use]
    pub fn usual(classes: usize) -> Self {
        let imagenet = Self::imagenet();
        if imagenet.count() == Some(classes) { imagenet } else { Self::numbers() }
    }

    /// The list in a text file, one label a line, class 0 first. A byte order mark, carriage returns, blanks around labels
    /// and empty lines at the end are left out.
    ///
    /// # Errors
    /// Where the file cannot be read, is no UTF-8 text, or has lines that are no labels.
    pub fn read(path: &Path) -> Result<Self, LabelsError> {
        let fail = |source| LabelsError::Read { path: path.into(), source };
        let bytes = read_regular(path, LARGEST).map_err(fail)?;
        parse(&bytes).map_err(|reason| LabelsError::Malformed { path: path.into(), reason })
    }

    /// How many there are; `None` for numbers, of which there are always enough.
    #[must_use]
    pub fn count(&self) -> Option<usize> {
        self.names.as_ref().map(|names| names.len())
    }

    /// Whether classes have numbers only.
    #[must_use]
    pub const fn are_numbers(&self) -> bool {
        self.names.is_none()
    }

    /// Whether there is a label for each of so many classes and none more.
    ///
    /// # Errors
    /// [`LabelsError::Count`] with both figures.
    pub fn check(&self, classes: usize) -> Result<(), LabelsError> {
        match self.count() {
            Some(labels) if labels != classes => Err(LabelsError::Count { labels, classes }),
            _ => Ok(()),
        }
    }

    /// What class `index` is called: its label, or `class 7`.
    #[must_use]
    pub fn name(&self, index: usize) -> Cow<'_, str> {
        match self.names.as_ref().and_then(|names| names.get(index)) {
            Some(name) => Cow::Borrowed(name),
            None => Cow::Owned(format!("class {index}")),
        }
    }
}

fn parse(bytes: &[u8]) -> Result<Labels, String> {
    let text = std::str::from_utf8(bytes).map_err(|error| format!("byte {} is not UTF-8 text", error.valid_up_to()))?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text).trim_end();
    if text.is_empty() {
        return Err("it is empty".into());
    }
    let most = *limits::CLASSES.end() as usize;
    if text.lines().count() > most {
        return Err(format!("it has more than {most} lines"));
    }
    let label = |(index, line): (usize, &str)| {
        let line = line.trim();
        match line {
            "" => Err(format!("line {} is empty", index + 1)),
            _ if line.chars().count() > LONGEST => {
                Err(format!("line {} is longer than {LONGEST} characters", index + 1))
            }
            _ if line.contains(char::is_control) => Err(format!("line {} has control characters", index + 1)),
            _ => Ok(line.to_owned()),
        }
    };
    text.lines().enumerate().map(label).collect::<Result<Vec<_>, _>>().map(Labels::of_names)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8]) -> Result<Labels, LabelsError> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("labels.txt");
        std::fs::write(&path, bytes).unwrap();
        Labels::read(&path)
    }

    #[test]
    fn imagenets_categories_have_their_known_numbers() {
        let labels = Labels::imagenet();
        assert_eq!(labels.count(), Some(1000));
        for (index, name) in [(0, "tench"), (207, "golden retriever"), (817, "sports car"), (999, "toilet tissue")] {
            assert_eq!(labels.name(index), name);
        }
    }

    #[test]
    fn only_a_thousand_classes_are_taken_for_imagenets() {
        assert_eq!(Labels::usual(1000), Labels::imagenet());
        assert!(Labels::usual(50).are_numbers());
        assert_eq!(Labels::usual(50).name(7), "class 7");
        assert_eq!(Labels::imagenet().name(1000), "class 1000");
    }

    #[test]
    fn a_file_has_one_label_a_line_however_its_lines_end() {
        let labels = read(b"\xEF\xBB\xBFcat\r\n  big dog \r\nB\xC3\xA4r\r\n\r\n").unwrap();
        assert_eq!(labels, Labels::of_names(["cat", "big dog", "Bär"].map(str::to_owned)));
        assert!(labels.check(3).is_ok());
        let said = labels.check(4).unwrap_err().to_string();
        assert!(said.contains("3 labels") && said.contains("4 classes"), "{said}");
        assert!(Labels::numbers().check(4).is_ok());
    }

    #[test]
    fn what_is_no_list_of_labels_is_refused_with_the_line() {
        for (bytes, reason) in [
            (&b""[..], "empty"),
            (b"\n \n", "empty"),
            (b"a\n\nb", "line 2 is empty"),
            (b"a\n\x1b[2Jb", "line 2 has control characters"),
            (b"a\n\xff", "byte 2 is not UTF-8"),
            (&[b'x'; 300], "line 1 is longer than 200"),
            (&b"x\n".repeat(70_000), "more than 65536 lines"),
            (&vec![b'x'; LARGEST.0 as usize + 1], "at most"),
        ] {
            let said = read(bytes).unwrap_err().to_string();
            assert!(said.contains("labels.txt") && said.contains(reason), "{said}");
        }
        let folder = tempfile::tempdir().unwrap();
        assert!(matches!(Labels::read(folder.path()), Err(LabelsError::Read { .. })));
        assert!(Labels::read(&folder.path().join("none.txt")).unwrap_err().to_string().contains("none.txt"));
    }
}
