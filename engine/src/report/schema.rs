//! The JSON schema of profiles, out of the very types that are read and written.

use schemars::schema_for;

use super::Profile;

/// The schema of [`Profile::to_json`]'s text, draft 2020-12, indented, with a final newline; `profile.schema.json` is this
/// text.
///
/// # Errors
/// Never: a schema always has a JSON form.
pub fn json_schema() -> serde_json::Result<String> {
    Ok(serde_json::to_string_pretty(&schema_for!(Profile))? + "\n")
}
