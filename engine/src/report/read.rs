//! Opens saved profiles, older versions of the form included. Files are not trusted.

use std::path::Path;

use serde_json::Value;

use super::{Profile, ProfileFileError, SCHEMA};
use crate::design::Design;
use crate::files::{json, read_regular};
use crate::units::Bytes;

/// Most that is read; a rigorous profile of the largest network of the zoo has about 2 MiB.
const MOST: Bytes = Bytes(64 << 20);

impl Profile {
    /// Opens a saved profile.
    ///
    /// # Errors
    /// Where the file cannot be read or is no profile; the error names the file and, where one is to blame, the field.
    pub fn read(path: &Path) -> Result<Self, ProfileFileError> {
        let name = path.display().to_string();
        let bytes = read_regular(path, MOST).map_err(|source| ProfileFileError::Io { path: name.clone(), source })?;
        Self::from_json(&bytes, &name)
    }

    /// Reads the JSON form; `path` is what errors call it.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub fn from_json(json: &[u8], path: &str) -> Result<Self, ProfileFileError> {
        let syntax =
            |error: serde_json::Error| ProfileFileError::Syntax { path: path.into(), reason: error.to_string() };
        let value: Value = serde_json::from_slice(json).map_err(syntax)?;
        let profile: Self = match value.get("schema").and_then(Value::as_u64) {
            None => return Err(ProfileFileError::NoSchema { path: path.into() }),
            // A form older than SCHEMA is brought up to date here, step by step, before it is read.
            Some(schema) if schema == u64::from(SCHEMA) => read_current(json, path)?,
            Some(found) => return Err(ProfileFileError::Schema { path: path.into(), found }),
        };
        let rules = profile.design.design().map_or(Ok(()), Design::check);
        rules.map_err(|source| ProfileFileError::Design { path: path.into(), source })?;
        Ok(profile)
    }
}

fn read_current(json: &[u8], path: &str) -> Result<Profile, ProfileFileError> {
    let field = |field: String| if field.is_empty() { ".".into() } else { field };
    json::read(json).map_err(|blame| ProfileFileError::Field {
        path: path.into(),
        field: field(blame.field),
        reason: blame.reason,
    })
}
