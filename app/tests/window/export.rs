//! Exports out of the window, and saved profiles back in.

use std::path::{Path, PathBuf};

use crate::support::{Window, setup, small};
use egui_kittest::kittest::{NodeT, Queryable};
use shufflescope::window::{App, Command, Export, Freshness, Phase, Setup, View};
use shufflescope_engine::design::{Batch, Edit, InputSize};
use shufflescope_engine::graph::lower;
use shufflescope_engine::model::ModelFile;
use shufflescope_engine::model_file::onnx::{BatchNorm, write_onnx};
use shufflescope_engine::report::{Format, Profile};
use shufflescope_engine::weights::Weights;
use shufflescope_engine::zoo;

/// Nothing is measured, so nothing disturbs and everything is quick.
fn without_worker(data_folder: Option<&Path>) -> Setup {
    let mut start = setup(data_folder);
    start.launcher.program = "no such program".into();
    start
}

fn open(setup: Setup) -> Window {
    Window::with(setup, [1440.0, 900.0], egui::Theme::Dark)
}

fn everything() -> impl Iterator<Item = Export> {
    Format::ALL.into_iter().map(Export::Profile).chain(Export::MODELS)
}

/// Finally, with the layers apart, which come last.
fn is_measured(app: &App) -> bool {
    app.live().result().is_some_and(|(measured, freshness)| freshness == Freshness::Final && measured.apart.is_some())
}

fn is_disabled(window: &Window, name: &str) -> bool {
    window.harness.get_by_label(name).accesskit_node().is_disabled()
}

/// Exports and waits for what is said of it.
fn export(window: &mut Window, what: Export, path: &Path) -> String {
    window.harness.state_mut().command(Command::Dismiss);
    window.step();
    window.harness.state_mut().command(Command::Export(what, path.into()));
    window.wait("the export", |app| app.notice().is_some());
    window.step();
    window.app().notice().unwrap().text.clone()
}

#[test]
fn the_menu_offers_every_form_and_a_trace_once_there_are_kernel_times() {
    let mut window = open(without_worker(None));
    window.harness.get_by_label("Export").click();
    window.step();
    for what in everything() {
        let is_trace = what == Export::Profile(Format::Trace);
        assert_eq!(is_disabled(&window, &format!("Export {}", what.about())), is_trace, "{what:?}");
    }
    assert!(window.says("measure the design first"), "the reason stands by it");
    assert!(window.says("Without latency"));
    assert!(window.says("weights are random"));
    for form in ["Markdown", "JSON"] {
        assert!(is_disabled(&window, &format!("Export camera run ({form})")));
    }
    assert!(window.says("record one in the Camera tab first"), "the reason stands by it");
    window.harness.check_accessibility();

    let mut window = Window::open();
    window.wait("the latency", is_measured);
    window.harness.get_by_label("Export").click();
    window.step();
    assert!(!is_disabled(&window, "Export trace (Perfetto)"));
    assert!(window.says("With the latency of"));
}

#[test]
fn escape_closes_the_menu_and_cancels_nothing() {
    let mut window = Window::open();
    window.wait("the start", |app| app.live().phase().is_busy());
    window.harness.get_by_label("Export").click();
    window.step();
    window.harness.get_by_label("Export ONNX model");
    window.harness.key_press(egui::Key::Escape);
    window.step();
    assert!(window.harness.query_by_label("Export ONNX model").is_none());
    assert_ne!(*window.app().live().phase(), Phase::Stopped, "that was the menu's");
}

#[test]
fn every_form_is_written_and_the_notice_leads_to_its_folder() {
    let folder = tempfile::tempdir().unwrap();
    let mut window = Window::open();
    window.wait("the latency", is_measured);
    for (index, what) in everything().enumerate() {
        let path = folder.path().join(format!("{index}{}", what.endings()[0]));
        let said = export(&mut window, what, &path);
        assert!(said.starts_with(&format!("Exported to {}.", path.display())), "{said}");
        assert!(std::fs::metadata(&path).unwrap().len() > 100, "{what:?}");
        let is_random = matches!(what, Export::Onnx | Export::OnnxInt8 | Export::Safetensors);
        assert_eq!(said.contains("random (seed 0)"), is_random, "{said}");
        window.harness.get_by_label("Open folder");
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), everything().count());

    let profile = Profile::read(&folder.path().join("0.json")).unwrap();
    assert_eq!(profile.cost, window.app().document().valid().cost);
    assert!(profile.measurement.as_ref() == window.app().live().current(), "the latency is the one on the screen");
}

