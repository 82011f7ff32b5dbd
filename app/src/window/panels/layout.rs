//! Where the parts stand.

use eframe::egui;
use egui::{Margin, Panel, ScrollArea, Ui};

use super::tabs::Tabs;
use super::{camera, center, compare, design, explore, guidelines, lab, notice, over, status, top_bar};
use crate::window::command::Commands;
use crate::window::scene::Scene;
use crate::window::tab::Tab;
use crate::window::theme::Palette;

/// Paints the whole window.
pub fn show(ui: &mut Ui, scene: Scene<'_>, tabs: &mut Tabs, commands: &mut Commands) {
    let palette = Palette::current(ui);
    let bar = palette.panel_frame(Margin::symmetric(12, 5));
    Panel::top("top bar").frame(bar).exact_size(38.0).show(ui, |ui| top_bar::show(ui, scene, tabs.shown, commands));
    Panel::bottom("status bar").frame(bar).exact_size(34.0).show(ui, |ui| status::show(ui, scene, commands));
    if notice::is_shown(scene) {
        let all = &mut tabs.all_notices;
        Panel::bottom("notice").frame(bar).resizable(false).show(ui, |ui| notice::show(ui, scene, all, commands));
    }
    match tabs.shown {
        Tab::Design => design_tab(ui, scene, tabs, commands),
        Tab::Compare => compare::show(ui, scene, &mut tabs.compare, commands),
        Tab::Lab => lab::show(ui, scene, &mut tabs.lab, commands),
        Tab::Explore => explore::show(ui, scene, &mut tabs.explore, commands),
        Tab::Camera => camera::show(ui, scene, &mut tabs.camera, commands),
    }
    over::show(ui, scene, &mut tabs.over, commands);
}

/// The design on the left, its numbers in the middle, the guidelines on the right.
fn design_tab(ui: &mut Ui, scene: Scene<'_>, tabs: &mut Tabs, commands: &mut Commands) {
    let palette = Palette::current(ui);
    let narrow = ui.available_width() < 1180.0;
    let side = palette.panel_frame(Margin { left: 12, right: 6, top: 10, bottom: 8 });
    let width = if narrow { 262.0 } else { 280.0 };
    Panel::left("design").frame(side).resizable(false).exact_size(width).show(ui, |ui| {
        ScrollArea::vertical().auto_shrink(false).show(ui, |ui| design::show(ui, scene, &mut tabs.design, commands));
    });
    let width = if narrow { 228.0 } else { 288.0 };
    Panel::right("guidelines").frame(side).resizable(false).exact_size(width).show(ui, |ui| {
        ScrollArea::vertical().auto_shrink(false).show(ui, |ui| guidelines::show(ui, scene, commands));
    });
    let center = egui::Frame::new().fill(palette.background).inner_margin(Margin::symmetric(12, 10));
    egui::CentralPanel::no_frame().frame(center).show(ui, |ui| center::show(ui, scene, &mut tabs.views, commands));
}
