//! Results in a file that a person has named: one JSON line each, appended when a point is finished. Where nobody names
//! one they are in the [store](crate::store::Store).

use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::ResultsFileError;
use crate::files::{open_regular_with, read_at_most};
use crate::store::{RunContext, VERSION};
use crate::units::Bytes;

/// Largest file read.
const MOST: Bytes = Bytes(1 << 30);

/// Finished results by key and context, in memory and in a file.
///
/// Only lines of this version of the program are results here; lines of another one, and those of before 0.2.0 that say
/// no context, stay in the file and are measured again. A line that was being written when the process died is dropped at the next opening; every line before it is kept.
#[derive(Debug)]
pub struct ResultsFile<T> {
    path: PathBuf,
    file: File,
    results: HashMap<(String, RunContext), T>,
}

#[derive(Serialize)]
struct Line<T> {
    key: String,
    context: RunContext,
    result: T,
}

/// A line of any version.
#[derive(Deserialize)]
struct AnyLine {
    key: String,
    context: Option<Value>,
    result: Value,
}

impl AnyLine {
    /// The context, where it is one of this version.
    fn context(&mut self) -> Option<RunContext> {
        let context = serde_json::from_value::<RunContext>(self.context.take()?).ok()?;
        (context.version == VERSION).then_some(context)
    }
}

impl<T: Serialize + DeserializeOwned> ResultsFile<T> {
    /// Opens a file, or makes an empty one, and reads what is in it; of several results of one key and
    /// context the last counts.
    ///
    /// # Errors
    /// Where the file cannot be read or written, is far too large, or has lines that are no results (other than a last
    /// one that is not complete).
    pub fn open(path: &Path) -> Result<Self, ResultsFileError> {
        let name = || path.display().to_string();
        let io = |source| ResultsFileError::Io { path: name(), source };
        let mut options = OpenOptions::new();
        let (mut file, _) = open_regular_with(options.read(true).append(true).create(true), path).map_err(io)?;
        let bytes = read_at_most(&mut file, MOST).map_err(io)?;
        // A line counts from its line feed on; what follows the last one was cut off.
        let complete = bytes.iter().rposition(|&byte| byte == b'\n').map_or(0, |at| at + 1);
        let mut results = HashMap::new();
        for (index, line) in bytes[..complete].split(|&byte| byte == b'\n').enumerate() {
            if line.iter().all(u8::is_ascii_whitespace) {
                continue;
            }
            let syntax = |source| ResultsFileError::Syntax { path: name(), line: index + 1, source };
            let mut line: AnyLine = serde_json::from_slice(line).map_err(syntax)?;
            if let Some(context) = line.context() {
                results.insert((line.key, context), serde_json::from_value(line.result).map_err(syntax)?);
            }
        }
        if complete < bytes.len() {
            file.set_len(complete as u64).map_err(io)?;
            file.seek(SeekFrom::End(0)).map_err(io)?;
        }
        Ok(Self { path: path.to_owned(), file, results })
    }

    /// The result of this key, if it is finished in this context.
    #[must_use]
    pub fn get(&self, key: &str, context: &RunContext) -> Option<&T> {
        self.results.get(&(key.to_owned(), context.clone()))
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
    pub fn add(&mut self, key: impl Into<String>, context: RunContext, result: T) -> Result<(), ResultsFileError> {
        let name = || self.path.display().to_string();
        let line = Line { key: key.into(), context, result };
        let mut text = match serde_json::to_vec(&line) {
            Ok(text) => text,
            Err(source) => return Err(ResultsFileError::Unwritable { path: name(), key: line.key, source }),
        };
        text.push(b'\n');
        let written = self.file.write_all(&text).and_then(|()| self.file.sync_data());
        written.map_err(|source| ResultsFileError::Io { path: name(), source })?;
        self.results.insert((line.key, line.context), line.result);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::device::DeviceId;
    use crate::runtime::RunOptions;

    fn open(path: &Path) -> ResultsFile<f64> {
        ResultsFile::open(path).unwrap()
    }

    fn here() -> RunContext {
        RunContext::new(Some("a processor"), &RunOptions::new(DeviceId::Cpu, 1, 1))
    }

    #[test]
    fn finished_results_are_there_after_the_process_died() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("sweep.jsonl");
        let mut file = open(&path);
        assert!(file.is_empty());
        file.add("a", here(), 1.5).unwrap();
        file.add("b", here(), 2.5).unwrap();
        file.add("a", here(), 3.5).unwrap();
        assert_eq!((file.get("a", &here()), file.len()), (Some(&3.5), 2));
        // Not even dropped: as after a kill.
        std::mem::forget(file);
        let file = open(&path);
        assert_eq!(["a", "b", "c"].map(|key| file.get(key, &here()).copied()), [Some(3.5), Some(2.5), None]);
    }

    #[test]
    fn a_line_that_was_cut_off_costs_only_itself() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("sweep.jsonl");
        let mut file = open(&path);
        file.add("a", here(), 1.0).unwrap();
        file.add("b", here(), 2.0).unwrap();
        drop(file);
        let whole = std::fs::read(&path).unwrap();
        let first = whole.iter().position(|&byte| byte == b'\n').unwrap() + 1;
        for length in first..whole.len() {
            std::fs::write(&path, &whole[..length]).unwrap();
            let mut file = open(&path);
            assert_eq!((file.get("a", &here()), file.get("b", &here())), (Some(&1.0), None), "{length} bytes");
            file.add("c", here(), 3.0).unwrap();
            assert_eq!(open(&path).get("c", &here()), Some(&3.0), "{length} bytes");
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

    #[test]
    fn what_another_machine_or_version_finished_is_not_finished_here() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("sweep.jsonl");
        let elsewhere = RunContext { machine: "another".into(), ..here() };
        let earlier = RunContext { version: "0.1.9".into(), ..here() };
        let mut file = open(&path);
        file.add("a", elsewhere.clone(), 1.0).unwrap();
        file.add("a", earlier.clone(), 2.0).unwrap();
        drop(file);
        let mut file = open(&path);
        assert_eq!((file.get("a", &here()), file.get("a", &earlier)), (None, None));
        file.add("a", here(), 3.0).unwrap();
        let file = open(&path);
        assert_eq!((file.get("a", &here()), file.get("a", &elsewhere)), (Some(&3.0), Some(&1.0)));
    }

    #[test]
    fn a_file_of_0_1_0_opens_and_its_points_count_as_not_finished() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("sweep.jsonl");
        std::fs::write(&path, "{\"key\":\"a\",\"result\":{\"of\":\"another form\"}}\n").unwrap();
        let mut file = open(&path);
        assert!(file.is_empty());
        file.add("a", here(), 3.0).unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap().lines().count(), 2, "nothing is taken out of it");
        assert_eq!(open(&path).get("a", &here()), Some(&3.0));
    }
}
