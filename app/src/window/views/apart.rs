//! The line below a view that says how fused kernels' times are filed, what fusing saves, and how to find out.

use eframe::egui;
use egui::{Align, Label, Layout, RichText, Role, Ui};
use shufflescope_engine::measure::SPLIT_LABEL;
use shufflescope_engine::report::what_fusing_saves;

use crate::window::command::{Command, Commands};
use crate::window::is_fused;
use crate::window::scene::Scene;
use crate::window::theme::{self, Palette};
use crate::window::widgets::named;

/// Paints it; nothing where no kernel computes several layers.
pub fn line(ui: &mut Ui, scene: Scene<'_>, commands: &mut Commands) {
    let Some(measurement) = scene.live.current().filter(|measurement| is_fused(measurement)) else { return };
    let palette = Palette::current(ui);
    let taken = scene.live.taken_apart();
    let fraction = taken.fraction();
    let size = egui::vec2(ui.available_width(), theme::ROW);
    ui.allocate_ui_with_layout(size, Layout::right_to_left(Align::Center), |ui| {
        let again = if measurement.apart.is_some() { "Take apart again" } else { "Take kernels apart" };
        let is_busy = fraction.is_some() || taken.is_waiting();
        let button = ui.add_enabled(!is_busy, egui::Button::new(again).small());
        let hint = "Run every layer as a kernel of its own, in under a second, to see what each takes";
        if named(button.on_hover_text(hint), Role::Button, "Take kernels apart").clicked() {
            commands.push(Command::TakeApart);
        }
        let (text, color) = match (what_fusing_saves(measurement), fraction, taken.failure(measurement)) {
            (_, Some(_), _) if let Some(behind) = taken.behind() => {
                (format!("Waiting for {behind} to finish measuring on this device"), palette.muted)
            }
            (_, Some(fraction), _) => (format!("Taking kernels apart, {:.0} %", 100.0 * fraction), palette.muted),
            (Some(saved), ..) => (format!("{saved} Split {SPLIT_LABEL}."), palette.muted),
            (None, None, Some(reason)) => (format!("Kernels cannot be taken apart: {reason}"), palette.error),
            (None, None, None) => (FILED.to_owned(), palette.muted),
        };
        ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
            ui.add(Label::new(RichText::new(&text).small().color(color)).truncate()).on_hover_text(text);
        });
    });
}

/// How a fused kernel's time is shown while nothing more is known.
const FILED: &str = "A fused kernel's time is filed under its main layer: the one with the most mult-adds.";
