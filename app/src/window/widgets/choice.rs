//! A few alternatives side by side, one of which is on (or none, where the stages differ).

use eframe::egui;
use egui::{Role, Ui, WidgetInfo};

/// Shows the alternatives as buttons named `name text` and returns the one that was just chosen.
pub fn choice<T: PartialEq + Copy>(
    ui: &mut Ui,
    name: &str,
    alternatives: &[(T, &str)],
    current: Option<T>,
) -> Option<T> {
    let mut chosen = None;
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing.x = 3.0;
        ui.spacing_mut().button_padding.x = 6.0;
        for &(value, text) in alternatives {
            let on = current == Some(value);
            let button = egui::Button::selectable(on, text).frame_when_inactive(true).min_size(egui::vec2(26.0, 0.0));
            let response = ui.add(button);
            let enabled = response.enabled();
            response.widget_info(|| WidgetInfo::selected(Role::RadioButton, enabled, on, format!("{name} {text}")));
            if response.clicked() && !on {
                chosen = Some(value);
            }
        }
    });
    chosen
}
