//! A design's TOML form: what design files contain.

use std::io::Read;
use std::path::Path;

use thiserror::Error;

use super::{Design, DesignErrors};

/// Files larger than this are not designs; the largest preset has under 4 KiB.
const MAX_BYTES: u64 = 1 << 20;

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
    /// The file is far too large to be a design.
    #[error("{path}: too large for a design file (at most {MAX_BYTES} bytes)")]
    TooLarge {
        /// The file.
        path: String,
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
        let mut text = String::new();
        // Not by the file's own word for its size, which devices and pipes do not have.
        std::fs::File::open(path).map_err(io)?.take(MAX_BYTES + 1).read_to_string(&mut text).map_err(io)?;
        if text.len() as u64 > MAX_BYTES {
            return Err(DesignFileError::TooLarge { path: name });
        }
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
