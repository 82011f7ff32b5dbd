//! What is set, as the window uses it.

use std::fmt::Display;
use std::path::{Path, PathBuf};

use shufflescope_engine::files::read_regular;
use shufflescope_engine::units::Bytes;
use toml::{Table, Value};

use super::keys::{
    EXPORT_FOLDER, GPU_OFFERED, RECENT, TARGETS, TEXT_SIZE, THEME, TOUR_SHOWN, VIEWS, recent_files, target_lines,
};
use super::text_size::RANGE;
use super::theme_choice::ThemeChoice;
use crate::window::recent::MOST;

/// What version 0.2 kept in files of their own: the folder of exports, and that a card was offered.
const OLD_EXPORT_FOLDER: &str = "export-folder.txt";
const OLD_GPU_OFFERED: &str = "gpu-offered.txt";

/// What is set; `None` where nothing is.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Values {
    /// The theme.
    pub theme: Option<ThemeChoice>,
    /// The factor of the text's size.
    pub text_size: Option<f32>,
    /// The files that were open lately, the newest first.
    pub recent: Vec<PathBuf>,
    /// Where exports go.
    pub export_folder: Option<PathBuf>,
    /// Whether a graphics card was offered.
    pub gpu_offered: bool,
    /// Whether the tour was shown.
    pub tour_shown: bool,
    /// The machines to measure on: an address each, and behind it the program there.
    pub targets: Vec<String>,
    /// What was chosen about the views, as they understand it.
    pub views: Option<Table>,
}

impl Values {
    /// What a table says. A value that makes no sense is told, counts as none and stays in the file until it is set anew.
    #[must_use]
    pub fn of(table: &Table, file: &Path, said: &mut Vec<String>) -> Self {
        let mut reader = Reader { table, file, said };
        let theme = reader.get(THEME, "`dark` or `light`", |value| ThemeChoice::of(value.as_str()?));
        let sizes = format!("a number from {} to {}", RANGE.start(), RANGE.end());
        let text_size = reader.get(TEXT_SIZE, sizes, |value| {
            let size = value.as_float().or_else(|| value.as_integer().map(|whole| whole as f64))? as f32;
            RANGE.contains(&size).then_some(size)
        });
        let is_list = reader.get(RECENT, "a list of files", |value| value.as_array().map(|_| ()));
        let mut recent = is_list.map_or_else(Vec::new, |()| recent_files(table));
        recent.truncate(MOST);
        let is_list = reader.get(TARGETS, "a list of targets", |value| value.as_array().map(|_| ()));
        let targets = is_list.map_or_else(Vec::new, |()| target_lines(table));
        Self {
            theme,
            text_size,
            recent,
            export_folder: reader.get(EXPORT_FOLDER, "a folder", |value| Some(PathBuf::from(value.as_str()?))),
            gpu_offered: reader.get(GPU_OFFERED, "true or false", Value::as_bool).unwrap_or(false),
            tour_shown: reader.get(TOUR_SHOWN, "true or false", Value::as_bool).unwrap_or(false),
            targets,
            views: reader.get(VIEWS, "a table", |value| value.as_table().cloned()),
        }
    }

    /// Takes over what the version before kept beside the file.
    pub(super) fn take_over(&mut self, folder: &Path) {
        let text = |name: &str| String::from_utf8(read_regular(&folder.join(name), Bytes(1 << 16)).ok()?).ok();
        if self.export_folder.is_none() {
            self.export_folder = text(OLD_EXPORT_FOLDER).filter(|folder| !folder.is_empty()).map(PathBuf::from);
        }
        self.gpu_offered |= folder.join(OLD_GPU_OFFERED).exists();
    }
}

struct Reader<'a> {
    table: &'a Table,
    file: &'a Path,
    said: &'a mut Vec<String>,
}

impl Reader<'_> {
    fn get<T>(&mut self, key: &str, wanted: impl Display, understand: impl FnOnce(&Value) -> Option<T>) -> Option<T> {
        let value = self.table.get(key)?;
        let understood = understand(value);
        if understood.is_none() {
            let file = self.file.display();
            self.said.push(format!("{file}: `{key}` is {value} and not {wanted}; it is left there and not used."));
        }
        understood
    }
}
