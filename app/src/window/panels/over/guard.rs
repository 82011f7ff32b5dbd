//! The question what is to become of a design that is not saved.

use eframe::egui;
use egui::{Id, Key, Label, Modal, Modifiers, RichText, Role, Ui};

use crate::window::command::{Command, Commands};
use crate::window::guard::{Answer, Intent};
use crate::window::scene::Scene;
use crate::window::theme::{self, Palette};
use crate::window::widgets::named;

/// Paints the question.
pub fn show(ui: &Ui, scene: Scene<'_>, intent: &Intent, commands: &mut Commands) {
    let palette = Palette::current(ui);
    let broken = scene.document.unsavable();
    let mut answer = None;
    if ui.input_mut(|input| input.consume_key(Modifiers::NONE, Key::Escape)) {
        answer = Some(Answer::Cancel);
    }
    Modal::new(Id::unique("unsaved work")).show(ui.ctx(), |ui| {
        ui.set_width(420.0);
        let name = &scene.document.draft().name;
        let title = format!("Save `{name}` before {}?", intent.about());
        ui.add(Label::new(RichText::new(title).size(15.0).strong().color(palette.strong)).wrap());
        ui.add(Label::new(RichText::new(what_happens(scene, intent)).color(palette.text)).wrap());
        if let Some(reason) = &broken {
            let text = format!("It cannot be saved, for it is not valid: {reason}.");
            ui.add(Label::new(RichText::new(text).color(palette.error)).wrap());
        }
        ui.add_space(theme::GAP);
        ui.horizontal(|ui| {
            let save = ui.add_enabled(broken.is_none(), egui::Button::new("Save"));
            if named(save, Role::Button, "Save and go on").clicked() {
                answer = Some(Answer::Save);
            }
            if named(ui.button("Don't save"), Role::Button, "Don't save").clicked() {
                answer = Some(Answer::LetGo);
            }
            if named(ui.button("Cancel"), Role::Button, "Cancel and stay").clicked() {
                answer = Some(Answer::Cancel);
            }
        });
    });
    if let Some(answer) = answer {
        commands.push(Command::Answer(answer));
    }
}

fn what_happens(scene: Scene<'_>, intent: &Intent) -> String {
    let place = match scene.document.file() {
        Some(file) => format!("{} does not hold your last changes.", file.display()),
        None => "It is in no file yet.".to_owned(),
    };
    let otherwise = match intent {
        Intent::Quit if scene.keeps_draft => "Where you do not save, a draft of it is kept for the next start.",
        Intent::Quit => "Where you do not save, it is gone.",
        Intent::New | Intent::Open(_) => "Where you do not save, Undo leads back to it until the window closes.",
    };
    format!("{place} {otherwise}")
}
