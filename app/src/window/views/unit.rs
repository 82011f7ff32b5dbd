//! One building block drawn as the paper's Figure 3 draws it, each box coloured by its share of the unit's time.

use std::collections::BTreeSet;

use eframe::egui;
use egui::{Align2, Pos2, Rect, Role, Sense, Shape, Stroke, StrokeKind, TextStyle, Ui, Vec2, WidgetInfo, pos2, vec2};
use shufflescope_engine::design::Design;
use shufflescope_engine::graph::{Graph, NodeId, UnitId};
use shufflescope_engine::measure::{Measurement, SPLIT_LABEL, Split};
use shufflescope_engine::units::Nanos;

use super::unit_plan::{Column, Step, UnitPlan};
use crate::window::command::{Command, Commands};
use crate::window::format;
use crate::window::scene::Scene;
use crate::window::theme::{self, Palette};

const BOX: Vec2 = vec2(178.0, 40.0);
const ROW: f32 = 70.0;

/// Where lines between boxes turn, above the box they lead to.
const TURN: f32 = 11.0;

/// Share of the unit's time from which a box is fully coloured.
const HOT: f64 = 0.5;

/// Which unit is drawn.
#[derive(Debug)]
pub struct UnitView {
    unit: UnitId,
    followed: Option<String>,
}

impl Default for UnitView {
    /// The first stage's repeated unit: the paper's Figure 3 c.
    fn default() -> Self {
        Self { unit: UnitId { stage: 0, repeat: 1 }, followed: None }
    }
}

impl UnitView {
    /// The choice of the unit.
    pub fn tools(&mut self, ui: &mut Ui, scene: Scene<'_>) {
        self.follow(scene);
        let units = units(&scene.document.valid().graph);
        if units.is_empty() {
            return;
        }
        let combo = egui::ComboBox::from_id_salt("unit").selected_text(name(self.unit)).width(170.0);
        let response = combo.show_ui(ui, |ui| {
            for unit in units.into_iter().filter(|unit| unit.repeat < 2) {
                ui.selectable_value(&mut self.unit, unit, name(unit));
            }
        });
        response.response.widget_info(|| WidgetInfo::labeled(Role::ComboBox, true, "unit"));
        let text = match self.share(scene) {
            Some((time, share)) => {
                let is_split = scene.live.current().is_some_and(|measured| measured.apart.is_some());
                let rule = if is_split { SPLIT_LABEL } else { "a fused kernel's at its first layer" };
                format!("{time}, {} of the run; boxes coloured by their share, {rule}", format::share(share))
            }
            None => "not measured yet".to_owned(),
        };
        let label = egui::RichText::new(&text).small().color(Palette::current(ui).muted);
        ui.add(egui::Label::new(label).truncate()).on_hover_text(text);
    }

    /// The unit's time and its share of the marked whole.
    fn share(&self, scene: Scene<'_>) -> Option<(Nanos, f64)> {
        let graph = &scene.document.valid().graph;
        let current = scene.live.current()?;
        let whole = current.breakdown.as_ref()?.marked_whole;
        let plan = UnitPlan::of(graph, self.unit);
        let time: Nanos = times_of(&plan, graph, Some(current)).into_iter().sum();
        Some((time, time.share_of(whole)))
    }

    /// Goes to the unit of a newly selected layer, and stays inside the design.
    fn follow(&mut self, scene: Scene<'_>) {
        let valid = scene.document.valid();
        if self.followed != scene.document.selected {
            self.followed.clone_from(&scene.document.selected);
            let node = self.followed.as_deref().and_then(|path| valid.graph.find(path));
            if let Some(unit) = node.and_then(|id| valid.graph.node(id).unit) {
                self.unit = unit;
            }
        }
        let Some(design) = valid.model.design() else { return };
        let stage = self.unit.stage.min(design.stages.len().saturating_sub(1));
        let repeats = design.stages.get(stage).map_or(1, |row| row.repeats as usize);
        self.unit = UnitId { stage, repeat: self.unit.repeat.min(repeats.saturating_sub(1)) };
    }

