//! What a draft's file says.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use shufflescope_engine::design::Design;
use shufflescope_engine::files::read_regular;
use shufflescope_engine::units::Bytes;
use shufflescope_engine::zoo;

/// Begins the line that says what the design belongs to.
const MARK: &str = "# ShuffleScope draft: ";

/// Larger files are no drafts.
const MOST: Bytes = Bytes(1 << 20);

/// A design as a window has it.
#[derive(Clone, Debug, PartialEq)]
pub struct Draft {
    /// The design, which is valid.
    pub design: Design,
    /// The file that it belongs to.
    pub file: Option<PathBuf>,
    /// Whether there is nothing in it that is not in its file, or in a preset.
    pub is_saved: bool,
}

/// The first line.
#[derive(Serialize, Deserialize)]
struct Origin {
    file: Option<Name>,
    saved: bool,
}

/// A path; not every system's are text.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Name {
    Text(String),
    Other(OsString),
}

impl Draft {
    /// The file's text.
    ///
    /// # Errors
    /// Never for a design that is valid.
    pub fn to_text(&self) -> Result<String, String> {
        let name = |path: &PathBuf| match path.to_str() {
            Some(text) => Name::Text(text.into()),
            None => Name::Other(path.clone().into_os_string()),
        };
        let origin = Origin { file: self.file.as_ref().map(name), saved: self.is_saved };
        let origin = serde_json::to_string(&origin).map_err(|error| error.to_string())?;
        let design = self.design.to_toml().map_err(|error| error.to_string())?;
        Ok(format!("{MARK}{origin}\n{design}"))
    }

    /// Reads a draft.
    ///
    /// # Errors
    /// Why it cannot be read.
    pub fn read(path: &Path) -> Result<Self, String> {
        let bytes = read_regular(path, MOST).map_err(|error| error.to_string())?;
        let text = String::from_utf8(bytes).map_err(|error| error.to_string())?;
        Self::from_text(&text)
    }

    fn from_text(text: &str) -> Result<Self, String> {
        let design = Design::from_toml(text).map_err(|error| error.message().to_owned())?;
        design.check().map_err(|error| error.to_string())?;
        let origin = text.lines().next().and_then(|line| line.strip_prefix(MARK));
        let origin = origin.map(serde_json::from_str::<Origin>).transpose().map_err(|error| error.to_string())?;
        let is_preset = || zoo::find(&design.name).is_some_and(|preset| preset.design == design);
        let Origin { file, saved } = origin.unwrap_or_else(|| Origin { file: None, saved: is_preset() });
        let file = file.map(|name| match name {
            Name::Text(text) => text.into(),
            Name::Other(name) => name.into(),
        });
        Ok(Self { design, file, is_saved: saved })
    }

    /// What it is, in a few words.
    #[must_use]
    pub fn about(&self) -> String {
        match &self.file {
            Some(file) => format!("`{}` (not saved to {})", self.design.name, file.display()),
            None => format!("`{}` (in no file)", self.design.name),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_draft_reads_back_with_any_file_and_is_a_design_file_to_others() {
        let design = zoo::preset("shufflenet-v2-x0.5").unwrap();
        let mut files: Vec<Option<PathBuf>> = vec![None, Some("/a/b\n\"c\".toml".into()), Some("C:\\a\\b.toml".into())];
        #[cfg(unix)]
        {
            use std::os::unix::ffi::OsStringExt;
            files.push(Some(OsString::from_vec(b"/a/\xff.toml".to_vec()).into()));
        }
        for (file, is_saved) in files.into_iter().flat_map(|file| [(file.clone(), true), (file, false)]) {
            let draft = Draft { design: design.clone(), file, is_saved };
            let text = draft.to_text().unwrap();
            assert_eq!(Draft::from_text(&text), Ok(draft));
            assert_eq!(Design::from_toml(&text).unwrap(), design);
        }
    }

    #[test]
    fn a_design_alone_is_a_draft_unsaved_unless_it_is_a_preset_and_what_is_no_valid_design_is_none() {
        let preset = zoo::preset("shufflenet-v2-x0.5").unwrap();
        let mine = Design { name: "mine".into(), ..preset.clone() };
        let text = preset.to_toml().unwrap();
        assert_eq!(Draft::from_text(&text), Ok(Draft { design: preset, file: None, is_saved: true }));
        let draft = Draft { design: mine, file: None, is_saved: false };
        assert_eq!(Draft::from_text(&draft.design.to_toml().unwrap()), Ok(draft));
        assert!(Draft::from_text("name = 3").is_err());
        assert!(Draft::from_text(&format!("{MARK}nonsense\n{text}")).is_err());
        assert!(Draft::from_text(&text.replace("classes = 1000", "classes = 0")).is_err());
    }
}
