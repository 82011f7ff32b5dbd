//! Teaching a person's own things: the classes with their pictures, the ways to teach, and how well it went.

mod classes;
mod curves;
mod outcome;
mod project;
mod thumbnails;
mod ways;

use eframe::egui;
use egui::{Key, Ui};

use self::thumbnails::Textures;
use super::note;
use crate::window::command::{Command, Commands};
use crate::window::scene::Scene;
use crate::window::teach::TeachCommand;
use crate::window::theme;

/// What its fields hold, and the small pictures on the graphics card.
#[derive(Debug, Default)]
pub struct TeachPanel {
    /// The name of the class to be added.
    new_class: String,
    /// The class whose name is being typed, and what it is so far.
    renamed: Option<(u64, String)>,
    /// The project's name while it is being typed.
    renamed_project: Option<String>,
    /// The class whose button was pressed and is held.
    held: Option<u64>,
    /// The class that the key shows: the one that was shown last.
    chosen: Option<u64>,
    /// The class whose pictures are all shown.
    unfolded: Option<u64>,
    /// Whether a person is asked if the project is to be deleted.
    asks_to_delete: bool,
    /// How long to train, in seconds; the usual time before anybody chose.
    seconds: Option<u64>,
    textures: Textures,
}

/// Paints the section.
pub(super) fn show(ui: &mut Ui, scene: Scene<'_>, panel: &mut TeachPanel, commands: &mut Commands) {
    if !scene.teach.is_possible() {
        note(ui, "The system names no folder for your data, so pictures cannot be kept.");
        return;
    }
    project::show(ui, scene, panel, commands);
    ui.add_space(theme::GAP);
    let mut shows = classes::show(ui, scene, panel, commands);
    panel.textures.forget_unseen();
    let types = ui.ctx().egui_wants_keyboard_input();
    if shows.is_none() && !types && ui.input(|input| input.key_down(Key::T) && input.modifiers.is_none()) {
        let chosen = panel.chosen.or_else(|| scene.teach.classes().first().map(|class| class.id));
        shows = chosen.filter(|id| scene.teach.classes().iter().any(|class| class.id == *id));
    }
    if shows.is_some() {
        panel.chosen = shows;
    }
    if shows != scene.teach.shows() && scene.teach.running().is_none() {
        commands.push(Command::Teach(TeachCommand::Show(shows)));
    }
    ui.add_space(theme::GAP);
    ways::show(ui, scene, panel, commands);
    outcome::show(ui, scene, commands);
}
