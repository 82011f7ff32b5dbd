//! What is around the design: files, unsaved work, commands, settings, messages, the tour, fonts for any script.

mod dialogs;
mod drops;
mod finder;
mod fonts;
mod guard;
mod notices;
mod over;
mod recent;
mod settings;

use std::path::Path;

use crate::support::{Window, setup};
use egui_kittest::kittest::Queryable;
use shufflescope::window::{Command, Setup};

/// Nothing is measured or looked for.
fn quiet(data_folder: Option<&Path>) -> Setup {
    let mut start = setup(data_folder);
    start.launcher.program = "no such program".into();
    start.camera_launcher.program = "no such program".into();
    start
}

fn show(start: Setup) -> Window {
    Window::with(start, [1440.0, 900.0], egui::Theme::Dark)
}

fn give(window: &mut Window, command: Command) {
    window.harness.state_mut().command(command);
    window.step();
}

fn click(window: &mut Window, name: &str) {
    window.harness.get_by_label(name).click();
    window.step();
}

fn press(window: &mut Window, key: egui::Key) {
    window.harness.key_press_modifiers(egui::Modifiers::COMMAND, key);
    window.step();
}

fn type_text(window: &mut Window, text: &str) {
    window.harness.event(egui::Event::Text(text.into()));
    window.step();
}

/// Opens a design file that [`design_file`](crate::support::design_file) has written.
fn open(window: &mut Window, path: &Path) {
    let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
    give(window, Command::Open(path.into()));
    window.wait("the design", move |app| app.document().name() == name);
}
