//! The camera tab, driven through its accessible controls: drawn and stored pictures, no camera, no network.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::Path;
use std::sync::Arc;

use crate::support::{ScriptedDialogs, Window, setup, small};
use egui_kittest::kittest::{NodeT, Queryable};
use shufflescope::camera::{CaptureState, Generation, SourceError};
use shufflescope::weights_store::{Published, Server, folder_in};
use shufflescope::window::{App, CameraCommand, Command, Fit, Phase, Recording, Setup, Tab, Trained, WeightsChoice};
use shufflescope_engine::design::{Batch, Design, Edit, InputSize};
use shufflescope_engine::graph::lower;
use shufflescope_engine::report::Profile;
use shufflescope_engine::training::{demo_accuracy, demo_at};
use shufflescope_engine::weights::{Weights, save_safetensors};

/// The camera tab of the small network; nothing is measured unless a test wants it.
fn open(data_folder: Option<&Path>) -> Window {
    let mut start = setup(data_folder);
    start.launcher.program = "no such program".into();
    opened(start)
}

fn opened(start: Setup) -> Window {
    let mut window = Window::with(start, [1440.0, 900.0], egui::Theme::Dark);
    window.harness.get_by_label("Camera tab").click();
    window.step();
    assert_eq!(window.app().tab(), Tab::Camera);
    window
}

/// Chooses a kind of source by its name in the list.
fn choose(window: &mut Window, kind: &str) {
    window.harness.get_by_label("camera source").click();
    window.step();
    window.harness.get_by_role_and_label(egui::Role::Button, kind).click();
    window.step();
}

fn start(window: &mut Window) {
    // What is found moves the button, also from under the pointer.
    window.wait("what cameras there are", |app| app.camera().sources().cameras().is_some());
    window.harness.get_by_label("Start camera").click();
    window.step();
    assert!(window.app().camera().is_running());
}

/// The drawn scene with the small network on it.
fn start_synthetic(window: &mut Window) {
    choose(window, "Synthetic scene");
    start(window);
    window.wait("the first times of the network", is_timed);
    window.step();
}

fn is_timed(app: &App) -> bool {
    app.camera().report().is_some_and(|report| report.statistics.stages.infer.is_some())
}

/// Whether the newest frame was answered by the network in hand.
fn is_answered(app: &App) -> bool {
    app.camera().frame().is_some_and(|frame| app.camera().is_current(frame) && frame.head.top.is_some())
}

fn carry_out(window: &mut Window, command: CameraCommand) {
    window.harness.state_mut().command(Command::Camera(command));
    window.step();
}

/// Seeded weights in a file; a test may look at how answers are shown, and not at what they are.
fn save(design: &Design, path: &Path) {
    save_safetensors(&Weights::seeded(&lower(design, Batch(1)).unwrap(), 1), path).unwrap();
}

#[test]
fn the_scene_is_shown_and_timed_and_without_trained_weights_nothing_is_predicted() {
    let mut window = open(None);
    start_synthetic(&mut window);
    assert!(window.says("camera preview: a picture of 640x480"));
    assert!(window.says("No trained weights fit this design: predictions are not shown."));
    assert!(!window.says("answer 1"), "no label is made up");
    window.wait("what is painted", |app| {
        app.camera().report().is_some_and(|report| report.statistics.stages.show.is_some())
    });
    window.step();
    let statistics = window.app().camera().report().unwrap().statistics;
    assert!(statistics.age.is_some() && statistics.stages.show.is_some(), "what is painted counts as shown");
    for stage in ["wait ", "decode ", "resize ", "infer ", "show ", "age "] {
        assert!(window.texts().iter().any(|text| text.starts_with(stage) && text.contains('s')), "{stage}");
    }
    window.harness.check_accessibility();
}

#[test]
fn another_width_is_another_network_on_the_next_frames() {
    let mut window = open(None);
    start_synthetic(&mut window);
    window.wait("an answer", |app| app.camera().frame().is_some_and(|frame| app.camera().is_current(frame)));
    let before: Generation = window.app().camera().frame().unwrap().head.generation;
    window.harness.get_by_label("width 1.0").click();
    window.step();
    window.wait("the wider network", |app| {
        app.camera().frame().is_some_and(|frame| frame.head.generation > before && app.camera().is_current(frame))
    });
    window.wait("its times", is_timed);
}

