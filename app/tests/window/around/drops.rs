//! Several files dropped at once.

use shufflescope::window::{Command, Intent};
use shufflescope_engine::design::{Batch, Edit};
use shufflescope_engine::graph::lower;
use shufflescope_engine::model_file::onnx::{BatchNorm, write_onnx};
use shufflescope_engine::weights::Weights;

use super::{give, quiet, show};
use crate::support::{design_file, small};

#[test]
fn the_first_network_opens_and_every_other_file_is_named_with_the_reason() {
    let folder = tempfile::tempdir().unwrap();
    let (notes, onnx) = (folder.path().join("notes.docx"), folder.path().join("net.onnx"));
    std::fs::write(&notes, "nothing of ours").unwrap();
    let graph = lower(&small(), Batch(1)).unwrap();
    write_onnx(&graph, &Weights::seeded(&graph, 1), BatchNorm::Keep, &onnx).unwrap();
    let mut window = show(quiet(None));
    window.drop_files([notes, onnx, design_file(folder.path(), "b"), folder.path().join("run.json")]);
    window.wait("the model", |app| app.document().fixed().is_some());
    window.step();
    for part in ["Taken: net.onnx.", "notes.docx (neither a design", "b.toml, run.json (one network is shown"] {
        assert!(window.says(part), "{part}: {:?}", window.app().notices());
    }
}

#[test]
fn files_that_are_dropped_on_unsaved_work_ask_first() {
    let folder = tempfile::tempdir().unwrap();
    let (a, b) = (design_file(folder.path(), "a"), design_file(folder.path(), "b"));
    let mut window = show(quiet(None));
    give(&mut window, Command::Edit(Edit::Classes(7)));
    window.drop_files([a.clone(), b]);
    window.step();
    assert_eq!(window.app().asks(), Some(&Intent::Open(a)));
    assert!(window.says("b.toml (one network"));
    super::click(&mut window, "Don't save");
    window.wait("the first", |app| app.document().name() == "a");
}

#[test]
fn a_profile_that_is_dropped_alone_opens() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("profile.json");
    let mut window = show(quiet(None));
    let what = shufflescope::window::Export::Profile(shufflescope_engine::report::Format::Json);
    give(&mut window, Command::Export(what, path.clone()));
    window.wait("the export", |app| app.notice().is_some());
    window.drop_files([path]);
    window.wait("the profile", |app| app.document().pinned.is_some());
    assert!(window.app().notice().unwrap().text.starts_with("Opened the design of profile.json"));
}
