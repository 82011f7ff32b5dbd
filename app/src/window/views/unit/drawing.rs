//! The boxes of a unit and the lines between them.

use eframe::egui;
use egui::{
    Align2, FontId, Pos2, Rect, Role, Sense, Shape, Stroke, StrokeKind, TextStyle, Ui, Vec2, WidgetInfo, pos2, vec2,
};
use shufflescope_engine::units::Nanos;

use super::Boxes;
use crate::window::command::{Command, Commands};
use crate::window::format;
use crate::window::quantity::Quantity;
use crate::window::scene::Scene;
use crate::window::theme::{self, Palette};
use crate::window::views::unit_plan::{Column, Step, UnitPlan};

/// A box, in the smallest drawing: in the smallest window two of them leave room for what stands beside them.
const BOX: Vec2 = vec2(156.0, 40.0);

/// From row to row, at least and at most.
const LEAST_ROW: f32 = 58.0;
const MOST_ROW: f32 = 112.0;

/// Beside the boxes, and above and below them.
const BESIDE: f32 = 150.0;
const ABOVE: f32 = 46.0;

/// Between the two columns.
const BETWEEN: f32 = 44.0;

/// The drawing grows with the room up to this factor.
const MOST_SCALE: f32 = 3.2;

/// Where lines between boxes turn, above the box they lead to.
const TURN: f32 = 11.0;

/// Room beside a box in which the time apart fits too.
const ROOM_FOR_APART: f32 = 96.0;

/// Share of the unit from which a box is fully coloured.
const HOT: f64 = 0.5;

/// How large everything is.
#[derive(Clone, Copy, Debug)]
pub struct Layout {
    /// The whole.
    pub size: Vec2,
    scale: f32,
    place: Vec2,
    row: f32,
}

impl Layout {
    /// The largest drawing of a plan that this room has, or the smallest one there is.
    pub fn within(room: Vec2, plan: &UnitPlan) -> Self {
        let rows = plan.rows() as f32 + 1.0;
        let least = vec2(BOX.x * 2.0 + BESIDE, LEAST_ROW * rows + ABOVE);
        // A hair less than the room, so that rounding brings no scroll bar.
        let scale = (0.995 * (room.x / least.x).min(room.y / least.y)).clamp(1.0, MOST_SCALE);
        let row = ((room.y - ABOVE * scale) / rows).clamp(LEAST_ROW * scale, MOST_ROW * scale);
        // What the width has left makes the boxes wider and leaves room for times beside them.
        let spare = (room.x - least.x * scale).max(0.0);
        let place = vec2(BOX.x * scale + (spare * 0.25).min(BOX.x * scale), BOX.y * scale);
        let size = vec2(room.x.max(least.x * scale), (row * rows + ABOVE * scale).max(room.y.floor()));
        Self { size, scale, place, row }
    }
}

pub struct Drawing<'a> {
    pub plan: &'a UnitPlan,
    pub boxes: &'a Boxes,
    pub layout: Layout,
    pub rect: Rect,
    pub palette: Palette,
}

