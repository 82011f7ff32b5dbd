//! Which network: preset, name, width, input size, classes.

use eframe::egui;
use egui::{RichText, Role, Ui};
use shufflescope_engine::design::{Edit, Family, Field, InputSize, WIDTHS};
use shufflescope_engine::model::Model;
use shufflescope_engine::zoo;

use crate::window::command::{Command, Commands};
use crate::window::scene::Scene;
use crate::window::theme::Palette;
use crate::window::widgets::{choice, named, number, problem, row, slider};

/// How near a dragged width has to be to one of the paper's to become it.
const SNAP: f64 = 0.035;

/// Paints the settings.
pub fn show(ui: &mut Ui, scene: Scene<'_>, commands: &mut Commands) {
    presets(ui, scene, commands);
    name(ui, scene, commands);
    width(ui, scene, commands);
    input(ui, scene, commands);
    let document = scene.document;
    let wrong = document.error(Field::Classes);
    let classes = row(ui, "classes", |ui| number(ui, "classes", document.draft().classes, 84.0, 1.0, wrong.is_some()));
    if let Some(classes) = classes {
        commands.edit(Edit::Classes(classes.value));
    }
    problem(ui, wrong);
}

/// The settings that change the whole network at once.
pub(super) fn brief(ui: &mut Ui, scene: Scene<'_>, commands: &mut Commands) {
    presets(ui, scene, commands);
    width(ui, scene, commands);
    input(ui, scene, commands);
}

/// The choice among what is built in.
pub(super) fn presets(ui: &mut Ui, scene: Scene<'_>, commands: &mut Commands) {
    let open = scene.document.name();
    let fixed = scene.document.fixed().is_some();
    row(ui, "preset", |ui| {
        let shown = egui::ComboBox::from_id_salt("preset")
            .selected_text(if is_built_in(scene) { open } else { "choose a preset" })
            .width(ui.available_width())
            .truncate()
            .height(460.0);
        let response = shown.show_ui(ui, |ui| {
            ui.set_min_width(210.0);
            let mut family = None;
            for preset in zoo::presets() {
                let design = &preset.design;
                if family != Some(design.family) {
                    family = Some(design.family);
                    ui.label(RichText::new(family_name(design.family)).small().color(Palette::current(ui).muted));
                }
                let response =
                    ui.selectable_label(!fixed && design.name == open, &design.name).on_hover_text(preset.about);
                if response.clicked() {
                    commands.edit(Edit::Replace(Box::new(design.clone())));
                }
            }
            ui.label(RichText::new("to look at, not to edit").small().color(Palette::current(ui).muted));
            for network in zoo::networks() {
                let response = ui.selectable_label(fixed && network.name == open, network.name);
                if response.on_hover_text(network.about).clicked() {
                    commands.push(Command::OpenModel(Box::new(network.into())));
                }
            }
        });
        named(response.response, Role::ComboBox, "preset");
    });
}

fn is_built_in(scene: Scene<'_>) -> bool {
    match scene.document.fixed() {
        Some(model) => matches!(model, Model::Network(_)),
        None => zoo::find(&scene.document.draft().name).is_some(),
    }
}

const fn family_name(family: Family) -> &'static str {
    match family {
        Family::ShufflenetV2 => "ShuffleNet V2",
        Family::ShufflenetV2_50 => "ShuffleNet V2, 50 layers",
        Family::ShufflenetV2_164 => "ShuffleNet V2, 164 layers",
        Family::ShufflenetV1 => "ShuffleNet V1",
        Family::MobilenetV1 => "MobileNet V1",
        Family::MobilenetV2 => "MobileNet V2",
        Family::Igcv3 => "IGCV3",
        Family::XceptionSmall => "Xception, small",
        Family::Resnet => "ResNet",
        Family::Custom => "other",
    }
}

fn name(ui: &mut Ui, scene: Scene<'_>, commands: &mut Commands) {
    let wrong = scene.document.error(Field::Name);
    row(ui, "name", |ui| {
        let mut name = scene.document.draft().name.clone();
        if wrong.is_some() {
            ui.visuals_mut().override_text_color = Some(Palette::current(ui).error);
        }
        let response = ui.add(egui::TextEdit::singleline(&mut name).desired_width(f32::INFINITY).char_limit(300));
        if named(response, Role::TextInput, "name").changed() {
            commands.edit(Edit::Rename(name));
        }
    });
    problem(ui, wrong);
}

fn width(ui: &mut Ui, scene: Scene<'_>, commands: &mut Commands) {
    let document = scene.document;
    let draft = document.draft();
    let (applies, wrong) = (document.has_width(), document.error(Field::Width));
    ui.add_enabled_ui(applies, |ui| {
        let texts = WIDTHS.map(|width| format!("{width:.1}"));
        let widths: Vec<(f64, &str)> = WIDTHS.into_iter().zip(texts.iter().map(String::as_str)).collect();
        if let Some(width) = row(ui, "width", |ui| choice(ui, "width", &widths, draft.width)) {
            commands.edit(Edit::Width(width));
        }
        row(ui, "", |ui| {
            let width = draft.width.unwrap_or(1.0);
            if let Some(width) = slider(ui, "width multiplier", width, draft.family.widths(), 0.01, 2) {
                let near = WIDTHS.into_iter().find(|snap| width.dragged && (snap - width.value).abs() < SNAP);
                commands.edit(Edit::Width(near.unwrap_or(width.value)));
            }
        });
    });
    problem(ui, wrong);
    if !applies {
        let muted = Palette::current(ui).muted;
        let reason = "No width setting: these stages follow no published table. Change their channels below.";
        ui.add(egui::Label::new(RichText::new(reason).small().color(muted)).wrap());
    }
}

/// The input's size.
pub(super) fn input(ui: &mut Ui, scene: Scene<'_>, commands: &mut Commands) {
    let document = scene.document;
    let size = document.input();
    let (wide, high) = (document.error(Field::InputWidth), document.error(Field::InputHeight));
    row(ui, "input", |ui| {
        let square = size.width == size.height;
        let width = number(ui, "input width", size.width, 60.0, 1.0, wide.is_some());
        ui.label("x");
        let height = number(ui, "input height", size.height, 60.0, 1.0, high.is_some());
        if let Some(width) = width {
            // A square input stays square while its width is dragged; height alone makes it another shape.
            let height = if square { width.value } else { size.height };
            commands.edit(Edit::Input(InputSize { height, width: width.value }));
        } else if let Some(height) = height {
            commands.edit(Edit::Input(InputSize { height: height.value, ..size }));
        }
    });
    problem(ui, wide.or(high));
}
