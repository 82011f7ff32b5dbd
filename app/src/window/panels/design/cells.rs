//! What several rows of the panel have: a part's name, a stride, a list of activations.

use eframe::egui;
use egui::{RichText, Role, Ui, WidgetInfo};
use shufflescope_engine::design::Activation;

use super::part::{DesignView, Part};
use crate::window::widgets::{MIXED, named, row};

/// Widths of the table's columns.
pub const HANDLE: f32 = 12.0;
pub const NAME: f32 = 56.0;
pub const CHANNELS: f32 = 56.0;
pub const STRIDE: f32 = 38.0;

/// Room in front of a name where nothing can be dragged.
pub fn no_handle(ui: &mut Ui) {
    ui.allocate_space(egui::vec2(HANDLE, 1.0));
}

/// A part's name, at which it can be chosen.
pub fn name(ui: &mut Ui, view: &mut DesignView, part: Part) {
    let on = view.part() == part;
    let text = if part == Part::AllStages { "all".into() } else { part.name() };
    let button = egui::Button::selectable(on, text).truncate();
    let size = egui::vec2(NAME, ui.spacing().interact_size.y);
    let response = ui
        .scope(|ui| {
            // "stage12" has room.
            ui.spacing_mut().button_padding.x = 3.0;
            ui.add_sized(size, button)
        })
        .inner;
    let spoken = format!("edit {}", part.name());
    response.widget_info(|| WidgetInfo::selected(Role::RadioButton, true, on, spoken.clone()));
    if response.on_hover_text(format!("Edit {} below", part.name())).clicked() {
        view.choose(part);
    }
}

/// Changes between the two strides; answers whether it was clicked.
pub fn stride_button(ui: &mut Ui, called: &str, stride: Option<u32>) -> bool {
    let (text, spoken) = match stride {
        Some(stride) => (format!("/{stride}"), format!("{called} stride {stride}")),
        None => (MIXED.into(), format!("{called} stride {MIXED}")),
    };
    let button =
        egui::Button::new(RichText::new(text).small()).min_size(egui::vec2(STRIDE, ui.spacing().interact_size.y));
    let response = ui.add(button).on_hover_text("Click to change the stride between 1 and 2");
    named(response, Role::Button, &spoken).clicked()
}

/// The list of activations; answers another one that was chosen.
pub fn activation(ui: &mut Ui, name: &str, now: Option<Activation>) -> Option<Activation> {
    row(ui, "activation", |ui| {
        let combo = egui::ComboBox::from_id_salt(name)
            .selected_text(now.map_or(MIXED, Activation::name))
            .width(ui.available_width());
        let shown = combo.show_ui(ui, |ui| {
            let mut chosen = None;
            for choice in Activation::CHOICES {
                let on = now == Some(choice);
                if ui.selectable_label(on, choice.name()).clicked() && !on {
                    chosen = Some(choice);
                }
            }
            chosen
        });
        shown.response.widget_info(|| WidgetInfo::labeled(Role::ComboBox, true, name));
        shown.inner.flatten()
    })
}
