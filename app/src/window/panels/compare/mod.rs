//! The *Compare* tab: two networks, their totals, the verdict, and the layers side by side.

mod layers;
mod side;
mod totals;

use eframe::egui;
use egui::{Button, Margin, RichText, Role, Ui};

pub use layers::LayersView;
pub use side::SideView;

use super::progress;
use crate::export::ResultForm;
use crate::window::bench::{Owner, Side};
use crate::window::command::{Command, Commands};
use crate::window::scene::Scene;
use crate::window::theme::{self, Palette};
use crate::window::widgets::named;

/// How the tab is looked at.
#[derive(Debug, Default)]
pub struct CompareView {
    sides: [SideView; 2],
    layers: LayersView,
}

/// Paints the tab.
pub fn show(ui: &mut Ui, scene: Scene<'_>, view: &mut CompareView, commands: &mut Commands) {
    let palette = Palette::current(ui);
    let frame = egui::Frame::new().fill(palette.background).inner_margin(Margin::symmetric(12, 10));
    egui::CentralPanel::no_frame().frame(frame).show(ui, |ui| {
        let [a, b] = &mut view.sides;
        ui.horizontal(|ui| {
            let width = (ui.available_width() - theme::GAP) / 2.0;
            side::show(ui, scene, Side::A, a, width, commands);
            side::show(ui, scene, Side::B, b, width, commands);
        });
        ui.add_space(theme::GAP);
        actions(ui, scene, commands);
        ui.add_space(theme::GAP);
        match scene.compare.paper() {
            Ok(paper) => {
                totals::show(ui, scene, paper);
                ui.add_space(theme::GAP);
                layers::show(ui, scene, paper, &mut view.layers);
            }
            Err(reason) => {
                ui.add(egui::Label::new(RichText::new(reason).color(palette.error)).wrap());
            }
        }
    });
}

fn actions(ui: &mut Ui, scene: Scene<'_>, commands: &mut Commands) {
    let palette = Palette::current(ui);
    ui.horizontal(|ui| {
        if !scene.compare.is_running() {
            let ready = scene.compare.paper().is_ok() && !scene.bench.is_busy();
            let hint = "Measure A, B and a second copy of A in turns, in five fresh processes, and then the layers \
                        of both. Live measuring rests meanwhile.";
            let start = ui.add_enabled(ready, Button::new("Start")).on_hover_text(hint);
            if named(start, Role::Button, "Start comparison").clicked() {
                commands.push(Command::StartCompare);
            }
        }
        progress::show(ui, scene, Owner::Compare, commands);
        if scene.last_comparison().is_some() && !scene.compare.is_running() {
            for form in ResultForm::ALL {
                let button = ui.button(form.name()).on_hover_text(format!("Export the comparison as {}", form.name()));
                if named(button, Role::Button, &format!("Export comparison as {}", form.name())).clicked() {
                    commands.push(Command::ExportComparison(form));
                }
            }
        }
        if let Some(reason) = scene.compare.failure() {
            ui.add(egui::Label::new(RichText::new(reason).color(palette.error)).truncate()).on_hover_text(reason);
        }
    });
}
