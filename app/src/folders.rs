//! Folders of the user.

use std::path::PathBuf;

use etcetera::BaseStrategy;

/// Where the program keeps the user's data: the last design, the store of results, weights. `None` where the system has
/// no such place.
///
/// `$XDG_DATA_HOME/shufflescope` or `~/.local/share/shufflescope`, on macOS
/// `~/Library/Application Support/shufflescope`, on Windows `%APPDATA%\shufflescope\data`: the folder that eframe keeps
/// the window's own state in.
#[must_use]
pub fn data_folder() -> Option<PathBuf> {
    let folder = etcetera::base_strategy::choose_native_strategy().ok()?.data_dir().join(env!("CARGO_PKG_NAME"));
    Some(if cfg!(windows) { folder.join("data") } else { folder })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(feature = "window")]
    fn the_folder_is_the_one_that_eframe_keeps_the_windows_state_in() {
        assert_eq!(data_folder(), eframe::storage_dir(env!("CARGO_PKG_NAME")));
        assert!(data_folder().is_some_and(|folder| folder.is_absolute()));
    }
}
