//! Files of others in the window: readers that fail, hang and are cancelled, while the user's work is saved.

#![cfg_attr(not(unix), allow(dead_code, unused_imports, reason = "readers that fail are shell scripts"))]

use std::io::{Read, Write};
use std::path::Path;
use std::process::{Command as Process, Stdio};
use std::sync::Arc;
use std::time::Duration;

use crate::support::{ScriptedDialogs, Window, design_file, setup};
use egui_kittest::kittest::Queryable;
use shufflescope::window::{Choice, Command, Export, Setup, Side, Tab};
use shufflescope_engine::design::{Batch, Design};
use shufflescope_engine::graph::lower;
use shufflescope_engine::model_file::onnx::{BatchNorm, write_onnx};
use shufflescope_engine::report::Format;
use shufflescope_engine::weights::Weights;
use shufflescope_engine::zoo;

/// Nothing is measured.
fn quiet(data_folder: Option<&Path>) -> Setup {
    let mut start = setup(data_folder);
    start.launcher.program = "no such program".into();
    start
}

fn open(setup: Setup) -> Window {
    Window::with(setup, [1440.0, 900.0], egui::Theme::Dark)
}

/// A window whose readers are this shell script.
#[cfg(unix)]
fn with_reader(script: &str) -> Setup {
    let mut start = quiet(None);
    start.readers.program = "sh".into();
    start.readers.args = vec!["-c".into(), script.into()];
    start
}

/// Saves the document and waits until it is on disk.
fn saves(window: &mut Window, dialogs: &ScriptedDialogs, path: &Path) {
    dialogs.choose(path);
    window.harness.state_mut().command(Command::SaveAs);
    window.wait("the save", |app| app.notice().is_some_and(|notice| notice.text.starts_with("Saved to")));
    assert_eq!(Design::read(path).unwrap(), *window.app().document().draft());
}

#[cfg(unix)]
#[test]
fn a_reader_that_panics_is_told_and_the_next_save_goes_through() {
    let folder = tempfile::tempdir().unwrap();
    let mut start = with_reader("echo \"thread 'main' panicked: index out of bounds\" >&2; exit 101");
    let dialogs = ScriptedDialogs::default();
    start.dialogs = Arc::new(dialogs.clone());
    let mut window = open(start);
    window.harness.state_mut().command(Command::Open(folder.path().join("evil.onnx")));
    window.wait("the reason", |app| app.notice().is_some());
    let said = window.app().notice().unwrap().text.clone();
    assert!(said.contains("evil.onnx: the reader stopped") && said.contains("index out of bounds"), "{said}");
    saves(&mut window, &dialogs, &folder.path().join("mine.toml"));
}

#[cfg(unix)]
#[test]
fn a_reader_that_is_killed_or_says_nonsense_is_told() {
    for (script, told) in [
        ("kill -9 $$", "signal: 9"),
        ("echo nonsense", "something else than an answer"),
        ("exec 1>&-; sleep 0.1", "it said nothing"),
    ] {
        let mut window = open(with_reader(script));
        window.harness.state_mut().command(Command::Open("evil.json".into()));
        window.wait("the reason", |app| app.notice().is_some());
        let said = &window.app().notice().unwrap().text;
        assert!(said.contains("evil.json: the reader stopped") && said.contains(told), "{script}: {said}");
    }
}

#[cfg(unix)]
#[test]
fn a_reader_that_hangs_is_shown_with_a_way_out_while_saves_go_through_and_is_given_up_in_time() {
    let folder = tempfile::tempdir().unwrap();
    let mut start = with_reader("exec sleep 1000");
    let dialogs = ScriptedDialogs::default();
    start.dialogs = Arc::new(dialogs.clone());
    let mut window = open(start.clone());
    window.harness.state_mut().command(Command::Open(folder.path().join("slow.onnx")));
    window.step();
    std::thread::sleep(Duration::from_millis(350));
    window.step();
    assert!(window.says("Reading slow.onnx: "), "{:?}", window.texts());
    saves(&mut window, &dialogs, &folder.path().join("mine.toml"));
    window.step();
    window.harness.get_by_label("Cancel: Reading slow.onnx").click();
    window.wait("the end", |app| app.notice().is_some_and(|notice| notice.text.contains("cancelled")));
    window.step();
    assert!(!window.says("Reading slow.onnx"));

    start.readers.patience = Duration::from_millis(200);
    let mut window = open(start);
    window.harness.state_mut().command(Command::Open("slow.onnx".into()));
    window.wait("the end", |app| app.notice().is_some());
    let said = &window.app().notice().unwrap().text;
    assert!(said.contains("reading slow.onnx took longer than"), "{said}");
}

#[cfg(unix)]
#[test]
fn the_newest_of_two_files_wins_and_the_older_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let wanted = design_file(folder.path(), "wanted");
    let program = env!("CARGO_BIN_EXE_shufflescope");
    // The first reader hangs, the second does its work.
    let script =
        format!("mkdir '{0}/first' 2>/dev/null && exec sleep 1000; exec '{program}' reader", folder.path().display());
    let mut window = open(with_reader(&script));
    window.harness.state_mut().command(Command::Open(folder.path().join("slow.onnx")));
    window.wait("the first reader", |_| folder.path().join("first").exists());
    window.harness.state_mut().command(Command::Open(wanted));
    window.wait("the second file", |app| app.document().draft().name == "wanted");
    let said = &window.app().notice().unwrap().text;
    assert!(said.contains("slow.onnx") && said.contains("wanted.toml was asked for in its place"), "{said}");
}

