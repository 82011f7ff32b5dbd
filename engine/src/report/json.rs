//! The whole profile as JSON: the only format that reads back. `profile.schema.json` describes it.

use std::io::Write;

use super::{ExportError, Exporter, Format, Profile};

/// JSON, indented, with a final newline.
#[derive(Clone, Copy, Debug)]
pub struct Json;

impl Exporter for Json {
    fn format(&self) -> Format {
        Format::Json
    }

    fn write(&self, profile: &Profile, to: &mut dyn Write) -> Result<(), ExportError> {
        Ok(to.write_all(profile.to_json()?.as_bytes())?)
    }
}
