//! The rows of what stands before and after the stages: channels of the stem's last convolution and of the head's.

use eframe::egui;
use egui::{Role, Ui, WidgetInfo};
use shufflescope_engine::design::{Edit, Field};

use super::cells::{CHANNELS, name, no_handle};
use super::part::{DesignView, Part};
use crate::window::command::Commands;
use crate::window::scene::Scene;
use crate::window::widgets::{label, number, problem};

/// Channels of the head's convolution where it has none yet.
const HEAD: u32 = 1024;

/// The stem's row.
pub fn stem(ui: &mut Ui, scene: Scene<'_>, view: &mut DesignView, commands: &mut Commands) {
    let document = scene.document;
    let last = document.draft().stem.convs.iter().enumerate().next_back();
    let wrong = last.and_then(|(last, _)| document.error(Field::StemChannels(last)));
    ui.horizontal(|ui| {
        no_handle(ui);
        name(ui, view, Part::Stem);
        let Some((_, conv)) = last else { return };
        if let Some(channels) = number(ui, "stem channels", conv.channels, CHANNELS, 0.5, wrong.is_some()) {
            commands.edit(Edit::StemChannels(channels.value));
        }
    });
    problem(ui, wrong);
}

/// The head's row.
pub fn head(ui: &mut Ui, scene: Scene<'_>, view: &mut DesignView, commands: &mut Commands) {
    let document = scene.document;
    let head = document.draft().head.conv;
    let wrong = document.error(Field::HeadConv);
    ui.horizontal(|ui| {
        let mut on = head.is_some();
        no_handle(ui);
        name(ui, view, Part::Head);
        match head {
            Some(channels) => {
                let speed = (f64::from(channels) / 150.0).max(0.5);
                if let Some(channels) = number(ui, "head channels", channels, CHANNELS, speed, wrong.is_some()) {
                    commands.edit(Edit::Head(Some(channels.value)));
                }
            }
            None => label(ui, "none", CHANNELS),
        }
        let response =
            ui.checkbox(&mut on, "1x1").on_hover_text("A last 1x1 convolution before pooling (the paper's conv5)");
        response.widget_info(|| WidgetInfo::selected(Role::CheckBox, true, on, "head convolution"));
        if response.changed() {
            commands.edit(Edit::Head(on.then_some(HEAD)));
        }
    });
    problem(ui, wrong);
}
