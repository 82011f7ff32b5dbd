//! The JSON form of a model. A design is written as it always was, so profiles of designs are the same in every
//! version; the other two say what they are by a key that no design has.
//!
//! ```json
//! { "name": "alexnet", "network": "alexnet", "input": { "height": 224, "width": 224 } }
//! { "name": "resnet18", "file": "models/resnet18.onnx", "input": { ... }, "fingerprint": "0123456789abcdef" }
//! ```

use std::borrow::Cow;
use std::path::PathBuf;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::{DeserializeOwned, Error};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

use super::file::Loaded;
use super::{Model, ModelFile, NetworkChoice};
use crate::design::{Design, Fingerprint, InputSize};
use crate::files::json::{self, Blame};
use crate::zoo;

/// A fixed network of the zoo.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Network")]
struct NetworkForm {
    /// What people call it: the same as `network`. Every kind of model has this key.
    name: String,
    /// Its name in the zoo.
    network: String,
    /// Size of the image read.
    input: InputSize,
}

/// A model file of another program.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "ModelFile")]
struct FileForm {
    /// The file's name without its ending.
    name: String,
    /// Where the file was.
    file: PathBuf,
    /// Size of the image read.
    input: InputSize,
    /// Hash of the file's content.
    fingerprint: Fingerprint,
    /// The output that is taken where it is not the classifier's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    output: Option<String>,
}

/// What is read and written, as schemas describe it.
#[derive(JsonSchema)]
#[schemars(untagged)]
#[expect(dead_code, reason = "it is only described")]
enum Form {
    Design(Design),
    Network(NetworkForm),
    File(FileForm),
}

impl JsonSchema for Model {
    fn schema_name() -> Cow<'static, str> {
        "Model".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let mut schema = Form::json_schema(generator);
        schema.insert("description".into(), "A design, a fixed network of the zoo, or a model file.".into());
        schema
    }
}

impl Serialize for Model {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Design(design) => design.serialize(serializer),
            Self::Network(NetworkChoice { name, input }) => {
                NetworkForm { name: name.clone(), network: name.clone(), input: *input }.serialize(serializer)
            }
            Self::File(ModelFile { name, path, input, content, output, loaded: _ }) => {
                let (name, file, output) = (name.clone(), path.clone(), output.clone());
                FileForm { name, file, input: *input, fingerprint: content.clone(), output }.serialize(serializer)
            }
        }
    }
}

impl<'de> Deserialize<'de> for Model {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        if value.get("network").is_some() {
            let NetworkForm { name: _, network, input } = read(value)?;
            // Networks become designs from one version to another.
            Ok(match zoo::preset(&network) {
                Some(design) => Self::Design(design).with_input(input),
                None => Self::Network(NetworkChoice { name: network, input }),
            })
        } else if value.get("file").is_some() {
            let FileForm { name, file, input, fingerprint, output } = read(value)?;
            let loaded = Loaded::default();
            Ok(Self::File(ModelFile { name, path: file, input, content: fingerprint, output, loaded }))
        } else {
            read(value).map(Self::Design)
        }
    }
}

/// Reads one kind; the error names the field.
fn read<T: DeserializeOwned, E: Error>(value: Value) -> Result<T, E> {
    json::read(value.to_string().as_bytes()).map_err(|Blame { field, reason }| {
        E::custom(if field.is_empty() { reason } else { format!("`{field}`: {reason}") })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reread(model: &Model) -> Model {
        serde_json::from_str(&serde_json::to_string(model).unwrap()).unwrap()
    }

    #[test]
    fn a_design_is_written_as_the_bare_design() {
        for preset in zoo::presets() {
            let model = Model::from(&preset.design);
            assert_eq!(serde_json::to_string(&model).unwrap(), serde_json::to_string(&preset.design).unwrap());
            assert_eq!(reread(&model), model);
        }
    }

    #[test]
    fn a_network_says_so_and_reads_back_even_where_this_program_does_not_have_it() {
        let model = Model::from(zoo::network("alexnet").unwrap()).with_input(InputSize { height: 96, width: 128 });
        let json = serde_json::to_value(&model).unwrap();
        assert_eq!((&json["network"], &json["input"]["height"]), (&"alexnet".into(), &96.into()));
        assert_eq!(reread(&model), model);
        let newer: Model = serde_json::from_str(&json.to_string().replace("alexnet", "newnet")).unwrap();
        assert!(newer.graph(crate::design::Batch(1)).unwrap_err().to_string().contains("`newnet`"));
    }

    #[test]
    fn a_network_that_has_become_a_design_since_it_was_written_is_read_as_that_design() {
        let written = r#"{ "name": "resnet-50", "network": "resnet-50", "input": { "height": 64, "width": 96 } }"#;
        let model: Model = serde_json::from_str(written).unwrap();
        let design = model.design().unwrap();
        assert_eq!((design.name.as_str(), design.input), ("resnet-50", InputSize { height: 64, width: 96 }));
    }

    #[test]
    fn what_is_wrong_is_told_by_field() {
        let error = |json: &str| serde_json::from_str::<Model>(json).unwrap_err().to_string();
        let mut design = serde_json::to_value(&zoo::presets()[0].design).unwrap();
        design["stages"][1]["channels"] = "many".into();
        assert!(
            error(&design.to_string()).starts_with("`stages[1].channels`: invalid type"),
            "{}",
            error(&design.to_string())
        );
        assert!(error(r#"{"name": "a"}"#).contains("missing field `classes`"));
        assert!(
            error(r#"{"name": "a", "network": "a", "input": {"height": 1}}"#)
                .contains("`input`: missing field `width`")
        );
        assert!(
            error(r#"{"name": "a", "file": "a.onnx", "input": {"height": 1, "width": 1}}"#).contains("fingerprint")
        );
        assert!(
            error(r#"{"name": "a", "network": "a", "file": "b", "input": {"height": 1, "width": 1}}"#)
                .contains("`file`")
        );
        assert!(error("3").contains("invalid type"));
    }
}
