//! `predict`, `calibrate` and `table` as scripts see them.

use crate::program::{failure, output, said, stdout};
use serde_json::Value;

const SMALL: [&str; 4] = ["--input", "32", "--threads", "1"];

fn keys(value: &Value) -> Vec<&str> {
    let mut keys: Vec<&str> = value.as_object().unwrap().keys().map(String::as_str).collect();
    keys.sort_unstable();
    keys
}

#[test]
fn where_nothing_is_known_the_remedy_is_told_and_bad_options_are_the_command_lines_fault() {
    let data = tempfile::tempdir().unwrap();
    let unknown = failure(data.path(), 1, &["predict", "shufflenet-v2-x0.5", "--threads", "1"]);
    assert!(unknown.contains("shufflescope calibrate --device cpu --runtime tuned --threads 1"), "{unknown}");
    let unknown = failure(data.path(), 1, &["table", "--threads", "1"]);
    assert!(unknown.contains("shufflescope calibrate"), "{unknown}");
    for wrong in [
        &["predict", "shufflenet-v9"][..],
        &["predict", "shufflenet-v2-x0.5", "--threads", "0"],
        &["predict", "shufflenet-v2-x0.5", "--precision", "tf32"],
        &["predict", "shufflenet-v2-x0.5", "--input", "7"],
        &["predict", "shufflenet-v2-x0.5", "--batch", "0"],
        &["calibrate", "--seconds", "0"],
        &["calibrate", "--device", "toaster"],
        &["calibrate", "--input", "7"],
        &["table", "--format", "xml"],
    ] {
        failure(data.path(), 2, wrong);
    }
}

#[test]
fn a_profile_is_enough_for_a_prediction_and_what_was_predicted_is_remembered_beside_the_next_one() {
    let data = tempfile::tempdir().unwrap();
    let profile = [&["profile", "shufflenet-v2-x0.5"][..], &SMALL].concat();
    stdout(data.path(), &profile);
    let predict = [&["predict", "shufflenet-v2-x0.5"][..], &SMALL].concat();
    // A machine that is busy all the time has nothing to predict from.
    let output = output(data.path(), &predict);
    if output.status.code() == Some(1) {
        assert!(said(&output).contains("shufflescope calibrate"), "{}", said(&output));
        return;
    }
    let text = stdout(data.path(), &predict);
    assert!(text.contains("predicted, not measured") && text.contains("90 % band"), "{text}");
    let json = stdout(data.path(), &[&predict[..], &["--json"]].concat());
    let prediction: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(keys(&prediction), ["high_ns", "kernels", "known_share", "low_ns", "predicted_ns"]);
    assert_eq!(keys(&prediction["kernels"][0]), ["layers", "predicted_ns", "source"]);
    let ns = |key: &str| prediction[key].as_u64().unwrap();
    assert!(0 < ns("low_ns") && ns("low_ns") < ns("predicted_ns") && ns("predicted_ns") < ns("high_ns"), "{json}");
    let kernels = prediction["kernels"].as_array().unwrap();
    assert!(kernels.iter().all(|kernel| kernel["source"] == "measured"), "{json}");
    assert!((prediction["known_share"].as_f64().unwrap() - 1.0).abs() < 1e-9);
    failure(data.path(), 1, &["predict", "shufflenet-v2-x0.5", "--input", "32", "--threads", "2"]);

    let wider = stdout(data.path(), &["predict", "shufflenet-v2-x1.0", "--input", "32", "--threads", "1", "--json"]);
    let wider: Value = serde_json::from_str(&wider).unwrap();
    assert!(wider["predicted_ns"].as_u64() > prediction["predicted_ns"].as_u64());

    let table = stdout(data.path(), &["table", "--threads", "1"]);
    assert!(table.starts_with("kernel,median_ns,networks,mult_adds,bytes\n") && table.lines().count() > 10, "{table}");
    assert!(table.lines().all(|line| line.split(',').count() == 5), "{table}");
    let table: Value =
        serde_json::from_str(&stdout(data.path(), &["table", "--threads", "1", "--format", "json"])).unwrap();
    assert_eq!(keys(&table), ["kernels", "networks", "options"]);
    assert_eq!(keys(&table["kernels"][0]), ["bytes", "kernel", "median_ns", "mult_adds", "networks"]);
    let yaml = stdout(data.path(), &["table", "--threads", "1", "--format", "ofa"]);
    assert!(
        yaml.contains("\nexpanded_conv-input:56x56x24-output:56x56x24-expand:6-kernel:3-stride:1-idskip:1: {mean: ")
    );
}

#[test]
fn calibrating_goes_on_with_designs_that_were_not_measured_yet() {
    let data = tempfile::tempdir().unwrap();
    let calibrate = [&["calibrate", "--seconds", "2"][..], &SMALL].concat();
    let networks = || {
        let output = output(data.path(), &calibrate);
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        // A machine that is busy all the time lets nothing count, and says so.
        let is_busy = output.status.code() == Some(1) && said(&output).contains("busy");
        assert!(is_busy || output.status.success(), "{}", said(&output));
        let count = text.split_once(": ").and_then(|(_, rest)| rest.split_once(" networks")).map(|(count, _)| count);
        count.map_or(0, |count| count.parse::<u32>().unwrap())
    };
    let (first, second) = (networks(), networks());
    assert!(second >= first, "{first} then {second}");
    if first > 0 {
        let history = stdout(data.path(), &["history", "--json"]);
        let rows: Value = serde_json::from_str(&history).unwrap();
        assert_eq!(rows["rows"].as_array().unwrap().len(), 0, "they are nobody's designs");
    }
}

#[test]
fn advice_has_the_promised_keys_and_is_measured_where_that_is_asked_for() {
    let data = tempfile::tempdir().unwrap();
    let advise = [&["advise", "shufflenet-v2-x0.5", "--json"][..], &SMALL].concat();
    assert!(failure(data.path(), 1, &advise).contains("shufflescope calibrate"));
    assert!(failure(data.path(), 2, &["advise", "alexnet"]).contains("a graph and not a design"));
    stdout(data.path(), &[&["profile", "shufflenet-v2-x0.5"][..], &SMALL].concat());
    let tried = [&advise[..], &["--try", "1"]].concat();
    let output = output(data.path(), &tried);
    if output.status.code() == Some(1) && said(&output).contains("calibrate") {
        return; // A machine that is busy all the time has nothing to predict from.
    }
    let report: Value = serde_json::from_str(&String::from_utf8(output.stdout).unwrap()).unwrap();
    let changes = report["changes"].as_array().unwrap();
    assert!(changes.len() > 20, "{}", changes.len());
    for key in ["label", "edit", "predicted_ratio", "low", "high", "mult_adds", "params", "guideline"] {
        assert!(changes.iter().all(|change| change.get(key).is_some()), "{key}");
    }
    let has_outlook = |change: &Value| change.get("outlook").is_some();
    assert!(changes.iter().all(|change| has_outlook(change) != change["guideline"].is_null()), "{changes:?}");
    assert_eq!(keys(&changes[0]["measured"]), ["high", "low", "ratio", "verdict"]);
    assert!(changes[1].get("measured").is_none());
}
