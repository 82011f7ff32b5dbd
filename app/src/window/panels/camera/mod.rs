//! The camera tab: design, source and weights on the left, the picture in the middle, answers and times on the right.

mod answers;
mod preprocessing;
mod preview;
mod source;
mod teach;
mod times;
mod weights;
mod width;

use std::path::Path;

use eframe::egui;
use egui::{Margin, Panel, RichText, ScrollArea, Ui};

use self::preview::Shown;
use self::source::Kind;
use self::teach::TeachPanel;
use super::design;
use crate::camera::{Resolution, SourceSpec};
use crate::window::command::Commands;
use crate::window::scene::Scene;
use crate::window::theme::{self, Palette};

/// What its fields hold, and the picture on the graphics card.
#[derive(Debug, Default)]
pub struct CameraPanel {
    /// The kind chosen; the first camera, or the synthetic scene, before anybody chose.
    kind: Option<Kind>,
    /// A picture file or folder.
    path: String,
    /// A network camera's address.
    address: String,
    resolution: Option<Resolution>,
    /// The source and resolution that were started last.
    started: Option<(SourceSpec, Resolution)>,
    shown: Option<Shown>,
    teach: TeachPanel,
}

impl CameraPanel {
    /// Chooses a picture file or folder as the source.
    pub fn show_pictures(&mut self, path: &Path) {
        self.kind = Some(Kind::Pictures);
        self.path = path.display().to_string();
    }
}

/// Paints the tab.
pub fn show(ui: &mut Ui, scene: Scene<'_>, panel: &mut CameraPanel, commands: &mut Commands) {
    let palette = Palette::current(ui);
    let narrow = ui.available_width() < 1180.0;
    let side = palette.panel_frame(Margin { left: 12, right: 6, top: 10, bottom: 8 });
    let width = if narrow { 262.0 } else { 290.0 };
    Panel::left("camera settings").frame(side).resizable(false).exact_size(width).show(ui, |ui| {
        ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
            // Room for the scroll bar.
            ui.set_max_width(ui.available_width() - 8.0);
            heading(ui, "Source");
            source::show(ui, scene, panel, commands);
            ui.add_space(theme::SECTION_GAP - theme::GAP);
            design::brief(ui, scene, commands);
            width::show(ui, scene, commands);
            ui.add_space(theme::SECTION_GAP - theme::GAP);
            heading(ui, "Weights");
            weights::show(ui, scene, commands);
            ui.add_space(theme::GAP);
        });
    });
    let width = if narrow { 256.0 } else { 320.0 };
    Panel::right("camera answers").frame(side).resizable(false).exact_size(width).show(ui, |ui| {
        ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
            ui.set_max_width(ui.available_width() - 8.0);
            heading(ui, "What it sees");
            answers::show(ui, scene, commands);
            ui.add_space(theme::SECTION_GAP - theme::GAP);
            heading(ui, "Teach");
            teach::show(ui, scene, &mut panel.teach, commands);
            ui.add_space(theme::SECTION_GAP - theme::GAP);
            heading(ui, "Where a frame's time goes");
            times::show(ui, scene, commands);
            ui.add_space(theme::GAP);
        });
    });
    let center = egui::Frame::new().fill(palette.background).inner_margin(Margin::symmetric(12, 10));
    egui::CentralPanel::no_frame().frame(center).show(ui, |ui| preview::show(ui, scene, &mut panel.shown, commands));
}

fn heading(ui: &mut Ui, name: &str) {
    ui.label(RichText::new(name).color(Palette::current(ui).strong).heading());
}

/// A quiet sentence.
fn note(ui: &mut Ui, text: &str) {
    colored(ui, text, Palette::current(ui).muted);
}

/// A small sentence of some colour.
fn colored(ui: &mut Ui, text: &str, color: egui::Color32) {
    ui.add(egui::Label::new(RichText::new(text).small().color(color)).wrap());
}
