//! The layer table: virtual rows, sorted by any column, filtered and grouped, with each kernel's time as a bar.

mod columns;
mod row;

use std::collections::HashSet;

use eframe::egui;
use egui::containers::menu::MenuButton;
use egui::{Align, Label, Layout, RichText, Role, Sense, Ui};
use egui_extras::TableBuilder;
use shufflescope_engine::clock::ClockDomain;
use shufflescope_engine::design::Design;
use shufflescope_engine::measure::Breakdown;
use shufflescope_engine::report::layer_group;

use super::NARROW;
use super::apart;
use super::choices::ViewChoices;
use super::known::Known;
use super::rows::{Column, Grouping, Line, Look, Rows, Source, TextForm};
use crate::window::against::Against;
use crate::window::command::{Command, Commands};
use crate::window::live::Freshness;
use crate::window::scene::Scene;
use crate::window::theme::{self, Palette};
use crate::window::widgets::{Mark, mark, named};
use row::{Painter, aligned};

/// How the table is looked at, and what it shows.
#[derive(Debug, Default)]
pub struct Layers {
    look: Look,
    rows: Rows,
    /// What `rows` was made of: what was known, and the look.
    made_of: Option<(u64, Look)>,
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
        let is_narrow = ui.max_rect().width() < NARROW;
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            if !is_narrow {
                self.groups(ui);
            }
            let filter = &mut self.look.filter;
            if !filter.is_empty() && named(ui.button("×"), Role::Button, "clear filter").clicked() {
                filter.clear();
            }
            let width = ui.available_width().clamp(50.0, 220.0);
            let field = egui::TextEdit::singleline(filter).hint_text("filter: dw stage3").desired_width(width);
            named(ui.add(field), Role::TextInput, "filter layers");
        });
    }

    /// What the table is divided into; beside the filter, or below the table where there is no room for both.
    fn groups(&mut self, ui: &mut Ui) {
        let grouping = &mut self.look.grouping;
        let menu = egui::ComboBox::from_id_salt("group layers").selected_text(grouping.name()).width(78.0);
        let menu = menu.show_ui(ui, |ui| {
            for other in Grouping::ALL {
                ui.selectable_value(grouping, other, other.name());
            }
        });
        let hint = "Divide the table by stage or by kind of work, with subtotals";
        named(menu.response.on_hover_text(hint), Role::ComboBox, "group layers");
    }

    /// The table.
    pub fn show(
        &mut self,
        ui: &mut Ui,
        scene: Scene<'_>,
        known: &Known,
        choices: &mut ViewChoices,
        commands: &mut Commands,
    ) {
        let columns = columns::shown(choices, known.against.is_some());
        if !columns.contains(&self.look.by) {
            (self.look.by, self.look.descending) = (Column::Layer, false);
        }
        self.refresh(scene, known);
        let footer = 50.0;
        let height = (ui.available_height() - footer).max(80.0);
        ui.allocate_ui(egui::vec2(ui.available_width(), height), |ui| {
            ui.set_min_height(height);
            egui::ScrollArea::horizontal().auto_shrink(false).show(ui, |ui| {
                self.table(ui, scene, &columns, known.against.as_ref(), commands);
            });
        });
        self.footer(ui, scene, known, choices, commands);
        apart::line(ui, scene, commands);
    }

    fn refresh(&mut self, scene: Scene<'_>, known: &Known) {
        let (document, live) = (scene.document, scene.live);
        let is_fresh = self.made_of.as_ref().is_some_and(|(of, look)| *of == known.generation && *look == self.look);
        if is_fresh {
            return;
        }
        let result = live.result().map(|(measurement, _)| measurement);
        let source = Source {
            breakdown: result.and_then(|of| of.breakdown.as_ref()),
            apart: result.and_then(|of| of.apart.as_ref()),
            against: known.against.as_ref(),
            is_stale: live.current().is_none(),
        };
        let valid = document.valid();
        let nodes: Vec<_> = valid.graph.layers().map(|(_, node)| node).collect();
        let stage = |layer: usize| match nodes.get(layer) {
            Some(node) => match node.unit {
                Some(unit) => Design::stage_name(unit.stage),
                None => layer_group(&node.path).to_owned(),
            },
            None => String::new(),
        };
        self.rows = Rows::of(&valid.cost.layers, stage, source, &self.look);
        self.made_of = Some((known.generation, self.look.clone()));
    }

    fn table(
        &mut self,
        ui: &mut Ui,
        scene: Scene<'_>,
        columns: &[Column],
        against: Option<&Against>,
        commands: &mut Commands,
    ) {
        let (palette, wide) = (Palette::current(ui), ui.available_width());
        let layers = &scene.document.valid().cost.layers;
        let selected = scene.document.selected.as_deref();
        let is_stale = scene.live.result().is_some_and(|(_, freshness)| freshness == Freshness::Stale);
        let mut table = TableBuilder::new(ui)
            .id_salt("layers")
            .sense(Sense::click())
            .cell_layout(Layout::left_to_right(Align::Center))
            // In a low window too what stands below it stays in view.
            .min_scrolled_height(0.0)
            .auto_shrink(false);
        for width in columns::widths(columns, wide) {
            table = table.column(egui_extras::Column::exact(width).clip(true));
        }
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
            for &column in columns {
                header.col(|ui| {
                    if heading(ui, column, look.by == column, look.descending, is_stale, palette) {
                        click = Some(Click::Sort(column));
                    }
                });
            }
        });
        let painter = Painter { columns, layers, rows, look, against, selected, is_stale, palette };
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
                    painter.layer(&mut row, *index, layer, commands);
                }
                None => {}
            });
        });
        if let Some(click) = click {
            self.take(click);
            ui.ctx().request_repaint();
        }
    }

    /// What the table adds up to, and the menus for its columns and its text.
    fn footer(
        &mut self,
        ui: &mut Ui,
        scene: Scene<'_>,
        known: &Known,
        choices: &mut ViewChoices,
        commands: &mut Commands,
    ) {
        let size = egui::vec2(ui.available_width(), theme::ROW);
        ui.allocate_ui_with_layout(size, Layout::right_to_left(Align::Center), |ui| {
            let button = MenuButton::from_button(egui::Button::new("Copy").small());
            let (copy, _) = button.ui(ui, |ui| {
                for form in TextForm::ALL {
                    let button = ui.button(form.name());
                    if named(button, Role::Button, &format!("Copy as {}", form.name())).clicked() {
                        let columns = columns::shown(choices, known.against.is_some());
                        let layers = &scene.document.valid().cost.layers;
                        let text = self.rows.text(form, &columns, layers, known.against.as_ref());
                        let what = format!("{} rows as {}", self.rows.lines.len(), form.name());
                        commands.push(Command::Copy { text, what });
                    }
                }
            });
            let hint = "Put the table as it is shown onto the clipboard";
            named(copy.on_hover_text(hint), Role::Button, "Copy layers");
            columns::menu(ui, choices, known.against.is_some());
            if size.x < NARROW {
                self.groups(ui);
            }
            ui.with_layout(Layout::left_to_right(Align::Center), |ui| summary(ui, scene, known, self.rows.layers));
        });
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

/// What the table adds up to, and what it does not.
fn summary(ui: &mut Ui, scene: Scene<'_>, known: &Known, shown: usize) {
    let palette = Palette::current(ui);
    let all = scene.document.valid().cost.layers.len();
    let count = if shown == all { format!("{all} layers") } else { format!("{shown} of {all} layers") };
    let mut text = count;
    if let Some(against) = known.against.as_ref().filter(|against| against.only_in_a > 0) {
        text += &format!("  ·  {} only in A", against.only_in_a);
    }
    let breakdown = scene.live.current().and_then(|measurement| measurement.breakdown.as_ref());
    if let Some(breakdown) = breakdown {
        let overhead = breakdown.marking_overhead.map_or_else(|| "unknown".into(), |ratio| format!("{ratio:.3}x"));
        text += &format!(
            "  ·  {}sum {}  ·  unaccounted {}  ·  marked whole {}  ·  marking overhead {overhead}",
            whose_clock(breakdown),
            breakdown.sum,
            breakdown.unaccounted,
            breakdown.marked_whole
        );
    }
    ui.add(Label::new(RichText::new(text).small().color(palette.muted)).truncate()).on_hover_text(
        "Layer times come from marked runs, which time every kernel; they are never rescaled. \
         Their sum and what they do not account for make the marked whole, \
         whose ratio to that of runs without marks at the kernels is the marking overhead. \
         On the device's clock all of them are the device's own times, and the latency is another number: the host's.",
    );
}

/// What is said of the times of a device's own clock.
fn whose_clock(breakdown: &Breakdown) -> &'static str {
    match breakdown.clock {
        ClockDomain::Host => "",
        ClockDomain::Device => "device clock: ",
    }
}