#[test]
fn a_stale_latency_is_not_exported() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.json");
    let mut window = Window::open();
    window.wait("the latency", is_measured);
    window.harness.state_mut().command(Command::ToggleLive);
    window.step();
    window.harness.get_by_label("width 2.0").click();
    window.step();
    export(&mut window, Export::Profile(Format::Json), &path);
    let profile = Profile::read(&path).unwrap();
    assert!(profile.measurement.is_none());
    assert_eq!(profile.cost, window.app().document().valid().cost);
}

#[test]
fn a_failed_export_says_why_and_leaves_the_old_file_alone() {
    let folder = tempfile::tempdir().unwrap();
    let mut window = open(without_worker(None));
    let missing = folder.path().join("missing").join("a.onnx");
    let said = export(&mut window, Export::Onnx, &missing);
    assert!(said.starts_with("Not exported.") && said.contains("a.onnx") && said.contains("choose another"), "{said}");
    assert!(window.app().notice().unwrap().is_error);
    assert!(window.harness.query_by_label("Open folder").is_none());

    let old = folder.path().join("old.trace.json");
    std::fs::write(&old, "old").unwrap();
    let said = export(&mut window, Export::Profile(Format::Trace), &old);
    assert!(said.contains("profile it first"), "{said}");
    assert_eq!(std::fs::read_to_string(&old).unwrap(), "old");

    let said = export(&mut window, Export::Pytorch, folder.path());
    assert!(said.contains("Choose another name"), "{said}");
}

#[test]
fn the_folder_of_the_last_export_is_remembered_across_sessions() {
    let (data, folder) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let mut window = open(without_worker(Some(data.path())));
    export(&mut window, Export::Profile(Format::Csv), &folder.path().join("layers.csv"));
    window.harness.state_mut().finish();
    drop(window);
    let mut window = open(without_worker(Some(data.path())));
    window.harness.get_by_label("Export").click();
    window.step();
    assert!(window.says(&format!("Last exported to {}", folder.path().display())));
}

fn saved_profile(window: &mut Window, folder: &Path) -> PathBuf {
    let path = folder.join("saved.json");
    export(window, Export::Profile(Format::Json), &path);
    path
}

#[test]
fn a_saved_profile_opens_its_design_and_is_pinned_as_a() {
    let folder = tempfile::tempdir().unwrap();
    let mut window = Window::open();
    window.wait("the latency", is_measured);
    let path = saved_profile(&mut window, folder.path());
    let saved = Profile::read(&path).unwrap();
    let latency = saved.measurement.as_ref().unwrap().whole;
    drop(window);

    let mut other = setup(None);
    other.design = zoo::preset("mobilenet-v2-x1.0");
    other.options.batch = 2;
    other.launcher.program = "no such program".into();
    let mut window = open(other);
    window.harness.state_mut().command(Command::Open(path.clone()));
    window.wait("the design", |app| app.document().pinned.is_some());
    window.step();
    let document = window.app().document();
    assert_eq!(*document.draft(), small());
    assert!(!document.is_modified());
    assert_eq!(document.file(), None, "saving must not write a design over the profile");
    assert_eq!(document.options().batch, 1, "the batch is the file's");
    let pinned = document.pinned.as_ref().unwrap();
    assert_eq!(pinned.totals, saved.cost.total);
    assert_eq!(pinned.latency, Some((latency, 1)));
    assert!(pinned.about().contains("its latency comes from the file saved.json"));
    assert!(window.says("comes from the file"), "the notice says so");
    assert!(window.says("from the file saved.json"), "and so does the latency's card");
    assert!(window.says("±0 % vs A"), "the same design costs the same");

    window.harness.get_by_label("Undo").click();
    window.step();
    assert_eq!(window.app().document().draft().name, "mobilenet-v2-x1.0");
    assert_eq!(window.app().document().history().undoes(), None, "opening is one step");
}

