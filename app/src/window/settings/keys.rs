//! The keys in the file of settings, and how a list of files stands there.

use std::path::PathBuf;

use toml::{Table, Value};

pub(super) const THEME: &str = "theme";
pub(super) const TEXT_SIZE: &str = "text_size";
pub(super) const RECENT: &str = "recent_files";
pub(super) const EXPORT_FOLDER: &str = "export_folder";
pub(super) const GPU_OFFERED: &str = "gpu_offered";
pub(super) const TOUR_SHOWN: &str = "tour_shown";
pub(super) const VIEWS: &str = "views";
pub(super) const TARGETS: &str = "targets";

/// The lines of the targets in the table; what is no text is none.
pub(super) fn target_lines(table: &Table) -> Vec<String> {
    let entries = table.get(TARGETS).and_then(Value::as_array);
    entries.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
}

/// The files in the table; what is no file's name is none.
pub(super) fn recent_files(table: &Table) -> Vec<PathBuf> {
    let entries = table.get(RECENT).and_then(Value::as_array);
    entries.into_iter().flatten().filter_map(Value::as_str).map(PathBuf::from).collect()
}
