//! The bars and frames of the strip.

use eframe::egui;
use egui::{Color32, Rect, Role, Sense, Stroke, StrokeKind, TextStyle, Ui, WidgetInfo, pos2, vec2};
use shufflescope_engine::cost::LayerCost;

use crate::window::command::{Command, Commands};
use crate::window::quantity::Quantity;
use crate::window::strip::{Bar, Section, Strip};
use crate::window::theme::Palette;
use crate::window::widgets::named;

/// Between stages, and on both sides of their bars.
const GAP: f32 = 4.0;
const INSIDE: f32 = 2.0;

/// Least room of a bar; narrower ones scroll.
const LEAST: f32 = 7.0;

/// A bar of nothing is still to be seen.
const STUB: f32 = 2.0;

pub struct Plot<'a> {
    pub by: Quantity,
    pub strip: &'a Strip,
    pub a: Option<&'a Strip>,
    /// Stages that stand above each other.
    pub pairs: Vec<(Option<usize>, Option<usize>)>,
    pub selected: Option<&'a str>,
    pub layers: &'a [LayerCost],
    /// Height of the stages' names, and of the bars.
    pub names: f32,
    pub bars: f32,
    pub palette: Palette,
}

impl Plot<'_> {
    /// Width of the whole, where there is so much room.
    pub fn width(&self, room: f32) -> f32 {
        let least: f32 = self.pairs.iter().map(|pair| LEAST * self.slots(pair) + 2.0 * INSIDE + GAP).sum();
        room.max(least)
    }

    /// What has to be said of the bars as a whole.
    pub fn said(&self) -> Option<&'static str> {
        match (self.by, &self.strip.how) {
            (Quantity::Time, None) => Some("time not known: nothing is measured or predicted yet"),
            (Quantity::Time, Some(_)) if self.strip.is_predicted => Some("predicted"),
            _ => None,
        }
    }

    /// Paints all stages into this room.
    pub fn show(&self, ui: &mut Ui, rect: Rect, commands: &mut Commands) {
        let slots: f32 = self.pairs.iter().map(|pair| self.slots(pair)).sum();
        let gaps = (GAP + 2.0 * INSIDE) * self.pairs.len() as f32;
        let slot = (rect.width() - gaps) / slots.max(1.0);
        // Both strips are to one scale where both are known alike.
        let most = self.a.map_or(0.0, |a| a.most(self.by)).max(self.strip.most(self.by));
        let mut left = rect.left();
        for pair in &self.pairs {
            let width = slot * self.slots(pair) + 2.0 * INSIDE;
            let frame = Rect::from_min_max(pos2(left, rect.top()), pos2(left + width, rect.bottom()));
            left += width + GAP;
            let now = pair.0.and_then(|at| self.strip.sections.get(at));
            let then = pair.1.and_then(|at| self.a?.sections.get(at));
            self.frame(ui, frame, now, then);
            let top = frame.top() + self.names;
            let row = |top: f32, bottom: f32| {
                Rect::from_min_max(pos2(frame.left() + INSIDE, top), pos2(frame.right() - INSIDE, bottom))
            };
            for (index, bar) in now.into_iter().flat_map(|section| section.bars.iter().enumerate()) {
                self.bar(ui, column(row(top, top + self.bars), slot, index), bar, most, commands);
            }
            for (index, bar) in then.into_iter().flat_map(|section| section.bars.iter().enumerate()) {
                let row = row(top + self.bars + 2.0, frame.bottom());
                self.bar_of_a(ui, column(row, slot, index), bar, most, commands);
            }
        }
    }

    fn slots(&self, (now, then): &(Option<usize>, Option<usize>)) -> f32 {
        let bars = |strip: Option<&Strip>, at: Option<usize>| Some(strip?.sections.get(at?)?.bars.len());
        bars(Some(self.strip), *now).max(bars(self.a, *then)).unwrap_or(1).max(1) as f32
    }

    /// A stage: its name above its bars.
    fn frame(&self, ui: &Ui, rect: Rect, now: Option<&Section>, then: Option<&Section>) {
        let palette = self.palette;
        let is_selected = now.is_some_and(|section| section.bars.iter().any(|bar| self.is_selected(bar)));
        let outline = if is_selected { palette.muted } else { palette.outline };
        ui.painter().rect(rect, 3.0, palette.panel, Stroke::new(1.0, outline), StrokeKind::Inside);
        let Some(name) = now.or(then).map(|section| section.name.as_str()) else { return };
        let font = TextStyle::Small.resolve(ui.style());
        let above = Rect::from_min_max(rect.min, pos2(rect.right(), rect.top() + self.names));
        let color = if now.is_some() { palette.text } else { palette.muted };
        let galley = ui.painter().layout_no_wrap(name.to_owned(), font, color);
        if galley.size().x <= above.width() - 2.0 {
            ui.painter().galley(above.min + vec2(3.0, 0.0), galley, color);
        }
        let response = ui.interact(above, ui.scope_id().with(("stage", name)), Sense::hover());
        let response = named(response, Role::Label, &format!("strip: {name}"));
        response.on_hover_ui(|ui| {
            if let Some(section) = now {
                ui.label(self.strip.about_section(section));
            }
            if let Some((a, section)) = self.a.zip(then) {
                ui.label(format!("A: {}", a.about_section(section)));
            }
        });
    }

    /// A unit, as a button as high as the strip.
    fn bar(&self, ui: &Ui, rect: Rect, bar: &Bar, most: f64, commands: &mut Commands) {
        let palette = self.palette;
        let on = self.is_selected(bar);
        let response = ui.interact(rect, ui.scope_id().with(("bar", &bar.name)), Sense::click());
        let is_looked_at = response.hovered() || response.has_focus();
        if on || is_looked_at {
            ui.painter().rect_filled(rect, 2.0, if on { palette.chosen } else { palette.card });
        }
        let color = match on {
            true => palette.strong,
            false if is_looked_at => palette.accent,
            false => palette.accent.gamma_multiply(0.7),
        };
        let is_hollow = self.by == Quantity::Time && self.strip.is_predicted;
        self.paint(ui, rect, self.strip, bar, most, (color, is_hollow));
        if response.has_focus() {
            ui.painter().rect_stroke(rect, 2.0, Stroke::new(1.5, palette.accent), StrokeKind::Inside);
        }
        response.widget_info(|| WidgetInfo {
            current_text_value: Some(self.strip.said(bar, self.by)),
            ..WidgetInfo::selected(Role::Button, true, on, format!("strip {}", bar.name))
        });
        if response.clicked() {
            commands.push(Command::Select((!on).then(|| bar.main.clone())));
        }
        if is_looked_at {
            let beside = self.a.and_then(|a| Some((a, a.bars().find(|other| other.name == bar.name)?)));
            response.on_hover_ui(|ui| {
                ui.label(self.strip.about(bar));
                if let Some((a, beside)) = beside {
                    ui.label(format!("A: {}", a.about(beside)));
                }
            });
        }
    }

    /// A unit of A; a click selects the present network's unit of the same name.
    fn bar_of_a(&self, ui: &Ui, rect: Rect, bar: &Bar, most: f64, commands: &mut Commands) {
        let (palette, Some(a)) = (self.palette, self.a) else { return };
        let same = self.strip.bars().find(|now| now.name == bar.name);
        let on = same.is_some_and(|now| self.is_selected(now));
        let sense = if same.is_some() { Sense::click() } else { Sense::hover() };
        let response = ui.interact(rect, ui.scope_id().with(("bar of A", &bar.name)), sense);
        let is_looked_at = response.hovered() || response.has_focus();
        let color = if on || is_looked_at { palette.strong } else { palette.muted };
        self.paint(ui, rect, a, bar, most, (color, self.by == Quantity::Time && a.is_predicted));
        let name = format!("strip of A {}", bar.name);
        let value = Some(a.said(bar, self.by));
        let role = if same.is_some() { Role::Button } else { Role::Label };
        response.widget_info(|| WidgetInfo {
            current_text_value: value.clone(),
            ..WidgetInfo::selected(role, true, on, &name)
        });
        if let Some(same) = same.filter(|_| response.clicked()) {
            commands.push(Command::Select((!on).then(|| same.main.clone())));
        }
        if is_looked_at {
            response.on_hover_text(format!("A: {}", a.about(bar)));
        }
    }

    /// The bar itself: hollow where it is only predicted, a stub where nothing is known.
    fn paint(&self, ui: &Ui, rect: Rect, of: &Strip, bar: &Bar, most: f64, (color, is_hollow): (Color32, bool)) {
        let is_known = bar.amounts.share(self.by, &of.whole).is_some();
        let share = if most > 0.0 { (bar.amounts.get(self.by) / most) as f32 } else { 0.0 };
        let high = if is_known { (rect.height() * share).max(STUB) } else { STUB };
        let side = (rect.width() * 0.12).clamp(0.5, 4.0);
        let filled = Rect::from_min_max(
            pos2(rect.left() + side, rect.bottom() - high),
            pos2((rect.right() - side).max(rect.left() + side + 1.0), rect.bottom()),
        );
        if is_hollow || !is_known {
            ui.painter().rect(filled, 1.0, color.gamma_multiply(0.25), Stroke::new(1.0, color), StrokeKind::Inside);
        } else {
            ui.painter().rect_filled(filled, 1.0, color);
        }
    }

    fn is_selected(&self, bar: &Bar) -> bool {
        let path = |layer: &usize| self.layers.get(*layer).map(|layer| layer.path.as_str());
        self.selected.is_some_and(|selected| bar.layers.iter().any(|layer| path(layer) == Some(selected)))
    }
}

/// The room of the bar at this position.
fn column(row: Rect, slot: f32, index: usize) -> Rect {
    Rect::from_min_size(pos2(row.left() + slot * index as f32, row.top()), vec2(slot, row.height()))
}
