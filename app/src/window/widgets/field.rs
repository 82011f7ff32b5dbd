//! A setting: its name on the left, its control on the right, what is wrong with it below.

use eframe::egui;
use egui::{Response, Role, Ui, WidgetInfo};

use crate::window::theme::Palette;

/// Width of the names' column.
const NAMES: f32 = 72.0;

/// A name in the left column and the control beside it.
pub fn row<R>(ui: &mut Ui, name: &str, control: impl FnOnce(&mut Ui) -> R) -> R {
    ui.horizontal(|ui| {
        label(ui, name, NAMES);
        control(ui)
    })
    .inner
}

/// A quiet label of fixed width.
pub fn label(ui: &mut Ui, text: &str, width: f32) {
    let muted = Palette::current(ui).muted;
    let size = egui::vec2(width, ui.spacing().interact_size.y);
    ui.allocate_ui_with_layout(size, egui::Layout::left_to_right(egui::Align::Center), |ui| {
        ui.set_min_size(size);
        ui.add(egui::Label::new(egui::RichText::new(text).color(muted)).truncate());
    });
}

/// The rule that a field breaks.
pub fn problem(ui: &mut Ui, rule: Option<&str>) {
    if let Some(rule) = rule {
        let error = Palette::current(ui).error;
        ui.add(egui::Label::new(egui::RichText::new(rule).small().color(error)).wrap());
    }
}

/// Gives a control the name by which tests and screen readers find it.
pub fn named(response: Response, role: Role, name: &str) -> Response {
    let enabled = response.enabled();
    response.widget_info(|| WidgetInfo::labeled(role, enabled, name));
    response
}