    /// The drawing.
    pub fn show(&mut self, ui: &mut Ui, scene: Scene<'_>, commands: &mut Commands) {
        self.follow(scene);
        let graph = &scene.document.valid().graph;
        if units(graph).is_empty() {
            let text =
                "This network is a graph without stages, so it has no units to draw. Its layers are in the table.";
            ui.label(egui::RichText::new(text).color(Palette::current(ui).muted));
            return;
        }
        let plan = UnitPlan::of(graph, self.unit);
        let times = times_of(&plan, graph, scene.live.current());
        egui::ScrollArea::both().auto_shrink(false).show(ui, |ui| {
            let height = ROW * (plan.rows() as f32 + 1.0) + 46.0;
            let size = vec2(ui.available_width().max(BOX.x * 2.0 + 150.0), height);
            let (rect, _) = ui.allocate_exact_size(size, Sense::hover());
            let drawing = Drawing { plan: &plan, times: &times, rect, palette: Palette::current(ui) };
            drawing.arrows(ui);
            for index in 0..plan.steps.len() {
                drawing.step(ui, index, scene, commands);
            }
        });
    }
}

/// The units of a graph, in their order; a network that is no design has none.
fn units(graph: &Graph) -> BTreeSet<UnitId> {
    graph.nodes().iter().filter_map(|node| node.unit).collect()
}

fn name(unit: UnitId) -> String {
    let stage = Design::stage_name(unit.stage);
    match unit.repeat {
        0 => format!("{stage}, first unit"),
        1 => format!("{stage}, repeated unit"),
        more => format!("{stage}, unit {}", more + 1),
    }
}

/// Each box's time: its layers' parts of their kernels where they were measured apart, or else that of the kernels that
/// start in it.
fn times_of(plan: &UnitPlan, graph: &Graph, measured: Option<&Measurement>) -> Vec<Nanos> {
    let breakdown = measured.and_then(|measured| measured.breakdown.as_ref());
    let split = measured.and_then(Measurement::split);
    let times = split.as_ref().map_or_else(
        || {
            let kernels = breakdown.iter().flat_map(|breakdown| &breakdown.kernels);
            kernels.filter_map(|kernel| Some((kernel.layers.first()?.as_str(), kernel.median))).collect()
        },
        Split::by_layer,
    );
    let of_layer = |id: &NodeId| times.get(graph.node(*id).path.as_str()).copied().unwrap_or_default();
    plan.steps.iter().map(|step| step.nodes.iter().map(of_layer).sum()).collect()
}

struct Drawing<'a> {
    plan: &'a UnitPlan,
    times: &'a [Nanos],
    rect: Rect,
    palette: Palette,
}