#[test]
fn a_saved_profile_is_opened_by_dropping_it_with_or_without_a_latency() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("costs.json");
    let design = zoo::preset("shufflenet-v2-x1.5").unwrap();
    Profile::new(&design, Batch(1), None).unwrap().export(Format::Json, &path).unwrap();
    let mut window = open(without_worker(None));
    window.drop_files([path]);
    window.wait("the design", |app| app.document().draft().name == "shufflenet-v2-x1.5");
    window.step();
    assert_eq!(window.app().document().pinned.as_ref().unwrap().latency, None);
    assert!(window.says("the file holds no latency"));
}

#[test]
fn what_is_no_profile_is_refused_with_a_reason_and_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let mut window = open(without_worker(None));
    let before = window.app().document().draft().clone();
    let files = [
        ("text.json", "not json", "not a profile"),
        ("other.json", "{\"a\": 1}", "only a profile (JSON) opens again"),
        ("newer.json", "{\"schema\": 999}", "newer ShuffleScope"),
        ("empty.json", "{\"schema\": 1}", "missing field"),
    ];
    for (name, text, reason) in files {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        window.harness.state_mut().command(Command::Dismiss);
        window.step();
        window.harness.state_mut().command(Command::Open(path));
        window.wait("the reason", |app| app.notice().is_some_and(|notice| notice.is_error));
        let said = &window.app().notice().unwrap().text;
        assert!(said.starts_with("Not opened.") && said.contains(name) && said.contains(reason), "{said}");
    }
    assert_eq!(*window.app().document().draft(), before);
    assert!(window.app().document().pinned.is_none());
}

#[test]
fn while_the_design_is_not_valid_the_last_valid_one_is_exported_and_the_menu_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.json");
    let mut window = open(without_worker(None));
    let mut broken = small();
    broken.stages[0].channels = 0;
    window.harness.state_mut().command(Command::Edit(Edit::Replace(Box::new(broken))));
    window.step();
    export(&mut window, Export::Profile(Format::Json), &path);
    assert_eq!(Profile::read(&path).unwrap().cost, window.app().document().valid().cost);
    window.harness.get_by_label("Export").click();
    window.step();
    assert!(window.says("exports are of the last valid network"));
}

/// The small network as an ONNX file.
fn onnx(folder: &Path) -> PathBuf {
    let path = folder.join("other.onnx");
    let graph = lower(&small(), Batch(1)).unwrap();
    write_onnx(&graph, &Weights::seeded(&graph, 1), BatchNorm::Keep, &path).unwrap();
    path
}

#[test]
fn an_onnx_file_is_opened_costed_measured_exported_and_left_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = onnx(folder.path());
    let mut window = Window::open();
    let design = window.app().document().draft().clone();
    let cost = window.app().document().valid().cost.total.clone();
    window.harness.get_by_label("width 2.0").click();
    window.step();
    let edited = window.app().document().draft().clone();

    window.harness.state_mut().command(Command::Open(path.clone()));
    window.wait("the model", |app| app.document().fixed().is_some());
    window.step();
    window.harness.check_accessibility();
    assert_eq!(window.app().document().valid().cost.total, cost, "it is the network that was exported");
    assert!(window.says("there is nothing to edit") && window.says("other.onnx"));
    assert!(window.harness.query_by_label("stage2 channels").is_none());
    window.wait("its latency", is_measured);
    let measured = window.app().live().current().unwrap();
    assert_eq!(measured.design, window.app().document().valid().model.fingerprint());

    window.harness.get_by_label("Pin as A").click();
    window.step();
    for view in View::ALL {
        window.harness.get_by_label(&format!("{} view", view.name())).click();
        window.step();
    }
    let again = folder.path().join("again.onnx");
    let said = export(&mut window, Export::Onnx, &again);
    assert!(!said.contains("random"), "{said}");
    assert_eq!(ModelFile::open(&again).unwrap().weights().unwrap(), ModelFile::open(&path).unwrap().weights().unwrap());
    window.harness.get_by_label("Save").click();
    window.step();
    assert!(window.says("is a graph and not a design"));

    window.harness.state_mut().command(Command::Edit(Edit::Input(InputSize::square(64))));
    window.step();
    assert!(window.says("made for an input of 32x32"), "its shuffles are reshapes to fixed sizes");
    assert_eq!(window.app().document().valid().cost.total, cost, "the last valid network stays");
    window.harness.get_by_label("Back to the design").click();
    window.step();
    assert_eq!(*window.app().document().draft(), edited, "the edits are still there");
    assert_eq!(window.app().document().pinned.as_ref().unwrap().name, "other");
    window.harness.get_by_label("Undo").click();
    window.step();
    assert_eq!(*window.app().document().draft(), design);
}

