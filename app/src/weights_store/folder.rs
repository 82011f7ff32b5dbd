//! Where downloaded weights lie, and what a file that is called like one is.

use std::path::{Path, PathBuf};

use super::catalogue::Published;
use super::check::{CheckError, check};

/// Where downloaded weights are kept: `weights` in the folder of the program's data, where the system has such a place.
#[must_use]
pub fn default_folder() -> Option<PathBuf> {
    crate::data_folder().as_deref().map(folder_in)
}

/// Where downloaded weights are kept in the folder of the program's data.
#[must_use]
pub fn folder_in(data_folder: &Path) -> PathBuf {
    data_folder.join("weights")
}

/// The published weights that the file at `path` holds, by its bytes; `None` where it is not even called so.
///
/// # Errors
/// Where it is called like published weights and is something else.
pub fn recognised(path: &Path) -> Result<Option<&'static Published>, CheckError> {
    let Some(published) = Published::of_name(path) else { return Ok(None) };
    check(path, &published.expected()).map(|()| Some(published))
}

#[cfg(test)]
mod tests {
    use super::super::catalogue::PUBLISHED;
    use super::*;

    #[test]
    fn a_file_is_never_taken_for_its_name() {
        let folder = tempfile::tempdir().unwrap();
        for published in PUBLISHED {
            let path = folder.path().join(published.file);
            // Right in size, and nothing else.
            std::fs::write(&path, vec![0; published.expected().sizes.from.0 as usize]).unwrap();
            let error = recognised(&path).unwrap_err().to_string();
            let expected = published.expected().sha256;
            assert!(error.contains("its SHA-256 is") && error.contains(expected), "{error}");
            assert!(!folder.path().join(format!("{}.sha256", published.file)).exists(), "nothing is recorded of it");
        }
        assert!(matches!(recognised(&folder.path().join("mine.pth")), Ok(None)));
    }
}
