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

/// Where the program keeps what can be made anew: what graphics cards were tuned to, and what their drivers compiled.
/// `None` where the system has no such place.
///
/// `$XDG_CACHE_HOME/shufflescope` or `~/.cache/shufflescope`, on macOS `~/Library/Caches/shufflescope`, on Windows
/// `%LOCALAPPDATA%\shufflescope\cache`.
#[must_use]
pub fn cache_folder() -> Option<PathBuf> {
    let folder = etcetera::base_strategy::choose_native_strategy().ok()?.cache_dir().join(env!("CARGO_PKG_NAME"));
    Some(if cfg!(windows) { folder.join("cache") } else { folder })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_can_be_made_anew_lies_apart_from_the_users_data() {
        let (cache, data) = (cache_folder().unwrap(), data_folder().unwrap());
        assert!(cache.is_absolute() && !cache.starts_with(&data) && !data.starts_with(&cache), "{cache:?}");
    }

    #[test]
    #[cfg(feature = "window")]
    fn the_folder_is_the_one_that_eframe_keeps_the_windows_state_in() {
        assert_eq!(data_folder(), eframe::storage_dir(env!("CARGO_PKG_NAME")));
        assert!(data_folder().is_some_and(|folder| folder.is_absolute()));
    }
}
