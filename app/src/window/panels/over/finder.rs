//! The command palette: every command by a few letters of its name, with its keys, or why it does not apply now.

use std::cmp::Reverse;

use eframe::egui;
use egui::{Align, Button, Id, Key, Modal, Modifiers, RichText, Role, ScrollArea, TextEdit, Ui};

use crate::window::command::{Command, Commands, Entry, entries, obstacle, rank};
use crate::window::scene::Scene;
use crate::window::theme::Palette;
use crate::window::widgets::named;

/// Height of the list, and of everything around it.
const LEAST_HEIGHT: f32 = 120.0;
const MOST_HEIGHT: f32 = 380.0;
const AROUND: f32 = 160.0;

/// Where it stands.
#[derive(Debug, Default)]
pub struct Finder {
    typed: String,
    /// The line that Enter takes.
    chosen: usize,
    has_focus: bool,
}

/// Paints it.
pub fn show(ui: &Ui, scene: Scene<'_>, finder: &mut Finder, commands: &mut Commands) {
    let mut taken = None;
    let pressed = |key| ui.input_mut(|input| input.consume_key(Modifiers::NONE, key));
    let close = pressed(Key::Escape);
    let (down, up, enter) = (pressed(Key::ArrowDown), pressed(Key::ArrowUp), pressed(Key::Enter));
    let modal = Modal::new(Id::unique("command palette")).show(ui.ctx(), |ui| {
        ui.set_width((ui.ctx().content_rect().width() - 80.0).min(560.0));
        let field = TextEdit::singleline(&mut finder.typed).hint_text("A few letters of a command");
        let field = named(ui.add(field.desired_width(f32::INFINITY)), Role::TextInput, "Command to find");
        if !std::mem::replace(&mut finder.has_focus, true) {
            field.request_focus();
        }
        if field.changed() {
            finder.chosen = 0;
        }
        let rows = found(&finder.typed);
        let last = rows.len().saturating_sub(1);
        finder.chosen = match (down, up) {
            (true, _) if finder.chosen >= last => 0,
            (true, _) => finder.chosen + 1,
            (_, true) => finder.chosen.checked_sub(1).unwrap_or(last),
            _ => finder.chosen.min(last),
        };
        if rows.is_empty() {
            ui.label(RichText::new("No command is called so.").color(Palette::current(ui).muted));
        }
        let has_moved = down || up || field.changed();
        // The palette is as high as its list: what it was before must not keep the list low.
        let high = (ui.ctx().content_rect().height() - AROUND).clamp(LEAST_HEIGHT, MOST_HEIGHT);
        let list = ScrollArea::vertical().max_height(high).min_scrolled_height(high).auto_shrink([false, true]);
        list.show(ui, |ui| {
            for (index, entry) in rows.iter().enumerate() {
                let is_chosen = index == finder.chosen;
                let missing = obstacle(&entry.command, scene);
                let clicked = line(ui, entry, missing.as_deref(), is_chosen, has_moved);
                if missing.is_none() && (clicked || enter && is_chosen) {
                    taken = Some(entry.command.clone());
                }
            }
        });
    });
    if let Some(command) = taken {
        commands.push(Command::ShowOver(None));
        commands.push(command);
    } else if close || modal.backdrop_response.clicked() {
        commands.push(Command::ShowOver(None));
    }
}

/// The commands that fit what was typed, the best first.
fn found(typed: &str) -> Vec<&'static Entry> {
    let mut fitting: Vec<_> = entries().iter().filter_map(|entry| Some((rank(typed, &entry.name)?, entry))).collect();
    if !typed.trim().is_empty() {
        fitting.sort_by_key(|(points, _)| Reverse(*points));
    }
    fitting.into_iter().map(|(_, entry)| entry).collect()
}

/// One command; whether it was clicked.
fn line(ui: &mut Ui, entry: &Entry, missing: Option<&str>, is_chosen: bool, has_moved: bool) -> bool {
    let right = match missing {
        Some(reason) => reason.to_owned(),
        None => entry.keys.first().map_or_else(String::new, |keys| ui.ctx().format_shortcut(keys)),
    };
    let width = ui.available_width();
    let button =
        Button::selectable(is_chosen, entry.name.as_str()).shortcut_text(right).min_size(egui::vec2(width, 0.0));
    let response = ui.add_enabled(missing.is_none(), button).on_disabled_hover_text(missing.unwrap_or_default());
    if is_chosen && has_moved {
        response.scroll_to_me(Some(Align::Center));
    }
    let name = match missing {
        Some(reason) => format!("Command: {}. {reason}", entry.name),
        None => format!("Command: {}", entry.name),
    };
    named(response, Role::Button, &name).clicked()
}
