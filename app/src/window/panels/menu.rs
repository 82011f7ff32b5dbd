//! The menu of every command, made of the table of commands, and of the files that were open lately.

use eframe::egui;
use egui::{Button, RichText, Role, ScrollArea, Ui};

use crate::window::command::{Command, Commands, Entry, Menu, entries, obstacle};
use crate::window::fonts::reading_order;
use crate::window::scene::Scene;
use crate::window::theme::Palette;
use crate::window::widgets::named;

/// Tallest part of a menu that is shown without scrolling.
const MOST_HEIGHT: f32 = 460.0;

/// Paints the menu's button, and the menu while it is open.
pub fn show(ui: &mut Ui, scene: Scene<'_>, commands: &mut Commands) {
    let palette = Palette::current(ui);
    let title = RichText::new("ShuffleScope").strong().color(palette.strong).size(15.0);
    let menu = ui.menu_button(title, |ui| {
        ui.set_min_width(120.0);
        for menu in Menu::ALL {
            let part = ui.menu_button(menu.name(), |ui| {
                ui.set_min_width(if menu == Menu::File { 300.0 } else { 240.0 });
                ScrollArea::vertical().max_height(MOST_HEIGHT).show(ui, |ui| {
                    for entry in entries().iter().filter(|entry| entry.menu == menu) {
                        item(ui, scene, entry, &format!("Menu: {}", entry.name), commands);
                    }
                    if menu == Menu::File {
                        recent(ui, scene, commands);
                    }
                });
            });
            named(part.response, Role::Button, &format!("{} menu", menu.name()));
        }
    });
    let button = menu.response.on_hover_text("Every command, and the files that were open lately");
    named(button, Role::Button, "Menu");
}

/// A line of a menu: the command with its keys, greyed with the reason where it does not apply.
pub fn item(ui: &mut Ui, scene: Scene<'_>, entry: &Entry, name: &str, commands: &mut Commands) {
    let missing = obstacle(&entry.command, scene);
    let mut button = Button::new(entry.name.as_str());
    if let Some(keys) = entry.keys.first() {
        button = button.shortcut_text(ui.ctx().format_shortcut(keys));
    }
    let response = ui.add_enabled(missing.is_none(), button).on_disabled_hover_text(missing.unwrap_or_default());
    if named(response, Role::Button, name).clicked() {
        commands.push(entry.command.clone());
    }
}

/// The files that were open lately; those that are gone say so, and each can be taken from the list.
fn recent(ui: &mut Ui, scene: Scene<'_>, commands: &mut Commands) {
    let (palette, recent) = (Palette::current(ui), scene.recent);
    if recent.files().is_empty() {
        return;
    }
    if has_just_opened(ui) {
        commands.push(Command::LookForRecent);
    }
    ui.separator();
    ui.label(RichText::new("Recent files").small().color(palette.muted));
    for file in recent.files() {
        let is_missing = recent.is_missing(file);
        let name = file.file_name().unwrap_or(file.as_os_str()).to_string_lossy();
        let shown = reading_order(&name);
        let text = if is_missing { format!("{shown} (missing)") } else { shown.into_owned() };
        let color = if is_missing { palette.muted } else { palette.text };
        let path = file.display();
        ui.horizontal(|ui| {
            let forget = ui.small_button("\u{d7}").on_hover_text("Take it from this list; the file stays");
            if named(forget, Role::Button, &format!("Forget {path}")).clicked() {
                commands.push(Command::ForgetRecent(file.clone()));
            }
            let hint = if is_missing { format!("{path} is not there any more") } else { path.to_string() };
            let open = ui.add(Button::new(RichText::new(text).color(color)).truncate()).on_hover_text(hint);
            let name = if is_missing { format!("Recent file {path}, missing") } else { format!("Recent file {path}") };
            if named(open, Role::Button, &name).clicked() {
                commands.push(Command::Open(file.clone()));
            }
        });
    }
    if recent.any_missing() {
        let forget = ui.button("Forget missing files");
        if named(forget, Role::Button, "Forget missing files").clicked() {
            commands.push(Command::ForgetMissing);
        }
    }
}

/// Whether the list was not there in the frame before.
fn has_just_opened(ui: &Ui) -> bool {
    let now = ui.ctx().cumulative_frame_nr();
    let id = ui.scope_id().with("recent files");
    let before = ui.data_mut(|data| {
        let before = data.get_temp::<u64>(id);
        data.insert_temp(id, now);
        before
    });
    before.is_none_or(|before| before + 1 < now)
}
