//! The keys that give commands wherever the pointer is.

use std::cmp::Reverse;
use std::sync::LazyLock;

use eframe::egui;
use egui::{Key, KeyboardShortcut, Modifiers};

use super::App;
use crate::window::command::{Command, entries};
use crate::window::over::Over;

/// Every key of the table, those with more modifiers first: another one that is held besides is not looked at.
static KEYS: LazyLock<Vec<(KeyboardShortcut, &'static Command)>> = LazyLock::new(|| {
    let mut keys: Vec<_> =
        entries().iter().flat_map(|entry| entry.keys.iter().map(|keys| (*keys, &entry.command))).collect();
    keys.sort_by_key(|(keys, _)| Reverse(u8::from(keys.modifiers.command) + u8::from(keys.modifiers.shift)));
    keys
});

impl App {
    /// Takes the keys of this frame.
    pub(super) fn shortcuts(&mut self, ctx: &egui::Context) {
        // What asks a question or is a command palette has keys of its own.
        if self.guard.asks().is_some() || matches!(self.over, Some(Over::Finder | Over::About)) {
            return;
        }
        // While a field or button has the focus, plain keys are its own, and undo is that of its text.
        let focused = ctx.memory(|memory| memory.focused().is_some());
        let typing = ctx.egui_wants_keyboard_input();
        // A menu or a list that is open is closed by Escape before anything is cancelled.
        let has_menu = egui::Popup::is_any_open(ctx);
        ctx.input_mut(|input| {
            for (keys, command) in KEYS.iter() {
                let is_free = match (keys.modifiers, keys.logical_key) {
                    (Modifiers::NONE, Key::Escape) => !typing && !has_menu,
                    (Modifiers::NONE, _) => !focused && !has_menu,
                    (_, key) => !(typing && matches!(key, Key::Z | Key::Y)),
                };
                if is_free && input.consume_shortcut(keys) {
                    self.commands.push((*command).clone());
                }
            }
        });
    }
}