#[test]
fn weights_from_a_file_answer_where_they_fit_and_say_what_differs_where_not() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("mine.safetensors");
    save(&small().apply(&Edit::Classes(7)), &path);
    let mut window = open(None);
    carry_out(&mut window, CameraCommand::Use(WeightsChoice::Only(Trained::File(path))));
    start_synthetic(&mut window);
    window.wait("an answer", is_answered);
    window.step();
    assert!(window.says("mine.safetensors, 7 classes") && window.says("Open a list of labels"));
    let answers = window.texts().into_iter().filter(|text| text.starts_with("answer ") && text.contains("class "));
    assert_eq!(answers.count(), 5);

    let labels = folder.path().join("labels.txt");
    std::fs::write(&labels, "a\nb\nc\nd\ne\nf\nlast one\n").unwrap();
    carry_out(&mut window, CameraCommand::Labels(Some(labels)));
    window.wait("an answer with names", |app| {
        is_answered(app)
            && app
                .camera()
                .frame()
                .unwrap()
                .head
                .top
                .as_ref()
                .unwrap()
                .as_ref()
                .is_ok_and(|top| top.iter().all(|class| class.label.len() == 1 || class.label == "last one"))
    });

    window.harness.get_by_label("width 1.0").click();
    window.harness.step();
    assert!(!window.says("answer 1"), "what the network before said is gone at once");
    window.wait("the look at the weights", |app| matches!(app.camera().fit(), Some(Fit::TimeOnly { .. })));
    window.step();
    assert!(window.says("mine.safetensors do not fit this design") && window.says("the design has ["));
    window.harness.get_by_label("Show shufflenet-v2-x0.5").click();
    window.wait("the answers again", is_answered);
}

#[test]
fn the_demo_works_at_the_first_start_and_ends_with_another_design() {
    let mut window = open(None);
    start_synthetic(&mut window);
    window.harness.get_by_label("Try the demo").click();
    window.wait("an answer", is_answered);
    window.step();
    assert!(window.says("demo shapes, 12 classes") && window.says("answer 1: "));
    let labels: Vec<&str> = shufflescope_engine::classify::demo::labels().collect();
    let frame = window.app().camera().frame().unwrap();
    let top = frame.head.top.as_ref().unwrap().as_ref().unwrap();
    assert!(top.iter().all(|class| labels[class.index] == class.label), "{top:?}");
    window.harness.get_by_label("Undo").click();
    window.wait("no fitting weights", |app| matches!(app.camera().fit(), Some(Fit::TimeOnly { .. })));
    window.step();
    assert!(!window.says("answer 1: "));
    window.harness.get_by_label("Show the design of demo shapes").click();
    window.wait("the answers again", is_answered);
}

#[test]
fn the_demo_s_width_is_dragged_and_answers_latency_and_accuracy_follow() {
    let mut window = open(None);
    start_synthetic(&mut window);
    window.harness.get_by_label("Try the demo").click();
    window.wait("an answer", is_answered);
    window.step();
    let said = |width: f64| format!("accuracy {}", demo_accuracy(width).unwrap().in_full());
    assert!(window.says(&said(1.0)));
    let before = window.app().document().draft().clone();
    let slider = window.harness.get_by_role_and_label(egui::Role::Slider, "demo width").rect();
    let at = |share: f32| egui::pos2(slider.left() + slider.width() * share, slider.center().y);
    window.harness.drag_at(at(0.5));
    window.harness.step();
    let mut widths = std::collections::BTreeSet::new();
    for step in 0..=20 {
        window.harness.hover_at(at(0.5 - 0.02 * step as f32));
        window.harness.step();
        let width = demo_at::width_of(window.app().document().valid().model.design().unwrap()).unwrap();
        widths.insert((32.0 * width) as u32);
    }
    window.harness.drop_at(at(0.1));
    window.step();
    assert!(widths.len() > 8, "the network changes while dragging: {widths:?}");
    window.wait("the narrower network's answer", is_answered);
    window.wait("its latency", is_timed);
    assert!(matches!(window.app().camera().fit(), Some(Fit::Predicts { classes: 12, .. })));
    window.harness.key_press_modifiers(egui::Modifiers::COMMAND, egui::Key::Z);
    window.step();
    let width = demo_at::width_of(window.app().document().valid().model.design().unwrap());
    assert_eq!(*window.app().document().draft(), before, "the whole drag is one step back: {width:?}");
    // The marked widths have a measured accuracy each.
    window.harness.get_by_role_and_label(egui::Role::RadioButton, "demo width 0.25").click_accesskit();
    window.wait("the narrowest network's answer", is_answered);
    window.wait("its latency", is_timed);
    window.step();
    assert!(window.says(&said(0.25)) && !window.says(&said(1.0)));
}

