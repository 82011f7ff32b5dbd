//! The layer table: virtual rows, sorted by any column, filtered and grouped, with each kernel's time as a bar.

use std::collections::HashSet;

use eframe::egui;
use egui::{Align, Label, Layout, Response, RichText, Role, Sense, Ui, WidgetInfo};
use egui_extras::{TableBuilder, TableRow};
use shufflescope_engine::cost::LayerCost;
use shufflescope_engine::design::Design;
use shufflescope_engine::graph::OpKind;
use shufflescope_engine::measure::SPLIT_LABEL;
use shufflescope_engine::report::layer_group;
use shufflescope_engine::units::Nanos;

use super::apart;
use super::rows::{Column, Group, Grouping, LayerShare, Line, Look, Rows, Sums, Timing, Unit};
use crate::window::app::Scene;
use crate::window::command::{Command, Commands};
use crate::window::format;
use crate::window::live::Freshness;
use crate::window::theme::{self, Palette};
use crate::window::widgets::{Mark, disclosure, mark, named};

/// How the table is looked at, and what it shows.
#[derive(Debug, Default)]
pub struct Layers {
    look: Look,
    rows: Rows,
    /// What `rows` was made of: document, result, look.
    made_of: Option<(u64, u64, Look)>,
    /// The selection last scrolled to.
    scrolled_to: Option<String>,
}

/// What a click in the table asks for.
enum Click {
    Sort(Column),
    Group(String),
    Kernel(String),
}

