//! The stem's settings: each convolution, the activation behind them, the pooling at the end.

use eframe::egui;
use egui::{Role, Ui, WidgetInfo};
use shufflescope_engine::design::{ConvEdit, Edit, Field, StemConv, StemEdit, limits};

use super::cells::{activation, stride_button};
use crate::window::command::Commands;
use crate::window::scene::Scene;
use crate::window::widgets::{label, named, number, problem, row};

const NUMBER: f32 = 18.0;
const CHANNELS: f32 = 58.0;
const KERNEL: f32 = 50.0;

/// Paints the settings.
pub fn show(ui: &mut Ui, scene: Scene<'_>, commands: &mut Commands) {
    let document = scene.document;
    let stem = &document.draft().stem;
    let last = stem.convs.len() == 1;
    for (index, conv) in stem.convs.iter().enumerate() {
        if let Some(edit) = convolution(ui, scene, (index, conv), last) {
            commands.edit(Edit::Stem(edit));
        }
        for field in [Field::StemChannels, Field::StemKernel, Field::StemStride] {
            problem(ui, document.error(field(index)));
        }
    }
    let most = *limits::STEM_CONVS.end();
    let room = stem.convs.len() < most;
    let button = ui.add_enabled(room, egui::Button::new("add a convolution"));
    let button = button.on_hover_text("One more at the end, like the last one at stride 1");
    let button = button.on_disabled_hover_text(format!("A stem has at most {most} convolutions"));
    if named(button, Role::Button, "add stem convolution").clicked() {
        let like = stem.convs.last().map_or(StemConv { channels: 24, kernel: 3, stride: 1 }, |last| *last);
        let conv = StemConv { stride: 1, ..like };
        commands.edit(Edit::Stem(StemEdit::AddConv { at: stem.convs.len(), conv }));
    }
    if let Some(chosen) = activation(ui, "stem activation", Some(stem.activation)) {
        commands.edit(Edit::Stem(StemEdit::Activation(chosen)));
    }
    problem(ui, document.error(Field::StemActivation));
    row(ui, "pooling", |ui| {
        let mut on = stem.max_pool;
        let response = ui.checkbox(&mut on, "max-pool").on_hover_text("3x3, stride 2, behind the convolutions");
        response.widget_info(|| WidgetInfo::selected(Role::CheckBox, true, on, "stem max-pool"));
        if response.changed() {
            commands.edit(Edit::Stem(StemEdit::MaxPool(on)));
        }
    });
}

/// Channels, window and stride of one convolution; `last` where it is the only one.
fn convolution(ui: &mut Ui, scene: Scene<'_>, (index, conv): (usize, &StemConv), last: bool) -> Option<StemEdit> {
    let wrong = |field: fn(usize) -> Field| scene.document.error(field(index)).is_some();
    let number_of = index + 1;
    let called = format!("stem convolution {number_of}");
    let mut change = None;
    let mut removed = false;
    ui.horizontal(|ui| {
        label(ui, &number_of.to_string(), NUMBER);
        let spoken = format!("{called} channels");
        if let Some(entered) = number(ui, &spoken, conv.channels, CHANNELS, 0.5, wrong(Field::StemChannels)) {
            change = Some(ConvEdit::Channels(entered.value));
        }
        if let Some(kernel) = kernel(ui, &called, conv.kernel) {
            change = Some(ConvEdit::Kernel(kernel));
        }
        if stride_button(ui, &called, Some(conv.stride)) {
            change = Some(ConvEdit::Stride(if conv.stride == 1 { 2 } else { 1 }));
        }
        let response = ui.add_enabled(!last, egui::Button::new("x").small()).on_hover_text("Takes the convolution out");
        let response = response.on_disabled_hover_text("A stem has at least one convolution");
        removed = named(response, Role::Button, &format!("remove {called}")).clicked();
    });
    if removed {
        return Some(StemEdit::RemoveConv(index));
    }
    change.map(|change| StemEdit::Conv { conv: index, change })
}

/// The list of windows; answers another one that was chosen.
fn kernel(ui: &mut Ui, called: &str, now: u32) -> Option<u32> {
    let name = format!("{called} window");
    let combo = egui::ComboBox::from_id_salt(&name).selected_text(format!("{now}x{now}")).width(KERNEL);
    let shown = combo.show_ui(ui, |ui| {
        let mut chosen = None;
        for kernel in limits::STEM_KERNELS {
            let on = kernel == now;
            if ui.selectable_label(on, format!("{kernel}x{kernel}")).clicked() && !on {
                chosen = Some(kernel);
            }
        }
        chosen
    });
    named(shown.response, Role::ComboBox, &name);
    shown.inner.flatten()
}
