//! Whether a file's bytes are what they must be: its size and the whole of its SHA-256, never its name.
//!
//! Of some files only the start of the hash is known beforehand. Those are trusted on first use: when one has that start
//! and a size that was published, the whole hash and the exact size are written beside it (`FILE.sha256`, as `sha256sum
//! --check` reads it), and from then on the file must agree with that. Where nothing can be written beside the file, the
//! start of the hash goes on deciding.

use std::fs::File;
use std::io::{self, Read, Seek};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};
use shufflescope_engine::files::{open_regular, read_regular, write_atomically};
use shufflescope_engine::units::Bytes;
use thiserror::Error;

use super::expected::{Expected, is_digit};

/// Longest record there can be.
const LONGEST_RECORD: Bytes = Bytes(4096);

/// Why a file is not what it is called.
#[derive(Debug, Error)]
pub enum CheckError {
    /// It cannot be read.
    #[error("cannot read `{}`: {source}", .path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// Other bytes.
    #[error("`{}` is not the file that was published under its name: {mismatch}; delete or rename it, and download it \
        again with `shufflescope weights fetch`", .path.display())]
    Mismatch {
        /// The file.
        path: PathBuf,
        /// What differs.
        mismatch: Mismatch,
    },
}

/// What differs.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum Mismatch {
    /// The size.
    #[error("it has {found} bytes, not {expected}")]
    Size {
        /// What it has.
        found: u64,
        /// What was published, in words.
        expected: String,
    },
    /// The hash.
    #[error("its SHA-256 is {found}, but {expected} was published")]
    Hash {
        /// All of the file's.
        found: String,
        /// What is known of the published one: all of it, or its start and `...`.
        expected: String,
    },
    /// What was recorded on first use.
    #[error(
        "its SHA-256 is {found} ({size} bytes), but on first use it was {recorded} ({recorded_size} bytes), as `{}` says",
        .record.display()
    )]
    Record {
        /// All of the file's hash.
        found: String,
        /// The file's size.
        size: u64,
        /// All of the hash on first use.
        recorded: String,
        /// The size on first use.
        recorded_size: u64,
        /// Where that is written.
        record: PathBuf,
    },
    /// The record says nothing.
    #[error("what was recorded on first use cannot be read; `{}` is damaged", .record.display())]
    DamagedRecord {
        /// The record.
        record: PathBuf,
    },
}

/// Checks the file at `path`, and records what it is where that is its first use.
///
/// # Errors
/// Where it cannot be read or is something else.
pub fn check(path: &Path, expected: &Expected<'_>) -> Result<(), CheckError> {
    let read = |source| CheckError::Read { path: path.into(), source };
    let (mut file, size) = open_regular(path).map_err(read)?;
    // Most other files are told by their size alone.
    let found = match expected.sizes.contain(size) {
        true => contents(&mut file).map_err(read)?,
        false => Contents { sha256: String::new(), size },
    };
    compare(&found, expected, path).map_err(|mismatch| CheckError::Mismatch { path: path.into(), mismatch })?;
    record(&found, expected, path);
    Ok(())
}

/// What a file holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Contents {
    /// All of its SHA-256, in hexadecimal digits.
    pub(super) sha256: String,
    pub(super) size: Bytes,
}

