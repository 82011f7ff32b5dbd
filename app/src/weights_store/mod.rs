//! Trained weights that others publish, and the folder they are kept in: a list, a download that can be interrupted, and
//! a check that what came, or lies there, is what was published.

mod catalogue;
mod check;
mod download;
mod error;
mod expected;
mod fetch;
mod folder;

pub use catalogue::{PUBLISHED, Pin, Published};
pub use check::{CheckError, Mismatch, check};
pub use error::{FetchError, Progress};
pub use expected::{Expected, Sizes};
pub use fetch::{Server, fetch};
pub use folder::{default_folder, folder_in, recognised};