impl Drawing<'_> {
    fn font(&self, ui: &Ui, style: &TextStyle) -> FontId {
        let font = style.resolve(ui.style());
        FontId::new(font.size * self.layout.scale.min(2.4), font.family)
    }

    fn x(&self, column: Column) -> f32 {
        let aside = (self.layout.place.x + BETWEEN * self.layout.scale) / 2.0;
        match column {
            Column::Left => self.rect.center().x - aside,
            Column::Center => self.rect.center().x,
            Column::Right => self.rect.center().x + aside,
        }
    }

    fn y(&self, row: usize) -> f32 {
        self.rect.top() + 6.0 + self.layout.row * row as f32 + self.layout.place.y / 2.0
    }

    fn place(&self, step: &Step) -> Rect {
        Rect::from_center_size(pos2(self.x(step.column), self.y(step.row)), self.layout.place)
    }

    /// Where the unit's input comes in.
    fn entry(&self) -> Pos2 {
        pos2(self.x(Column::Center), self.y(0) + self.layout.place.y / 2.0 - 4.0)
    }

    /// Everything between the boxes.
    pub fn arrows(&self, ui: &Ui) {
        let font = self.font(ui, &TextStyle::Small);
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
            let to = from + vec2(0.0, 20.0 * self.layout.scale);
            self.line(ui, &[from, to]);
            let text = format!("{} channels out", last.handed_on());
            ui.painter().text(to + vec2(0.0, 4.0), Align2::CENTER_TOP, text, font, self.palette.muted);
        }
    }

    /// From one box, or the unit's input, to another; around what lies between.
    fn arrow(&self, ui: &Ui, from: Option<&Step>, to: &Step) {
        let size = self.layout.place;
        let (start, row) = from.map_or((self.entry(), 0), |step| (self.place(step).center_bottom(), step.row));
        let end = self.place(to).center_top();
        let above = end.y - TURN;
        let below = start.y + self.layout.row - size.y - TURN;
        if to.row == row + 1 {
            self.line(ui, &[start, pos2(start.x, above), pos2(end.x, above), end]);
            return;
        }
        let lane = match from.map(|step| step.column) {
            Some(column @ (Column::Left | Column::Right)) if to.column == Column::Center => self.x(column),
            _ if to.column == Column::Right => self.x(Column::Right) + size.x / 2.0 + 16.0,
            _ if self.plan.has_branches => self.x(Column::Left),
            _ => self.x(Column::Center) - size.x / 2.0 - 22.0,
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

    /// A box, as a button.
    pub fn step(&self, ui: &Ui, index: usize, scene: Scene<'_>, commands: &mut Commands) {
        let Some(step) = self.plan.steps.get(index) else { return };
        let graph = &scene.document.valid().graph;
        let paths: Vec<&str> = step.nodes.iter().map(|&id| graph.node(id).path.as_str()).collect();
        let selected = scene.document.selected.as_deref();
        let is_selected = selected.is_some_and(|selected| paths.contains(&selected));
        let amounts = self.boxes.amounts.get(index).copied().unwrap_or_default();
        let share = amounts.share(self.boxes.by, &self.boxes.whole);
        let palette = self.palette;
        let place = self.place(step);
        let response = ui.interact(place, ui.scope_id().with(("unit step", index)), Sense::click());
        let stroke = match (is_selected, response.hovered() || response.has_focus()) {
            (true, _) => Stroke::new(2.0, palette.accent),
            (_, true) => Stroke::new(1.5, palette.muted),
            _ => Stroke::new(1.0, palette.outline),
        };
        let painter = ui.painter();
        let fill = palette.heat(share.unwrap_or_default(), HOT);
        let text_color = palette.on(fill);
        painter.rect(place, theme::ROUND, fill, stroke, StrokeKind::Inside);
        let (body, small) = (self.font(ui, &TextStyle::Body), self.font(ui, &TextStyle::Small));
        let lift = if step.after.is_empty() { 0.0 } else { body.size * 0.6 };
        painter.text(place.center() - vec2(0.0, lift), Align2::CENTER_CENTER, &step.title, body.clone(), text_color);
        if !step.after.is_empty() {
            let (after, below) = (step.after.join(", "), vec2(0.0, body.size * 0.67));
            painter.text(place.center() + below, Align2::CENTER_CENTER, after, small.clone(), text_color);
        }
        // What the last box hands on is said where it leaves the unit.
        if index + 1 < self.plan.steps.len() {
            let channels = place.center_bottom() + vec2(5.0, 1.0);
            let handed_on = painter.layout_no_wrap(step.handed_on(), small.clone(), palette.muted);
            // Lines to both sides pass behind it.
            painter.rect_filled(Rect::from_min_size(channels, handed_on.size()), 0.0, ui.visuals().panel_fill);
            painter.galley(channels, handed_on, palette.muted);
        }
        if let Some(text) = self.beside(index) {
            let (at, align) = if step.column == Column::Left {
                (place.left_center() - vec2(8.0, 0.0), Align2::RIGHT_CENTER)
            } else {
                (place.right_center() + vec2(8.0, 0.0), Align2::LEFT_CENTER)
            };
            painter.text(at, align, text, small, palette.text);
        }
        let name = format!("{} {}", step.title, paths.first().copied().unwrap_or_default());
        response.widget_info(|| WidgetInfo::selected(Role::Button, true, is_selected, &name));
        if response.clicked() {
            let path = paths.first().map(|path| (*path).to_owned());
            commands.push(Command::Select(path.filter(|_| !is_selected)));
        }
        response.on_hover_ui(|ui| {
            ui.label(paths.join("\n"));
            ui.label(self.in_full(index));
        });
    }

    /// What stands beside a box; nothing where its amount is zero or not known.
    fn beside(&self, index: usize) -> Option<String> {
        let amounts = self.boxes.amounts.get(index)?;
        let by = self.boxes.by;
        let share = format::share(amounts.share(by, &self.boxes.whole)?);
        let text = match by {
            Quantity::Time if amounts.time? == Nanos::ZERO => return None,
            Quantity::Time if self.boxes.is_predicted => format!("\u{2248} {}", amounts.time?),
            Quantity::Time => amounts.time?.to_string(),
            Quantity::MultAdds if amounts.mult_adds.0 == 0 => return None,
            Quantity::MultAdds => amounts.mult_adds.to_string(),
            Quantity::MemoryAccess if amounts.memory_access.0 == 0 => return None,
            Quantity::MemoryAccess => amounts.memory_access.to_string(),
        };
        let room = (self.layout.size.x - 2.0 * self.layout.place.x) / 2.0;
        let alone = self.boxes.alone.get(index).copied().flatten();
        let alone = alone.filter(|_| by == Quantity::Time && room >= ROOM_FOR_APART * self.layout.scale);
        let alone = alone.map(|alone| format!("\napart {alone}")).unwrap_or_default();
        Some(format!("{text}\n{share}{alone}"))
    }

    /// Everything known of a box.
    fn in_full(&self, index: usize) -> String {
        let Some(amounts) = self.boxes.amounts.get(index) else { return String::new() };
        let mut lines: Vec<String> = Vec::new();
        for (quantity, _) in Quantity::CHOICES {
            let text = amounts.text(quantity).zip(amounts.share(quantity, &self.boxes.whole));
            let predicted = if quantity == Quantity::Time && self.boxes.is_predicted { " (predicted)" } else { "" };
            lines.extend(text.map(|(text, share)| format!("{text}{predicted}, {} of the unit", format::share(share))));
        }
        if let Some(alone) = self.boxes.alone.get(index).copied().flatten() {
            lines.push(format!("apart: {alone} as kernels of their own"));
        }
        lines.join("\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use shufflescope_engine::design::Batch;
    use shufflescope_engine::graph::{UnitId, lower};
    use shufflescope_engine::zoo;

    #[test]
    fn the_drawing_fills_the_room_and_is_never_too_small_to_read() {
        let graph = lower(&zoo::preset("shufflenet-v2-x1.0").unwrap(), Batch(1)).unwrap();
        let plan = UnitPlan::of(&graph, UnitId { stage: 0, repeat: 1 });
        let [small, usual, large] =
            [vec2(480.0, 180.0), vec2(850.0, 560.0), vec2(3240.0, 1750.0)].map(|room| Layout::within(room, &plan));
        assert!(small.scale == 1.0 && small.size.y > 400.0, "{small:?}: it scrolls");
        assert!(usual.size.y <= 560.0 && usual.place.x > BOX.x, "{usual:?}");
        assert!(large.scale > 1.9 && large.place.x > 2.0 * usual.place.x, "{large:?}");
        let boxes = large.row * plan.rows() as f32 + large.place.y;
        assert!(boxes > 0.75 * 1750.0, "{large:?}");
    }
}
