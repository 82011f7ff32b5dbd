//! `history`, and the store that every command writes: several processes at once, damaged, and of a newer program.

#![allow(clippy::unwrap_used, reason = "tests and their helpers")]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

/// A command with a data folder of its own, so that nothing of the user's is read or written.
fn command(data: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_shufflescope"));
    for variable in ["XDG_DATA_HOME", "XDG_CACHE_HOME", "HOME", "APPDATA", "LOCALAPPDATA"] {
        command.env(variable, data);
    }
    command.args(args);
    command
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// What a command that has to succeed prints, and what it says beside that.
fn run(data: &Path, args: &[&str]) -> (String, String) {
    let output = command(data, args).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{args:?}: {}", said(&output));
    (String::from_utf8(output.stdout.clone()).unwrap(), said(&output))
}

const PROFILE: [&str; 6] = ["profile", "shufflenet-v2-x0.5", "--input", "32", "--threads", "1"];

fn rows(data: &Path, args: &[&str]) -> Vec<Value> {
    let (text, _) = run(data, &[&["history"], args, &["--json"]].concat());
    let report: Value = serde_json::from_str(&text).unwrap();
    report["rows"].as_array().unwrap().clone()
}

/// Where the store is, whatever this system calls the data folder.
fn store(data: &Path) -> PathBuf {
    fn walk(folder: &Path) -> Vec<PathBuf> {
        let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        entries.flat_map(|path| if path.is_dir() { walk(&path) } else { vec![path] }).collect()
    }
    walk(data).into_iter().find(|path| path.ends_with("store.sqlite")).unwrap()
}

#[test]
fn a_measured_design_has_a_row_with_the_promised_keys_and_another_has_none() {
    let data = tempfile::tempdir().unwrap();
    let (text, remedy) = run(data.path(), &["history", "shufflenet-v2-x0.5", "--json"]);
    assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), serde_json::json!({ "rows": [] }));
    assert!(remedy.contains("shufflescope profile shufflenet-v2-x0.5"), "{remedy}");

    let profile: Value = serde_json::from_str(&run(data.path(), &[&PROFILE[..], &["--json"]].concat()).0).unwrap();
    run(data.path(), &[&PROFILE[..], &["--batch", "2"]].concat());
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
    let (text, _) = run(data.path(), &["history"]);
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
    run(data.path(), &["history"]);
    let path = store(data.path());
    std::fs::write(&path, "no database ".repeat(1_000)).unwrap();
    let (_, warning) = run(data.path(), &PROFILE);
    assert!(warning.contains("store.damaged-") && warning.contains("a new one is begun"), "{warning}");
    let names = std::fs::read_dir(path.parent().unwrap()).unwrap().map(|entry| entry.unwrap().file_name());
    let kept = names.filter(|name| name.to_string_lossy().starts_with("store.damaged-")).count();
    assert_eq!(kept, 1);
    assert_eq!(rows(data.path(), &[]).len(), 1);
}

#[test]
fn without_a_store_that_can_be_used_measuring_goes_on_and_says_so_once() {
    let data = tempfile::tempdir().unwrap();
    run(data.path(), &["history"]);
    let path = store(data.path());
    // A folder where the file should be.
    std::fs::remove_file(&path).unwrap();
    std::fs::create_dir(&path).unwrap();
    let (text, warning) = run(data.path(), &[&PROFILE[..], &["--json"]].concat());
    assert!(serde_json::from_str::<Value>(&text).unwrap()["measurement"]["whole"]["median_ns"].as_u64().unwrap() > 0);
    assert_eq!(warning.matches("warning: ").count(), 1, "{warning}");
    assert!(warning.contains("store.sqlite"), "{warning}");
    let output = command(data.path(), &["history"]).output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
}
