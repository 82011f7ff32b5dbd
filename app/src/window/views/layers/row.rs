//! The rows of the layer table as they are painted.

use eframe::egui;
use egui::{Align, Label, Layout, Response, RichText, Role, Sense, Ui, WidgetInfo};
use egui_extras::TableRow;
use shufflescope_engine::cost::LayerCost;
use shufflescope_engine::graph::OpKind;
use shufflescope_engine::measure::SPLIT_LABEL;
use shufflescope_engine::units::Nanos;

use crate::window::against::Against;
use crate::window::command::{Command, Commands};
use crate::window::format;
use crate::window::theme::{self, Palette};
use crate::window::views::rows::{Column, Facts, Group, Grouping, LayerShare, Look, Rows, Timing, Unit};
use crate::window::widgets::disclosure;

/// What every row is painted from.
pub(super) struct Painter<'a> {
    pub columns: &'a [Column],
    pub layers: &'a [LayerCost],
    pub rows: &'a Rows,
    pub look: &'a Look,
    pub against: Option<&'a Against>,
    pub selected: Option<&'a str>,
    pub is_stale: bool,
    pub palette: Palette,
}

impl Painter<'_> {
    /// A group's heading with its subtotals; says whether it was opened or closed.
    pub fn group(&self, row: &mut TableRow<'_, '_>, group: &Group) -> bool {
        let palette = self.palette;
        let mut toggled = false;
        let facts = Facts::of_group(group);
        for &column in self.columns {
            row.col(|ui| match column {
                Column::Layer => {
                    let name = format!("group {}", group.name);
                    toggled |= disclosure(ui, group.is_open, palette.muted, &name).clicked();
                    ui.add(Label::new(RichText::new(&group.name).color(palette.strong).strong()).truncate());
                }
                Column::Op => {
                    ui.add(Label::new(RichText::new(facts.shown(column)).color(palette.muted)).truncate());
                }
                Column::Latency => {
                    let Some((time, share)) = group.time else { return };
                    ui.add_space(8.0);
                    ui.add_space(bar_width(ui) + ui.spacing().item_spacing.x);
                    self.time(ui, time.to_string(), share);
                }
                _ => self.number(ui, &facts, column),
            });
        }
        let count = facts.shown(Column::Op);
        let response = row.response();
        response.widget_info(|| WidgetInfo::labeled(Role::Row, true, format!("{}: {count}", group.name)));
        toggled || response.clicked()
    }

    /// A kernel, or a layer that is in none; says whether its layers were shown or hidden.
    pub fn unit(&self, row: &mut TableRow<'_, '_>, unit: &Unit, first: &LayerCost, commands: &mut Commands) -> bool {
        let palette = self.palette;
        let is_fused = unit.layers.len() > 1;
        let is_expanded = is_fused && self.look.expanded.contains(&first.path);
        let mut selected =
            unit.layers.iter().filter_map(|&layer| self.layers.get(layer)).map(|layer| layer.path.as_str());
        let is_selected = !is_expanded && self.selected.is_some_and(|path| selected.any(|layer| layer == path));
        row.set_selected(is_selected);
        let mut toggled = false;
        let facts = Facts::of_unit(unit, first, self.against.is_some());
        for &column in self.columns {
            let (_, cell) = row.col(|ui| match column {
                Column::Layer => {
                    ui.spacing_mut().item_spacing.x = 2.0;
                    self.indent(ui, 0);
                    if is_fused {
                        let name = format!("layers of {}", first.path);
                        let hint = "Show or hide the layers that run in this kernel";
                        toggled |= disclosure(ui, is_expanded, palette.muted, &name).on_hover_text(hint).clicked();
                    } else {
                        ui.add_space(4.0);
                    }
                    path(ui, &first.path, palette);
                }
                Column::Op => operation(ui, unit.kind, &first.op, palette),
                Column::Latency => self.latency(ui, unit),
                _ => self.number(ui, &facts, column),
            });
            if let Some(timing) = unit.timing.filter(|_| column.is_measured()) {
                cell.on_hover_text(in_full(timing, unit.layers.len()));
            }
        }
        let response = row.response();
        response.widget_info(|| WidgetInfo::selected(Role::Row, true, is_selected, &first.path));
        if !toggled {
            select(&response, &first.path, is_selected, commands);
        }
        toggled
    }

    /// A layer below its kernel.
    pub fn layer(&self, row: &mut TableRow<'_, '_>, index: usize, layer: &LayerCost, commands: &mut Commands) {
        let palette = self.palette;
        let is_selected = self.selected == Some(layer.path.as_str());
        row.set_selected(is_selected);
        let share = self.rows.share_of(index);
        let facts = Facts::of_layer(index, layer, self.rows, self.against);
        for &column in self.columns {
            let (_, cell) = row.col(|ui| match column {
                Column::Layer => {
                    self.indent(ui, 1);
                    path(ui, &layer.path, palette);
                }
                Column::Op => operation(ui, layer.kind, &layer.op, palette),
                Column::Latency => match share {
                    Some(LayerShare { time, share, .. }) if time > Nanos::ZERO => {
                        self.bar(ui, layer.kind, time, share);
                    }
                    Some(_) => self.aside(ui, "computes nothing apart"),
                    None => self.aside(ui, "in the kernel above"),
                },
                _ => self.number(ui, &facts, column),
            });
            if let Some(share) = share.filter(|share| share.time > Nanos::ZERO && column.is_measured()) {
                cell.on_hover_text(split_in_full(share));
            }
        }
        let response = row.response();
        response.widget_info(|| WidgetInfo::selected(Role::Row, true, is_selected, format!("layer {}", layer.path)));
        select(&response, &layer.path, is_selected, commands);
    }

    /// A number on the right; one against A in the colour of what it means, which its sign says too.
    fn number(&self, ui: &mut Ui, facts: &Facts<'_>, column: Column) {
        let palette = self.palette;
        let color = match facts.difference(column) {
            _ if self.is_stale && column.is_measured() => palette.muted,
            Some(more) if more < 0 => palette.good,
            Some(more) if more > 0 => palette.warn,
            _ => palette.text,
        };
        let text = RichText::new(facts.shown(column)).color(color);
        aligned(ui, true, |ui| ui.add(Label::new(text).truncate()));
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

pub(super) fn aligned<R>(ui: &mut Ui, right: bool, add: impl FnOnce(&mut Ui) -> R) -> R {
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

/// What the latency's cell says in full.
fn in_full(timing: Timing, layers: usize) -> String {
    let Timing { median, interval, share, rate, launches } = timing;
    let mut text = match interval {
        Some((low, high)) => format!("{median}, between {low} and {high}"),
        None => format!("{median} of its kernel's time, {SPLIT_LABEL}"),
    };
    text += &format!("\n{} of the marked whole", format::share(share));
    if let Some(rate) = rate {
        text += &format!("\n{rate} achieved");
    }
    if launches > 1 {
        text += &format!("\n{launches} launches for one layer, a group at a time");
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
