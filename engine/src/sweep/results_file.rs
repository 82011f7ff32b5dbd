//! Results that survive a kill: one JSON line each, appended when a point is finished.

use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::ResultsFileError;

/// Largest file read.
const MAX_BYTES: u64 = 1 << 30;

/// Finished results by key, in memory and in a file.
///
/// A line that was being written when the process died is dropped at the next opening; every line before it is kept.
#[derive(Debug)]
pub struct ResultsFile<T> {
    path: PathBuf,
    file: File,
    results: HashMap<String, T>,
}

#[derive(Serialize, Deserialize)]
struct Line<T> {
    key: String,
    result: T,
}

impl<T: Serialize + DeserializeOwned> ResultsFile<T> {
    /// Opens a file, or makes an empty one, and reads what is in it; of several results of one key the last counts.
    ///
    /// # Errors
    /// Where the file cannot be read or written, is far too large, or has lines that are no results (other than a last
    /// one that is not complete).
    pub fn open(path: &Path) -> Result<Self, ResultsFileError> {
        let name = || path.display().to_string();
        let io = |source| ResultsFileError::Io { path: name(), source };
        let mut file = OpenOptions::new().read(true).append(true).create(true).open(path).map_err(io)?;
        let mut bytes = Vec::new();
        (&mut file).take(MAX_BYTES + 1).read_to_end(&mut bytes).map_err(io)?;
        if bytes.len() as u64 > MAX_BYTES {
            return Err(ResultsFileError::TooLarge { path: name(), most: MAX_BYTES });
        }
        // A line counts from its line feed on; what follows the last one was cut off.
        let complete = bytes.iter().rposition(|&byte| byte == b'\n').map_or(0, |at| at + 1);
        let mut results = HashMap::new();
        for (index, line) in bytes[..complete].split(|&byte| byte == b'\n').enumerate() {
            if line.iter().all(u8::is_ascii_whitespace) {
                continue;
            }
            let Line { key, result } = serde_json::from_slice(line).map_err(|source| ResultsFileError::Syntax {
                path: name(),
                line: index + 1,
                source,
            })?;
            results.insert(key, result);
        }
        if complete < bytes.len() {
            file.set_len(complete as u64).map_err(io)?;
            file.seek(SeekFrom::End(0)).map_err(io)?;
        }
        Ok(Self { path: path.to_owned(), file, results })
    }

    /// The result of this key, if it is finished.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&T> {
        self.results.get(key)
    }

    /// How many results there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.results.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.results.is_empty()
    }

    /// Adds a finished result; it is on the disk when this returns.
    ///
    /// # Errors
    /// Where it has no JSON form or the disk takes no more; a part of a line is then dropped at the next opening.
    pub fn add(&mut self, key: impl Into<String>, result: T) -> Result<(), ResultsFileError> {
        let key = key.into();
        let name = || self.path.display().to_string();
        let line = Line { key, result };
        let mut text = match serde_json::to_vec(&line) {
            Ok(text) => text,
            Err(source) => return Err(ResultsFileError::Unwritable { path: name(), key: line.key, source }),
        };
        text.push(b'\n');
        let written = self.file.write_all(&text).and_then(|()| self.file.sync_data());
        written.map_err(|source| ResultsFileError::Io { path: name(), source })?;
        self.results.insert(line.key, line.result);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(path: &Path) -> ResultsFile<f64> {
        ResultsFile::open(path).unwrap()
    }

    #[test]
    fn finished_results_are_there_after_the_process_died() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("sweep.jsonl");
        let mut file = open(&path);
        assert!(file.is_empty());
        file.add("a", 1.5).unwrap();
        file.add("b", 2.5).unwrap();
        file.add("a", 3.5).unwrap();
        assert_eq!((file.get("a"), file.len()), (Some(&3.5), 2));
        // Not even dropped: as after a kill.
        std::mem::forget(file);
        let file = open(&path);
        assert_eq!((file.get("a"), file.get("b"), file.get("c")), (Some(&3.5), Some(&2.5), None));
    }

    #[test]
    fn a_line_that_was_cut_off_costs_only_itself() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("sweep.jsonl");
        let mut file = open(&path);
        file.add("a", 1.0).unwrap();
        file.add("b", 2.0).unwrap();
        drop(file);
        let whole = std::fs::read(&path).unwrap();
        let first = whole.iter().position(|&byte| byte == b'\n').unwrap() + 1;
        for length in first..whole.len() {
            std::fs::write(&path, &whole[..length]).unwrap();
            let mut file = open(&path);
            assert_eq!((file.get("a"), file.get("b")), (Some(&1.0), None), "{length} bytes");
            file.add("c", 3.0).unwrap();
            assert_eq!(open(&path).get("c"), Some(&3.0), "{length} bytes");
        }
    }

    #[test]
    fn another_file_is_refused_with_its_line_and_left_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notes.txt");
        let text = "{\"key\": \"a\", \"result\": 1.0}\n\ndear diary,\nmore";
        std::fs::write(&path, text).unwrap();
        let error = ResultsFile::<f64>::open(&path).unwrap_err().to_string();
        assert!(error.contains("line 3") && error.contains("choose another"), "{error}");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
        assert!(ResultsFile::<f64>::open(folder.path()).is_err());
    }
}
