//! The program as scripts call it, with every folder of the user's inside `home`: nothing of theirs is read or written.

#![allow(dead_code, reason = "not every test program needs all of it")]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

/// The program with these arguments, not started.
pub fn command(home: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_shufflescope"));
    for variable in ["XDG_DATA_HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "HOME", "APPDATA", "LOCALAPPDATA"] {
        command.env(variable, home);
    }
    command.args(args).env_remove("DISPLAY").env_remove("WAYLAND_DISPLAY");
    command
}

/// What a run gave.
pub fn output(home: &Path, args: &[&str]) -> Output {
    command(home, args).output().unwrap()
}

/// What a run said on stderr.
pub fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// What a run that has to succeed printed, and what it said beside that.
pub fn success(home: &Path, args: &[&str]) -> (String, String) {
    let output = output(home, args);
    assert_eq!(output.status.code(), Some(0), "{args:?}: {}", said(&output));
    let said = said(&output);
    (String::from_utf8(output.stdout).unwrap(), said)
}

/// What a run that has to succeed printed.
pub fn stdout(home: &Path, args: &[&str]) -> String {
    success(home, args).0
}

/// The JSON that a run printed.
pub fn json(home: &Path, args: &[&str]) -> Value {
    serde_json::from_str(&stdout(home, args)).unwrap()
}

/// What a run that has to fail with this exit code said: nothing on stdout, no panic.
pub fn failure(home: &Path, code: i32, args: &[&str]) -> String {
    let output = output(home, args);
    let said = said(&output);
    assert_eq!(output.status.code(), Some(code), "{args:?}: {said}");
    assert!(output.stdout.is_empty(), "{args:?}");
    assert!(!said.contains("panicked"), "{said}");
    said
}

/// Every file below a folder.
pub fn files_below(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { files_below(&path) } else { vec![path] }).collect()
}

/// The store that commands wrote, whatever this system calls the data folder.
pub fn store_in(home: &Path) -> PathBuf {
    files_below(home).into_iter().find(|path| path.ends_with("store.sqlite")).unwrap()
}
