//! One change of the file of settings.

use std::path::{Path, PathBuf};

use toml::{Table, Value};

use super::keys::{
    EXPORT_FOLDER, GPU_OFFERED, RECENT, TARGETS, TEXT_SIZE, THEME, TOUR_SHOWN, VIEWS, recent_files, target_lines,
};
use super::theme_choice::ThemeChoice;
use crate::window::recent::put_first;

/// What is changed. Lists are changed by an entry, so that windows do not take each other's away.
#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    /// The theme.
    Theme(ThemeChoice),
    /// The factor of the text's size.
    TextSize(f32),
    /// A file was opened or saved.
    AddRecent(PathBuf),
    /// A file is not wanted in the list any more.
    ForgetRecent(PathBuf),
    /// Where exports go.
    ExportFolder(PathBuf),
    /// The graphics card was offered.
    GpuOffered,
    /// The tour was shown.
    TourShown,
    /// A machine to measure on: its address, and behind it the program there.
    AddTarget(String),
    /// The machine of this address is not wanted in the list any more.
    ForgetTarget(String),
    /// Something was chosen about the views.
    Views(Table),
}

impl Change {
    /// Whether a later change makes this one needless.
    #[must_use]
    pub fn is_undone_by(&self, later: &Self) -> bool {
        match (self, later) {
            (Self::AddRecent(one) | Self::ForgetRecent(one), Self::AddRecent(other) | Self::ForgetRecent(other)) => {
                one == other
            }
            (Self::AddTarget(one) | Self::ForgetTarget(one), Self::AddTarget(other) | Self::ForgetTarget(other)) => {
                address_of(one) == address_of(other)
            }
            _ => std::mem::discriminant(self) == std::mem::discriminant(later),
        }
    }

    /// Makes it; everything else in the table stays. What has no name in TOML, a path that is not Unicode, changes
    /// nothing.
    pub fn make(&self, table: &mut Table) {
        match self {
            Self::Theme(theme) => set(table, THEME, theme.name()),
            // By way of its text: 1.1 and not 1.10000002384.
            Self::TextSize(size) => set(table, TEXT_SIZE, size.to_string().parse::<f64>().unwrap_or(1.0)),
            Self::AddRecent(file) if file.to_str().is_some() => {
                let mut files = recent_files(table);
                put_first(&mut files, file);
                set_recent(table, &files);
            }
            Self::ForgetRecent(file) => {
                let mut files = recent_files(table);
                files.retain(|other| other != file);
                set_recent(table, &files);
            }
            Self::ExportFolder(folder) => {
                if let Some(folder) = folder.to_str() {
                    set(table, EXPORT_FOLDER, folder);
                }
            }
            Self::GpuOffered => set(table, GPU_OFFERED, true),
            Self::TourShown => set(table, TOUR_SHOWN, true),
            Self::AddTarget(line) => {
                let mut lines = target_lines(table);
                lines.retain(|other| address_of(other) != address_of(line));
                lines.push(line.clone());
                set_targets(table, lines);
            }
            Self::ForgetTarget(address) => {
                let mut lines = target_lines(table);
                lines.retain(|other| address_of(other) != address_of(address));
                set_targets(table, lines);
            }
            Self::Views(views) => set(table, VIEWS, views.clone()),
            Self::AddRecent(_) => {}
        }
    }
}

fn set(table: &mut Table, key: &str, value: impl Into<Value>) {
    table.insert(key.into(), value.into());
}

/// The address in the line of a target.
fn address_of(line: &str) -> &str {
    line.split_once(' ').map_or(line, |(address, _)| address)
}

fn set_targets(table: &mut Table, lines: Vec<String>) {
    set(table, TARGETS, Value::Array(lines.into_iter().map(Value::String).collect()));
}

fn set_recent(table: &mut Table, files: &[PathBuf]) {
    let entries = files.iter().filter_map(|file| Path::to_str(file)).map(|file| Value::String(file.into()));
    set(table, RECENT, Value::Array(entries.collect()));
}
