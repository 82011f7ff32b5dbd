//! In the place of a design's settings: why this network has none, its input, and the way back.

use eframe::egui;
use egui::{Label, RichText, Role, Ui};
use shufflescope_engine::model::Model;

use super::network;
use crate::window::command::{Command, Commands};
use crate::window::scene::Scene;
use crate::window::theme::{self, Palette};
use crate::window::widgets::named;

/// Paints what there is to choose.
pub fn show(ui: &mut Ui, scene: Scene<'_>, model: &Model, commands: &mut Commands) {
    let palette = Palette::current(ui);
    network::presets(ui, scene, commands);
    network::input(ui, scene, commands);
    ui.add_space(theme::GAP);
    ui.add(Label::new(RichText::new(model.name()).strong().color(palette.strong)).wrap());
    if let Model::File(file) = model {
        let path = file.path().display().to_string();
        ui.add(Label::new(RichText::new(path).small().color(palette.muted)).wrap());
    }
    ui.add(Label::new(RichText::new(about(model)).color(palette.text)).wrap());
    ui.add_space(theme::GAP);
    let design = &scene.document.draft().name;
    let button = egui::Button::new(format!("Back to {design}")).truncate();
    if named(ui.add(button), Role::Button, "Back to the design").clicked() {
        commands.push(Command::BackToDesign);
    }
}

fn about(model: &Model) -> &'static str {
    match model {
        Model::File(_) => {
            "An ONNX model, measured with its own weights. It is a graph and not a table of stages: it is costed, \
             measured and judged by the guidelines, but there is nothing to edit."
        }
        Model::Network(_) | Model::Design(_) => {
            "This network is a graph and not a table of stages: it is costed, measured and judged by the guidelines, \
             but there is nothing to edit."
        }
    }
}
