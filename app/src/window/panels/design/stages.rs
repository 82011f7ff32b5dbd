//! The stages as the paper's Table 5 lists them: channels, repeats and stride of each and of all, each with what is wrong
//! with it. A click on a name edits that part below; a row is dragged by its handle.

use eframe::egui;
use egui::{Rect, RichText, Role, Sense, Ui};
use shufflescope_engine::design::{Design, Edit, Field, StageEdit};

use super::cells::{CHANNELS, HANDLE, NAME, STRIDE, name, no_handle, stride_button};
use super::mixed::Setting;
use super::part::{DesignView, Part};
use super::{ends, stage_tools};
use crate::window::command::Commands;
use crate::window::scene::Scene;
use crate::window::theme::Palette;
use crate::window::widgets::{named, problem, shared_number};

const REPEATS: f32 = 44.0;

/// Paints the table.
pub fn show(ui: &mut Ui, scene: Scene<'_>, view: &mut DesignView, commands: &mut Commands) {
    let document = scene.document;
    header(ui);
    row(ui, scene, view, Part::AllStages, commands);
    ends::stem(ui, scene, view, commands);
    let mut rows = Vec::new();
    for stage in 0..document.draft().stages.len() {
        rows.push(row(ui, scene, view, Part::Stage(stage), commands));
        // What is wrong with it stands below it.
        for field in [Field::Channels, Field::Repeats, Field::Stride] {
            problem(ui, document.error(field(stage)));
        }
    }
    drop_dragged(ui, view, &rows, commands);
    ends::head(ui, scene, view, commands);
    problem(ui, document.error(Field::Stages));
    problem(ui, document.error(Field::StemConvs));
    stage_tools::show(ui, scene, view, commands);
}

fn header(ui: &mut Ui) {
    ui.horizontal(|ui| {
        let muted = Palette::current(ui).muted;
        let columns = [("", HANDLE), ("", NAME), ("channels", CHANNELS), ("repeats", REPEATS), ("stride", STRIDE)];
        for (text, width) in columns {
            let size = egui::vec2(width, 14.0);
            ui.add_sized(size, egui::Label::new(RichText::new(text).small().color(muted)));
        }
    });
}

/// Channels, repeats and stride of one stage or of all; answers where the row stands.
fn row(ui: &mut Ui, scene: Scene<'_>, view: &mut DesignView, part: Part, commands: &mut Commands) -> Rect {
    let draft = scene.document.draft();
    let stages = part.stages(draft);
    let wrong = |field: fn(usize) -> Field| part.error(scene.document, field).is_some();
    let called = part.name();
    let painted = ui.horizontal(|ui| {
        match part {
            Part::Stage(stage) => handle(ui, view, stage),
            _ => no_handle(ui),
        }
        name(ui, view, part);
        if let Some((channels, same)) = Setting::of(stages, |stage| Some(stage.channels)).value() {
            let speed = (f64::from(channels) / 150.0).max(0.5);
            let spoken = format!("{called} channels");
            let entered = shared_number(ui, &spoken, (channels, same), CHANNELS, speed, wrong(Field::Channels));
            if let Some(entered) = entered {
                let change = part.edit(StageEdit::Channels(entered.value));
                // Numbers passed while dragging are moved to ones that fit; typed ones are taken as they are.
                let fits = match part {
                    Part::Stage(stage) if entered.dragged => draft.apply(&change).nearest_channels(stage),
                    _ => None,
                };
                commands.edit(fits.map_or(change, |fits| part.edit(StageEdit::Channels(fits))));
            }
        }
        if let Some(repeats) = Setting::of(stages, |stage| Some(stage.repeats)).value() {
            let spoken = format!("{called} repeats");
            if let Some(repeats) = shared_number(ui, &spoken, repeats, REPEATS, 0.05, wrong(Field::Repeats)) {
                commands.edit(part.edit(StageEdit::Repeats(repeats.value)));
            }
        }
        let stride = Setting::of(stages, |stage| Some(stage.stride));
        if stride != Setting::Absent && stride_button(ui, &called, stride.shared()) {
            commands.edit(part.edit(StageEdit::Stride(if stride.shared() == Some(1) { 2 } else { 1 })));
        }
    });
    painted.response.rect
}

/// What a stage is dragged by.
fn handle(ui: &mut Ui, view: &mut DesignView, stage: usize) {
    let size = egui::vec2(HANDLE, ui.spacing().interact_size.y);
    let (rect, response) = ui.allocate_exact_size(size, Sense::drag());
    let palette = Palette::current(ui);
    let color = if response.hovered() || response.dragged() { palette.accent } else { palette.muted };
    for line in [-4.0, 0.0, 4.0] {
        let y = rect.center().y + line;
        ui.painter().hline(rect.left() + 2.0..=rect.right() - 2.0, y, egui::Stroke::new(1.4, color));
    }
    if response.drag_started() {
        view.dragged = Some(stage);
    }
    let response = response.on_hover_cursor(egui::CursorIcon::Grab).on_hover_text("Drag the stage to another place");
    named(response, Role::Button, &format!("drag {}", Design::stage_name(stage)));
}

/// Shows where a dragged stage would go, and moves it there when it is let go.
fn drop_dragged(ui: &Ui, view: &mut DesignView, rows: &[Rect], commands: &mut Commands) {
    let Some(from) = view.dragged else { return };
    let (pointer, is_down) = ui.input(|input| (input.pointer.latest_pos(), input.pointer.any_down()));
    let others = || rows.iter().enumerate().filter(|(stage, _)| *stage != from).map(|(_, rect)| rect);
    let to = pointer.map(|at| others().filter(|rect| rect.center().y < at.y).count());
    if is_down {
        if let (Some(to), Some(first)) = (to, rows.first()) {
            let edge = others().take(to).last().map_or(first.top(), |rect| rect.bottom());
            let stroke = egui::Stroke::new(2.0, Palette::current(ui).accent);
            ui.painter().hline(first.left()..=first.right(), edge + 2.0, stroke);
        }
        return;
    }
    view.dragged = None;
    if let Some(to) = to.filter(|to| *to != from && from < rows.len()) {
        commands.edit(Edit::MoveStage { from, to });
        view.choose(Part::Stage(to));
    }
}
