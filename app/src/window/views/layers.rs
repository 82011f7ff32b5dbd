//! The layer table: virtual rows, sorted by any column, filtered, with each kernel's time as a bar.

use eframe::egui;
use egui::{Align, Label, Layout, RichText, Role, Sense, Ui, WidgetInfo};
use egui_extras::{TableBuilder, TableRow};
use shufflescope_engine::cost::LayerCost;

use super::rows::{Column, Rows, Timing};
use crate::window::app::Scene;
use crate::window::command::{Command, Commands};
use crate::window::format;
use crate::window::live::Freshness;
use crate::window::theme::{self, Palette};
use crate::window::widgets::{Mark, mark, named};

/// How the table is looked at.
#[derive(Debug)]
pub struct Layers {
    filter: String,
    by: Column,
    descending: bool,
    rows: Rows,
    /// What `rows` was made of.
    made_of: Option<(u64, u64, String, Column, bool)>,
    /// The selection last scrolled to.
    scrolled_to: Option<String>,
}

impl Default for Layers {
    fn default() -> Self {
        Self {
            filter: String::new(),
            by: Column::Layer,
            descending: false,
            rows: Rows::default(),
            made_of: None,
            scrolled_to: None,
        }
    }
}

impl Layers {
    /// The filter.
    pub fn tools(&mut self, ui: &mut Ui) {
        let width = ui.available_width().clamp(60.0, 220.0);
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            if !self.filter.is_empty() && named(ui.button("×"), Role::Button, "clear filter").clicked() {
                self.filter.clear();
            }
            let field =
                egui::TextEdit::singleline(&mut self.filter).hint_text("filter: dw stage3").desired_width(width);
            named(ui.add(field), Role::TextInput, "filter layers");
        });
    }

    /// The table.
    pub fn show(&mut self, ui: &mut Ui, scene: Scene<'_>, commands: &mut Commands) {
        self.refresh(scene);
        let footer = 24.0;
        let height = (ui.available_height() - footer).max(80.0);
        ui.allocate_ui(egui::vec2(ui.available_width(), height), |ui| {
            ui.set_min_height(height);
            egui::ScrollArea::horizontal().auto_shrink(false).show(ui, |ui| self.table(ui, scene, commands));
        });
        summary(ui, scene, self.rows.order.len());
    }

    fn refresh(&mut self, scene: Scene<'_>) {
        let of = (scene.document.revision(), scene.live.version(), self.filter.clone(), self.by, self.descending);
        if self.made_of.as_ref() != Some(&of) {
            let result = scene.live.result().map(|(measurement, _)| measurement);
            let layers = &scene.document.valid().cost.layers;
            self.rows = Rows::of(layers, result, &self.filter, self.by, self.descending);
            self.made_of = Some(of);
        }
    }

    fn table(&mut self, ui: &mut Ui, scene: Scene<'_>, commands: &mut Commands) {
        let palette = Palette::current(ui);
        let layers = &scene.document.valid().cost.layers;
        let selected = scene.document.selected.as_deref();
        let is_stale = scene.live.result().is_some_and(|(_, freshness)| freshness == Freshness::Stale);
        let wide = ui.available_width();
        // Where the room is short, the columns up to the latency still fit without scrolling.
        let (spare, tight) = ((wide - 826.0).max(0.0), wide < 640.0);
        let fit = |at_least: f32, usual: f32| if tight { at_least } else { usual };
        let exact = |width| egui_extras::Column::exact(width).clip(true);
        let mut table = TableBuilder::new(ui)
            .id_salt("layers")
            .sense(Sense::click())
            .cell_layout(Layout::left_to_right(Align::Center))
            .auto_shrink(false)
            .column(exact(fit(124.0, 150.0 + (spare * 0.4).min(110.0))))
            .column(exact(fit(94.0, 110.0 + (spare * 0.2).min(20.0))))
            .column(exact(fit(78.0, 78.0)))
            .column(exact(fit(148.0, 168.0 + (spare * 0.4).min(140.0))))
            .column(exact(66.0))
            .column(exact(58.0))
            .column(exact(76.0))
            .column(exact(64.0));
        if selected != self.scrolled_to.as_deref() {
            self.scrolled_to = selected.map(str::to_owned);
            let row = self
                .rows
                .order
                .iter()
                .position(|&index| layers.get(index).is_some_and(|layer| Some(layer.path.as_str()) == selected));
            if let Some(row) = row {
                table = table.scroll_to_row(row, None);
            }
        }
        let (by, descending) = (self.by, self.descending);
        let mut sort = None;
        let table = table.header(theme::ROW + 2.0, |mut header| {
            for column in Column::ALL {
                header.col(|ui| {
                    if heading(ui, column, by == column, descending, is_stale, palette) {
                        sort = Some(column);
                    }
                });
            }
        });
        let rows = &self.rows;
        table.body(|body| {
            body.rows(theme::ROW, rows.order.len(), |mut row| {
                let Some(&index) = rows.order.get(row.index()) else { return };
                let Some(layer) = layers.get(index) else { return };
                let is_selected = selected == Some(layer.path.as_str());
                row.set_selected(is_selected);
                cells(&mut row, layer, palette);
                let (_, cell) = row.col(|ui| latency(ui, rows, index, layers, is_stale, palette));
                if let Some(Some(timing)) = rows.timings.get(index) {
                    cell.on_hover_text(in_full(*timing));
                }
                numbers(&mut row, layer, palette);
                let response = row.response();
                response.widget_info(|| WidgetInfo::selected(Role::Row, true, is_selected, &layer.path));
                if response.clicked() {
                    commands.push(Command::Select((!is_selected).then(|| layer.path.clone())));
                }
            });
        });
        if let Some(column) = sort {
            let again = self.by == column;
            self.descending = if again { !self.descending } else { column.starts_descending() };
            self.by = column;
            ui.ctx().request_repaint();
        }
    }
}

