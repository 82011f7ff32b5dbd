//! The table of commands: what each is called, the keys that give it, and the menu that it stands in.

use std::sync::LazyLock;

use eframe::egui;
use egui::{Key, KeyboardShortcut, Modifiers};
use shufflescope_engine::design::Edit;
use shufflescope_engine::report::Format;
use shufflescope_engine::zoo;

use super::Command;
use crate::export::{Export, ResultForm};
use crate::window::over::Over;
use crate::window::settings::TextSize;
use crate::window::tab::Tab;
use crate::window::view::View;

/// Where a command stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Menu {
    /// Files and the end.
    File,
    /// The design.
    Edit,
    /// What is measured.
    Measure,
    /// What is looked at.
    View,
    /// What is written for elsewhere.
    Export,
    /// The designs and networks that are built in.
    Network,
    /// How to use all this.
    Help,
}

impl Menu {
    /// All of them, in the order offered.
    pub const ALL: [Self; 7] =
        [Self::File, Self::Edit, Self::Measure, Self::View, Self::Export, Self::Network, Self::Help];

    /// What its button says.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::File => "File",
            Self::Edit => "Edit",
            Self::Measure => "Measure",
            Self::View => "View",
            Self::Export => "Export",
            Self::Network => "Network",
            Self::Help => "Help",
        }
    }
}

/// A row of the table.
#[derive(Clone, Debug)]
pub struct Entry {
    /// What it does.
    pub name: String,
    /// Where it stands.
    pub menu: Menu,
    /// The keys that give it; the first ones are shown.
    pub keys: Vec<KeyboardShortcut>,
    /// What is given.
    pub command: Command,
}

/// Every command that needs no more than a click, in the order of the menus.
#[must_use]
pub fn entries() -> &'static [Entry] {
    static ENTRIES: LazyLock<Vec<Entry>> = LazyLock::new(make);
    &ENTRIES
}

/// The row of a command.
fn entry_of(command: &Command) -> Option<&'static Entry> {
    entries().iter().find(|entry| entry.command == *command)
}

/// The keys that are shown beside a command.
#[must_use]
pub fn keys_of(ctx: &egui::Context, command: &Command) -> Option<String> {
    entry_of(command).and_then(|entry| entry.keys.first()).map(|keys| ctx.format_shortcut(keys))
}

