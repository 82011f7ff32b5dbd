//! The guard of unsaved work.

use std::path::Path;
use std::sync::Arc;

use egui::{ViewportCommand, ViewportEvent, ViewportId};
use egui_kittest::kittest::{NodeT, Queryable};
use shufflescope::window::{Command, Intent, Reply, Setup};
use shufflescope_engine::design::{Design, Edit};
use shufflescope_engine::zoo;

use super::{click, give, open, quiet, show};
use crate::support::{ScriptedDialogs, Window, design_file};

const ANSWERS: [&str; 3] = ["Save and go on", "Don't save", "Cancel and stay"];

/// A window with a design that its file does not hold.
fn edited(folder: &Path) -> Window {
    let mut window = show(quiet(None));
    open(&mut window, &design_file(folder, "a"));
    give(&mut window, Command::Edit(Edit::Classes(7)));
    window
}

/// A window with a design that no file holds.
fn without_file(dialogs: &ScriptedDialogs) -> Window {
    let mut window = show(Setup { dialogs: Arc::new(dialogs.clone()), ..quiet(None) });
    give(&mut window, Command::Edit(Edit::Classes(7)));
    window
}

/// Asks for the end as the system does; whether it was refused.
fn close(window: &mut Window) -> bool {
    let viewports = &mut window.harness.input_mut().viewports;
    viewports.entry(ViewportId::ROOT).or_default().events.push(ViewportEvent::Close);
    window.harness.step();
    let output = window.harness.output().viewport_output.get(&ViewportId::ROOT);
    let refused = output.unwrap().commands.iter().any(|command| matches!(command, ViewportCommand::CancelClose));
    window.step();
    refused
}

fn classes(window: &Window) -> u32 {
    window.app().document().draft().classes
}

#[test]
fn opening_another_file_asks_and_each_answer_does_what_it_says() {
    for answer in ANSWERS {
        let folder = tempfile::tempdir().unwrap();
        let other = design_file(folder.path(), "b");
        let mut window = edited(folder.path());
        give(&mut window, Command::Open(other.clone()));
        assert_eq!(window.app().asks(), Some(&Intent::Open(other)), "{answer}");
        assert!(window.says("Save `a` before b.toml is opened?"));
        window.harness.check_accessibility();
        click(&mut window, answer);
        assert_eq!(window.app().asks(), None);
        if answer == ANSWERS[2] {
            assert_eq!((window.app().document().name(), classes(&window)), ("a", 7));
        } else {
            window.wait("the other file", |app| app.document().name() == "b");
        }
        let saved = Design::read(&folder.path().join("a.toml")).unwrap().classes == 7;
        assert_eq!(saved, answer == ANSWERS[0], "{answer}");
    }
}

#[test]
fn a_new_design_asks_and_each_answer_does_what_it_says() {
    for answer in ANSWERS {
        let folder = tempfile::tempdir().unwrap();
        let mut window = edited(folder.path());
        give(&mut window, Command::New);
        assert_eq!(window.app().asks(), Some(&Intent::New));
        click(&mut window, answer);
        if answer == ANSWERS[2] {
            assert_eq!(classes(&window), 7);
        } else {
            window.wait("the new design", |app| app.document().name() == "shufflenet-v2-x1.0");
            assert_eq!(window.app().document().file(), None);
        }
        let saved = Design::read(&folder.path().join("a.toml")).unwrap().classes == 7;
        assert_eq!(saved, answer == ANSWERS[0], "{answer}");
    }
}

#[test]
fn closing_asks_and_each_answer_does_what_it_says() {
    for answer in ANSWERS {
        let folder = tempfile::tempdir().unwrap();
        let mut window = edited(folder.path());
        assert!(close(&mut window), "the window stays until it is answered");
        assert_eq!(window.app().asks(), Some(&Intent::Quit));
        click(&mut window, answer);
        if answer == ANSWERS[0] {
            window.wait("the save", |app| !app.document().is_modified());
        }
        assert_eq!(close(&mut window), answer == ANSWERS[2], "{answer}");
        let saved = Design::read(&folder.path().join("a.toml")).unwrap().classes == 7;
        assert_eq!(saved, answer == ANSWERS[0], "{answer}");
    }
}

