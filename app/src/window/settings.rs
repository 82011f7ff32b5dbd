//! What a person has set, in one file (`settings.toml` in the folder of the user's data) that every window reads at its
//! start and changes key by key: what another window, version or person has written there stays.

mod change;
mod changes;
mod keys;
mod text_size;
mod theme_choice;
mod values;

use std::path::Path;
use std::sync::Arc;

pub use self::change::Change;
pub use self::changes::Changes;
pub use self::text_size::TextSize;
pub use self::theme_choice::ThemeChoice;
pub use self::values::Values;

/// The file in the data folder.
const FILE: &str = "settings.toml";

/// What was found at the start.
#[derive(Debug, Default)]
pub struct Found {
    /// What is set.
    pub values: Values,
    /// What changes the file; `None` where there is no folder for it.
    pub changes: Option<Arc<Changes>>,
    /// What a person should know of the file.
    pub said: Vec<String>,
}

/// Reads the file; one that cannot be understood is kept aside and told.
#[must_use]
pub fn find(data_folder: Option<&Path>) -> Found {
    let Some(folder) = data_folder else { return Found::default() };
    let file = folder.join(FILE);
    let mut said = Vec::new();
    let table = changes::read(&file, &mut said).unwrap_or_else(|reason| {
        said.push(format!("Settings are as they come, and changes are not kept. {reason}."));
        toml::Table::new()
    });
    let mut values = Values::of(&table, &file, &mut said);
    values.take_over(folder);
    Found { values, changes: Some(Arc::new(Changes::new(file))), said }
}

#[cfg(test)]
mod tests;
