//! The user's work in the window: every save goes where it belongs, and what is not saved survives.

use std::path::Path;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};

use crate::support::{ScriptedDialogs, Window, design_file, setup, small};
use shufflescope::window::{App, Command, Dialogs, GuardAnswer, Pending, Question, Reply, Setup};
use shufflescope_engine::design::{Design, Edit};
use shufflescope_engine::zoo;

fn without_worker(data_folder: Option<&Path>) -> Setup {
    let mut start = setup(data_folder);
    start.launcher.program = "no such program".into();
    start
}

/// A window that shows what it has left.
fn again(data_folder: &Path) -> Window {
    show(Setup { design: None, ..without_worker(Some(data_folder)) })
}

fn show(start: Setup) -> Window {
    Window::with(start, [1440.0, 900.0], egui::Theme::Dark)
}

fn open(window: &mut Window, path: &Path) {
    let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
    command(window, Command::Open(path.into()));
    if window.app().asks().is_some() {
        // Undo leads back to what is not saved.
        command(window, Command::Answer(GuardAnswer::LetGo));
    }
    window.wait("the design", move |app| app.document().name() == name);
}

fn command(window: &mut Window, command: Command) {
    window.harness.state_mut().command(command);
    window.step();
}

fn press_save(window: &mut Window) {
    window.harness.key_press_modifiers(egui::Modifiers::COMMAND, egui::Key::S);
    window.step();
}

fn is_saved(app: &App) -> bool {
    !app.document().is_modified()
}

fn read(path: &Path) -> Design {
    Design::read(path).unwrap()
}

fn said(window: &Window) -> String {
    window.app().notice().map(|notice| notice.text.clone()).unwrap_or_default()
}

#[test]
fn after_undo_leads_back_to_another_document_it_is_saved_to_its_own_file() {
    let folder = tempfile::tempdir().unwrap();
    let (a, b) = (design_file(folder.path(), "a"), design_file(folder.path(), "b"));
    let mut window = show(without_worker(None));
    open(&mut window, &a);
    command(&mut window, Command::Edit(Edit::Classes(7)));
    open(&mut window, &b);
    command(&mut window, Command::Undo);
    assert_eq!(window.app().document().name(), "a");
    press_save(&mut window);
    window.wait("the save", is_saved);
    assert_eq!((read(&a).name.as_str(), read(&a).classes), ("a", 7));
    assert_eq!(read(&b).name, "b", "and B is as it was");
    command(&mut window, Command::Redo);
    assert_eq!(window.app().document().file(), Some(b.as_path()));
}

#[test]
fn a_preset_chosen_while_a_file_is_open_asks_where_to_be_saved() {
    let folder = tempfile::tempdir().unwrap();
    let mine = design_file(folder.path(), "mine");
    let dialogs = ScriptedDialogs::default();
    let mut window = show(Setup { dialogs: Arc::new(dialogs.clone()), ..without_worker(None) });
    open(&mut window, &mine);
    let preset = zoo::preset("shufflenet-v2-x1.0").unwrap();
    command(&mut window, Command::Edit(Edit::Replace(Box::new(preset))));
    dialogs.choose(folder.path().join("other"));
    press_save(&mut window);
    window.wait("the save", |app| app.document().file().is_some());
    assert_eq!(dialogs.asked().len(), 1);
    assert_eq!(read(&mine).name, "mine");
    assert_eq!(read(&folder.path().join("other.toml")).name, "shufflenet-v2-x1.0");
}

/// Dialogs that stay open until they are answered.
#[derive(Debug)]
struct SlowDialogs(Mutex<Vec<Receiver<Reply>>>);

impl SlowDialogs {
    fn new(number: usize) -> (Self, Vec<Sender<Reply>>) {
        let (answers, dialogs): (Vec<_>, Vec<_>) = (0..number).map(|_| channel()).unzip();
        (Self(Mutex::new(dialogs.into_iter().rev().collect())), answers)
    }
}

impl Dialogs for SlowDialogs {
    fn show(&self, _question: Question) -> Pending {
        let answer = self.0.lock().unwrap().pop().unwrap();
        Box::new(move || answer.recv().unwrap_or(Reply::Cancelled))
    }
}

#[test]
fn a_save_as_that_is_answered_after_another_document_was_opened_is_not_that_ones() {
    let folder = tempfile::tempdir().unwrap();
    let (a, b, c) = (design_file(folder.path(), "a"), design_file(folder.path(), "b"), folder.path().join("c.toml"));
    let (dialogs, answers) = SlowDialogs::new(1);
    let mut window = show(Setup { dialogs: Arc::new(dialogs), ..without_worker(None) });
    open(&mut window, &a);
    command(&mut window, Command::SaveAs);
    open(&mut window, &b);
    answers[0].send(Reply::Chosen(c.clone())).unwrap();
    window.wait("the save", |app| app.notice().is_some_and(|notice| notice.text.starts_with("Saved to")));
    assert_eq!(read(&c).name, "a");
    assert_eq!(window.app().document().file(), Some(b.as_path()));
    command(&mut window, Command::Edit(Edit::Classes(7)));
    press_save(&mut window);
    window.wait("the save of B", is_saved);
    assert_eq!((read(&b).classes, read(&c).name.as_str()), (7, "a"));
    (0..2).for_each(|_| command(&mut window, Command::Undo));
    assert_eq!(window.app().document().file(), Some(c.as_path()), "A is where it was saved to");
}