impl Drawing<'_> {
    fn x(&self, column: Column) -> f32 {
        let aside = BOX.x / 2.0 + 26.0;
        match column {
            Column::Left => self.rect.center().x - aside,
            Column::Center => self.rect.center().x,
            Column::Right => self.rect.center().x + aside,
        }
    }

    fn y(&self, row: usize) -> f32 {
        self.rect.top() + 6.0 + ROW * row as f32 + BOX.y / 2.0
    }

    fn place(&self, step: &Step) -> Rect {
        Rect::from_center_size(pos2(self.x(step.column), self.y(step.row)), BOX)
    }

    /// Where the unit's input comes in.
    fn entry(&self) -> Pos2 {
        pos2(self.x(Column::Center), self.y(0) + BOX.y / 2.0 - 4.0)
    }

    fn arrows(&self, ui: &Ui) {
        let font = TextStyle::Small.resolve(ui.style());
        let entry = self.entry();
        let text = format!("{} channels in", self.plan.input);
        ui.painter().text(entry - vec2(0.0, 4.0), Align2::CENTER_BOTTOM, text, font.clone(), self.palette.muted);
        for step in &self.plan.steps {
            for source in &step.inputs {
                self.arrow(ui, source.and_then(|index| self.plan.steps.get(index)), step);
            }
        }
        if let Some(last) = self.plan.steps.last() {
            let from = self.place(last).center_bottom();
            let to = from + vec2(0.0, 20.0);
            self.line(ui, &[from, to]);
            let text = format!("{} channels out", last.handed_on());
            ui.painter().text(to + vec2(0.0, 4.0), Align2::CENTER_TOP, text, font, self.palette.muted);
        }
    }

    /// From one box, or the unit's input, to another; around what lies between.
    fn arrow(&self, ui: &Ui, from: Option<&Step>, to: &Step) {
        let (start, row) = from.map_or((self.entry(), 0), |step| (self.place(step).center_bottom(), step.row));
        let end = self.place(to).center_top();
        let above = end.y - TURN;
        let below = start.y + ROW - BOX.y - TURN;
        if to.row == row + 1 {
            self.line(ui, &[start, pos2(start.x, above), pos2(end.x, above), end]);
            return;
        }
        let lane = match from.map(|step| step.column) {
            Some(column @ (Column::Left | Column::Right)) if to.column == Column::Center => self.x(column),
            _ if to.column == Column::Right => self.x(Column::Right) + BOX.x / 2.0 + 16.0,
            _ if self.plan.has_branches => self.x(Column::Left),
            _ => self.x(Column::Center) - BOX.x / 2.0 - 22.0,
        };
        self.line(ui, &[start, pos2(start.x, below), pos2(lane, below), pos2(lane, above), pos2(end.x, above), end]);
    }

    fn line(&self, ui: &Ui, points: &[Pos2]) {
        let stroke = Stroke::new(1.5, self.palette.muted);
        ui.painter().add(Shape::line(points.to_vec(), stroke));
        if let Some(&tip) = points.last() {
            let head = vec![tip, tip + vec2(-4.0, -7.0), tip + vec2(4.0, -7.0)];
            ui.painter().add(Shape::convex_polygon(head, self.palette.muted, Stroke::NONE));
        }
    }

    fn step(&self, ui: &Ui, index: usize, scene: Scene<'_>, commands: &mut Commands) {
        let Some(step) = self.plan.steps.get(index) else { return };
        let graph = &scene.document.valid().graph;
        let paths: Vec<&str> = step.nodes.iter().map(|&id| graph.node(id).path.as_str()).collect();
        let selected = scene.document.selected.as_deref();
        let is_selected = selected.is_some_and(|selected| paths.contains(&selected));
        let time = self.times.get(index).copied().unwrap_or_default();
        let whole: Nanos = self.times.iter().copied().sum();
        let palette = self.palette;
        let place = self.place(step);
        let response = ui.interact(place, ui.scope_id().with(("unit step", index)), Sense::click());
        let stroke = match (is_selected, response.hovered() || response.has_focus()) {
            (true, _) => Stroke::new(2.0, palette.accent),
            (_, true) => Stroke::new(1.5, palette.muted),
            _ => Stroke::new(1.0, palette.outline),
        };
        let painter = ui.painter();
        let fill = palette.heat(time.share_of(whole), HOT);
        let text_color = palette.on(fill);
        painter.rect(place, theme::ROUND, fill, stroke, StrokeKind::Inside);
        let body = TextStyle::Body.resolve(ui.style());
        let small = TextStyle::Small.resolve(ui.style());
        let lift = if step.after.is_empty() { 0.0 } else { 8.0 };
        painter.text(place.center() - vec2(0.0, lift), Align2::CENTER_CENTER, &step.title, body, text_color);
        if !step.after.is_empty() {
            let after = step.after.join(", ");
            painter.text(place.center() + vec2(0.0, 9.0), Align2::CENTER_CENTER, after, small.clone(), text_color);
        }
        let channels = place.center_bottom() + vec2(5.0, 1.0);
        painter.text(channels, Align2::LEFT_TOP, step.handed_on(), small.clone(), palette.muted);
        if time > Nanos::ZERO {
            let (at, align) = if step.column == Column::Left {
                (place.left_center() - vec2(8.0, 0.0), Align2::RIGHT_CENTER)
            } else {
                (place.right_center() + vec2(8.0, 0.0), Align2::LEFT_CENTER)
            };
            let text = format!("{time}\n{}", format::share(time.share_of(whole)));
            painter.text(at, align, text, small, palette.text);
        }
        let name = format!("{} {}", step.title, paths.first().copied().unwrap_or_default());
        response.widget_info(|| WidgetInfo::selected(Role::Button, true, is_selected, &name));
        if response.clicked() {
            let path = paths.first().map(|path| (*path).to_owned());
            commands.push(Command::Select(path.filter(|_| !is_selected)));
        }
        response.on_hover_text(paths.join("\n"));
    }
}
