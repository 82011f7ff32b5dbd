//! Names of files that are written.

use std::collections::HashSet;
use std::fmt;
use std::path::{Path, PathBuf};

/// A file name that every system accepts.
pub(super) fn file_name(design: &str, ending: &str) -> String {
    let plain = |c: char| if c.is_alphanumeric() || matches!(c, '-' | '_' | '.') { c } else { '-' };
    let name: String = design.chars().map(plain).collect();
    format!("{}{ending}", name.trim_matches(['-', '.']))
}

/// A chosen name with the ending it lacks.
pub(super) fn with_ending(path: PathBuf, ending: &str) -> Result<PathBuf, NameTaken> {
    // `shufflenet-v2-x1.0` has no ending, though it has a dot.
    let extension = path.extension().map(|extension| extension.to_string_lossy().into_owned());
    if extension.is_some_and(|extension| extension.starts_with(char::is_alphabetic)) {
        return Ok(path);
    }
    let mut name = path.into_os_string();
    name.push(ending);
    let path = PathBuf::from(name);
    // The dialog asked about the name without its ending.
    if path.exists() { Err(NameTaken(path)) } else { Ok(path) }
}

/// A file in this folder for each name. One that is there, or that an earlier name has, is left alone: the name gets a
/// number.
pub(super) fn free_names<'a>(folder: &Path, names: impl IntoIterator<Item = &'a str>, ending: &str) -> Vec<PathBuf> {
    let mut taken = HashSet::new();
    let mut free = |name: &str| {
        let numbered = (2_u32..).map(|number| format!("{name}-{number}"));
        let paths = std::iter::once(name.to_owned()).chain(numbered).map(|name| folder.join(file_name(&name, ending)));
        paths.into_iter().find(|path| !path.exists() && taken.insert(path.clone()))
    };
    names.into_iter().filter_map(&mut free).collect()
}

/// Nobody was asked whether this file may be replaced.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct NameTaken(pub PathBuf);

impl fmt::Display for NameTaken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} exists and is untouched: choose it by its whole name to replace it.", self.0.display())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_name_becomes_a_file_name() {
        assert_eq!(file_name("shufflenet-v2-x1.0 (edited)", ".toml"), "shufflenet-v2-x1.0--edited.toml");
        assert_eq!(file_name("a/b\\c:d", ".trace.json"), "a-b-c-d.trace.json");
    }

    #[test]
    fn a_name_gets_the_ending_it_lacks_and_replaces_nothing_unasked() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        assert_eq!(with_ending(at("x1.0"), ".trace.json"), Ok(at("x1.0.trace.json")));
        assert_eq!(with_ending(at("a.json"), ".trace.json"), Ok(at("a.json")));
        std::fs::write(at("a.json"), "").unwrap();
        assert_eq!(with_ending(at("a"), ".json"), Err(NameTaken(at("a.json"))));
        assert_eq!(with_ending(at("a.json"), ".json"), Ok(at("a.json")), "the dialog asked");
    }

    #[test]
    fn many_names_in_a_folder_replace_neither_what_is_there_nor_each_other() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        std::fs::write(at("a.toml"), "").unwrap();
        let names = free_names(folder.path(), ["a", "a", "b", "b"], ".toml");
        assert_eq!(names, ["a-2.toml", "a-3.toml", "b.toml", "b-2.toml"].map(at));
    }
}