#[test]
fn a_network_that_is_no_design_is_chosen_and_an_input_that_does_not_fit_is_an_error_beside_it() {
    let mut window = open(without_worker(None));
    let alexnet = zoo::network("alexnet").unwrap();
    window.harness.state_mut().command(Command::OpenModel(Box::new(alexnet.into())));
    window.step();
    assert_eq!(window.app().document().valid().cost.total.params.0, 61_100_840);
    window.harness.state_mut().command(Command::Edit(Edit::Input(InputSize::square(40))));
    window.step();
    assert!(window.says("does not fit an input of 40x40"));
    assert_eq!(window.app().document().valid().model.input(), alexnet.input, "the last valid network stays");
    window.harness.get_by_label("Undo this").click();
    window.step();
    assert!(window.app().document().errors().is_empty());
    assert_eq!(window.app().document().name(), "alexnet");
    window.harness.get_by_label("Undo").click();
    window.step();
    assert_eq!(window.app().document().fixed(), None);
    window.harness.state_mut().command(Command::OpenModel(Box::new(alexnet.into())));
    window.harness.state_mut().command(Command::Edit(Edit::Replace(Box::new(small()))));
    window.step();
    assert_eq!((window.app().document().fixed(), window.app().document().draft().input), (None, small().input));
}

#[test]
fn a_profile_of_an_onnx_file_opens_with_the_network_and_without_it_when_the_file_is_gone() {
    let folder = tempfile::tempdir().unwrap();
    let path = onnx(folder.path());
    let saved = folder.path().join("saved.json");
    let profile = Profile::new(ModelFile::open(&path).unwrap(), Batch(1), None).unwrap();
    profile.export(Format::Json, &saved).unwrap();
    let mut window = open(without_worker(None));
    window.harness.state_mut().command(Command::Open(saved.clone()));
    window.wait("the profile", |app| app.document().pinned.is_some());
    assert_eq!(window.app().document().name(), "other");
    assert_eq!(window.app().document().valid().cost, profile.cost);

    std::fs::remove_file(&path).unwrap();
    let mut window = open(without_worker(None));
    window.harness.state_mut().command(Command::Open(saved));
    window.wait("the profile", |app| app.document().pinned.is_some());
    window.step();
    assert!(window.says("cannot be shown") && window.says("other.onnx"));
    let document = window.app().document();
    assert_eq!((document.fixed(), document.name()), (None, small().name.as_str()), "the design is left alone");
    assert_eq!(document.pinned.as_ref().unwrap().totals, profile.cost.total);
}

#[test]
fn what_an_onnx_file_has_that_is_not_supported_is_listed() {
    let folder = tempfile::tempdir().unwrap();
    let path = onnx(folder.path());
    let mut bytes = std::fs::read(&path).unwrap();
    let mut changed = 0;
    for at in 0..bytes.len() - 4 {
        if bytes[at..].starts_with(b"Relu") {
            bytes[at..at + 4].copy_from_slice(b"Sinh");
            changed += 1;
        }
    }
    assert!(changed > 1);
    std::fs::write(&path, bytes).unwrap();
    let mut window = open(without_worker(None));
    window.harness.state_mut().command(Command::Open(path));
    window.wait("the reason", |app| app.notice().is_some());
    let notice = window.app().notice().unwrap();
    assert!(
        notice.is_error && notice.text.contains("Sinh (") && notice.text.contains("first `conv1.2`"),
        "{}",
        notice.text
    );
    assert_eq!(window.app().document().fixed(), None);
}