#[test]
fn a_folder_is_shown_and_a_missing_one_is_an_error_that_a_folder_put_there_ends() {
    let folder = tempfile::tempdir().unwrap();
    let pictures = folder.path().join("pictures");
    let mut window = open(None);
    choose(&mut window, "Picture files");
    assert!(window.harness.get_by_label("Start camera").accesskit_node().is_disabled());
    window.harness.get_by_label("picture path").focus();
    window.step();
    window.harness.event(egui::Event::Text(pictures.display().to_string()));
    window.step();
    start(&mut window);
    window.wait("the error", |app| {
        app.camera().report().is_some_and(|report| {
            matches!(&report.status.state, CaptureState::Retrying { error: SourceError::Unreadable { .. }, .. })
        })
    });
    window.step();
    assert!(window.says("cannot be read") && window.says("It is tried again by itself."));

    std::fs::create_dir(&pictures).unwrap();
    image::RgbImage::from_pixel(30, 20, image::Rgb([200, 40, 40])).save(pictures.join("red.png")).unwrap();
    window.wait("the picture", |app| app.camera().frame().is_some());
    window.step();
    assert!(window.says("camera preview: a picture of 30x20"));

    let snapshot = folder.path().join("snapshot.png");
    carry_out(&mut window, CameraCommand::Snapshot(snapshot.clone()));
    window.wait("the snapshot", |app| app.notice().is_some_and(|notice| notice.text.contains("saved to")));
    assert_eq!(image::open(&snapshot).unwrap().into_rgb8().get_pixel(3, 3).0, [200, 40, 40]);

    // What it saw last is not what it sees.
    std::fs::remove_dir_all(&pictures).unwrap();
    window.wait("the age", |app| app.camera().outdated().is_some());
    window.step();
    assert!(window.says("This picture is ") && window.says("cannot be read"));
}

#[test]
fn a_worker_that_is_killed_is_told_with_what_to_do_and_start_begins_a_fresh_one() {
    let mut window = open(None);
    start_synthetic(&mut window);
    let before = window.app().camera().worker_id().unwrap();
    crate::support::kill(before);
    window.wait("the loss", |app| app.camera().problem().is_some());
    window.step();
    assert!(window.says("The camera's process was lost") && window.says("Start begins a fresh one"));
    assert!(!window.app().camera().is_running() && window.app().camera().frame().is_none(), "no last frame is shown");
    start(&mut window);
    window.wait("the times of the second start", is_timed);
    window.step();
    assert_ne!(window.app().camera().worker_id(), Some(before));
    assert!(!window.says("The camera's process was lost"));
}

#[test]
fn a_snapshot_has_the_pixels_that_were_captured_and_not_those_of_the_preview() {
    let folder = tempfile::tempdir().unwrap();
    let (picture, snapshot) = (folder.path().join("large.png"), folder.path().join("snapshot.png"));
    let pixel = |x: u32, y: u32| image::Rgb([(x % 251) as u8, (y % 241) as u8, 7]);
    image::RgbImage::from_fn(1500, 900, pixel).save(&picture).unwrap();
    let mut window = open(None);
    let source = shufflescope::camera::SourceSpec::Pictures(picture);
    carry_out(&mut window, CameraCommand::Start(source, shufflescope::camera::Resolution::DEFAULT));
    window.wait("the picture", |app| app.camera().frame().is_some());
    let preview = &window.app().camera().frame().unwrap().picture;
    assert_eq!((preview.width(), preview.height()), (500, 300));
    carry_out(&mut window, CameraCommand::Snapshot(snapshot.clone()));
    window.wait("the snapshot", |app| app.notice().is_some_and(|notice| notice.text.contains("saved to")));
    let saved = image::open(&snapshot).unwrap().into_rgb8();
    assert_eq!((saved.dimensions(), *saved.get_pixel(1000, 800)), ((1500, 900), pixel(1000, 800)));
}

