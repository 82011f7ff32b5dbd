//! The files that were open lately, and the one that the window is started with.

use std::sync::Arc;

use shufflescope::window::{Command, Setup};
use shufflescope_engine::design::Edit;

use super::{click, give, open, quiet, show};
use crate::support::{ScriptedDialogs, design_file};

#[test]
fn files_that_were_opened_or_saved_are_there_at_the_next_start_the_newest_first() {
    let (data, folder) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (a, b, c) = (design_file(folder.path(), "a"), design_file(folder.path(), "b"), folder.path().join("c.toml"));
    let dialogs = ScriptedDialogs::default();
    let mut window = show(Setup { dialogs: Arc::new(dialogs.clone()), ..quiet(Some(data.path())) });
    open(&mut window, &a);
    open(&mut window, &b);
    dialogs.choose(&c);
    give(&mut window, Command::SaveAs);
    window.wait("the save", |app| app.recent().files().len() == 3);
    window.close();

    let mut window = show(quiet(Some(data.path())));
    assert_eq!(window.app().recent().files(), [c.clone(), b.clone(), a.clone()]);
    click(&mut window, "Menu");
    click(&mut window, "File menu");
    click(&mut window, &format!("Recent file {}", a.display()));
    window.wait("the design", |app| app.document().name() == "a");
    assert_eq!(window.app().recent().files(), [a, c, b]);
}

#[test]
fn a_file_that_is_gone_says_so_and_can_be_taken_from_the_list() {
    let (data, folder) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (a, b) = (design_file(folder.path(), "a"), design_file(folder.path(), "b"));
    let mut window = show(quiet(Some(data.path())));
    open(&mut window, &a);
    open(&mut window, &b);
    std::fs::remove_file(&a).unwrap();
    click(&mut window, "Menu");
    click(&mut window, "File menu");
    window.wait("the look", |app| app.recent().is_missing(&a));
    window.step();
    click(&mut window, &format!("Recent file {}, missing", a.display()));
    window.wait("the reason", |app| app.notice().is_some_and(|notice| notice.text.contains("a.toml")));
    assert_eq!(window.app().document().name(), "b");

    click(&mut window, "Menu");
    click(&mut window, "File menu");
    click(&mut window, &format!("Forget {}", a.display()));
    assert_eq!(window.app().recent().files(), std::slice::from_ref(&b));
    std::fs::remove_file(&b).unwrap();
    give(&mut window, Command::LookForRecent);
    window.wait("the look", |app| app.recent().any_missing());
    give(&mut window, Command::ForgetMissing);
    window.close();
    assert!(show(quiet(Some(data.path()))).app().recent().files().is_empty());
}

#[test]
fn the_window_opens_with_the_file_that_it_was_started_with_and_leaves_the_draft_for_the_next_one() {
    let (data, folder) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let file = design_file(folder.path(), "named");
    let mut window = show(quiet(Some(data.path())));
    give(&mut window, Command::Edit(Edit::Classes(7)));
    window.close();

    let start = Setup { file: Some(file.clone()), design: None, ..quiet(Some(data.path())) };
    let mut window = show(start);
    window.wait("the file", |app| app.document().name() == "named");
    assert_eq!(window.app().document().file(), Some(file.as_path()));
    assert_eq!(window.app().asks(), None);
    window.close();
    // Of two drafts the newest goes first: the one that is not saved is behind it.
    let windows = [(); 2].map(|()| show(Setup { design: None, ..quiet(Some(data.path())) }));
    assert!(windows.iter().any(|window| window.app().document().draft().classes == 7));
}