fn make() -> Vec<Entry> {
    let row = |menu, name: &str, keys: &[KeyboardShortcut], command| Entry {
        name: name.into(),
        menu,
        keys: keys.to_vec(),
        command,
    };
    let mut rows = vec![
        row(Menu::File, "New design", &[with(Key::N)], Command::New),
        row(Menu::File, "Open a file", &[with(Key::O)], Command::OpenDialog),
        row(Menu::File, "Save", &[with(Key::S)], Command::Save),
        row(Menu::File, "Save as", &[shifted(Key::S)], Command::SaveAs),
        row(Menu::File, "Close the window", &[with(Key::Q)], Command::Quit),
        row(Menu::Edit, "Undo", &[with(Key::Z)], Command::Undo),
        row(Menu::Edit, "Redo", &[shifted(Key::Z), with(Key::Y)], Command::Redo),
        row(Menu::Edit, "Make the channels divide", &[], Command::Edit(Edit::Fit)),
        row(Menu::Edit, "Back to the design", &[], Command::BackToDesign),
        row(Menu::Edit, "Pin as A", &[], Command::Pin),
        row(Menu::Edit, "Unpin A", &[], Command::Unpin),
        row(Menu::Edit, "Select no layer", &[], Command::Select(None)),
        row(Menu::Measure, "Live measuring on or off", &[plain(Key::Space)], Command::ToggleLive),
        row(Menu::Measure, "Measure again", &[], Command::MeasureAgain),
        row(Menu::Measure, "Measure rigorously", &[], Command::Refine),
        row(Menu::Measure, "Take kernels apart", &[], Command::TakeApart),
        row(Menu::Measure, "Measure ceilings", &[], Command::MeasureCeilings),
        row(Menu::Measure, "Calibrate predictions", &[], Command::Calibrate),
        row(Menu::Measure, "Start comparison", &[], Command::StartCompare),
        row(Menu::Measure, "Targets", &[], Command::ShowOver(Some(Over::Targets))),
        row(Menu::Measure, "Cancel measuring", &[plain(Key::Escape)], Command::Cancel),
    ];
    for tab in Tab::ALL {
        let keys: Vec<_> = tab.key().map(plain).into_iter().collect();
        rows.push(row(Menu::View, &format!("Show {} tab", tab.name()), &keys, Command::ShowTab(*tab)));
    }
    for view in View::ALL {
        rows.push(row(Menu::View, &format!("Show {} view", view.name()), &[], Command::Show(view)));
    }
    rows.extend([
        row(Menu::View, "Dark or light theme", &[], Command::ToggleTheme),
        row(Menu::View, "Larger text", &[with(Key::Plus), with(Key::Equals)], Command::TextSize(TextSize::Larger)),
        row(Menu::View, "Smaller text", &[with(Key::Minus)], Command::TextSize(TextSize::Smaller)),
        row(Menu::View, "Usual text size", &[with(Key::Num0)], Command::TextSize(TextSize::Usual)),
        row(Menu::View, "Close all messages", &[], Command::DismissAll),
    ]);
    for what in Format::ALL.into_iter().map(Export::Profile).chain(Export::MODELS) {
        let keys: &[_] = if what == Export::Profile(Format::Json) { &[with(Key::E)] } else { &[] };
        rows.push(row(Menu::Export, &format!("Export {}", what.about()), keys, Command::ExportDialog(what)));
    }
    for form in ResultForm::ALL {
        rows.push(row(Menu::Export, &format!("Export camera run ({})", form.name()), &[], Command::ExportRun(form)));
    }
    for preset in zoo::presets() {
        let replace = Edit::Replace(Box::new(preset.design.clone()));
        rows.push(row(Menu::Network, &format!("Design {}", preset.design.name), &[], Command::Edit(replace)));
    }
    for network in zoo::networks() {
        let open = Command::OpenModel(Box::new(network.into()));
        rows.push(row(Menu::Network, &format!("Network {}", network.name), &[], open));
    }
    rows.extend([
        row(Menu::Help, "Find a command", &[with(Key::K)], Command::ShowOver(Some(Over::Finder))),
        row(Menu::Help, "Show the tour", &[], Command::ShowOver(Some(Over::Tour))),
        row(Menu::Help, "About ShuffleScope", &[], Command::ShowOver(Some(Over::About))),
    ]);
    rows
}

const fn plain(key: Key) -> KeyboardShortcut {
    KeyboardShortcut::new(Modifiers::NONE, key)
}

const fn with(key: Key) -> KeyboardShortcut {
    KeyboardShortcut::new(Modifiers::COMMAND, key)
}

const fn shifted(key: Key) -> KeyboardShortcut {
    KeyboardShortcut::new(Modifiers::COMMAND.plus(Modifiers::SHIFT), key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_and_every_key_means_one_command() {
        let mut names: Vec<_> = entries().iter().map(|entry| entry.name.as_str()).collect();
        names.sort_unstable();
        assert!(names.windows(2).all(|pair| pair[0] != pair[1]), "{names:?}");
        let keys: Vec<_> = entries().iter().flat_map(|entry| &entry.keys).collect();
        for (index, one) in keys.iter().enumerate() {
            assert!(!keys[..index].contains(one), "{one:?} means two commands");
        }
    }

    #[test]
    fn every_menu_has_commands() {
        for menu in Menu::ALL {
            assert!(entries().iter().any(|entry| entry.menu == menu), "{menu:?}");
        }
    }
}
