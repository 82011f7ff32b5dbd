//! `search` as scripts see it.

use std::path::Path;

use crate::program::{failure, output, said};
use serde_json::Value;
use shufflescope_engine::design::Design;

fn keys(value: &Value) -> Vec<&str> {
    let mut keys: Vec<&str> = value.as_object().unwrap().keys().map(String::as_str).collect();
    keys.sort_unstable();
    keys
}

#[test]
fn bad_options_are_the_command_lines_fault() {
    let data = tempfile::tempdir().unwrap();
    let folder = data.path().join("found");
    let folder = folder.to_str().unwrap();
    for wrong in [
        &["search", "-o", folder][..],
        &["search", "--budget", "2ms"],
        &["search", "--budget", "2", "-o", folder],
        &["search", "--budget", "0ms", "-o", folder],
        &["search", "--budget", "2ms", "--family", "resnet", "-o", folder],
        &["search", "--budget", "2ms", "--from", "alexnet", "-o", folder],
        &["search", "--budget", "2ms", "--from", "shufflenet-v9", "-o", folder],
        &["search", "--budget", "2ms", "--from", "shufflenet-v2-x1.0", "--family", "mobilenet-v2", "-o", folder],
        &["search", "--budget", "2ms", "--at-most-params", "many", "-o", folder],
        &["search", "--budget", "2ms", "--most", "accuracy", "-o", folder],
        &["search", "--budget", "2ms", "--seconds", "0", "-o", folder],
        &["search", "--budget", "2ms", "--threads", "0", "-o", folder],
        &["search", "--budget", "2ms", "--precision", "tf32", "-o", folder],
        &["search", "--budget", "2ms", "--input", "7", "-o", folder],
    ] {
        failure(data.path(), 2, wrong);
    }
    assert!(!Path::new(folder).exists(), "nothing was begun");
}

#[test]
fn a_short_search_leaves_measured_designs_in_its_folder_and_goes_on_there() {
    let data = tempfile::tempdir().unwrap();
    let folder = data.path().join("found");
    let search = |budget: &str| {
        let words = ["search", "--budget", budget, "--input", "32", "--threads", "1", "--seconds", "1", "--json", "-o"];
        output(data.path(), &[&words[..], &[folder.to_str().unwrap()]].concat())
    };
    let first = search("500ms");
    // A machine that is busy all the time has nothing to predict from.
    if first.status.code() == Some(1) && said(&first).contains("busy") {
        return;
    }
    assert_eq!(first.status.code(), Some(0), "{}", said(&first));
    let report: Value = serde_json::from_slice(&first.stdout).unwrap();
    assert_eq!(keys(&report), ["evaluated", "front", "measured", "seconds"]);
    let front = report["front"].as_array().unwrap();
    assert!(!front.is_empty() && report["evaluated"].as_u64() > Some(100), "{report}");
    for row in front {
        let all = ["file", "high_ns", "low_ns", "median_ns", "mult_adds", "params", "predicted_ns"];
        assert_eq!(keys(row), all);
        let ns = |key: &str| row[key].as_u64().unwrap();
        assert!(0 < ns("low_ns") && ns("low_ns") <= ns("median_ns") && ns("median_ns") <= ns("high_ns"));
        assert!(ns("high_ns") <= 500_000_000, "{row}");
        let design = Design::read(&folder.join(row["file"].as_str().unwrap())).unwrap();
        assert_eq!((design.input.width, design.stages.len()), (32, 3));
    }
    assert!(front.windows(2).all(|pair| pair[0]["mult_adds"].as_u64() < pair[1]["mult_adds"].as_u64()));

    let again = search("500ms");
    assert_eq!(again.status.code(), Some(0), "{}", said(&again));
    let more: Value = serde_json::from_slice(&again.stdout).unwrap();
    for key in ["measured", "evaluated"] {
        assert!(more[key].as_u64() > report[key].as_u64(), "{key}: {more}");
    }
    let other = search("10ms");
    assert_eq!(other.status.code(), Some(2));
    assert!(
        said(&other).contains("another budget") && said(&other).contains("name another folder"),
        "{}",
        said(&other)
    );
}
