//! The list of changes.

use std::ops::RangeInclusive;

use eframe::egui;
use egui::{Align, Button, Label, Layout, RichText, Role, ScrollArea, Sense, Ui};
use egui_extras::{Column, TableBuilder, TableRow};
use shufflescope_engine::advise::{Advice, FreeChannels, Outlook};

use crate::window::advice::said_of;
use crate::window::command::{Command, Commands};
use crate::window::format;
use crate::window::scene::Scene;
use crate::window::theme::{self, Palette};
use crate::window::widgets::named;

/// What the change is, in what there is room for, and how wide that is at least and at most.
const CHANGE: &str = "change";
const CHANGE_WIDTH: RangeInclusive<f32> = 130.0..=420.0;

/// Columns with their widths; what came of it takes the rest.
const COLUMNS: [(&str, f32); 5] =
    [("", 92.0), ("latency, predicted", 176.0), ("mult-adds", 62.0), ("params", 62.0), ("mem. access", 74.0)];

/// What came of it, how wide that is at least, and the scroll bar.
const LAST: (&str, f32) = ("on this device", 150.0);
const SCROLL_BAR: f32 = 14.0;

/// Paints the list, the best change first.
pub fn show(ui: &mut Ui, scene: Scene<'_>, listed: &[&Advice], commands: &mut Commands) {
    let palette = Palette::current(ui);
    if listed.is_empty() {
        let text = "No change of this kind: no knob, one step each way, promises that here";
        ui.add(Label::new(RichText::new(text).color(palette.muted)).wrap());
        return;
    }
    let gaps = ui.spacing().item_spacing.x * (COLUMNS.len() + 1) as f32;
    let others: f32 = COLUMNS.iter().map(|(_, width)| width).sum::<f32>() + LAST.1 + SCROLL_BAR + gaps;
    let change = (ui.available_width() - others).clamp(*CHANGE_WIDTH.start(), *CHANGE_WIDTH.end());
    // Narrow windows show a part of it.
    ScrollArea::horizontal().id_salt("advice across").auto_shrink(false).show(ui, |ui| {
        table(ui, scene, listed, change, commands);
    });
}

fn table(ui: &mut Ui, scene: Scene<'_>, listed: &[&Advice], change: f32, commands: &mut Commands) {
    let palette = Palette::current(ui);
    let mut builder = TableBuilder::new(ui)
        .id_salt("advice")
        .sense(Sense::hover())
        .cell_layout(Layout::left_to_right(Align::Center))
        .min_scrolled_height(0.0)
        .auto_shrink(false);
    for width in [change].into_iter().chain(COLUMNS.map(|(_, width)| width)) {
        builder = builder.column(Column::exact(width).clip(true));
    }
    let builder = builder.column(Column::remainder().at_least(LAST.1).clip(true));
    let table = builder.header(theme::ROW, |mut header| {
        for text in [CHANGE].into_iter().chain(COLUMNS.map(|(text, _)| text)).chain([LAST.0]) {
            header.col(|ui| drop(ui.label(RichText::new(text).small().color(palette.muted))));
        }
    });
    table.body(|body| {
        body.rows(theme::ROW + 2.0, listed.len(), |mut line| {
            if let Some(advice) = listed.get(line.index()) {
                row(&mut line, scene, advice, palette, commands);
            }
        });
    });
}

fn row(line: &mut TableRow<'_, '_>, scene: Scene<'_>, advice: &Advice, palette: Palette, commands: &mut Commands) {
    let name = name_of(advice);
    line.col(|ui| {
        ui.add(Label::new(RichText::new(&name).color(palette.strong)).truncate())
            .on_hover_text(format!("{}. Undo takes it back.", advice.edit));
    });
    line.col(|ui| buttons(ui, scene, advice, &name, commands));
    let latency = format::ratio(advice.predicted_ratio, advice.low, advice.high);
    let color = match advice.guideline {
        Some(_) => palette.outlook(advice.outlook()),
        None if advice.outlook() == Outlook::Helps || advice.costs_nothing() => palette.good,
        None => palette.text,
    };
    line.col(|ui| drop(ui.add(Label::new(RichText::new(&latency).color(color)).truncate())));
    let on_paper =
        [advice.mult_adds, advice.params, advice.memory_access].map(|change| format::change(change.relative()));
    for change in &on_paper {
        line.col(|ui| drop(ui.label(RichText::new(change).color(palette.text))));
    }
    let remark = remark(scene, advice);
    line.col(|ui| {
        ui.add(Label::new(RichText::new(&remark).color(palette.text)).truncate()).on_hover_text(&remark);
    });
    let [mult_adds, params, access] = on_paper;
    let label = format!(
        "{name}: latency {latency} predicted, mult-adds {mult_adds}, params {params}, memory access {access}{}{remark}",
        if remark.is_empty() { "" } else { ": " }
    );
    named(line.response(), Role::Row, &label);
}

/// The change; a guideline's with the guideline.
pub fn name_of(advice: &Advice) -> String {
    match advice.guideline {
        Some(guideline) => format!("{guideline}: {}", advice.label),
        None => advice.label.clone(),
    }
}

fn buttons(ui: &mut Ui, scene: Scene<'_>, advice: &Advice, name: &str, commands: &mut Commands) {
    ui.spacing_mut().item_spacing.x = 4.0;
    let free = scene.bench.owner().is_none() && scene.calibration.options().is_none();
    let hint = "Measure this design and the changed one in turns, and then the kernels of the changed one";
    let try_it = ui.add_enabled(free, Button::new("Try").small()).on_hover_text(hint);
    if named(try_it, Role::Button, &format!("Try {name}")).clicked() {
        commands.push(Command::Try(advice.edit.clone()));
    }
    let apply = ui.add(Button::new("Apply").small()).on_hover_text("Change the design so; undo takes it back");
    if named(apply, Role::Button, &format!("Apply {name}")).clicked() {
        commands.edit(advice.edit.clone());
    }
}

/// What is known of it beyond the prediction.
fn remark(scene: Scene<'_>, advice: &Advice) -> String {
    let (of, options) = (&scene.document.valid().fingerprint, scene.document.valid_options());
    let trials = &scene.adviser.trials;
    if trials.running().is_some_and(|trial| trial.is_of(of, &advice.edit)) {
        return "being measured".into();
    }
    if let Some(result) = trials.of(of, &advice.edit, &options) {
        return said_of(result);
    }
    match (&advice.free_channels, advice.guideline) {
        (Some(free @ FreeChannels { from, to, .. }), _) => {
            format!("{from} to {to} channels cost nothing here ({}): take them", free.source())
        }
        (None, Some(_)) => advice.outlook().to_string(),
        (None, None) => String::new(),
    }
}