impl Layers {
    /// The filter and what the table is divided into.
    pub fn tools(&mut self, ui: &mut Ui) {
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            let grouping = &mut self.look.grouping;
            let menu = egui::ComboBox::from_id_salt("group layers").selected_text(grouping.name()).width(78.0);
            let menu = menu.show_ui(ui, |ui| {
                for other in Grouping::ALL {
                    ui.selectable_value(grouping, other, other.name());
                }
            });
            let hint = "Divide the table by stage or by kind of work, with subtotals";
            named(menu.response.on_hover_text(hint), Role::ComboBox, "group layers");
            let filter = &mut self.look.filter;
            if !filter.is_empty() && named(ui.button("×"), Role::Button, "clear filter").clicked() {
                filter.clear();
            }
            let width = ui.available_width().clamp(50.0, 220.0);
            let field = egui::TextEdit::singleline(filter).hint_text("filter: dw stage3").desired_width(width);
            named(ui.add(field), Role::TextInput, "filter layers");
        });
    }

    /// The table.
    pub fn show(&mut self, ui: &mut Ui, scene: Scene<'_>, commands: &mut Commands) {
        self.refresh(scene);
        let footer = 50.0;
        let height = (ui.available_height() - footer).max(80.0);
        ui.allocate_ui(egui::vec2(ui.available_width(), height), |ui| {
            ui.set_min_height(height);
            egui::ScrollArea::horizontal().auto_shrink(false).show(ui, |ui| self.table(ui, scene, commands));
        });
        summary(ui, scene, self.rows.layers);
        apart::line(ui, scene, commands);
    }

    fn refresh(&mut self, scene: Scene<'_>) {
        let (document, live) = (scene.document, scene.live);
        let is_fresh = self.made_of.as_ref().is_some_and(|(of, result, look)| {
            (*of, *result) == (document.revision(), live.version()) && *look == self.look
        });
        if is_fresh {
            return;
        }
        let result = live.result().map(|(measurement, _)| measurement);
        let times = (result.and_then(|of| of.breakdown.as_ref()), result.and_then(|of| of.apart.as_ref()));
        let valid = document.valid();
        let nodes: Vec<_> = valid.graph.layers().map(|(_, node)| node).collect();
        let stage = |layer: usize| match nodes.get(layer) {
            Some(node) => match node.unit {
                Some(unit) => Design::stage_name(unit.stage),
                None => layer_group(&node.path).to_owned(),
            },
            None => String::new(),
        };
        self.rows = Rows::of(&valid.cost.layers, stage, times, &self.look);
        self.made_of = Some((document.revision(), live.version(), self.look.clone()));
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
            .column(exact(fit(138.0, 154.0 + (spare * 0.4).min(110.0).round())))
            .column(exact(fit(86.0, 106.0 + (spare * 0.2).min(20.0).round())))
            .column(exact(fit(78.0, 78.0)))
            .column(exact(fit(142.0, 168.0 + (spare * 0.4).min(140.0).round())))
            .column(exact(66.0))
            .column(exact(58.0))
            .column(exact(76.0))
            .column(exact(64.0));
        if selected != self.scrolled_to.as_deref() {
            self.scrolled_to = selected.map(str::to_owned);
            let layer = layers.iter().position(|layer| Some(layer.path.as_str()) == selected);
            if let Some(line) = layer.and_then(|layer| self.rows.line_of(layer)) {
                table = table.scroll_to_row(line, None);
            }
        }
        let (rows, look) = (&self.rows, &self.look);
        let mut click = None;
        let table = table.header(theme::ROW + 2.0, |mut header| {
            for column in Column::ALL {
                header.col(|ui| {
                    if heading(ui, column, look.by == column, look.descending, is_stale, palette) {
                        click = Some(Click::Sort(column));
                    }
                });
            }
        });
        let painter = Painter { layers, rows, look, selected, is_stale, palette };
        table.body(|body| {
            body.rows(theme::ROW, rows.lines.len(), |mut row| match rows.lines.get(row.index()) {
                Some(Line::Group(group)) => {
                    let Some(group) = rows.groups.get(*group) else { return };
                    if painter.group(&mut row, group) {
                        click = Some(Click::Group(group.name.clone()));
                    }
                }
                Some(Line::Unit(unit)) => {
                    let Some(unit) = rows.units.get(*unit) else { return };
                    let Some(first) = layers.get(unit.first()) else { return };
                    if painter.unit(&mut row, unit, first, commands) {
                        click = Some(Click::Kernel(first.path.clone()));
                    }
                }
                Some(Line::Layer(index)) => {
                    let Some(layer) = layers.get(*index) else { return };
                    painter.layer(&mut row, layer, rows.share_of(*index), commands);
                }
                None => {}
            });
        });
        if let Some(click) = click {
            self.take(click);
            ui.ctx().request_repaint();
        }
    }

    fn take(&mut self, click: Click) {
        let toggle = |set: &mut HashSet<String>, name: String| {
            if !set.remove(&name) {
                set.insert(name);
            }
        };
        match click {
            Click::Sort(column) => {
                let again = self.look.by == column;
                self.look.descending = if again { !self.look.descending } else { column.starts_descending() };
                self.look.by = column;
            }
            Click::Group(name) => toggle(&mut self.look.closed, name),
            Click::Kernel(path) => toggle(&mut self.look.expanded, path),
        }
    }
}

/// What every row is painted from.
struct Painter<'a> {
    layers: &'a [LayerCost],
    rows: &'a Rows,
    look: &'a Look,
    selected: Option<&'a str>,
    is_stale: bool,
    palette: Palette,
}