fn heading(ui: &mut Ui, column: Column, on: bool, descending: bool, is_stale: bool, palette: Palette) -> bool {
    let stale = if column == Column::Latency && is_stale { " (stale)" } else { "" };
    let color = if on { palette.strong } else { palette.muted };
    let text = RichText::new(format!("{}{stale}", column.name())).small().color(color);
    let button = egui::Button::new(text).frame(false).truncate();
    let response = aligned(ui, column.is_number(), |ui| {
        if !column.is_number() {
            ui.add_space(if column == Column::Latency { 8.0 } else { 0.0 });
        }
        let response = ui.add(button);
        if on {
            mark(ui, if descending { Mark::Down } else { Mark::Up }, color, 8.0);
        }
        response
    });
    named(response, Role::ColumnHeader, &format!("sort by {}", column.name())).clicked()
}

fn aligned<R>(ui: &mut Ui, right: bool, add: impl FnOnce(&mut Ui) -> R) -> R {
    if !right {
        return add(ui);
    }
    ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
        ui.add_space(4.0);
        add(ui)
    })
    .inner
}

fn cells(row: &mut TableRow<'_, '_>, layer: &LayerCost, palette: Palette) {
    row.col(|ui| {
        ui.add_space(4.0);
        ui.add(Label::new(RichText::new(&layer.path).color(palette.strong)).truncate());
    });
    row.col(|ui| {
        let (dot, _) = ui.allocate_exact_size(egui::vec2(8.0, 8.0), Sense::hover());
        ui.painter().rect_filled(dot, 2.0, palette.kind(layer.kind));
        ui.add(Label::new(RichText::new(&layer.op).color(palette.text)).truncate());
    });
    row.col(|ui| number(ui, layer.output.to_string(), palette));
}

fn numbers(row: &mut TableRow<'_, '_>, layer: &LayerCost, palette: Palette) {
    let some = |count: u64, text: String| if count == 0 { String::new() } else { text };
    row.col(|ui| number(ui, some(layer.mult_adds.0, layer.mult_adds.to_string()), palette));
    row.col(|ui| number(ui, some(layer.params.0, layer.params.to_string()), palette));
    row.col(|ui| number(ui, some(layer.memory_access.0, layer.memory_access.to_string()), palette));
    row.col(|ui| number(ui, layer.arithmetic_intensity.map_or_else(String::new, format::three_digits), palette));
}

