//! A data set in memory: pictures as the network sees them, their classes, and the share that is held out.
//!
//! A picture is cut to the network's input as soon as it comes ([`Pictures::add`]), so that memory is bounded by the input
//! and not by the camera. [`from_folder`] takes a folder with one folder a class; [`Pictures::split`] holds a share out:
//! files by chance, a camera's runs by time, for neighbours in a run are almost the same picture.

mod error;
mod folder;
mod pictures_in_memory;
mod split;

pub use error::{Broken, DataError};
pub use folder::{ClassFolder, FOLDER_PICTURES, FolderProgress, class_folders, from_folder};
pub use pictures_in_memory::{MOST_BYTES, MOST_CLASSES, MOST_PICTURES, Pictures, Sample, Taken};
pub use split::{HoldOut, Split};
