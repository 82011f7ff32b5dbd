//! A whole number that is dragged, typed or stepped with the arrow keys. It accepts any number: whether it fits is the
//! design's business, and the reason is shown beside the field.

use eframe::egui;
use egui::{Stroke, Ui, WidgetInfo};

use crate::window::theme::Palette;

/// In the place of a value that stages do not share.
pub const MIXED: &str = "mixed";

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
    shared_number(ui, name, (value, true), width, speed, wrong)
}

/// As [`number`], of something that many have and that may differ among them: then the field says *mixed* and any number
/// entered is a new one, also the first one's.
pub fn shared_number(
    ui: &mut Ui,
    name: &str,
    (value, same): (u32, bool),
    width: f32,
    speed: f64,
    wrong: bool,
) -> Option<Number> {
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
        let mut entered = None;
        let get_set = |new: Option<f64>| {
            // Saturates: the field's range is that of the number.
            entered = new.map(|new| new as u32).or(entered);
            f64::from(entered.unwrap_or(value))
        };
        let mut field = egui::DragValue::from_get_set(get_set).max_decimals(0).range(0.0..=f64::from(u32::MAX));
        if !same {
            field = field.custom_formatter(|_, _| MIXED.into());
        }
        let size = egui::vec2(width, ui.spacing().interact_size.y);
        let response = ui.add_sized(size, field.speed(speed));
        let enabled = response.enabled();
        response.widget_info(|| WidgetInfo {
            label: Some(name.to_owned()),
            ..WidgetInfo::drag_value(enabled, f64::from(value))
        });
        let new = entered.filter(|&entered| entered != value || !same);
        new.map(|value| Number { value, dragged: response.dragged() })
    })
    .inner
}