#[test]
fn saves_that_follow_each_other_leave_the_last_one() {
    let folder = tempfile::tempdir().unwrap();
    let a = design_file(folder.path(), "a");
    let mut window = show(without_worker(None));
    open(&mut window, &a);
    for classes in 1..30 {
        window.harness.state_mut().command(Command::Edit(Edit::Classes(classes)));
        window.harness.state_mut().command(Command::Save);
        window.harness.step();
    }
    window.wait("the last save", is_saved);
    assert_eq!(read(&a).classes, 29);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn a_recovered_design_is_unsaved_and_knows_its_file_and_a_saved_one_is_saved() {
    let (data, folder) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let a = design_file(folder.path(), "a");
    let mut window = show(without_worker(Some(data.path())));
    open(&mut window, &a);
    command(&mut window, Command::Edit(Edit::Classes(7)));
    window.close(); // At once: nothing has been kept yet.
    assert_eq!(read(&a).classes, small().classes, "closing saves nothing unasked");

    let mut window = again(data.path());
    let document = window.app().document();
    assert_eq!((document.draft().classes, document.file(), document.is_modified()), (7, Some(a.as_path()), true));
    assert!(said(&window).contains("`a`") && said(&window).contains("not saved to"), "{}", said(&window));
    press_save(&mut window);
    window.wait("the save", is_saved);
    window.close();
    assert_eq!(read(&a).classes, 7);

    let window = again(data.path());
    let document = window.app().document();
    assert_eq!((document.draft().classes, document.file(), document.is_modified()), (7, Some(a.as_path()), false));
    assert!(said(&window).is_empty(), "{}", said(&window));
}

#[test]
fn two_windows_keep_two_drafts_and_the_next_ones_find_both() {
    let data = tempfile::tempdir().unwrap();
    for classes in [7, 8] {
        let mut windows = [again(data.path()), again(data.path())];
        for (window, classes) in windows.iter_mut().zip([classes, classes + 10]) {
            command(window, Command::Edit(Edit::Classes(classes)));
        }
        let [first, second] = windows;
        first.close();
        second.close();
    }
    let (one, other) = (again(data.path()), again(data.path()));
    let classes = |window: &Window| window.app().document().draft().classes;
    let mut found = [classes(&one), classes(&other)];
    found.sort_unstable();
    assert_eq!(found, [8, 18]);
    assert!(said(&one).contains("kept from other windows"), "{}", said(&one));
    assert!(!said(&other).contains("kept from other windows"), "{}", said(&other));
}

#[test]
fn an_unreadable_draft_is_told_and_kept() {
    let data = tempfile::tempdir().unwrap();
    std::fs::write(data.path().join("draft.toml"), "name = 'half of").unwrap();
    let mut window = again(data.path());
    assert!(said(&window).contains("cannot be read") && said(&window).contains("unreadable-"), "{}", said(&window));
    command(&mut window, Command::Edit(Edit::Classes(7)));
    window.close();
    let texts: Vec<_> = std::fs::read_dir(data.path().join("drafts"))
        .unwrap()
        .filter_map(|entry| std::fs::read_to_string(entry.unwrap().path()).ok())
        .collect();
    assert!(texts.iter().any(|text| text == "name = 'half of"), "{texts:?}");
    assert!(texts.iter().any(|text| text.contains("classes = 7")), "{texts:?}");
}

#[test]
fn drafts_are_opened_without_a_file_and_nothing_is_saved_among_them() {
    let data = tempfile::tempdir().unwrap();
    let dialogs = ScriptedDialogs::default();
    let mut window = show(Setup { dialogs: Arc::new(dialogs.clone()), ..without_worker(Some(data.path())) });
    let drafts = data.path().join("drafts");
    let other = design_file(&drafts, "7");
    open(&mut window, &other);
    assert_eq!(window.app().document().file(), None);
    assert!(window.app().document().is_modified());
    dialogs.choose(drafts.join("8.toml"));
    press_save(&mut window);
    window.wait("the refusal", |app| app.notice().is_some_and(|notice| notice.is_error));
    assert!(said(&window).contains("among the drafts") && !drafts.join("8.toml").exists());
}

#[test]
fn a_folder_that_cannot_be_written_is_told_and_the_window_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a file");
    std::fs::write(&file, "").unwrap();
    let mut window = again(&file.join("data"));
    assert!(window.app().notice().unwrap().is_error, "the drafts, or the store in the same folder");
    command(&mut window, Command::Edit(Edit::Classes(7)));
    window.close();
}
