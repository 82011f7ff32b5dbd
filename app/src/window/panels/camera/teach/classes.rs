//! The classes: a name, the button to hold while showing it, and its pictures.

use eframe::egui;
use egui::{Align, Button, Layout, Margin, RichText, Role, TextEdit, Ui};

use super::TeachPanel;
use super::thumbnails;
use crate::teach::{Class, WANTED_OF_A_CLASS};
use crate::window::camera::CameraCommand;
use crate::window::command::{Command, Commands};
use crate::window::panels::camera::{colored, note};
use crate::window::scene::Scene;
use crate::window::teach::TeachCommand;
use crate::window::theme::{self, Palette};
use crate::window::widgets::named;

/// Paints them; the class whose button is held.
pub(super) fn show(ui: &mut Ui, scene: Scene<'_>, panel: &mut TeachPanel, commands: &mut Commands) -> Option<u64> {
    let palette = Palette::current(ui);
    // Held until the pointer is let go, wherever the button has moved meanwhile: pictures and notes come in above it.
    if !ui.input(|input| input.pointer.primary_down()) {
        panel.held = None;
    }
    for class in scene.teach.classes() {
        let frame = egui::Frame::new().fill(palette.card).inner_margin(Margin::same(6)).corner_radius(theme::ROUND);
        frame.show(ui, |ui| {
            ui.set_min_width(ui.available_width());
            name(ui, class, panel, commands);
            if button(ui, scene, class, commands) {
                panel.held = Some(class.id);
            }
            thumbnails::show(ui, scene, class, panel, commands);
        });
    }
    add(ui, scene, panel, commands);
    tools(ui, scene, commands);
    if let Some(problem) = scene.teach.problem() {
        colored(ui, problem, palette.warn);
    }
    panel.held
}

fn name(ui: &mut Ui, class: &Class, panel: &mut TeachPanel, commands: &mut Commands) {
    ui.horizontal(|ui| {
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            let delete =
                ui.small_button("Delete").on_hover_text("Delete this class with its pictures; Undo brings it back");
            if named(delete, Role::Button, &format!("delete class {}", class.name)).clicked() {
                commands.push(Command::Teach(TeachCommand::DeleteClass(class.id)));
            }
            let mut text = match &panel.renamed {
                Some((id, text)) if *id == class.id => text.clone(),
                _ => class.name.clone(),
            };
            // Named for the class: it stays in focus whatever comes in above it, and when a class above it goes.
            let field = TextEdit::singleline(&mut text).id(egui::Id::unique(("name of class", class.id)));
            let field = field.desired_width(f32::INFINITY).char_limit(60);
            let field = named(ui.add(field), Role::TextInput, &format!("name of class {}", class.name));
            if field.changed() {
                panel.renamed = Some((class.id, text));
            }
            if field.lost_focus()
                && let Some((id, text)) = panel.renamed.take()
            {
                commands.push(Command::Teach(TeachCommand::RenameClass(id, text)));
            }
        });
    });
}

/// The button to hold; whether it is held.
fn button(ui: &mut Ui, scene: Scene<'_>, class: &Class, commands: &mut Commands) -> bool {
    let palette = Palette::current(ui);
    let (teach, camera) = (scene.teach, scene.camera);
    let is_shown = teach.shows() == Some(class.id);
    let mut held = false;
    ui.horizontal(|ui| {
        let text = RichText::new(if is_shown { "Taking pictures" } else { "Hold to show" });
        let text = if is_shown { text.strong().color(palette.accent) } else { text };
        let enabled = camera.is_running() && teach.running().is_none();
        let hint = "Hold this, or the T key, while the camera sees it: turn it, move it, change what is behind it";
        let button = ui.add_enabled(enabled, Button::new(text).min_size(egui::vec2(104.0, 0.0)));
        let button = button.on_hover_text(hint).on_disabled_hover_text("Start a source first");
        let button = named(button, Role::Button, &format!("show {}", class.name));
        held = button.is_pointer_button_down_on();
        // A click that nobody held: from a screen reader, or too short for a frame.
        if button.clicked() && !held && teach.shows().is_none() {
            commands.push(Command::Teach(TeachCommand::TakeOne(class.id)));
        }
        let count = class.shots.len();
        let enough = count >= WANTED_OF_A_CLASS;
        let color = if enough { palette.good } else { palette.muted };
        let said = if count == 1 { "1 picture".to_owned() } else { format!("{count} pictures") };
        let label = ui.label(RichText::new(&said).color(color));
        named(label, Role::Label, &format!("{}: {said}", class.name));
    });
    held
}

/// The field for another class.
fn add(ui: &mut Ui, scene: Scene<'_>, panel: &mut TeachPanel, commands: &mut Commands) {
    ui.horizontal(|ui| {
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            let can = !panel.new_class.trim().is_empty() && scene.teach.running().is_none();
            let button = named(ui.add_enabled(can, Button::new("Add")), Role::Button, "Add class");
            let hint = if scene.teach.classes().is_empty() { "name a class: mug" } else { "another class" };
            // A name of its own: it stays in focus whatever comes in above it while somebody types.
            let field = TextEdit::singleline(&mut panel.new_class).id(egui::Id::unique("new class"));
            let field = field.desired_width(f32::INFINITY).char_limit(60).hint_text(hint);
            let field = named(ui.add(field), Role::TextInput, "name of a new class");
            let entered = field.lost_focus() && ui.input(|input| input.key_pressed(egui::Key::Enter));
            if can && (button.clicked() || entered) {
                commands.push(Command::Teach(TeachCommand::AddClass(std::mem::take(&mut panel.new_class))));
                field.request_focus();
            }
        });
    });
}

fn tools(ui: &mut Ui, scene: Scene<'_>, commands: &mut Commands) {
    ui.horizontal_wrapped(|ui| {
        let idle = scene.teach.running().is_none();
        let folders = ui.add_enabled(idle, Button::new("Folders\u{2026}").small());
        let folders =
            folders.on_hover_text("Take in a folder with one folder of pictures for each class; copies are kept");
        if named(folders, Role::Button, "Take in folders").clicked() {
            commands.push(Command::Teach(TeachCommand::FolderDialog));
        }
        let undoes = scene.teach.undoes();
        let undo = ui.add_enabled(undoes.is_some(), Button::new("Undo").small());
        let undo = undo.on_hover_text(undoes.unwrap_or_default());
        if named(undo, Role::Button, "Undo pictures").clicked() {
            commands.push(Command::Teach(TeachCommand::Undo));
        }
        if !scene.camera.is_running() {
            let start =
                ui.small_button("Draw shapes").on_hover_text("Without a camera: start the drawn scene as the source");
            if named(start, Role::Button, "Start the drawn scene").clicked() {
                let (source, size) =
                    (crate::camera::SourceSpec::Synthetic { seed: 0 }, crate::camera::Resolution::DEFAULT);
                commands.push(Command::Camera(CameraCommand::Start(source, size)));
            }
        }
    });
    if scene.teach.classes().is_empty() {
        note(ui, "Name what the camera is to tell apart, hold the button and show it. Pictures stay on this machine.");
    }
}
