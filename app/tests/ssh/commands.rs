//! The command line with targets behind SSH, and this program copied there.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;
use shufflescope_engine::report::Profile;

use super::server::Server;

/// The program with these arguments, with its data in `home`, and an `ssh` that knows the server.
fn run(server: &Server, home: &Path, args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_shufflescope"));
    for variable in ["XDG_DATA_HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "HOME"] {
        command.env(variable, home);
    }
    command.args(args).env("SHUFFLESCOPE_SSH", server.at("ssh")).output().unwrap()
}

fn printed(output: &Output) -> String {
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{said}");
    String::from_utf8(output.stdout.clone()).unwrap()
}

const NETWORK: [&str; 6] = ["shufflenet-v2-x0.5", "--input", "32", "--threads", "1", "--json"];
const PROGRAM: [&str; 2] = ["--remote-program", env!("CARGO_BIN_EXE_shufflescope")];

#[test]
fn a_profile_over_ssh_is_a_profile_like_any_other_and_is_remembered_as_the_targets() {
    let Some(server) = Server::start() else { return };
    let home = tempfile::tempdir().unwrap();
    let target = server.target().to_string();
    let args = [&["profile"][..], &NETWORK, &PROGRAM, &["--target", &target]].concat();
    let text = printed(&run(&server, home.path(), &args));
    let profile: Profile = serde_json::from_str(&text).unwrap();
    assert_eq!(profile.to_json().unwrap(), text, "it has no more and no less than the schema says");
    let measurement = profile.measurement.unwrap();
    assert_eq!((measurement.threads, measurement.batch), (1, 1));
    assert!(measurement.breakdown.is_some() && measurement.conditions.usable_cores.is_some());
    let history = printed(&run(&server, home.path(), &["history", "shufflenet-v2-x0.5", "--input", "32", "--json"]));
    assert!(history.contains(&format!("at {target}")), "{history}");
}

#[test]
fn several_targets_are_measured_side_by_side_and_one_that_fails_does_not_take_the_others_away() {
    let Some(server) = Server::start() else { return };
    let home = tempfile::tempdir().unwrap();
    let target = server.target().to_string();
    let closed = "ssh://127.0.0.1:1";
    let args = [&["profile"][..], &NETWORK, &PROGRAM, &["--target", "local", "--target", &target, "--target", closed]];
    let output = run(&server, home.path(), &args.concat());
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("1 of 3 targets"), "{said}");
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let targets = report["targets"].as_array().unwrap();
    let names: Vec<&str> = targets.iter().map(|on| on["target"].as_str().unwrap()).collect();
    assert_eq!(names, ["local", &target, closed]);
    for on in &targets[..2] {
        let profile: Profile = serde_json::from_value(on["profile"].clone()).unwrap();
        assert!(profile.measurement.is_some());
        for judged in on["guidelines"].as_array().unwrap() {
            assert!(["holds", "does-not-hold", "undecided"].contains(&judged["holds"].as_str().unwrap()), "{judged}");
            assert!(judged["ratio"].as_f64().unwrap() > 0.0);
        }
    }
    assert_eq!(targets[0]["guidelines"].as_array().unwrap().len(), targets[1]["guidelines"].as_array().unwrap().len());
    assert!(targets[2]["error"].as_str().unwrap().contains("cannot be reached"), "{}", targets[2]);
}

#[test]
fn this_program_is_copied_where_it_may_be_and_found_there_afterwards() {
    let Some(server) = Server::start() else { return };
    let home = tempfile::tempdir().unwrap();
    let target = server.target().to_string();
    let predict = |more: &[&str]| {
        let args = [&["predict", "shufflenet-v2-x0.5", "--threads", "1", "--target", &target], more].concat();
        let output = run(&server, home.path(), &args);
        String::from_utf8_lossy(&output.stderr).into_owned()
    };
    // Nobody is at a terminal to be asked.
    assert!(predict(&[]).contains("--copy-program"));
    // It gets as far as asking the store, which knows nothing of the target.
    let copied = predict(&["--copy-program"]);
    assert!(copied.contains("nothing is known yet"), "{copied}");
    let folder = server.at("cache/shufflescope/programs");
    let copies: Vec<_> = std::fs::read_dir(folder).unwrap().flatten().map(|entry| entry.path()).collect();
    let [copy] = copies.as_slice() else { panic!("{copies:?}") };
    let files: Vec<_> = std::fs::read_dir(copy).unwrap().flatten().map(|entry| entry.file_name()).collect();
    assert_eq!(files, ["shufflescope"], "and no part of one");
    assert!(predict(&[]).contains("nothing is known yet"), "nobody has to say it twice");
}

#[test]
fn a_camera_run_takes_the_targets_source_and_has_the_network_run_there() {
    let Some(server) = Server::start() else { return };
    let home = tempfile::tempdir().unwrap();
    let target = server.target().to_string();
    let args =
        ["camera", "run", "--source", "synthetic", "--seconds", "1.5", "--weights", "demo", "--threads", "1", "--json"];
    let args = [&args[..], &PROGRAM, &["--target", &target]].concat();
    let report: Value = serde_json::from_str(&printed(&run(&server, home.path(), &args))).unwrap();
    assert_eq!(report["measured_on"]["target"], target.as_str());
    assert!(report["shown"].as_u64().unwrap() > 0 && report["stages"]["infer"]["p50_ns"].is_u64(), "{report}");
    assert!(report["top"].as_array().is_some_and(|top| !top.is_empty()), "{report}");
    let list =
        printed(&run(&server, home.path(), &[&["camera", "list"][..], &PROGRAM, &["--target", &target]].concat()));
    assert!(list.contains("synthetic"), "{list}");
}