#[test]
fn a_worker_that_cannot_be_started_is_an_error_and_the_window_lives() {
    let mut begin = setup(None);
    begin.launcher.program = "no such program".into();
    begin.camera_launcher.program = "no such camera program".into();
    let mut window = opened(begin);
    window.wait("the problem", |app| app.camera().problem().is_some());
    window.wait("the look for cameras", |app| app.camera().sources().problem().is_some());
    window.step();
    assert!(window.says("no such camera program cannot be started") && window.says("Cameras could not be looked for"));
    window.harness.get_by_label("Design tab").click();
    window.step();
    assert_eq!(window.app().tab(), Tab::Design);
}

#[test]
fn an_address_that_is_none_cannot_be_started_and_says_why() {
    let mut window = open(None);
    choose(&mut window, "Network camera");
    for (typed, said) in [("https://a/b", "http://"), ("synthetic", "begin with http://")] {
        window.harness.get_by_label("camera address").focus();
        window.step();
        window.harness.key_press_modifiers(egui::Modifiers::COMMAND, egui::Key::A);
        window.harness.event(egui::Event::Text(typed.into()));
        window.step();
        assert!(window.says(said), "{typed}");
        assert!(window.harness.get_by_label("Start camera").accesskit_node().is_disabled());
    }
}

#[test]
fn the_camera_is_closed_when_it_is_stopped_and_when_the_tab_is_left() {
    let mut window = open(None);
    start_synthetic(&mut window);
    window.harness.get_by_label("Stop camera").click();
    window.step();
    assert!(!window.app().camera().is_running());
    start(&mut window);
    window.wait("a picture of the second start", |app| app.camera().frame().is_some());
    window.harness.get_by_label("Design tab").click();
    window.step();
    assert!(!window.app().camera().is_running());
}

#[test]
fn measuring_waits_while_the_camera_runs_and_goes_on_afterwards() {
    let mut window = opened(setup(None));
    start_synthetic(&mut window);
    window.harness.get_by_label("width 1.0").click();
    window.step();
    assert!(window.app().live().is_held() && *window.app().live().phase() == Phase::Resting);
    assert!(window.says("paused while the camera runs"), "the status bar tells why");
    assert!(window.app().live().current().is_none());
    window.harness.get_by_label("Stop camera").click();
    window.wait("the latency", |app| app.live().current().is_some());
    window.step();
    assert!(window.texts().iter().any(|text| text.starts_with("back to back ") && text.contains('s')));
}

#[test]
fn a_recorded_run_is_in_the_exported_profile_of_its_design_only() {
    let folder = tempfile::tempdir().unwrap();
    let dialogs = ScriptedDialogs::default();
    let mut setup = setup(None);
    setup.launcher.program = "no such program".into();
    setup.dialogs = Arc::new(dialogs.clone());
    let mut window = opened(setup);
    start_synthetic(&mut window);
    window.wait("the network", |app| app.camera().frame().is_some_and(|frame| app.camera().is_current(frame)));
    window.step();
    window.harness.get_by_label("Record run").click();
    window.wait("the recording", |app| matches!(app.camera().recording(), Some(Recording::Done { .. })));
    window.step();
    assert!(window.says("Recorded "));
    let export = |window: &mut Window, name: &str| {
        let path = folder.path().join(name);
        window.harness.state_mut().command(Command::Dismiss);
        window.step();
        let what = shufflescope::window::Export::Profile(shufflescope_engine::report::Format::Json);
        window.harness.state_mut().command(Command::Export(what, path.clone()));
        window.wait("the export", |app| app.notice().is_some());
        Profile::read(&path).unwrap()
    };
    let run = export(&mut window, "a.json").camera.unwrap();
    assert!(run.frames > 1 && run.infer.p50 <= run.infer.p90 && run.source == "synthetic");
    assert_eq!((run.width, run.height), (640, 480));
    // As every other result: by itself, through a dialog.
    for (form, name) in [("Markdown", "run.md"), ("JSON", "run.json")] {
        window.harness.state_mut().command(Command::Dismiss);
        window.step();
        dialogs.choose(folder.path().join(name));
        window.harness.get_by_label(&format!("Export run as {form}")).click();
        window.step();
        window.wait("the run's export", |app| app.notice().is_some());
    }
    let text = std::fs::read_to_string(folder.path().join("run.md")).unwrap();
    assert!(text.contains("synthetic at 640x480") && text.contains("| infer | ") && text.contains("batch 1"), "{text}");
    let json: serde_json::Value =
        serde_json::from_slice(&std::fs::read(folder.path().join("run.json")).unwrap()).unwrap();
    assert_eq!(json["run"]["frames"], run.frames);
    assert_eq!((&json["network"], &json["options"]["batch"]), (&"shufflenet-v2-x0.5".into(), &1.into()));
    // The menu of everything has it too, while it is of what is shown.
    window.harness.state_mut().command(Command::Dismiss);
    dialogs.choose(folder.path().join("menu.md"));
    window.harness.get_by_label("Export").click();
    window.step();
    window.harness.get_by_label("Export camera run (Markdown)").click();
    window.wait("the run's export", |app| app.notice().is_some());
    assert_eq!(std::fs::read_to_string(folder.path().join("menu.md")).unwrap(), text);
    window.harness.state_mut().command(Command::Dismiss);
    window.harness.get_by_label("width 1.0").click();
    window.step();
    assert!(export(&mut window, "b.json").camera.is_none(), "another design has no run");
    window.harness.get_by_label("Export").click();
    window.step();
    assert!(window.harness.get_by_label("Export camera run (JSON)").accesskit_node().is_disabled());
    assert!(window.says("The recorded camera run is of another design."));
}

