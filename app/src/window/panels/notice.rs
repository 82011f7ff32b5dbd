//! A strip above the status bar for what a person has to read: errors with their remedy, and what was done.

use eframe::egui;
use egui::{Align, Layout, RichText, Role, ScrollArea, Ui};

use shufflescope_engine::design::{Design, Field};

use super::design::about_device;
use crate::window::command::{Command, Commands};
use crate::window::fonts::reading_order;
use crate::window::live::Phase;
use crate::window::notices::Queued;
use crate::window::scene::Scene;
use crate::window::theme::Palette;
use crate::window::widgets::{Mark, mark, named};

/// Messages shown at once, unless a person wants all.
const AT_ONCE: usize = 2;

/// Tallest list of all messages that is shown without scrolling.
const MOST_HEIGHT: f32 = 220.0;

/// Whether there is anything to say.
#[must_use]
pub fn is_shown(scene: Scene<'_>) -> bool {
    !scene.notices.is_empty()
        || scene.gpu_question.is_some()
        || scene.errands.iter().any(|errand| errand.progress().is_some())
        || matches!(scene.live.phase(), Phase::Failed(_))
        || !scene.document.errors().is_empty()
}

/// Paints the strip; `all` says whether every message is shown.
pub fn show(ui: &mut Ui, scene: Scene<'_>, all: &mut bool, commands: &mut Commands) {
    let palette = Palette::current(ui);
    let errors = scene.document.errors();
    if let Some(first) = errors.first() {
        let more = if errors.len() > 1 { format!(" ({} more)", errors.len() - 1) } else { String::new() };
        let text = format!(
            "{} is {}: {}{more}. The numbers are those of the last valid network.",
            name_of(first.field),
            first.value,
            first.rule
        );
        line(ui, &text, true, palette, |ui| {
            if named(ui.button("Undo this"), Role::Button, "Undo this").clicked() {
                commands.push(Command::Undo);
            }
        });
    }
    if let Phase::Failed(message) = scene.live.phase() {
        line(ui, message, true, palette, |ui| {
            if named(ui.button("Measure again"), Role::Button, "Measure again").clicked() {
                commands.push(Command::MeasureAgain);
            }
        });
    }
    for errand in scene.errands {
        let Some(progress) = errand.progress() else { continue };
        line(ui, &progress, false, palette, |ui| {
            let cancel = format!("Cancel: {}", errand.name());
            if named(ui.button("Cancel"), Role::Button, &cancel).clicked() {
                commands.push(Command::CancelErrand(errand.id));
            }
        });
    }
    if let Some(question) = scene.gpu_question {
        line(ui, &question.text, false, palette, |ui| {
            let hint = "It stays in the list of devices under Run on; this is asked only once.";
            let no = ui.button("No").on_hover_text(hint);
            if named(no, Role::Button, "Do not use the graphics card").clicked() {
                commands.push(Command::DeclineGpu);
            }
            let yes = ui.button("Use it").on_hover_text(about_device(question.device));
            if named(yes, Role::Button, "Use the graphics card").clicked() {
                commands.push(Command::AcceptGpu);
            }
        });
    }
    messages(ui, scene, all, palette, commands);
}

/// The newest messages, or all of them.
fn messages(ui: &mut Ui, scene: Scene<'_>, all: &mut bool, palette: Palette, commands: &mut Commands) {
    let (queue, left_out) = (scene.notices.all(), scene.notices.left_out());
    let earlier = queue.len().saturating_sub(AT_ONCE);
    if earlier == 0 && left_out == 0 {
        *all = false;
    } else {
        ui.horizontal(|ui| {
            let text = if *all { "Show the newest alone".to_owned() } else { format!("{earlier} earlier") };
            let toggle = named(ui.small_button(&text), Role::Button, "Show all messages");
            if toggle.clicked() {
                *all = !*all;
            }
            if named(ui.small_button("Close all"), Role::Button, "Close all messages").clicked() {
                commands.push(Command::DismissAll);
            }
            if left_out > 0 {
                let text = format!("{left_out} older ones were left out for want of room.");
                ui.label(RichText::new(text).small().color(palette.muted));
            }
        });
    }
    if *all {
        ScrollArea::vertical().max_height(MOST_HEIGHT).show(ui, |ui| {
            queue.iter().enumerate().for_each(|(at, queued)| message(ui, queued, queue.len() - at, palette, commands));
        });
    } else {
        let newest = queue.iter().enumerate().skip(earlier);
        newest.for_each(|(at, queued)| message(ui, queued, queue.len() - at, palette, commands));
    }
}

/// One message; the newest one is number 1.
fn message(ui: &mut Ui, queued: &Queued, number: usize, palette: Palette, commands: &mut Commands) {
    let notice = &queued.notice;
    let numbered = |name: &str| if number == 1 { name.to_owned() } else { format!("{name} {number}") };
    let times = if queued.times > 1 { format!(" ({} times)", queued.times) } else { String::new() };
    line(ui, &format!("{}{times}", notice.text), notice.is_error, palette, |ui| {
        if named(ui.button("Close"), Role::Button, &numbered("Close message")).clicked() {
            commands.push(Command::DismissOne(queued.id));
        }
        if let Some(folder) = &notice.folder {
            let open = ui.button("Open folder").on_hover_text(folder.display().to_string());
            if named(open, Role::Button, &numbered("Open folder")).clicked() {
                commands.push(Command::ShowFolder(folder.clone()));
            }
        }
        if let Some(tab) = notice.tab {
            let show = ui.button("Show").on_hover_text(format!("It arose in {}", tab.name()));
            if named(show, Role::Button, &numbered("Show where it arose")).clicked() {
                commands.push(Command::ShowTab(tab));
            }
        }
    });
}

/// What the panel calls a field.
fn name_of(field: Field) -> String {
    let of = |stage: usize, setting: &str| format!("{} {setting}", Design::stage_name(stage));
    let of_stem = |conv: usize, setting: &str| format!("stem convolution {} {setting}", conv.saturating_add(1));
    match field {
        Field::Channels(stage) => of(stage, "channels"),
        Field::Repeats(stage) => of(stage, "repeats"),
        Field::Stride(stage) => of(stage, "stride"),
        Field::Kernel(stage) => of(stage, "window"),
        Field::Groups(stage) => of(stage, "groups"),
        Field::Split(stage) => of(stage, "split"),
        Field::SeReduction(stage) => of(stage, "SE reduction"),
        Field::Expansion(stage) => of(stage, "expansion"),
        Field::Bottleneck(stage) => of(stage, "bottleneck"),
        Field::StemChannels(conv) => of_stem(conv, "channels"),
        Field::StemKernel(conv) => of_stem(conv, "window"),
        Field::StemStride(conv) => of_stem(conv, "stride"),
        Field::HeadConv => "head channels".into(),
        Field::InputWidth => "input width".into(),
        Field::InputHeight => "input height".into(),
        other => other.to_string(),
    }
}

fn line(ui: &mut Ui, text: &str, is_error: bool, palette: Palette, action: impl FnOnce(&mut Ui)) {
    let color = if is_error { palette.error } else { palette.text };
    ui.horizontal(|ui| {
        if is_error {
            mark(ui, Mark::Warning, color, 15.0);
        }
        let text_width = (ui.available_width() - 190.0).max(100.0);
        ui.allocate_ui_with_layout(egui::vec2(text_width, 0.0), Layout::top_down(Align::Min), |ui| {
            ui.set_min_width(text_width);
            ui.add(egui::Label::new(RichText::new(reading_order(text)).color(color)).wrap());
        });
        ui.with_layout(Layout::right_to_left(Align::Center), action);
    });
}
