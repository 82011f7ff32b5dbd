//! What is set: kept in one file over the end, and never lost to damage or to another window.

use egui::accesskit::Role;
use egui::{Key, Theme};
use egui_kittest::kittest::Queryable;
use shufflescope::window::{Command, TextSize};

use super::{click, give, press, quiet, show};

#[test]
fn the_size_of_the_text_has_keys_steps_and_bounds_and_is_kept() {
    let data = tempfile::tempdir().unwrap();
    let mut window = show(quiet(Some(data.path())));
    let zoom = |window: &crate::support::Window| window.harness.ctx.zoom_factor();
    press(&mut window, Key::Plus);
    assert_eq!((zoom(&window), window.app().text_size()), (1.1, 1.1));
    (0..12).for_each(|_| press(&mut window, Key::Equals));
    assert_eq!(zoom(&window), 2.0);
    press(&mut window, Key::Num0);
    assert_eq!(zoom(&window), 1.0);
    (0..4).for_each(|_| press(&mut window, Key::Minus));
    assert_eq!(zoom(&window), 0.8);
    window.close();
    let window = show(quiet(Some(data.path())));
    assert_eq!((zoom(&window), window.app().text_size()), (0.8, 0.8));
}

#[test]
fn two_windows_keep_what_each_has_set() {
    let data = tempfile::tempdir().unwrap();
    let mut windows = [(); 2].map(|()| show(quiet(Some(data.path()))));
    give(&mut windows[0], Command::TextSize(TextSize::Larger));
    give(&mut windows[1], Command::ToggleTheme);
    windows.into_iter().for_each(crate::support::Window::close);
    let window = show(quiet(Some(data.path())));
    assert_eq!((window.app().text_size(), window.harness.ctx.theme()), (1.1, Theme::Light));
    assert!(window.app().notices().is_empty(), "{:?}", window.app().notices());
}

#[test]
fn damaged_settings_are_kept_aside_and_told_and_the_window_starts() {
    let data = tempfile::tempdir().unwrap();
    std::fs::write(data.path().join("settings.toml"), "text_size = [1.5").unwrap();
    let mut window = show(quiet(Some(data.path())));
    let said = &window.app().notice().unwrap().text;
    assert!(said.contains("Settings cannot be understood") && said.contains("unreadable-settings-1.toml"), "{said}");
    give(&mut window, Command::TextSize(TextSize::Larger));
    window.close();
    let kept = std::fs::read_to_string(data.path().join("unreadable-settings-1.toml")).unwrap();
    assert_eq!(kept, "text_size = [1.5");
    assert_eq!(show(quiet(Some(data.path()))).app().text_size(), 1.1);
}

#[test]
fn what_is_chosen_about_the_views_is_kept() {
    let data = tempfile::tempdir().unwrap();
    let mut window = show(quiet(Some(data.path())));
    click(&mut window, "Columns");
    click(&mut window, "column GFLOP/s");
    window.close();
    let has_rates = |window: &crate::support::Window| {
        window.harness.query_by_role_and_label(Role::ColumnHeader, "sort by GFLOP/s").is_some()
    };
    let window = show(quiet(Some(data.path())));
    assert!(has_rates(&window));
    window.close();
    // A column of another version: told, and everything is as usual.
    let file = data.path().join("settings.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, text.replace("columns = [", "columns = [\"of-the-future\", ")).unwrap();
    let window = show(quiet(Some(data.path())));
    assert!(!has_rates(&window));
    let said = window.app().notice().map(|notice| notice.text.clone()).unwrap_or_default();
    assert!(said.contains("`views` in the settings is not used"), "{said}");
}