#[test]
fn a_download_that_fails_says_why_and_can_be_stopped_and_gone_on_with() {
    // Sends ten bytes of many and then nothing.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        let mut open = Vec::new();
        for stream in listener.incoming().flatten() {
            let mut stream = stream;
            let _ = stream.read(&mut [0; 1000]);
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n0123456789");
            open.push(stream);
        }
    });
    let folder = tempfile::tempdir().unwrap();
    let mut start = setup(Some(folder.path()));
    start.launcher.program = "no such program".into();
    start.weights_server = Server { base_url: format!("http://{address}/"), ..start.weights_server };
    start.weights_server.patience = std::time::Duration::from_millis(300);
    let mut window = opened(start);
    window.wait("the offers", |app| !app.camera().offers().is_empty());
    window.step();
    window.harness.get_by_label("Download shufflenet-v2-x0.5").click();
    window.wait("some bytes", |app| {
        let progress = app.camera().download().and_then(|download| download.progress());
        progress.is_some_and(|progress| progress.received.0 == 10)
    });
    window.step();
    if let Some(cancel) = window.harness.query_by_label("Cancel download") {
        cancel.click();
    }
    window.wait("its end", |app| app.camera().download().is_some_and(|download| !download.is_running()));
    window.step();
    assert!(window.harness.query_by_label("Resume shufflenet-v2-x0.5").is_some());
    let part = folder_in(folder.path()).join(Published::find("shufflenet-v2-x0.5").unwrap().file.to_owned() + ".part");
    assert_eq!(std::fs::read(part).unwrap(), b"0123456789");
}

#[test]
fn the_tab_fits_the_smallest_window_in_both_themes() {
    for theme in [egui::Theme::Dark, egui::Theme::Light] {
        let mut start = setup(None);
        start.launcher.program = "no such program".into();
        let size = [1000.0, 640.0];
        let mut window = Window::with(start, size, theme);
        window.harness.get_by_label("Camera tab").click();
        window.step();
        for name in ["Start camera", "Snapshot", "Record run", "Smooth answers", "camera source"] {
            let rect = window.harness.get_by_label(name).rect();
            assert!(egui::Rect::from_min_size(egui::Pos2::ZERO, size.into()).contains_rect(rect), "{name}: {rect}");
        }
    }
}

#[test]
fn a_wide_picture_keeps_its_shape_and_the_network_its_input() {
    let folder = tempfile::tempdir().unwrap();
    let picture = folder.path().join("wide.png");
    image::RgbImage::from_pixel(3000, 100, image::Rgb([9, 9, 9])).save(&picture).unwrap();
    let mut window = open(None);
    window.harness.state_mut().command(Command::Edit(Edit::Input(InputSize::square(48))));
    let source = shufflescope::camera::SourceSpec::Pictures(picture);
    let size = shufflescope::camera::Resolution::DEFAULT;
    carry_out(&mut window, CameraCommand::Start(source, size));
    window.wait("the times", is_timed);
    window.step();
    assert!(window.says("camera preview: a picture of 3000x100"));
}
