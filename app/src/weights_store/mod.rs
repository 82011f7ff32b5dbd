//! Trained weights that others publish, and the folder they are kept in: a list, a download that can be interrupted, and
//! a check that what came is what was published.

mod catalogue;
mod download;
mod fetch;

use std::path::{Path, PathBuf};

pub use catalogue::{PUBLISHED, Published};
pub use fetch::{FetchError, Progress, Server, fetch};

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
