//! The keys that give commands wherever the pointer is.

use eframe::egui;
use egui::{Key, KeyboardShortcut, Modifiers};
use shufflescope_engine::report::Format;

use super::App;
use crate::export::Export;
use crate::window::command::Command;
use crate::window::tab::Tab;

impl App {
    /// Takes the keys of this frame.
    pub(super) fn shortcuts(&mut self, ctx: &egui::Context) {
        const SHIFT_COMMAND: Modifiers = Modifiers::COMMAND.plus(Modifiers::SHIFT);
        let with_modifiers = [
            (SHIFT_COMMAND, Key::Z, Command::Redo),
            (Modifiers::COMMAND, Key::Y, Command::Redo),
            (Modifiers::COMMAND, Key::Z, Command::Undo),
            (Modifiers::COMMAND, Key::O, Command::OpenDialog),
            (SHIFT_COMMAND, Key::S, Command::SaveAs),
            (Modifiers::COMMAND, Key::S, Command::Save),
            (Modifiers::COMMAND, Key::E, Command::ExportDialog(Export::Profile(Format::Json))),
        ];
        let plain = [(Key::Escape, Command::Cancel), (Key::Space, Command::ToggleLive)];
        let tabs = Tab::ALL.iter().filter_map(|tab| Some((tab.key()?, Command::ShowTab(*tab))));
        // While a field or button has the focus, plain keys are its own, and undo is that of its text.
        let focused = ctx.memory(|memory| memory.focused().is_some());
        let typing = ctx.egui_wants_keyboard_input();
        ctx.input_mut(|input| {
            for (modifiers, key, command) in with_modifiers {
                let text_undo = typing && matches!(key, Key::Z | Key::Y);
                if !text_undo && input.consume_shortcut(&KeyboardShortcut::new(modifiers, key)) {
                    self.commands.push(command);
                }
            }
            for (key, command) in plain.into_iter().chain(tabs) {
                let free = if key == Key::Escape { !typing } else { !focused };
                if free && input.consume_key(Modifiers::NONE, key) {
                    self.commands.push(command);
                }
            }
        });
    }
}
