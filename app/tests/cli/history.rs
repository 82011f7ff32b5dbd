//! `history`, and the store that every command writes: several processes at once, damaged, and of a newer program.

use std::path::Path;

use crate::program::{command, said, store_in, success};
use serde_json::Value;

const PROFILE: [&str; 6] = ["profile", "shufflenet-v2-x0.5", "--input", "32", "--threads", "1"];

fn rows(data: &Path, args: &[&str]) -> Vec<Value> {
    let (text, _) = success(data, &[&["history"], args, &["--json"]].concat());
    let report: Value = serde_json::from_str(&text).unwrap();
    report["rows"].as_array().unwrap().clone()
}

#[test]
fn a_measured_design_has_a_row_with_the_promised_keys_and_another_has_none() {
    let data = tempfile::tempdir().unwrap();
    let (text, remedy) = success(data.path(), &["history", "shufflenet-v2-x0.5", "--json"]);
    assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), serde_json::json!({ "rows": [] }));
    assert!(remedy.contains("shufflescope profile shufflenet-v2-x0.5"), "{remedy}");

    let profile: Value = serde_json::from_str(&success(data.path(), &[&PROFILE[..], &["--json"]].concat()).0).unwrap();
    success(data.path(), &[&PROFILE[..], &["--batch", "2"]].concat());
    let of_it = rows(data.path(), &["shufflenet-v2-x0.5", "--input", "32"]);
    assert_eq!(of_it.len(), 2);
    let (row, whole) = (&of_it[0], &profile["measurement"]["whole"]);
    for key in ["median_ns", "low_ns", "high_ns"] {
        assert_eq!(row[key], whole[key]);
    }
    assert_eq!(row["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!((&row["machine"], &row["device"]), (&profile["machine"]["cpu_model"], &"cpu".into()));
    let when = row["when"].as_str().unwrap();
    assert!(when.starts_with("20") && when.ends_with('Z') && when.len() == 20, "{when}");
    let options = &row["options"];
    assert_eq!((&options["runtime"], &options["threads"], &options["batch"]), (&"tuned".into(), &1.into(), &1.into()));
    assert_eq!((&options["precision"], &options["mode"]), (&"f32".into(), &"live".into()));
    assert!(options["instruction_set"].is_null());
    assert_eq!((&row["model"], &row["design"]), (&"shufflenet-v2-x0.5".into(), &profile["measurement"]["design"]));

    assert!(rows(data.path(), &["shufflenet-v2-x0.5"]).is_empty(), "another input is another network");
    assert_eq!(rows(data.path(), &[]).len(), 2);
    let (text, _) = success(data.path(), &["history"]);
    assert!(text.contains("shufflenet-v2-x0.5 (design ") && text.contains("tuned, 1 thread, batch 2, f32"), "{text}");
}

#[test]
fn a_model_that_is_none_is_a_wrong_command_line() {
    let data = tempfile::tempdir().unwrap();
    let output = command(data.path(), &["history", "shufflenet-v9"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2), "{}", said(&output));
    assert!(output.stdout.is_empty() && said(&output).contains("shufflenet-v9"), "{}", said(&output));
}

#[test]
fn processes_that_write_at_once_lose_nothing() {
    let data = tempfile::tempdir().unwrap();
    // All of them make the folder and the store.
    let children: Vec<_> =
        (0..4).map(|_| command(data.path(), &PROFILE).stdout(std::process::Stdio::null()).spawn().unwrap()).collect();
    for mut child in children {
        assert!(child.wait().unwrap().success());
    }
    assert_eq!(rows(data.path(), &[]).len(), 4);
}

#[test]
fn a_damaged_store_is_kept_aside_with_a_warning_and_a_new_one_is_begun() {
    let data = tempfile::tempdir().unwrap();
    success(data.path(), &["history"]);
    let path = store_in(data.path());
    std::fs::write(&path, "no database ".repeat(1_000)).unwrap();
    let (_, warning) = success(data.path(), &PROFILE);
    assert!(warning.contains("store.damaged-") && warning.contains("a new one is begun"), "{warning}");
    let names = std::fs::read_dir(path.parent().unwrap()).unwrap().map(|entry| entry.unwrap().file_name());
    let kept = names.filter(|name| name.to_string_lossy().starts_with("store.damaged-")).count();
    assert_eq!(kept, 1);
    assert_eq!(rows(data.path(), &[]).len(), 1);
}

#[test]
fn without_a_store_that_can_be_used_measuring_goes_on_and_says_so_once() {
    let data = tempfile::tempdir().unwrap();
    success(data.path(), &["history"]);
    let path = store_in(data.path());
    // A folder where the file should be.
    std::fs::remove_file(&path).unwrap();
    std::fs::create_dir(&path).unwrap();
    let (text, warning) = success(data.path(), &[&PROFILE[..], &["--json"]].concat());
    assert!(serde_json::from_str::<Value>(&text).unwrap()["measurement"]["whole"]["median_ns"].as_u64().unwrap() > 0);
    assert_eq!(warning.matches("warning: ").count(), 1, "{warning}");
    assert!(warning.contains("store.sqlite"), "{warning}");
    let output = command(data.path(), &["history"]).output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
}
