//! Reads values of JSON and says which field is to blame where one cannot be read.
//!
//! The field is found by where in the text reading stopped: only the text is looked at again, so that no value's reading is
//! compiled twice, with and without a record of the way to it.

use serde::de::DeserializeOwned;

/// Why a value cannot be read.
#[derive(Debug)]
pub struct Blame {
    /// Where in the value: `cost.layers[3].mult_adds`; empty for the value itself.
    pub field: String,
    /// What is wrong there.
    pub reason: String,
}

/// Reads a value from its text.
///
/// # Errors
/// Where the text is no JSON, or of another form. What is missing is told by what it is missing in.
pub fn read<T: DeserializeOwned>(text: &[u8]) -> Result<T, Blame> {
    serde_json::from_slice(text).map_err(|error| {
        let field = field_at(&text[..offset(text, error.line(), error.column())]);
        let reason = error.to_string();
        let place = format!(" at line {} column {}", error.line(), error.column());
        Blame { field, reason: reason.strip_suffix(&place).map_or(reason.clone(), str::to_owned) }
    })
}

/// How many bytes lie before a place, whose line and column count from one and name the byte before it.
fn offset(text: &[u8], line: usize, column: usize) -> usize {
    let before: usize = text.split_inclusive(|&byte| byte == b'\n').take(line.saturating_sub(1)).map(<[u8]>::len).sum();
    before.saturating_add(column).min(text.len())
}

/// What is open at some place of a text.
enum Open {
    Object { key: Option<String>, wants_key: bool },
    Array { index: usize },
}

/// The field whose value the text ends in or with.
fn field_at(text: &[u8]) -> String {
    let mut open = Vec::new();
    let mut rest = text;
    while let [byte, behind @ ..] = rest {
        rest = behind;
        match (byte, open.last_mut()) {
            (b'{', _) => open.push(Open::Object { key: None, wants_key: true }),
            (b'[', _) => open.push(Open::Array { index: 0 }),
            (b'}' | b']', _) => _ = open.pop(),
            (b',', Some(Open::Array { index })) => *index += 1,
            (b',', Some(Open::Object { key, wants_key })) => (*key, *wants_key) = (None, true),
            (b'"', within) => {
                let length = string(rest);
                if let Some(Open::Object { key, wants_key }) = within
                    && *wants_key
                {
                    (*key, *wants_key) = (Some(String::from_utf8_lossy(&rest[..length]).into_owned()), false);
                }
                rest = rest.get(length + 1..).unwrap_or_default();
            }
            _ => {}
        }
    }
    open.iter().fold(String::new(), |path, open| match open {
        Open::Object { key: None, .. } => path,
        Open::Object { key: Some(key), .. } if path.is_empty() => key.clone(),
        Open::Object { key: Some(key), .. } => format!("{path}.{key}"),
        Open::Array { index } => format!("{path}[{index}]"),
    })
}

/// The bytes of a string before the quotation mark that ends it.
fn string(text: &[u8]) -> usize {
    let mut escaped = false;
    let end = text.iter().position(|&byte| {
        let is_end = byte == b'"' && !escaped;
        escaped = byte == b'\\' && !escaped;
        is_end
    });
    end.unwrap_or(text.len())
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "read to see whether it can be")]
    struct Outer {
        name: String,
        inner: Vec<Inner>,
    }

    #[derive(Debug, Deserialize)]
    #[expect(dead_code, reason = "read to see whether it can be")]
    struct Inner {
        size: u32,
        kind: Option<Kind>,
    }

    #[derive(Debug, Deserialize)]
    enum Kind {
        Plain,
    }

    fn blamed(text: &str) -> (String, String) {
        let Blame { field, reason } = read::<Outer>(text.as_bytes()).unwrap_err();
        (field, reason)
    }

    #[test]
    fn the_field_that_holds_something_else_is_told() {
        let of = |inner: &str| {
            let plain = format!(r#"{{"name":"a, \"b\": [{{","inner":[{{"size":1}},{inner}]}}"#);
            let spread = plain.replace(",\"", ",\n  \"").replace(':', " : ").replace("} ,", "}\n,");
            assert_eq!(blamed(&plain).0, blamed(&spread).0, "{spread}");
            blamed(&plain)
        };
        for wrong in [r#""many""#, "-1", "1.5", "true", "null", "[1]", r#"{"a":1}"#] {
            assert_eq!(of(&format!(r#"{{"size":{wrong}}}"#)).0, "inner[1].size", "{wrong}");
        }
        assert_eq!(of(r#"{"size":1,"kind":"Round"}"#).0, "inner[1].kind");
        assert_eq!(of("7").0, "inner[1]");
        assert_eq!(of("{}"), ("inner[1]".into(), "missing field `size`".into()));
    }

    #[test]
    fn what_is_missing_or_not_known_is_told_by_where() {
        assert_eq!(blamed(r#"{"name":"a"}"#), (String::new(), "missing field `inner`".into()));
        let (field, reason) = blamed(r#"{"name":"a","more":1}"#);
        assert!(field == "more" && reason.starts_with("unknown field `more`"), "{field}: {reason}");
        assert_eq!(blamed("3").0, "");
        for broken in ["", "{", r#"{"name":"a"#, r#"{"name":"a","inner":[{"size":1"#, "]", "\"", "\\"] {
            assert!(!blamed(broken).1.is_empty(), "{broken}");
        }
    }
}
