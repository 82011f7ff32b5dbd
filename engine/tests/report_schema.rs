//! The committed JSON schema is the one of the types, and describes what is written: no field more, none less.
//!
//! The schema is derived from the types by `schemars`; these tests hold the committed file against it, and it against
//! real profiles, strictly in both directions: what is derived may still differ from what hand-written serialisers do.

#![allow(clippy::unwrap_used)] // Helpers of tests panic like tests.

use std::collections::BTreeSet;

use serde_json::Value;
use shufflescope_engine::design::Batch;
use shufflescope_engine::graph::lower;
use shufflescope_engine::model::{Model, ModelFile};
use shufflescope_engine::model_file::onnx::{BatchNorm, write_onnx};
use shufflescope_engine::report::{CameraRun, FrameTimes, Profile, SCHEMA, json_schema, on_device};
use shufflescope_engine::units::Nanos;
use shufflescope_engine::weights::Weights;
use shufflescope_engine::zoo;

const PATH: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src/report/profile.schema.json");

fn schema() -> Value {
    serde_json::from_str(&std::fs::read_to_string(PATH).unwrap()).unwrap()
}

/// A profile that an earlier version of the program measured, as this one writes it.
fn written_anew() -> Value {
    let path = format!("{}/tests/fixtures/profiles/schema_{SCHEMA}.json", env!("CARGO_MANIFEST_DIR"));
    let profile = Profile::read(std::path::Path::new(&path)).unwrap();
    serde_json::from_str(&profile.to_json().unwrap()).unwrap()
}

/// What in `value` does not follow `schema`; every property must be listed, and every listed one that is met is noted.
fn faults(root: &Value, schema: &Value, value: &Value, at: &str, met: &mut BTreeSet<String>) -> Vec<String> {
    if let Some(name) = schema["$ref"].as_str().and_then(|of| of.strip_prefix("#/$defs/")) {
        met.insert(name.into());
        return faults(root, &root["$defs"][name], value, at, met);
    }
    let mut found = Vec::new();
    if !has_type(&schema["type"], value) {
        found.push(format!("{at}: {value} is not {}", schema["type"]));
    }
    for constant in [schema.get("const").map(std::slice::from_ref), schema["enum"].as_array().map(Vec::as_slice)] {
        if constant.is_some_and(|allowed| !allowed.contains(value)) {
            found.push(format!("{at}: {value} is not one of {constant:?}"));
        }
    }
    for any in [schema["oneOf"].as_array(), schema["anyOf"].as_array()].into_iter().flatten() {
        let mut each = any.iter().map(|of| {
            let mut met_here = BTreeSet::new();
            (faults(root, &with_outer(of, schema), value, at, &mut met_here), met_here)
        });
        match each.find(|(faults, _)| faults.is_empty()) {
            Some((_, met_here)) => met.extend(met_here),
            None => found.push(format!("{at}: {value} fits no alternative")),
        }
    }
    if let (Some(items), Some(list)) = (schema.get("items"), value.as_array()) {
        let inside = list.iter().enumerate();
        found.extend(inside.flat_map(|(i, item)| faults(root, items, item, &format!("{at}[{i}]"), met)));
    }
    let object = value.as_object().filter(|_| schema.get("oneOf").or(schema.get("anyOf")).is_none());
    for (name, inner) in object.into_iter().flatten() {
        match schema["properties"].get(name).or(schema.get("additionalProperties").filter(|of| of.is_object())) {
            Some(of) => found.extend(faults(root, of, inner, &format!("{at}.{name}"), met)),
            None => found.push(format!("{at}.{name}: not in the schema")),
        }
    }
    for name in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        if value.is_object() && value.get(name).is_none() {
            found.push(format!("{at}.{name}: required, not written"));
        }
    }
    found
}

