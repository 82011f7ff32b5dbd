//! A design's TOML form: what design files contain.

use std::path::Path;

use thiserror::Error;

use super::{Design, DesignErrors};
use crate::files::read_regular;
use crate::units::Bytes;

/// Files larger than this are not designs; the largest preset has under 4 KiB.
const MOST: Bytes = Bytes(1 << 20);

/// A design file that cannot be used.
#[derive(Debug, Error)]
pub enum DesignFileError {
    /// The file cannot be read or written.
    #[error("{path}: {source}")]
    Io {
        /// The file.
        path: String,
        /// What the system says.
        source: std::io::Error,
    },
    /// Not TOML, or not a design's fields.
    #[error("{path}: not a design file: {message}")]
    Syntax {
        /// The file.
        path: String,
        /// Line, column and reason.
        message: String,
    },
    /// Well-formed, but not a network that can be built.
    #[error("{path}: {source}")]
    Invalid {
        /// The file.
        path: String,
        /// Every broken rule.
        source: DesignErrors,
    },
}

impl Design {
    /// The TOML form.
    ///
    /// # Errors
    /// Never for a design that passes [`Design::check`].
    pub fn to_toml(&self) -> Result<String, toml::ser::Error> {
        toml::to_string(self)
    }

    /// Reads the TOML form; the design is not checked.
    ///
    /// # Errors
    /// Line, column and reason.
    pub fn from_toml(text: &str) -> Result<Self, toml::de::Error> {
        toml::from_str(text)
    }

    /// Reads and checks a design file.
    ///
    /// # Errors
    /// Where the file cannot be read, is not a design, or breaks a rule; the error names the file.
    pub fn read(path: &Path) -> Result<Self, DesignFileError> {
        let name = path.display().to_string();
        let io = |source| DesignFileError::Io { path: name.clone(), source };
        let bytes = read_regular(path, MOST).map_err(io)?;
        let text = String::from_utf8(bytes)
            .map_err(|_| io(std::io::Error::new(std::io::ErrorKind::InvalidData, "it is not UTF-8 text")))?;
        let design = Self::from_toml(&text).map_err(|error| DesignFileError::Syntax {
            path: name.clone(),
            message: error.to_string().trim_end().into(),
        })?;
        design.check().map_err(|source| DesignFileError::Invalid { path: name, source })?;
        Ok(design)
    }

    /// Writes the design file atomically: a failure leaves what was there.
    ///
    /// # Errors
    /// Where the file cannot be written.
    pub fn write(&self, path: &Path) -> Result<(), DesignFileError> {
        let name = path.display().to_string();
        let text = self
            .to_toml()
            .map_err(|error| DesignFileError::Syntax { path: name.clone(), message: error.to_string() })?;
        crate::files::write_atomically(path, text.as_bytes())
            .map_err(|source| DesignFileError::Io { path: name, source })
    }
}
