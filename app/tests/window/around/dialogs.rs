//! Files that are asked for: what the dialog is told, and what follows when a file is chosen, when a person thinks better of
//! it, when the desktop has no dialogs, and when the file cannot be read or written.

use std::path::Path;
use std::sync::Arc;

use shufflescope::window::{Command, Reply, Setup, Wanted};
use shufflescope_engine::design::Design;

use super::{click, give, quiet, show};
use crate::support::{ScriptedDialogs, Window, design_file, small};

/// Where files are asked for, and what is said when one comes to nothing.
const ASKS: [(&[&str], &str); 3] =
    [(&["Open"], "Not opened."), (&["Save"], "Not saved."), (&["Export", "Export ONNX model"], "Not exported.")];

fn with(dialogs: &ScriptedDialogs) -> Window {
    show(Setup { dialogs: Arc::new(dialogs.clone()), ..quiet(None) })
}

fn ask(window: &mut Window, buttons: &[&str]) {
    buttons.iter().for_each(|button| click(window, button));
}

fn files(folder: &Path) -> Vec<String> {
    let all = std::fs::read_dir(folder).unwrap();
    let mut names: Vec<_> = all.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn a_file_that_is_chosen_is_saved_exported_and_opened_and_the_dialog_knows_what_for() {
    let folder = tempfile::tempdir().unwrap();
    let dialogs = ScriptedDialogs::default();
    let mut window = with(&dialogs);
    dialogs.choose(folder.path().join("mine"));
    ask(&mut window, ASKS[1].0);
    window.wait("the save", |app| app.document().file().is_some());
    assert_eq!(Design::read(&folder.path().join("mine.toml")).unwrap(), small(), "the ending is added");
    dialogs.choose(folder.path().join("net"));
    ask(&mut window, ASKS[2].0);
    window.wait("the export", |app| app.notice().is_some_and(|notice| notice.text.starts_with("Exported to")));
    assert_eq!(files(folder.path()), ["mine.toml", "net.onnx"]);
    dialogs.choose(design_file(folder.path(), "other"));
    ask(&mut window, ASKS[0].0);
    window.wait("the design", |app| app.document().name() == "other");

    let asked = dialogs.asked();
    let wanted: Vec<_> = asked.iter().map(|question| (question.wanted.clone(), question.filter.1.clone())).collect();
    let new = |ending: &'static str| (Wanted::NewFile(format!("{}.{ending}", small().name)), vec![ending]);
    assert_eq!(wanted, [new("toml"), new("onnx"), (Wanted::File, vec!["toml", "json", "onnx"])]);
    assert!(asked.iter().all(|question| !question.title.is_empty()), "{asked:?}");
}

#[test]
fn a_dialog_that_is_cancelled_changes_nothing_and_says_nothing() {
    let dialogs = ScriptedDialogs::default();
    let mut window = with(&dialogs);
    for (index, (buttons, _)) in ASKS.into_iter().enumerate() {
        dialogs.reply(Reply::Cancelled);
        ask(&mut window, buttons);
        (0..3).for_each(|_| window.step());
        assert_eq!(dialogs.asked().len(), index + 1, "{buttons:?}");
        assert!(window.app().notice().is_none(), "{buttons:?}: {:?}", window.app().notice());
        assert_eq!((window.app().document().draft(), window.app().document().file()), (&small(), None));
    }
}

#[test]
fn a_desktop_without_dialogs_is_told_with_the_ways_around_it() {
    let dialogs = ScriptedDialogs::default();
    let mut window = with(&dialogs);
    for (buttons, _) in ASKS {
        dialogs.reply(Reply::NoDialog);
        ask(&mut window, buttons);
        window.wait("the news", |app| app.notice().is_some());
        window.step();
        assert!(window.says("drop a file onto the window") && window.says("`shufflescope export`"), "{buttons:?}");
        give(&mut window, Command::DismissAll);
        assert!(window.app().notice().is_none());
    }
}

#[test]
fn a_file_that_cannot_be_read_or_written_is_told_and_the_design_stays() {
    let folder = tempfile::tempdir().unwrap();
    let dialogs = ScriptedDialogs::default();
    let mut window = with(&dialogs);
    for (buttons, said) in ASKS {
        let path = folder.path().join("missing").join("a.toml");
        dialogs.choose(path.clone());
        ask(&mut window, buttons);
        window.wait("the reason", |app| app.notice().is_some_and(|notice| notice.is_error));
        let notice = window.app().notice().unwrap().text.clone();
        assert!(notice.starts_with(said) && notice.contains("missing"), "{buttons:?}: {notice}");
        window.step();
        give(&mut window, Command::DismissAll);
        assert_eq!((window.app().document().draft(), window.app().document().file()), (&small(), None));
    }
    assert!(files(folder.path()).is_empty());
    window.harness.check_accessibility();
}
