//! Which project is in hand: its name, which is the data's, and the others.

use eframe::egui;
use egui::{Align, Layout, RichText, Role, TextEdit, Ui};

use super::TeachPanel;
use crate::window::command::{Command, Commands};
use crate::window::scene::Scene;
use crate::window::teach::TeachCommand;
use crate::window::theme::Palette;
use crate::window::widgets::named;

/// Paints the line.
pub(super) fn show(ui: &mut Ui, scene: Scene<'_>, panel: &mut TeachPanel, commands: &mut Commands) {
    let teach = scene.teach;
    let row = egui::vec2(ui.available_width(), ui.spacing().interact_size.y);
    ui.allocate_ui_with_layout(row, Layout::right_to_left(Align::Center), |ui| {
        menu(ui, scene, panel, commands);
        let mut name = panel.renamed_project.clone().unwrap_or_else(|| teach.name().to_owned());
        let field = TextEdit::singleline(&mut name).id(egui::Id::unique("name of the data"));
        let field = ui.add(field.desired_width(f32::INFINITY).char_limit(60));
        let field = field.on_hover_text("What your pictures are called: the accuracy is told with this name");
        let field = named(field, Role::TextInput, "name of the data");
        if field.changed() {
            panel.renamed_project = Some(name);
        }
        if field.lost_focus()
            && let Some(name) = panel.renamed_project.take()
        {
            commands.push(Command::Teach(TeachCommand::RenameProject(name)));
        }
    });
    if panel.asks_to_delete {
        asks(ui, scene, panel, commands);
    }
}

/// The other projects, and what can be done with this one.
fn menu(ui: &mut Ui, scene: Scene<'_>, panel: &mut TeachPanel, commands: &mut Commands) {
    let teach = scene.teach;
    let menu = ui.menu_button("Project", |ui| {
        ui.set_min_width(180.0);
        for listed in teach.projects() {
            let is_open = teach.folder() == Some(&*listed.folder);
            let item = ui.add_enabled(!is_open, egui::Button::new(&listed.name));
            if named(item, Role::Button, &format!("open project {}", listed.name)).clicked() {
                commands.push(Command::Teach(TeachCommand::OpenProject(listed.folder.clone())));
            }
        }
        ui.separator();
        if named(ui.button("New project"), Role::Button, "New project").clicked() {
            commands.push(Command::Teach(TeachCommand::NewProject));
        }
        if let Some(folder) = teach.folder().filter(|folder| folder.is_dir())
            && named(ui.button("Show its folder"), Role::Button, "Show the project's folder").clicked()
        {
            commands.push(Command::ShowFolder(folder.to_owned()));
        }
        if named(ui.button("Delete project\u{2026}"), Role::Button, "Delete project").clicked() {
            panel.asks_to_delete = true;
        }
    });
    named(menu.response, Role::Button, "Project menu");
}

fn asks(ui: &mut Ui, scene: Scene<'_>, panel: &mut TeachPanel, commands: &mut Commands) {
    let palette = Palette::current(ui);
    let pictures: usize = scene.teach.classes().iter().map(|class| class.shots.len()).sum();
    let text = format!(
        "Delete `{}` with its {pictures} pictures and all that was taught on them? This cannot be undone.",
        scene.teach.name()
    );
    ui.add(egui::Label::new(RichText::new(text).small().color(palette.warn)).wrap());
    ui.horizontal(|ui| {
        if named(ui.button("Delete all"), Role::Button, "Delete all of the project").clicked() {
            commands.push(Command::Teach(TeachCommand::DeleteProject));
            panel.asks_to_delete = false;
        }
        if named(ui.button("Keep it"), Role::Button, "Keep the project").clicked() {
            panel.asks_to_delete = false;
        }
    });
}
