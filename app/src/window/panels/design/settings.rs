//! The settings of the part that is edited: units of all stages or of one, stem, head.

use eframe::egui;
use egui::{Label, RichText, Role, Ui, WidgetInfo};
use shufflescope_engine::design::{Edit, Field};

use super::cells::activation;
use super::part::{DesignView, Part};
use super::{stem, units};
use crate::window::command::Commands;
use crate::window::scene::Scene;
use crate::window::theme::Palette;
use crate::window::widgets::{choice, problem, row};

/// Paints the choice of the part and its settings.
pub fn show(ui: &mut Ui, scene: Scene<'_>, view: &mut DesignView, commands: &mut Commands) {
    let this = Part::Stage(view.stage());
    let parts = [Part::AllStages, this, Part::Stem, Part::Head].map(|part| (part, part.name()));
    let alternatives = parts.each_ref().map(|(part, name)| (*part, name.as_str()));
    if let Some(part) = choice(ui, "settings of", &alternatives, Some(view.part())) {
        view.choose(part);
    }
    match view.part() {
        Part::AllStages | Part::Stage(_) => units::show(ui, scene, view.part(), commands),
        Part::Stem => stem::show(ui, scene, commands),
        Part::Head => head(ui, scene, commands),
    }
    if let Some(moved) = &scene.document.moved {
        let muted = Palette::current(ui).muted;
        ui.add(Label::new(RichText::new(moved).small().color(muted)).wrap());
    }
}

fn head(ui: &mut Ui, scene: Scene<'_>, commands: &mut Commands) {
    let head = &scene.document.draft().head;
    if head.conv.is_some()
        && let Some(chosen) = activation(ui, "head activation", Some(head.activation))
    {
        commands.edit(Edit::HeadActivation(chosen));
    }
    row(ui, "classifier", |ui| {
        let mut on = head.bias;
        let response = ui.checkbox(&mut on, "bias").on_hover_text("torchvision's has one, the paper's code has none");
        response.widget_info(|| WidgetInfo::selected(Role::CheckBox, true, on, "classifier bias"));
        if response.changed() {
            commands.edit(Edit::HeadBias(on));
        }
    });
    problem(ui, scene.document.error(Field::HeadActivation));
}
