//! The formats a profile can be written in, and the trait that each of them implements.

use std::fmt;
use std::io::Write;
use std::path::Path;
use std::str::FromStr;

use super::{Csv, ExportError, Html, Json, Latex, Markdown, ModelExplorer, Profile, Trace};

/// Writes a profile in one format.
pub trait Exporter {
    /// Which format.
    fn format(&self) -> Format;

    /// Writes `profile`; the same profile gives the same bytes.
    ///
    /// # Errors
    /// Where `to` takes no more, or the format needs a measurement that is not there.
    fn write(&self, profile: &Profile, to: &mut dyn Write) -> Result<(), ExportError>;
}

/// A format of profiles.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub enum Format {
    /// The whole profile, to be read back.
    Json,
    /// One row per layer.
    Csv,
    /// Tables for a README or a pull request.
    Markdown,
    /// Tables for a paper.
    Latex,
    /// Kernels on a time line.
    Trace,
    /// A page to read and print.
    Html,
    /// Numbers over the nodes of a graph viewer.
    ModelExplorer,
}

impl Format {
    /// Every format, in the order they are offered.
    pub const ALL: [Self; 7] =
        [Self::Json, Self::Html, Self::Csv, Self::Markdown, Self::Latex, Self::Trace, Self::ModelExplorer];

    /// The name used on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Csv => "csv",
            Self::Markdown => "md",
            Self::Latex => "latex",
            Self::Trace => "trace",
            Self::Html => "html",
            Self::ModelExplorer => "model-explorer",
        }
    }

    /// How file names of this format end; the first one is offered.
    #[must_use]
    pub const fn endings(self) -> &'static [&'static str] {
        match self {
            Self::Json => &[".json"],
            Self::Csv => &[".csv"],
            Self::Markdown => &[".md", ".markdown"],
            Self::Latex => &[".tex"],
            Self::Trace => &[".trace.json"],
            Self::Html => &[".html", ".htm"],
            Self::ModelExplorer => &[".model-explorer.json"],
        }
    }

    /// A few words for menus and messages.
    #[must_use]
    pub const fn about(self) -> &'static str {
        match self {
            Self::Json => "profile (JSON)",
            Self::Csv => "layer table (CSV)",
            Self::Markdown => "report (Markdown)",
            Self::Latex => "tables (LaTeX)",
            Self::Trace => "trace (Perfetto)",
            Self::Html => "report (HTML)",
            Self::ModelExplorer => "node data (Model Explorer)",
        }
    }

    /// The format that a file's name asks for; the longest ending counts: `a.trace.json` is a trace.
    #[must_use]
    pub fn from_path(path: &Path) -> Option<Self> {
        let name = path.file_name()?.to_string_lossy().to_lowercase();
        let endings =
            Self::ALL.into_iter().flat_map(|format| format.endings().iter().map(move |ending| (format, *ending)));
        let fitting = endings.filter(|(_, ending)| name.ends_with(ending));
        fitting.max_by_key(|(_, ending)| ending.len()).map(|(format, _)| format)
    }

    /// What writes this format.
    #[must_use]
    pub const fn exporter(self) -> &'static dyn Exporter {
        match self {
            Self::Json => &Json,
            Self::Csv => &Csv,
            Self::Markdown => &Markdown,
            Self::Latex => &Latex,
            Self::Trace => &Trace,
            Self::Html => &Html,
            Self::ModelExplorer => &ModelExplorer,
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Format {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL.into_iter().find(|format| format.name() == text).ok_or_else(|| {
            let known: Vec<_> = Self::ALL.iter().map(|format| format.name()).collect();
            format!("unknown format `{text}`; known: {}", known.join(", "))
        })
    }
}

impl Profile {
    /// The profile in `format`.
    ///
    /// # Errors
    /// Where the format needs a measurement that is not there.
    pub fn to_bytes(&self, format: Format) -> Result<Vec<u8>, ExportError> {
        let mut bytes = Vec::new();
        format.exporter().write(self, &mut bytes)?;
        Ok(bytes)
    }

    /// Writes a file in `format`, whole or not at all.
    ///
    /// # Errors
    /// Where the format needs a measurement that is not there, or the file cannot be written: the old one is untouched.
    pub fn export(&self, format: Format, path: &Path) -> Result<(), ExportError> {
        let bytes = self.to_bytes(format)?;
        crate::files::write_atomically(path, &bytes)
            .map_err(|source| ExportError::Io { path: path.display().to_string(), source })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_ending_of_a_file_name_decides_its_format() {
        let format = |name: &str| Format::from_path(Path::new(name));
        assert_eq!(format("a/b.json"), Some(Format::Json));
        assert_eq!(format("b.Trace.JSON"), Some(Format::Trace));
        assert_eq!(format("b.model-explorer.json"), Some(Format::ModelExplorer));
        assert_eq!(format("b.htm"), Some(Format::Html));
        assert_eq!((format("b.xyz"), format("json"), format("")), (None, None, None));
    }

    #[test]
    fn every_format_reads_back_from_its_name_and_its_ending_and_has_its_own_exporter() {
        for format in Format::ALL {
            assert_eq!(format.name().parse(), Ok(format));
            for ending in format.endings() {
                assert_eq!(Format::from_path(Path::new(&format!("x{ending}"))), Some(format));
            }
            assert_eq!(format.exporter().format(), format);
        }
        assert!("docx".parse::<Format>().unwrap_err().contains("model-explorer"));
    }
}