#[cfg(unix)]
#[test]
fn an_export_that_hangs_stops_no_save_and_leaves_the_old_file_when_it_is_cancelled() {
    let folder = tempfile::tempdir().unwrap();
    let mut start = with_reader("exec sleep 1000");
    let dialogs = ScriptedDialogs::default();
    start.dialogs = Arc::new(dialogs.clone());
    let mut window = open(start);
    let out = folder.path().join("report.html");
    std::fs::write(&out, "old").unwrap();
    window.harness.state_mut().command(Command::Export(Export::Profile(Format::Html), out.clone()));
    window.step();
    std::thread::sleep(Duration::from_millis(350));
    saves(&mut window, &dialogs, &folder.path().join("mine.toml"));
    window.step();
    window.harness.get_by_label("Cancel: Exporting to report.html").click();
    window.wait("the end", |app| app.notice().is_some_and(|notice| notice.text.contains("cancelled")));
    assert_eq!(std::fs::read(&out).unwrap(), b"old");
}

#[test]
fn a_pipe_and_a_folder_are_no_files_to_open() {
    let folder = tempfile::tempdir().unwrap();
    let mut window = open(quiet(None));
    #[cfg(unix)]
    let pipe = {
        let pipe = folder.path().join("pipe.json");
        assert!(Process::new("mkfifo").arg(&pipe).status().unwrap().success());
        Some((pipe, "a pipe"))
    };
    #[cfg(not(unix))]
    let pipe = None;
    let inside = folder.path().join("folder.onnx");
    std::fs::create_dir(&inside).unwrap();
    for (path, what) in pipe.into_iter().chain([(inside, "a folder")]) {
        window.harness.state_mut().command(Command::Open(path));
        window.wait(what, |app| app.notice().is_some_and(|notice| notice.text.contains(what)));
    }
}

#[test]
fn two_networks_dropped_onto_compare_become_its_sides_and_elsewhere_the_second_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let files = [design_file(folder.path(), "first"), design_file(folder.path(), "second")];
    let mut window = open(quiet(None));
    window.harness.state_mut().command(Command::ShowTab(Tab::Compare));
    window.step();
    window.drop_files(files.clone());
    let is = |choice: &Choice, name: &str| matches!(choice, Choice::Opened(model) if model.name() == name);
    window.wait("both sides", |app| {
        is(app.compare().choice(Side::A), "first") && is(app.compare().choice(Side::B), "second")
    });

    window.harness.state_mut().command(Command::ShowTab(Tab::Design));
    window.step();
    window.drop_files(files);
    window.wait("the first", |app| app.document().draft().name == "first");
    window.step();
    assert!(window.says("second.toml (one network is shown at a time"), "{:?}", window.texts());
}

#[test]
fn a_model_that_is_gone_is_still_shown_and_its_export_says_what_is_missing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("net.onnx");
    let graph = lower(&zoo::preset("shufflenet-v2-x0.5").unwrap(), Batch(1)).unwrap();
    write_onnx(&graph, &Weights::seeded(&graph, 1), BatchNorm::Keep, &path).unwrap();
    let mut window = open(quiet(None));
    window.harness.state_mut().command(Command::Open(path.clone()));
    window.wait("the model", |app| app.document().fixed().is_some());
    std::fs::remove_file(&path).unwrap();
    let options = window.app().document().options().clone();
    let eight = shufflescope_engine::runtime::RunOptions { batch: 8, ..options };
    window.harness.state_mut().command(Command::Run(eight));
    window.step();
    assert_eq!(window.app().document().valid_options().batch, 8, "the window needs the file no more");
    let out = folder.path().join("weights.safetensors");
    window.harness.state_mut().command(Command::Export(Export::Safetensors, out.clone()));
    window.wait("the reason", |app| app.notice().is_some());
    let said = &window.app().notice().unwrap().text;
    assert!(said.starts_with("Not exported.") && said.contains("net.onnx") && !out.exists(), "{said}");
}

#[test]
fn a_reader_whose_window_is_gone_ends() {
    let mut child = Process::new(env!("CARGO_BIN_EXE_shufflescope"))
        .arg("reader")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    // An answer longer than a pipe holds, which nobody takes: the reader cannot end by itself.
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("net.onnx");
    let graph = lower(&zoo::preset("shufflenet-v2-x1.0").unwrap(), Batch(1)).unwrap();
    write_onnx(&graph, &Weights::seeded(&graph, 1), BatchNorm::Keep, &path).unwrap();
    let request = serde_json::to_string(&shufflescope::reader::Request::Open(path.into_os_string())).unwrap();
    let mut stdin = child.stdin.take().unwrap();
    writeln!(stdin, "{request}").unwrap();
    let mut stdout = child.stdout.take().unwrap();
    stdout.read_exact(&mut [0; 64]).unwrap();
    drop(stdin);
    assert_eq!(child.wait().unwrap().code(), Some(1));
}
