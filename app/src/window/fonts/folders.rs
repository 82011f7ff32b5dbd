//! Where systems keep their fonts.

use std::path::{Path, PathBuf};

/// Endings of fonts.
const ENDINGS: [&str; 4] = ["ttf", "otf", "ttc", "otc"];

/// Most folders below each other.
const DEPTH: usize = 6;

/// Most fonts that are looked at.
const MOST: usize = 20_000;

/// Folders that fonts are looked for in, and below.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FontFolders(pub Vec<PathBuf>);

impl FontFolders {
    /// Those of this system and user.
    #[must_use]
    pub fn of_the_system() -> Self {
        let home = etcetera::home_dir().ok();
        let variable = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        let in_home = |parts: &str| home.as_ref().map(|home| home.join(parts));
        let folders: Vec<Option<PathBuf>> = if cfg!(windows) {
            let windows = variable("WINDIR").unwrap_or_else(|| "C:\\Windows".into());
            let own = variable("LOCALAPPDATA").map(|folder| folder.join("Microsoft\\Windows\\Fonts"));
            vec![Some(windows.join("Fonts")), own]
        } else if cfg!(target_os = "macos") {
            let mut folders =
                vec![Some("/System/Library/Fonts".into()), Some("/Library/Fonts".into()), in_home("Library/Fonts")];
            folders.extend(assets(Path::new("/System/Library/AssetsV2")).into_iter().map(Some));
            folders
        } else {
            let data = variable("XDG_DATA_HOME").or_else(|| in_home(".local/share"));
            let shared = std::env::var_os("XDG_DATA_DIRS").unwrap_or_default();
            let mut folders: Vec<_> = std::env::split_paths(&shared).map(|folder| Some(folder.join("fonts"))).collect();
            folders.extend([
                Some("/usr/share/fonts".into()),
                Some("/usr/local/share/fonts".into()),
                Some("/run/host/fonts".into()),
                data.map(|folder| folder.join("fonts")),
                in_home(".fonts"),
            ]);
            folders
        };
        let mut known = Vec::new();
        for folder in folders.into_iter().flatten().filter(|folder| folder.is_absolute()) {
            if !known.contains(&folder) {
                known.push(folder);
            }
        }
        Self(known)
    }

    /// Every font in them.
    pub(super) fn fonts(&self) -> Vec<PathBuf> {
        let mut fonts = Vec::new();
        self.0.iter().for_each(|folder| collect(folder, DEPTH, &mut fonts));
        fonts.sort();
        fonts.dedup();
        fonts
    }
}

fn collect(folder: &Path, depth: usize, fonts: &mut Vec<PathBuf>) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    for path in entries.flatten().map(|entry| entry.path()) {
        if fonts.len() >= MOST {
            return;
        }
        let ending = path.extension().unwrap_or_default().to_string_lossy().to_ascii_lowercase();
        if ENDINGS.contains(&ending.as_str()) {
            fonts.push(path);
        } else if depth > 0 && path.is_dir() {
            collect(&path, depth - 1, fonts);
        }
    }
}

/// The folders of fonts that macOS downloads.
fn assets(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let is_of_fonts = |name: &std::ffi::OsStr| name.to_string_lossy().starts_with("com_apple_MobileAsset_Font");
    entries.filter(|entry| is_of_fonts(&entry.file_name())).map(|entry| entry.path()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fonts_are_found_below_a_folder_by_their_endings() {
        let folder = tempfile::tempdir().unwrap();
        let deep = folder.path().join("truetype").join("noto");
        std::fs::create_dir_all(&deep).unwrap();
        for file in [deep.join("A.TTF"), deep.join("B.otc"), folder.path().join("fonts.dir")] {
            std::fs::write(file, "").unwrap();
        }
        let folders = FontFolders(vec![folder.path().into(), deep.clone(), folder.path().join("nowhere")]);
        assert_eq!(folders.fonts(), [deep.join("A.TTF"), deep.join("B.otc")]);
    }

    #[test]
    fn every_system_has_folders_for_fonts() {
        let folders = FontFolders::of_the_system();
        assert!(folders.0.len() >= 2 && folders.0.iter().all(|folder| folder.is_absolute()), "{folders:?}");
    }
}
