//! The design panel: which network, its input, its stages, the settings of each of its parts, and what it runs on; of a
//! network that is no design only what can be chosen.

mod cells;
mod ends;
mod fixed;
mod mixed;
mod network;
mod part;
mod run;
mod settings;
mod stage_tools;
mod stages;
mod stem;
mod units;

use eframe::egui;
use egui::{RichText, Ui};

use crate::window::command::Commands;
use crate::window::scene::Scene;
use crate::window::theme::{self, Palette};

pub use self::part::DesignView;
pub use self::run::about_device;

/// Paints the panel.
pub fn show(ui: &mut Ui, scene: Scene<'_>, view: &mut DesignView, commands: &mut Commands) {
    // Room for the scroll bar.
    ui.set_max_width(ui.available_width() - 8.0);
    if let Some(model) = scene.document.fixed() {
        heading(ui, "Network");
        fixed::show(ui, scene, model, commands);
    } else {
        heading(ui, "Design");
        network::show(ui, scene, commands);
        section(ui, "Stages");
        view.follow(scene.document);
        stages::show(ui, scene, view, commands);
        section(ui, "Settings");
        settings::show(ui, scene, view, commands);
    }
    section(ui, "Run on");
    run::show(ui, scene, commands);
    ui.add_space(theme::GAP);
}

/// What a person changes while looking at something else: preset, width, input, and what it runs on.
pub fn brief(ui: &mut Ui, scene: Scene<'_>, commands: &mut Commands) {
    heading(ui, "Design");
    match scene.document.fixed() {
        Some(model) => fixed::show(ui, scene, model, commands),
        None => network::brief(ui, scene, commands),
    }
    run::show(ui, scene, commands);
}

fn section(ui: &mut Ui, name: &str) {
    ui.add_space(theme::SECTION_GAP - theme::GAP);
    heading(ui, name);
}

fn heading(ui: &mut Ui, name: &str) {
    ui.label(RichText::new(name).color(Palette::current(ui).strong).heading());
}
