//! The stages as the paper's Table 5 lists them: channels and repeats, each with what is wrong with it.

use eframe::egui;
use egui::{RichText, Role, Ui};
use shufflescope_engine::design::{Design, Edit, Field, StageEdit};

use crate::window::command::Commands;
use crate::window::scene::Scene;
use crate::window::theme::Palette;
use crate::window::widgets::{label, named, number, problem};

const NAME: f32 = 56.0;
const NUMBER: f32 = 66.0;
const SMALL: f32 = 50.0;

/// Paints the table.
pub fn show(ui: &mut Ui, scene: Scene<'_>, commands: &mut Commands) {
    header(ui);
    stem(ui, scene, commands);
    for index in 0..scene.document.draft().stages.len() {
        stage(ui, scene, index, commands);
    }
    head(ui, scene, commands);
    problem(ui, scene.document.error(Field::Stages));
    problem(ui, scene.document.error(Field::StemConvs));
}

fn header(ui: &mut Ui) {
    ui.horizontal(|ui| {
        let muted = Palette::current(ui).muted;
        for (text, width) in [("", NAME), ("channels", NUMBER), ("repeats", SMALL), ("stride", 40.0)] {
            let size = egui::vec2(width, 14.0);
            ui.add_sized(size, egui::Label::new(RichText::new(text).small().color(muted)));
        }
    });
}

fn stem(ui: &mut Ui, scene: Scene<'_>, commands: &mut Commands) {
    let document = scene.document;
    let Some((last, conv)) = document.draft().stem.convs.iter().enumerate().next_back() else { return };
    let wrong = document.error(Field::StemChannels(last));
    ui.horizontal(|ui| {
        label(ui, "stem", NAME);
        if let Some(channels) = number(ui, "stem channels", conv.channels, NUMBER, 0.5, wrong.is_some()) {
            commands.edit(Edit::StemChannels(channels.value));
        }
    });
    problem(ui, wrong);
}

fn stage(ui: &mut Ui, scene: Scene<'_>, index: usize, commands: &mut Commands) {
    let document = scene.document;
    let draft = document.draft();
    let Some(stage) = draft.stages.get(index) else { return };
    let name = Design::stage_name(index);
    let edit = |change| Edit::Stage { stage: index, change };
    let error = |field: fn(usize) -> Field| document.error(field(index));
    let wrong = [error(Field::Channels), error(Field::Repeats), error(Field::Stride)];
    ui.horizontal(|ui| {
        label(ui, &name, NAME);
        let speed = (f64::from(stage.channels) / 150.0).max(0.5);
        let channels = number(ui, &format!("{name} channels"), stage.channels, NUMBER, speed, wrong[0].is_some());
        if let Some(channels) = channels {
            let change = edit(StageEdit::Channels(channels.value));
            // Numbers passed while dragging are moved to ones that fit; typed ones are taken as they are.
            let fits = channels.dragged.then(|| draft.apply(&change).nearest_channels(index)).flatten();
            commands.edit(fits.map_or(change, |fits| edit(StageEdit::Channels(fits))));
        }
        let repeats = number(ui, &format!("{name} repeats"), stage.repeats, SMALL, 0.05, wrong[1].is_some());
        if let Some(repeats) = repeats {
            commands.edit(edit(StageEdit::Repeats(repeats.value)));
        }
        let button = egui::Button::new(format!("/{}", stage.stride)).min_size(egui::vec2(40.0, 0.0));
        let response = ui.add(button).on_hover_text("Stride of the first unit; click to change between 1 and 2");
        if named(response, Role::Button, &format!("{name} stride {}", stage.stride)).clicked() {
            commands.edit(edit(StageEdit::Stride(if stage.stride == 1 { 2 } else { 1 })));
        }
    });
    wrong.into_iter().for_each(|rule| problem(ui, rule));
}

fn head(ui: &mut Ui, scene: Scene<'_>, commands: &mut Commands) {
    let document = scene.document;
    let head = document.draft().head.conv;
    let wrong = document.error(Field::HeadConv);
    ui.horizontal(|ui| {
        let mut on = head.is_some();
        label(ui, "head", NAME);
        match head {
            Some(channels) => {
                let speed = (f64::from(channels) / 150.0).max(0.5);
                if let Some(channels) = number(ui, "head channels", channels, NUMBER, speed, wrong.is_some()) {
                    commands.edit(Edit::Head(Some(channels.value)));
                }
            }
            None => label(ui, "none", NUMBER),
        }
        let response =
            ui.checkbox(&mut on, "1x1").on_hover_text("A last 1x1 convolution before pooling (the paper's conv5)");
        response.widget_info(|| egui::WidgetInfo::selected(Role::CheckBox, true, on, "head convolution"));
        if response.changed() {
            commands.edit(Edit::Head(on.then_some(1024)));
        }
    });
    problem(ui, wrong);
}