impl Painter<'_> {
    /// A group's heading with its subtotals; says whether it was opened or closed.
    fn group(&self, row: &mut TableRow<'_, '_>, group: &Group) -> bool {
        let palette = self.palette;
        let mut toggled = false;
        row.col(|ui| {
            let name = format!("group {}", group.name);
            toggled = disclosure(ui, group.is_open, palette.muted, &name).clicked();
            ui.add(Label::new(RichText::new(&group.name).color(palette.strong).strong()).truncate());
        });
        let count = if group.layers == 1 { "1 layer".to_owned() } else { format!("{} layers", group.layers) };
        row.col(|ui| {
            ui.add(Label::new(RichText::new(&count).color(palette.muted)).truncate());
        });
        row.col(|_| {});
        row.col(|ui| {
            let Some((time, share)) = group.time else { return };
            ui.add_space(8.0);
            ui.add_space(bar_width(ui) + ui.spacing().item_spacing.x);
            self.time(ui, time.to_string(), share);
        });
        numbers(row, &group.sums, palette);
        let response = row.response();
        response.widget_info(|| WidgetInfo::labeled(Role::Row, true, format!("{}: {count}", group.name)));
        toggled || response.clicked()
    }

    /// A kernel, or a layer that is in none; says whether its layers were shown or hidden.
    fn unit(&self, row: &mut TableRow<'_, '_>, unit: &Unit, first: &LayerCost, commands: &mut Commands) -> bool {
        let palette = self.palette;
        let is_fused = unit.layers.len() > 1;
        let is_expanded = is_fused && self.look.expanded.contains(&first.path);
        let mut selected =
            unit.layers.iter().filter_map(|&layer| self.layers.get(layer)).map(|layer| layer.path.as_str());
        let is_selected = !is_expanded && self.selected.is_some_and(|path| selected.any(|layer| layer == path));
        row.set_selected(is_selected);
        let mut toggled = false;
        row.col(|ui| {
            ui.spacing_mut().item_spacing.x = 2.0;
            self.indent(ui, 0);
            if is_fused {
                let name = format!("layers of {}", first.path);
                let hint = "Show or hide the layers that run in this kernel";
                toggled = disclosure(ui, is_expanded, palette.muted, &name).on_hover_text(hint).clicked();
            } else {
                ui.add_space(4.0);
            }
            path(ui, &first.path, palette);
        });
        row.col(|ui| operation(ui, unit.kind, &first.op, palette));
        row.col(|ui| number(ui, unit.output.to_string(), palette));
        let (_, cell) = row.col(|ui| self.latency(ui, unit));
        if let Some(timing) = unit.timing {
            cell.on_hover_text(in_full(timing, unit.layers.len()));
        }
        numbers(row, &unit.sums, palette);
        let response = row.response();
        response.widget_info(|| WidgetInfo::selected(Role::Row, true, is_selected, &first.path));
        if !toggled {
            select(&response, &first.path, is_selected, commands);
        }
        toggled
    }

    /// A layer below its kernel.
    fn layer(&self, row: &mut TableRow<'_, '_>, layer: &LayerCost, share: Option<LayerShare>, commands: &mut Commands) {
        let palette = self.palette;
        let is_selected = self.selected == Some(layer.path.as_str());
        row.set_selected(is_selected);
        row.col(|ui| {
            self.indent(ui, 1);
            path(ui, &layer.path, palette);
        });
        row.col(|ui| operation(ui, layer.kind, &layer.op, palette));
        row.col(|ui| number(ui, layer.output.to_string(), palette));
        let (_, cell) = row.col(|ui| match share {
            Some(LayerShare { time, share, .. }) if time > Nanos::ZERO => self.bar(ui, layer.kind, time, share),
            Some(_) => self.aside(ui, "computes nothing apart"),
            None => self.aside(ui, "in the kernel above"),
        });
        if let Some(share) = share.filter(|share| share.time > Nanos::ZERO) {
            cell.on_hover_text(split_in_full(share));
        }
        let sums = Sums {
            mult_adds: layer.mult_adds,
            params: layer.params,
            memory_access: layer.memory_access,
            bytes: layer.memory_access_bytes,
        };
        numbers(row, &sums, palette);
        let response = row.response();
        response.widget_info(|| WidgetInfo::selected(Role::Row, true, is_selected, format!("layer {}", layer.path)));
        select(&response, &layer.path, is_selected, commands);
    }

    fn indent(&self, ui: &mut Ui, deeper: u8) {
        let grouped = if self.look.grouping == Grouping::None { 0.0 } else { 6.0 };
        ui.add_space(grouped + 28.0 * f32::from(deeper));
    }

    /// The bar, the time and the share of a kernel.
    fn latency(&self, ui: &mut Ui, unit: &Unit) {
        if let Some(timing) = unit.timing {
            self.bar(ui, unit.kind, timing.median, timing.share);
        }
    }

    fn bar(&self, ui: &mut Ui, kind: OpKind, time: Nanos, share: f64) {
        ui.add_space(8.0);
        let (rect, _) = ui.allocate_exact_size(egui::vec2(bar_width(ui), 9.0), Sense::hover());
        let color = if self.is_stale { self.palette.outline } else { self.palette.kind(kind) };
        ui.painter().rect_filled(rect, 2.0, self.palette.sunken);
        let filled = rect.width() * time.share_of(self.rows.longest) as f32;
        ui.painter().rect_filled(egui::Rect::from_min_size(rect.min, egui::vec2(filled, rect.height())), 2.0, color);
        self.time(ui, time.to_string(), share);
    }

    fn aside(&self, ui: &mut Ui, text: &str) {
        ui.add_space(8.0);
        ui.add(Label::new(RichText::new(text).small().color(self.palette.muted)).truncate());
    }

    fn time(&self, ui: &mut Ui, time: String, share: f64) {
        let color = if self.is_stale { self.palette.muted } else { self.palette.strong };
        fixed(ui, 58.0, RichText::new(time).color(color));
        fixed(ui, 42.0, RichText::new(format::share(share)).small().color(self.palette.muted));
    }
}

