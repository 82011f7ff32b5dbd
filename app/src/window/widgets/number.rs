//! A whole number that is dragged, typed or stepped with the arrow keys. It accepts any number: whether it fits is the
//! design's business, and the reason is shown beside the field.

use eframe::egui;
use egui::{Stroke, Ui, WidgetInfo};

use crate::window::theme::Palette;

/// A number that a person has just entered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Number {
    /// The number.
    pub value: u32,
    /// Whether it comes from a drag, whose in-between numbers nobody chose.
    pub dragged: bool,
}

/// Shows the number and returns a new one. `speed` is the change per point dragged.
pub fn number(ui: &mut Ui, name: &str, value: u32, width: f32, speed: f64, wrong: bool) -> Option<Number> {
    ui.scope(|ui| {
        if wrong {
            let error = Palette::current(ui).error;
            let widgets = &mut ui.visuals_mut().widgets;
            for state in [&mut widgets.inactive, &mut widgets.hovered, &mut widgets.active] {
                state.bg_stroke = Stroke::new(1.5, error);
                state.fg_stroke.color = error;
            }
            ui.visuals_mut().selection.stroke = Stroke::new(1.5, error);
        }
        let mut edited = value;
        let size = egui::vec2(width, ui.spacing().interact_size.y);
        let response = ui.add_sized(size, egui::DragValue::new(&mut edited).speed(speed));
        let enabled = response.enabled();
        response.widget_info(|| WidgetInfo {
            label: Some(name.to_owned()),
            ..WidgetInfo::drag_value(enabled, f64::from(value))
        });
        (edited != value).then(|| Number { value: edited, dragged: response.dragged() })
    })
    .inner
}
