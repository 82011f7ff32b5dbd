//! The command palette.

use egui::Key;
use egui_kittest::kittest::{NodeT, Queryable};
use shufflescope::window::{Command, Menu, Over, Tab, entries};

use super::{press, quiet, show, type_text};
use crate::support::Window;

fn with_finder() -> Window {
    let mut window = show(quiet(None));
    press(&mut window, Key::K);
    assert_eq!(window.app().over(), Some(Over::Finder));
    window
}

#[test]
fn every_command_is_there_with_its_keys_or_the_reason_why_it_does_not_apply() {
    let window = with_finder();
    let mut reasons = 0;
    for entry in entries() {
        let name = format!("Command: {}", entry.name);
        if let Some(row) = window.harness.query_by_label(&name) {
            assert!(!row.accesskit_node().is_disabled(), "{name}");
        } else {
            let starts = format!("{name}. ");
            let texts = window.texts();
            let told = texts.iter().find(|text| text.starts_with(&starts)).unwrap_or_else(|| panic!("{name}"));
            assert!(window.harness.get_by_label(told).accesskit_node().is_disabled(), "{told}");
            reasons += 1;
        }
    }
    assert!(window.says("Command: Undo. Nothing to undo"));
    assert!(reasons >= 4, "{reasons}");
    window.harness.check_accessibility();
    assert!(window.names_given_twice().is_empty(), "{:?}", window.names_given_twice());
}

#[test]
fn a_few_letters_and_enter_give_a_command() {
    let mut window = with_finder();
    type_text(&mut window, "lab tab");
    window.harness.key_press(Key::Enter);
    window.step();
    assert_eq!((window.app().tab(), window.app().over()), (Tab::Lab, None));

    press(&mut window, Key::K);
    type_text(&mut window, "tab");
    let first = first_row(&window);
    for _ in 0..3 {
        window.harness.key_press(Key::ArrowDown);
        window.step();
    }
    window.harness.key_press(Key::ArrowUp);
    window.harness.key_press(Key::Enter);
    window.step();
    assert_ne!(format!("Command: Show {} tab", window.app().tab().name()), first, "the arrows chose another line");
    assert_eq!(window.app().over(), None);
}

/// The topmost command.
fn first_row(window: &Window) -> String {
    let rows = window.texts().into_iter().filter(|text| text.starts_with("Command: "));
    let top = |name: &String| window.harness.get_by_label(name).rect().top();
    rows.min_by(|a, b| top(a).total_cmp(&top(b))).unwrap()
}

#[test]
fn the_list_is_as_high_as_there_is_room_for_from_the_start() {
    for size in [[1440.0, 900.0], [1000.0, 640.0]] {
        let mut window = Window::with(quiet(None), size, egui::Theme::Light);
        press(&mut window, Key::K);
        // The tenth line is in reach of the pointer: a click outside the palette would close it and do nothing.
        super::click(&mut window, "Command: Pin as A");
        assert!(window.app().document().pinned.is_some(), "at {size:?}");
    }
}

#[test]
fn a_command_that_does_not_apply_stays_and_escape_leaves() {
    let mut window = with_finder();
    type_text(&mut window, "undo");
    window.harness.key_press(Key::Enter);
    window.step();
    assert_eq!(window.app().over(), Some(Over::Finder));
    assert!(window.says("Nothing to undo"));
    window.harness.key_press(Key::Escape);
    window.step();
    assert_eq!(window.app().over(), None);
    press(&mut window, Key::K);
    type_text(&mut window, "qqqq");
    assert!(window.says("No command is called so"));
}

#[test]
fn every_command_of_the_table_can_be_given_at_any_time() {
    let mut window = show(quiet(None));
    let networks = entries().iter().filter(|entry| entry.menu == Menu::Network).step_by(12);
    let others = entries().iter().filter(|entry| entry.menu != Menu::Network);
    for entry in others.chain(networks) {
        for command in [entry.command.clone(), Command::ShowOver(None)] {
            window.harness.state_mut().command(command);
            window.harness.step();
        }
        assert!(window.app().document().errors().is_empty(), "{}", entry.name);
    }
}

#[test]
fn the_menus_are_made_of_the_same_table() {
    let mut window = show(quiet(None));
    super::click(&mut window, "Menu");
    for menu in Menu::ALL {
        window.harness.get_by_label(&format!("{} menu", menu.name()));
    }
    super::click(&mut window, "Help menu");
    super::click(&mut window, "Menu: About ShuffleScope");
    assert_eq!(window.app().over(), Some(Over::About));
}