fn select(response: &Response, path: &str, is_selected: bool, commands: &mut Commands) {
    if response.clicked() {
        commands.push(Command::Select((!is_selected).then(|| path.to_owned())));
    }
}

/// What is left beside time and share.
fn bar_width(ui: &Ui) -> f32 {
    (ui.available_width() - 112.0).max(20.0)
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

fn path(ui: &mut Ui, path: &str, palette: Palette) {
    ui.add(Label::new(RichText::new(path).color(palette.strong)).truncate());
}

fn operation(ui: &mut Ui, kind: OpKind, op: &str, palette: Palette) {
    let (dot, _) = ui.allocate_exact_size(egui::vec2(8.0, 8.0), Sense::hover());
    ui.painter().rect_filled(dot, 2.0, palette.kind(kind));
    ui.add(Label::new(RichText::new(op).color(palette.text)).truncate());
}

fn numbers(row: &mut TableRow<'_, '_>, sums: &Sums, palette: Palette) {
    let some = |count: u64, text: String| if count == 0 { String::new() } else { text };
    row.col(|ui| number(ui, some(sums.mult_adds.0, sums.mult_adds.to_string()), palette));
    row.col(|ui| number(ui, some(sums.params.0, sums.params.to_string()), palette));
    row.col(|ui| number(ui, some(sums.memory_access.0, sums.memory_access.to_string()), palette));
    row.col(|ui| number(ui, sums.intensity().map_or_else(String::new, format::three_digits), palette));
}

fn number(ui: &mut Ui, text: String, palette: Palette) {
    aligned(ui, true, |ui| ui.add(Label::new(RichText::new(text).color(palette.text)).truncate()));
}

/// What the latency's cell says in full.
fn in_full(timing: Timing, layers: usize) -> String {
    let Timing { median, interval, share, rate } = timing;
    let mut text = match interval {
        Some((low, high)) => format!("{median}, between {low} and {high}"),
        None => format!("{median} of its kernel's time, {SPLIT_LABEL}"),
    };
    text += &format!("\n{} of the marked whole", format::share(share));
    if let Some(rate) = rate {
        text += &format!("\n{rate} achieved");
    }
    if layers > 1 {
        text += &format!("\none kernel for {layers} layers");
    }
    text
}

/// What the cell of a layer inside a kernel says in full.
fn split_in_full(of: LayerShare) -> String {
    let alone = of.alone.map(|alone| format!("\n{alone} as a kernel of its own")).unwrap_or_default();
    format!("{} of its kernel's time, {SPLIT_LABEL}{alone}", of.time)
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
