//! Tells the program which compiler has built it: *About* says so.

#![allow(clippy::print_stdout, reason = "this is how a build script speaks to cargo")]

use std::process::Command;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let output = Command::new(rustc).arg("--version").output().ok();
    let version = output.and_then(|output| String::from_utf8(output.stdout).ok()).unwrap_or_default();
    let version = version.lines().next().filter(|line| !line.is_empty()).unwrap_or("an unknown compiler");
    println!("cargo::rustc-env=SHUFFLESCOPE_RUSTC={version}");
}
