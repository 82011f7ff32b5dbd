//! Compiled kernels on disk: a text is compiled once per compiler, driver and kind of card.

use std::fs;
use std::io::Write;
use std::path::PathBuf;

use sha2::{Digest, Sha256};

use super::nvrtc::{Nvrtc, NvrtcError, Target};

/// Files in the folder beyond which the oldest go.
const MOST_FILES: usize = 4_096;

/// A folder of compiled kernels. Whatever is wrong with it only costs time.
#[derive(Clone, Debug)]
pub struct CodeCache {
    folder: Option<PathBuf>,
    driver: i32,
}

impl CodeCache {
    /// A cache in a folder (`None`: no cache) for a driver's version.
    #[must_use]
    pub const fn new(folder: Option<PathBuf>, driver: i32) -> Self {
        Self { folder, driver }
    }

    /// Machine code for the text, compiled where it is not there yet.
    ///
    /// # Errors
    /// Where the compiler refuses the text.
    pub fn code(&self, nvrtc: &Nvrtc, kernel: &str, text: &str, target: Target) -> Result<Vec<u8>, NvrtcError> {
        let key = self.key(nvrtc.version(), text, target);
        if let Some(code) = self.load(&key) {
            return Ok(code);
        }
        let code = nvrtc.compile(kernel, text, target)?;
        self.store(&key, &code);
        Ok(code)
    }

    fn key(&self, compiler: (i32, i32), text: &str, target: Target) -> String {
        let mut hash = Sha256::new();
        let head = format!("{compiler:?} {} {target:?} {:?}\n", self.driver, target.options());
        hash.update(head.as_bytes());
        hash.update(text.as_bytes());
        hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// Code with its digest before it: a file that was cut short is none.
    fn load(&self, key: &str) -> Option<Vec<u8>> {
        let bytes = fs::read(self.folder.as_ref()?.join(key)).ok()?;
        let (digest, code) = bytes.split_at_checked(32)?;
        (Sha256::digest(code).as_slice() == digest).then(|| code.to_vec())
    }

    fn store(&self, key: &str, code: &[u8]) {
        let Some(folder) = &self.folder else { return };
        let write = || {
            fs::create_dir_all(folder)?;
            let mut file = tempfile::NamedTempFile::new_in(folder)?;
            file.write_all(Sha256::digest(code).as_slice())?;
            file.write_all(code)?;
            file.persist(folder.join(key)).map_err(|error| error.error)
        };
        if write().is_ok() {
            self.thin();
        }
    }

    /// Keeps the folder's size within bounds.
    fn thin(&self) {
        let Some(entries) = self.folder.as_ref().and_then(|folder| fs::read_dir(folder).ok()) else { return };
        let mut files: Vec<_> = entries
            .filter_map(Result::ok)
            .filter_map(|entry| Some((entry.metadata().ok()?.modified().ok()?, entry.path())))
            .collect();
        if files.len() > MOST_FILES {
            files.sort_unstable();
            for (_, path) in &files[..MOST_FILES / 4] {
                let _ = fs::remove_file(path);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_comes_back_and_a_file_cut_short_does_not() {
        let folder = tempfile::tempdir().unwrap();
        let cache = CodeCache::new(Some(folder.path().join("kernels")), 12_040);
        let key = cache.key((12, 4), "text", Target::Card(90));
        assert_eq!(cache.load(&key), None);
        cache.store(&key, b"machine code");
        assert_eq!(cache.load(&key).as_deref(), Some(&b"machine code"[..]));
        fs::write(folder.path().join("kernels").join(&key), b"machine").unwrap();
        assert_eq!(cache.load(&key), None);
    }

    #[test]
    fn everything_that_changes_the_code_is_in_the_key() {
        let of = |driver, version, text, target| CodeCache::new(None, driver).key(version, text, target);
        let keys = [
            of(12_040, (12, 4), "a", Target::Card(90)),
            of(12_050, (12, 4), "a", Target::Card(90)),
            of(12_040, (12, 5), "a", Target::Card(90)),
            of(12_040, (12, 4), "b", Target::Card(90)),
            of(12_040, (12, 4), "a", Target::Card(86)),
            of(12_040, (12, 4), "a", Target::Ptx(90)),
        ];
        let apart: std::collections::HashSet<_> = keys.iter().collect();
        assert_eq!(apart.len(), keys.len());
    }
}