/// An alternative with the properties that stand beside all of them.
fn with_outer(alternative: &Value, outer: &Value) -> Value {
    let mut merged = alternative.clone();
    if let (Some(properties), Some(more)) = (merged["properties"].as_object_mut(), outer["properties"].as_object()) {
        properties.extend(more.clone());
    }
    merged
}

fn has_type(expected: &Value, value: &Value) -> bool {
    let is = |name: &str| match name {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "string" => value.is_string(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        other => panic!("type {other}"),
    };
    match expected {
        Value::String(name) => is(name),
        Value::Array(names) => names.iter().any(|name| is(name.as_str().unwrap())),
        _ => true,
    }
}

/// `SHUFFLESCOPE_WRITE_SCHEMA=1 cargo test -p shufflescope-engine --test report_schema` writes the file anew.
#[test]
fn the_committed_schema_is_the_one_of_the_types() {
    let generated = json_schema().unwrap();
    if std::env::var_os("SHUFFLESCOPE_WRITE_SCHEMA").is_some() {
        std::fs::write(PATH, &generated).unwrap();
    }
    // Git may have changed the line ends on checking out.
    let committed = std::fs::read_to_string(PATH).unwrap().replace("\r\n", "\n");
    let line = committed.lines().zip(generated.lines()).position(|(ours, theirs)| ours != theirs);
    assert!(committed == generated, "line {line:?} differs; write the file anew with SHUFFLESCOPE_WRITE_SCHEMA=1");
}

#[test]
fn networks_and_files_follow_the_schema_too() {
    let schema = schema();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("small.onnx");
    let graph = lower(&zoo::preset("shufflenet-v2-x0.5").unwrap(), Batch(1)).unwrap();
    write_onnx(&graph, &Weights::seeded(&graph, 1), BatchNorm::Keep, &path).unwrap();
    let models = [Model::from(&zoo::networks()[0]), ModelFile::open(&path).unwrap().into()];
    for (model, form) in models.into_iter().zip(["Network", "ModelFile"]) {
        let value = serde_json::to_value(Profile::new(model, Batch(1), None).unwrap()).unwrap();
        let mut met = BTreeSet::new();
        let found = faults(&schema, &schema, &value, "profile", &mut met);
        assert!(found.is_empty() && met.contains(form), "{form}: {found:#?} {met:?}");
        let mut wrong = value.clone();
        wrong["design"]["more"] = 1.into();
        assert!(!faults(&schema, &schema, &wrong, "profile", &mut BTreeSet::new()).is_empty(), "{form}");
    }
}

#[test]
fn every_presets_profile_follows_the_schema() {
    let schema = schema();
    for preset in zoo::presets() {
        let profile = Profile::new(&preset.design, Batch(1), None).unwrap();
        let value = serde_json::to_value(&profile).unwrap();
        let found = faults(&schema, &schema, &value, "profile", &mut BTreeSet::new());
        assert!(found.is_empty(), "{}: {:#?}", preset.design.name, &found[..found.len().min(5)]);
    }
}

#[test]
fn a_measured_profile_follows_the_schema_and_meets_the_measurements_parts() {
    let (schema, value) = (schema(), written_anew());
    let mut met = BTreeSet::new();
    let found = faults(&schema, &schema, &value, "profile", &mut met);
    assert!(found.is_empty(), "{found:#?}");
    for part in ["Measurement", "Breakdown", "KernelTime", "Spread", "WarmUp", "Machine", "Design", "LayerCost"] {
        assert!(met.contains(part), "{part} of {met:?}");
    }
}

#[test]
fn times_apart_follow_the_schema_and_read_back() {
    let mut value = written_anew();
    let without = Profile::from_json(value.to_string().as_bytes(), "memory").unwrap();
    assert_eq!(without.measurement.unwrap().apart, None, "files of before have none");
    let first = value["measurement"]["breakdown"]["kernels"][0]["layers"][0].as_str().unwrap().to_owned();
    let layers = serde_json::json!([{ "path": first, "median_ns": 1_234 }]);
    value["measurement"]["apart"] = serde_json::json!({ "layers": layers, "whole_ns": 5_678 });
    let (schema, mut met) = (schema(), BTreeSet::new());
    let found = faults(&schema, &schema, &value, "profile", &mut met);
    assert!(found.is_empty() && met.contains("Apart") && met.contains("LayerTime"), "{found:#?}");
    let apart = Profile::from_json(value.to_string().as_bytes(), "memory").unwrap().measurement.unwrap().apart.unwrap();
    assert_eq!((apart.layer(&first), apart.whole), (Some(Nanos(1_234)), Nanos(5_678)));
}

#[test]
fn how_many_threads_run_and_why_follows_the_schema_and_reads_back() {
    let mut value = written_anew();
    let without = Profile::from_json(value.to_string().as_bytes(), "memory").unwrap();
    assert_eq!(without.measurement.unwrap().thread_choice, None, "files of before have none");
    let tried = serde_json::json!([{ "threads": 8, "ratio": 1.03 }, { "threads": 2, "ratio": 1.41 }]);
    value["measurement"]["thread_choice"] = serde_json::json!({ "asked": 8, "cores": 16, "used": 4, "tried": tried });
    let (schema, mut met) = (schema(), BTreeSet::new());
    let found = faults(&schema, &schema, &value, "profile", &mut met);
    assert!(found.is_empty() && met.contains("ThreadChoice") && met.contains("TriedThreads"), "{found:#?} {met:?}");
    let read = Profile::from_json(value.to_string().as_bytes(), "memory").unwrap().measurement.unwrap();
    let fact = on_device(&read).remove(0);
    assert_eq!((fact.name, fact.value.as_str()), ("threads", "4 of 8"));
    assert_eq!(fact.detail, "8 take 1.03 of the time of 4, 2 take 1.41");
}

#[test]
fn a_recorded_camera_run_follows_the_schema_and_reads_back() {
    let times = FrameTimes { p50: Nanos(4_000_000), p90: Nanos(5_000_000) };
    let run = CameraRun {
        source: "device:0".into(),
        width: 640,
        height: 480,
        seconds: 6.7,
        frames: 200,
        drops: 3,
        frames_per_second: 29.9,
        camera_frames_per_second: Some(30.0),
        wait: times,
        decode: times,
        resize: times,
        infer: times,
        show: Some(times),
        age: None,
    };
    let profile = Profile { camera: Some(run), ..Profile::new(&zoo::presets()[0].design, Batch(1), None).unwrap() };
    let (schema, mut met) = (schema(), BTreeSet::new());
    let value = serde_json::to_value(&profile).unwrap();
    let found = faults(&schema, &schema, &value, "profile", &mut met);
    assert!(found.is_empty() && met.contains("CameraRun") && met.contains("FrameTimes"), "{found:#?}");
    assert_eq!(Profile::from_json(profile.to_json().unwrap().as_bytes(), "memory").unwrap(), profile);
}

#[test]
fn the_schema_test_notices_added_renamed_and_retyped_fields() {
    let schema = schema();
    let profile = Profile::new(&zoo::presets()[0].design, Batch(1), None).unwrap();
    let good = serde_json::to_value(&profile).unwrap();
    let faults_after = |change: &dyn Fn(&mut Value)| {
        let mut value = good.clone();
        change(&mut value);
        faults(&schema, &schema, &value, "profile", &mut BTreeSet::new())
    };
    assert_eq!(faults_after(&|_| ()), Vec::<String>::new());
    assert_eq!(faults_after(&|value| value["cost"]["new"] = 1.into()).len(), 1);
    assert_eq!(faults_after(&|value| value["machine"]["arch"] = 1.into()).len(), 1);
    assert_eq!(faults_after(&|value| drop(value["cost"]["layers"][0].as_object_mut().unwrap().remove("op"))).len(), 1);
}