#[test]
fn what_is_saved_is_not_asked_about() {
    let folder = tempfile::tempdir().unwrap();
    let mut window = show(quiet(None));
    open(&mut window, &design_file(folder.path(), "a"));
    open(&mut window, &design_file(folder.path(), "b"));
    give(&mut window, Command::New);
    assert_eq!((window.app().asks(), window.app().document().name()), (None, "shufflenet-v2-x1.0"));
    assert!(!close(&mut window));
}

#[test]
fn a_save_dialog_that_is_cancelled_or_missing_leaves_everything_as_it_is() {
    let dialogs = ScriptedDialogs::default();
    for reply in [Reply::Cancelled, Reply::NoDialog] {
        let mut window = without_file(&dialogs);
        dialogs.reply(reply);
        give(&mut window, Command::New);
        click(&mut window, "Save and go on");
        window.wait("the end of the dialog", |app| !app.waits_for_save());
        assert_eq!((window.app().asks(), classes(&window)), (None, 7));
        // A save of one's own later on does not bring back what was given up.
        let folder = tempfile::tempdir().unwrap();
        dialogs.choose(folder.path().join("mine.toml"));
        give(&mut window, Command::Save);
        window.wait("the save", |app| !app.document().is_modified());
        window.step();
        assert_eq!(classes(&window), 7);
    }
}

#[test]
fn a_save_that_fails_is_told_and_leaves_everything_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let dialogs = ScriptedDialogs::default();
    let mut window = without_file(&dialogs);
    dialogs.choose(folder.path().join("missing").join("a.toml"));
    close(&mut window);
    click(&mut window, "Save and go on");
    window.wait("the reason", |app| app.notice().is_some_and(|notice| notice.text.starts_with("Not saved.")));
    assert_eq!((window.app().asks(), classes(&window)), (None, 7));
    assert!(close(&mut window), "and the next end is asked about");
}

#[test]
fn a_save_that_is_chosen_goes_on_once_it_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let dialogs = ScriptedDialogs::default();
    let mut window = without_file(&dialogs);
    dialogs.choose(folder.path().join("mine"));
    give(&mut window, Command::New);
    click(&mut window, "Save and go on");
    window.wait("the new design", |app| app.document().name() == "shufflenet-v2-x1.0");
    assert_eq!(Design::read(&folder.path().join("mine.toml")).unwrap().classes, 7);
}

#[test]
fn a_design_that_is_not_valid_cannot_be_saved_first_and_says_why() {
    let mut window = show(quiet(None));
    give(&mut window, Command::Edit(Edit::Classes(0)));
    give(&mut window, Command::New);
    assert!(window.harness.get_by_label("Save and go on").accesskit_node().is_disabled());
    assert!(window.says("It cannot be saved, for it is not valid"));
    window.harness.key_press(egui::Key::Escape);
    window.step();
    assert_eq!((window.app().asks(), classes(&window)), (None, 0));
}

#[test]
fn a_model_takes_nothing_away_and_opens_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let mut window = edited(folder.path());
    give(&mut window, Command::Open(folder.path().join("missing.ONNX")));
    assert_eq!(window.app().asks(), None);
    window.wait("the reason", |app| app.notice().is_some_and(|notice| notice.text.contains("missing.ONNX")));
    assert_eq!(classes(&window), 7);
}

#[test]
fn a_design_behind_a_fixed_network_is_guarded_too() {
    let mut window = show(quiet(None));
    give(&mut window, Command::Edit(Edit::Classes(7)));
    let alexnet = zoo::network("alexnet").unwrap();
    give(&mut window, Command::OpenModel(Box::new(alexnet.into())));
    assert!(close(&mut window));
    assert!(window.says("Save `shufflenet-v2"));
}