fn number(ui: &mut Ui, text: String, palette: Palette) {
    aligned(ui, true, |ui| ui.add(Label::new(RichText::new(text).color(palette.text)).truncate()));
}

/// The bar, the time and the share of a layer's kernel; at the kernel's other layers, where to find it.
fn latency(ui: &mut Ui, rows: &Rows, index: usize, layers: &[LayerCost], is_stale: bool, palette: Palette) {
    let Some(Some(timing)) = rows.timings.get(index) else { return };
    ui.add_space(8.0);
    let (median, share) = match *timing {
        Timing::Kernel { median, share, .. } => (median, share),
        Timing::With(first) => {
            let first = layers.get(first).map_or("", |layer| layer.path.as_str());
            ui.add(Label::new(RichText::new(format!("with {first}")).small().color(palette.muted)).truncate());
            return;
        }
    };
    let width = (ui.available_width() - 112.0).max(20.0);
    let (rect, _) = ui.allocate_exact_size(egui::vec2(width, 9.0), Sense::hover());
    let color = layers.get(index).map_or(palette.muted, |layer| palette.kind(layer.kind));
    let color = if is_stale { palette.outline } else { color };
    ui.painter().rect_filled(rect, 2.0, palette.sunken);
    let filled = rect.width() * median.share_of(rows.longest) as f32;
    ui.painter().rect_filled(egui::Rect::from_min_size(rect.min, egui::vec2(filled, rect.height())), 2.0, color);
    let text_color = if is_stale { palette.muted } else { palette.strong };
    fixed(ui, 58.0, RichText::new(median.to_string()).color(text_color));
    fixed(ui, 42.0, RichText::new(format::share(share)).small().color(palette.muted));
}

/// What the latency's cell says in full.
fn in_full(timing: Timing) -> String {
    let Timing::Kernel { median, low, high, share, layers, gflop_per_second } = timing else {
        return "Runs in one kernel with the layer named here".into();
    };
    let mut text = format!("{median}, between {low} and {high}\n{} of the marked whole", format::share(share));
    if let Some(rate) = gflop_per_second {
        text += &format!("\n{} GFLOP/s achieved", format::three_digits(rate));
    }
    if layers > 1 {
        text += &format!("\none kernel for {layers} layers");
    }
    text
}

fn fixed(ui: &mut Ui, width: f32, text: RichText) {
    ui.allocate_ui_with_layout(egui::vec2(width, theme::ROW), Layout::right_to_left(Align::Center), |ui| {
        ui.set_min_width(width);
        ui.add(Label::new(text).extend());
    });
}

/// What the table adds up to, and what it does not.
fn summary(ui: &mut Ui, scene: Scene<'_>, shown: usize) {
    let palette = Palette::current(ui);
    let all = scene.document.valid().cost.layers.len();
    let count = if shown == all { format!("{all} layers") } else { format!("{shown} of {all} layers") };
    let mut text = count;
    let breakdown = scene.live.current().and_then(|measurement| measurement.breakdown.as_ref());
    if let Some(breakdown) = breakdown {
        let overhead = breakdown.marking_overhead.map_or_else(|| "unknown".into(), |ratio| format!("{ratio:.3}x"));
        text += &format!(
            "  ·  sum {}  ·  unaccounted {}  ·  marked whole {}  ·  marking overhead {overhead}",
            breakdown.sum, breakdown.unaccounted, breakdown.marked_whole
        );
    }
    ui.add(Label::new(RichText::new(text).small().color(palette.muted)).truncate()).on_hover_text(
        "Layer times come from marked runs, which time every kernel; they are never rescaled. \
         Their sum and what they do not account for make the marked whole, \
         whose ratio to the unmarked latency is the marking overhead.",
    );
}
