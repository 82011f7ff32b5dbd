//! The middle: the headline cards, the network as a strip, and one view of the design below them.

use eframe::egui;
use egui::{Role, Ui, WidgetInfo};

use super::{forecast, headline, strip};
use crate::window::command::{Command, Commands};
use crate::window::scene::Scene;
use crate::window::theme;
use crate::window::view::View;
use crate::window::views::{NARROW, Views};

/// Paints the middle.
pub fn show(ui: &mut Ui, scene: Scene<'_>, views: &mut Views, commands: &mut Commands) {
    views.known.refresh(scene);
    headline::show(ui, scene);
    forecast::show(ui, scene, commands);
    ui.add_space(theme::GAP);
    strip::show(ui, scene, views, commands);
    ui.horizontal(|ui| {
        let spacing = ui.spacing().clone();
        if ui.available_width() < NARROW {
            (ui.spacing_mut().item_spacing.x, ui.spacing_mut().button_padding.x) = (1.0, 3.5);
        }
        for view in View::ALL {
            let on = views.shown == view;
            let response = ui.selectable_label(on, view.name()).on_hover_text(view.about());
            response.widget_info(|| WidgetInfo::selected(Role::Tab, true, on, format!("{} view", view.name())));
            if response.clicked() {
                commands.push(Command::Show(view));
            }
        }
        *ui.spacing_mut() = spacing;
        ui.add_space(theme::GAP);
        views.tools(ui, scene);
    });
    views.show(ui, scene, commands);
}