/// Reads a whole file.
pub(super) fn contents(file: &mut File) -> io::Result<Contents> {
    file.rewind()?;
    let (mut digest, mut size, mut buffer) = (Sha256::new(), 0, vec![0; 1 << 16]);
    loop {
        match file.read(&mut buffer) {
            Ok(0) => break,
            Ok(count) => {
                digest.update(buffer.get(..count).unwrap_or_default());
                size += count as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    let sha256 = digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(Contents { sha256, size: Bytes(size) })
}

/// Whether this is what was published and, where that was recorded, what it was on first use. `path` is the file's own.
pub(super) fn compare(found: &Contents, expected: &Expected<'_>, path: &Path) -> Result<(), Mismatch> {
    let (sizes, size) = (expected.sizes, found.size.0);
    if !sizes.contain(found.size) {
        let expected = match (sizes.from.0, sizes.to.0) {
            (from, to) if from == to => from.to_string(),
            (from, to) => format!("{from} to {to}"),
        };
        return Err(Mismatch::Size { found: size, expected });
    }
    if !found.sha256.starts_with(expected.sha256) {
        let dots = if expected.is_whole() { "" } else { "..." };
        return Err(Mismatch::Hash { found: found.sha256.clone(), expected: format!("{}{dots}", expected.sha256) });
    }
    let path = record_of(path);
    if expected.is_whole() || !path.exists() {
        return Ok(());
    }
    let Some(recorded) = read_record(&path) else { return Err(Mismatch::DamagedRecord { record: path }) };
    if recorded == *found {
        return Ok(());
    }
    let Contents { sha256: recorded, size: Bytes(recorded_size) } = recorded;
    Err(Mismatch::Record { found: found.sha256.clone(), size, recorded, recorded_size, record: path })
}

/// Writes down what the file at `path` is, where that is not known beforehand and not recorded yet. A folder that cannot
/// be written is no reason to refuse what is in it.
pub(super) fn record(found: &Contents, expected: &Expected<'_>, path: &Path) {
    let record = record_of(path);
    if !expected.is_whole() && !record.exists() {
        let Contents { sha256, size } = found;
        let text = format!("# {} bytes, recorded on first use\n{sha256}  {}\n", size.0, expected.file);
        let _ = write_atomically(&record, text.as_bytes());
    }
}

/// Where the hash of a file is recorded.
fn record_of(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".sha256");
    path.with_file_name(name)
}

fn read_record(path: &Path) -> Option<Contents> {
    let text = String::from_utf8(read_regular(path, LONGEST_RECORD).ok()?).ok()?;
    let (first, rest) = text.split_once('\n')?;
    let size = first.strip_prefix("# ")?.split_once(' ')?.0.parse().ok()?;
    let (sha256, _) = rest.split_once(' ')?;
    let is_hash = sha256.len() == 64 && sha256.bytes().all(is_digit);
    is_hash.then(|| Contents { sha256: sha256.to_owned(), size: Bytes(size) })
}

#[cfg(test)]
mod tests {
    use super::super::expected::Sizes;
    use super::*;

    const HELLO: &str = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";

    fn expected(sha256: &str) -> Expected<'_> {
        Expected { file: "hello-2cf24dba.pth", sha256, sizes: Sizes { from: Bytes(4), to: Bytes(6) } }
    }

    fn file(bytes: &[u8]) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("hello-2cf24dba.pth");
        std::fs::write(&path, bytes).unwrap();
        (folder, path)
    }

    fn complaint(path: &Path, expected: &Expected<'_>) -> String {
        let said = check(path, expected).unwrap_err().to_string();
        assert!(said.contains("hello-2cf24dba.pth") && said.contains("weights fetch"), "{said}");
        said
    }

    #[test]
    fn a_file_whose_whole_hash_is_known_needs_no_record() {
        let (folder, path) = file(b"hello");
        check(&path, &expected(HELLO)).unwrap();
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
        std::fs::write(&path, b"jello").unwrap();
        let said = complaint(&path, &expected(HELLO));
        let found = contents(&mut File::open(&path).unwrap()).unwrap().sha256;
        assert!(said.contains(HELLO) && said.contains(&found) && found != HELLO, "{said}");
    }

    #[test]
    fn a_hash_that_only_begins_like_the_published_one_is_refused() {
        let (_folder, path) = file(b"hello");
        let other = format!("{}0", &HELLO[..63]);
        assert!(complaint(&path, &expected(&other)).contains(&other));
    }

    #[test]
    fn another_size_is_told_whatever_the_hash() {
        let (_folder, path) = file(b"hello, world");
        assert!(complaint(&path, &expected(HELLO)).contains("12 bytes, not 4 to 6"));
    }

    #[test]
    fn what_is_known_by_its_start_is_recorded_on_first_use_and_held_to_that() {
        let (folder, path) = file(b"hello");
        check(&path, &expected("2cf24dba")).unwrap();
        let record = folder.path().join("hello-2cf24dba.pth.sha256");
        let written = std::fs::read_to_string(&record).unwrap();
        assert_eq!(written, format!("# 5 bytes, recorded on first use\n{HELLO}  hello-2cf24dba.pth\n"));
        check(&path, &expected("2cf24dba")).unwrap();
        assert_eq!(std::fs::read_to_string(&record).unwrap(), written, "written once");

        // Nobody can find two files whose hashes begin alike for this test: the start that is published is left out.
        std::fs::write(&path, b"jello").unwrap();
        let said = complaint(&path, &expected(""));
        assert!(said.contains(HELLO) && said.contains("on first use") && said.contains("5 bytes"), "{said}");
        assert!(said.contains(&contents(&mut File::open(&path).unwrap()).unwrap().sha256), "{said}");

        std::fs::write(&path, b"hello").unwrap();
        for damaged in [&b""[..], b"# 5 bytes\nhello", &[0xFF; 5000], written.replace("2cf2", "2CF2").as_bytes()] {
            std::fs::write(&record, damaged).unwrap();
            assert!(complaint(&path, &expected("2cf24dba")).contains("is damaged"));
        }
    }

    #[test]
    fn what_is_no_file_is_told() {
        let (folder, _path) = file(b"hello");
        for path in [folder.path().to_owned(), folder.path().join("none")] {
            assert!(matches!(check(&path, &expected(HELLO)), Err(CheckError::Read { .. })));
        }
    }
}
