//! The bar at the top: tabs, what is open, undo, pin, files, theme.

use eframe::egui;
use egui::{Align, Button, Layout, RichText, Role, Ui, WidgetInfo};

use shufflescope_engine::model::Model;

use super::{export_menu, menu};
use crate::window::command::{Command, Commands, keys_of};
use crate::window::fonts::reading_order;
use crate::window::scene::Scene;
use crate::window::tab::Tab;
use crate::window::theme::Palette;
use crate::window::widgets::named;

/// Paints the bar.
pub fn show(ui: &mut Ui, scene: Scene<'_>, shown: Tab, commands: &mut Commands) {
    let palette = Palette::current(ui);
    let document = scene.document;
    ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
        let dark = ui.theme() == egui::Theme::Dark;
        let (text, hint) = if dark { ("Light", "Light theme") } else { ("Dark", "Dark theme") };
        button(ui, text, hint, hint, true, Command::ToggleTheme, commands);
        ui.separator();
        match &document.pinned {
            Some(pinned) => {
                let hint = format!("Compared with A, {}. Click to stop comparing.", pinned.about());
                let text = pinned.file_name().map_or_else(|| "× A".into(), |file| format!("× A: {}", shortened(&file)));
                button(ui, &text, "Unpin A", &hint, true, Command::Unpin, commands);
                button(ui, "Pin as A", "Pin as A", "Make the present design the new A", true, Command::Pin, commands);
            }
            None => {
                let hint = "Remember this design as A and show every later change against it";
                button(ui, "Pin as A", "Pin as A", hint, true, Command::Pin, commands);
            }
        }
        ui.separator();
        export_menu::show(ui, scene, commands);
        let keys = |command: &Command| keys_of(ui.ctx(), command).unwrap_or_default();
        let (save, save_as) = (keys(&Command::Save), keys(&Command::SaveAs));
        let save = format!("Save the design ({save}; {save_as} under another name)");
        let open = keys(&Command::OpenDialog);
        let open = format!("Open a design file, a saved profile or an ONNX model ({open}), or drop one here");
        let (undo_keys, redo_keys) = (keys(&Command::Undo), keys(&Command::Redo));
        button(ui, "Save", "Save", &save, true, Command::Save, commands);
        button(ui, "Open", "Open", &open, true, Command::OpenDialog, commands);
        ui.separator();
        let step = |what: Option<&str>, verb: &str, keys: &str| match what {
            Some(what) => format!("{verb}: {what} ({keys})"),
            None => format!("Nothing to {} ({keys})", verb.to_lowercase()),
        };
        let (undo, redo) = (document.undoes(), document.redoes());
        button(ui, "Redo", "Redo", &step(redo, "Redo", &redo_keys), redo.is_some(), Command::Redo, commands);
        button(ui, "Undo", "Undo", &step(undo, "Undo", &undo_keys), undo.is_some(), Command::Undo, commands);
        ui.separator();
        ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
            menu::show(ui, scene, commands);
            ui.add_space(6.0);
            tabs(ui, shown, commands);
            let mark = if document.is_modified() { " \u{2022} not saved" } else { "" };
            let file = match document.fixed() {
                Some(Model::File(file)) => Some(file.path()),
                Some(_) => None,
                None => document.file(),
            };
            let file = file.and_then(|path| path.file_name()).map(|name| name.to_string_lossy());
            let open = file.map_or_else(|| document.name().to_owned(), std::borrow::Cow::into_owned);
            let shown = format!("{}{mark}", reading_order(&open));
            let label = ui.add(egui::Label::new(RichText::new(shown).color(palette.muted)).truncate());
            named(label, Role::Label, &format!("{open}{mark}"));
        });
    });
}

/// The tabs, where there are several.
fn tabs(ui: &mut Ui, shown: Tab, commands: &mut Commands) {
    let [_, _, ..] = Tab::ALL else { return };
    for &tab in Tab::ALL {
        let on = tab == shown;
        let keys = keys_of(ui.ctx(), &Command::ShowTab(tab)).unwrap_or_default();
        let response = ui.selectable_label(on, tab.name()).on_hover_text(format!("{} (key {keys})", tab.about()));
        response.widget_info(|| WidgetInfo::selected(Role::Tab, true, on, format!("{} tab", tab.name())));
        if response.clicked() {
            commands.push(Command::ShowTab(tab));
        }
    }
    ui.add_space(6.0);
}

/// At most 20 characters of a file's name.
fn shortened(name: &str) -> String {
    const MOST: usize = 20;
    match name.char_indices().nth(MOST) {
        Some(_) => name.chars().take(MOST - 1).chain(['\u{2026}']).collect(),
        None => name.to_owned(),
    }
}

fn button(ui: &mut Ui, text: &str, name: &str, hint: &str, enabled: bool, command: Command, commands: &mut Commands) {
    let response = ui.add_enabled(enabled, Button::new(text)).on_hover_text(hint).on_disabled_hover_text(hint);
    if named(response, Role::Button, name).clicked() {
        commands.push(command);
    }
}
