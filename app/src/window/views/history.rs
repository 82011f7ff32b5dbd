//! How long the present network took before: a row for every finished run, by date, version and machine, each with its
//! interval on one common scale.

use eframe::egui;
use egui::{Align, Color32, Label, Layout, RichText, Role, ScrollArea, Sense, Stroke, Ui, pos2};
use egui_extras::{Column, TableBuilder};
use shufflescope_engine::store::{HistoryRow, RunContext};
use shufflescope_engine::units::Nanos;

use crate::window::format;
use crate::window::past_runs::PastRuns;
use crate::window::scene::Scene;
use crate::window::theme::{self, Palette};
use crate::window::widgets::named;

/// Columns of text and their widths; the intervals have the room that is left.
const COLUMNS: [(&str, f32); 6] =
    [("when (UTC)", 112.0), ("version", 52.0), ("ran as", 196.0), ("mode", 58.0), ("latency", 66.0), ("change", 56.0)];

/// Least width of the intervals.
const LEAST_PLOT: f32 = 120.0;

/// Paints the view.
pub fn show(ui: &mut Ui, scene: Scene<'_>) {
    let palette = Palette::current(ui);
    let say = |ui: &mut Ui, text: &str| {
        ui.add_space(theme::GAP);
        ui.add(Label::new(RichText::new(text).color(palette.muted)).wrap());
    };
    match scene.past.of(&scene.document.valid().fingerprint) {
        None => say(ui, "Looking up earlier runs."),
        Some([]) => {
            say(ui, "No finished run of this network yet: live measuring and the command line add one each time.");
        }
        Some(rows) => {
            summary(ui, scene, rows, palette);
            // Narrow windows show a part of it.
            ScrollArea::horizontal().id_salt("history across").auto_shrink(false).show(ui, |ui| {
                table(ui, scene, rows, palette);
            });
        }
    }
}

fn summary(ui: &mut Ui, scene: Scene<'_>, rows: &[HistoryRow], palette: Palette) {
    let as_now = rows.iter().filter(|row| is_as_now(scene, row)).count();
    let plural = if rows.len() == 1 { "" } else { "s" };
    let text = format!(
        "{} finished run{plural} of this network; {as_now} as it runs now ({}, version {}), the others are greyed. \
         The change is to the last run before it of the same machine, device and way of running.",
        rows.len(),
        scene.document.valid_options(),
        RunContext::new(None, &scene.document.valid_options()).version
    );
    ui.add(Label::new(RichText::new(text).small().color(palette.muted)).wrap());
    ui.add_space(theme::GAP);
}

fn is_as_now(scene: Scene<'_>, row: &HistoryRow) -> bool {
    PastRuns::is_as_now(row, scene.machine(), &scene.document.valid_options())
}

fn table(ui: &mut Ui, scene: Scene<'_>, rows: &[HistoryRow], palette: Palette) {
    let scale = Scale::of(rows);
    let mut builder = TableBuilder::new(ui)
        .id_salt("history")
        .sense(Sense::hover())
        .cell_layout(Layout::left_to_right(Align::Center))
        .min_scrolled_height(0.0)
        .auto_shrink(false);
    for (_, width) in COLUMNS {
        builder = builder.column(Column::exact(width).clip(true));
    }
    let builder = builder.column(Column::remainder().at_least(LEAST_PLOT).clip(true));
    let table = builder.header(theme::ROW, |mut header| {
        for (text, _) in COLUMNS {
            header.col(|ui| drop(ui.label(RichText::new(text).small().color(palette.muted))));
        }
        header.col(|ui| {
            let text = RichText::new(scale.low.to_string()).small().color(palette.muted);
            ui.label(text).on_hover_text("The interval of the median, on a scale from the shortest to the longest");
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                ui.label(RichText::new(scale.high.to_string()).small().color(palette.muted));
            });
        });
    });
    table.body(|body| {
        body.rows(theme::ROW, rows.len(), |mut line| {
            // The newest first.
            let Some(index) = rows.len().checked_sub(line.index() + 1) else { return };
            let Some(row) = rows.get(index) else { return };
            let color = if is_as_now(scene, row) { palette.text } else { palette.muted };
            let change = PastRuns::change(rows, index).map(format::change).unwrap_or_default();
            let cells = [
                row.when.minute(),
                row.version.clone(),
                format!("{}, {}{}", row.device, row.way(), row.remark()),
                row.options.mode.clone(),
                row.median.to_string(),
                change.clone(),
            ];
            for cell in cells {
                line.col(|ui| drop(ui.add(Label::new(RichText::new(cell).color(color)).truncate())));
            }
            line.col(|ui| interval(ui, row, &scale, color, palette));
            let to_before = if change.is_empty() { change } else { format!(", {change} to the run before") };
            let name = format!(
                "{}, version {}, {}, {}{}, {} mode, on {}: {} ({} to {}){to_before}",
                row.when.minute(),
                row.version,
                row.device,
                row.way(),
                row.remark(),
                row.options.mode,
                row.machine,
                row.median,
                row.low,
                row.high
            );
            named(line.response(), Role::Row, &name).on_hover_text(name);
        });
    });
}

/// From the shortest to the longest time of all rows.
struct Scale {
    low: Nanos,
    high: Nanos,
}

impl Scale {
    fn of(rows: &[HistoryRow]) -> Self {
        let low = rows.iter().map(|row| row.low).min().unwrap_or_default();
        let high = rows.iter().map(|row| row.high).max().unwrap_or_default();
        Self { low, high }
    }

    /// From 0 to 1.
    fn at(&self, time: Nanos) -> f32 {
        let span = self.high.as_f64() - self.low.as_f64();
        if span <= 0.0 { 0.5 } else { ((time.as_f64() - self.low.as_f64()) / span).clamp(0.0, 1.0) as f32 }
    }
}

/// The interval as a bar, the median as a dot.
fn interval(ui: &mut Ui, row: &HistoryRow, scale: &Scale, color: Color32, palette: Palette) {
    let (rect, _) = ui.allocate_exact_size(ui.available_size(), Sense::hover());
    let inner = rect.shrink2(egui::vec2(6.0, 0.0));
    let x = |time| inner.left() + scale.at(time) * inner.width();
    let y = rect.center().y;
    let painter = ui.painter();
    painter.hline(inner.x_range(), y, Stroke::new(1.0, palette.outline));
    painter.hline(x(row.low)..=x(row.high), y, Stroke::new(4.0, color.gamma_multiply(0.5)));
    painter.circle_filled(pos2(x(row.median), y), 4.0, color);
}
