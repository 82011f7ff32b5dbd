//! The breakdown by kind of work with a lane of the run beside each kind: what it takes, and when.

use eframe::egui;
use egui::{
    Align, Align2, Color32, Label, Layout, Rect, RichText, Role, Sense, Stroke, StrokeKind, TextStyle, Ui, UiBuilder,
    Vec2, WidgetInfo, pos2, vec2,
};
use shufflescope_engine::graph::OpKind;
use shufflescope_engine::measure::Breakdown;
use shufflescope_engine::units::Nanos;

use super::shares::{Breakup, KINDS};
use super::spans::{Span, ticks};
use crate::window::command::{Command, Commands};
use crate::window::format;
use crate::window::theme::{self, Palette};
use crate::window::widgets::named;

/// Height of a kind's row, at least and at most.
const LEAST_ROW: f32 = 26.0;
const MOST_ROW: f32 = 320.0;

/// From here on the lanes stand beside the table; below it otherwise.
const BESIDE: f32 = 760.0;

/// Widths of the table's columns: the kind, and its shares.
const KIND: f32 = 112.0;
const SHARE: f32 = 62.0;

/// Height of the axis below the lanes.
const AXIS: f32 = 18.0;

/// What is painted.
pub struct Lanes<'a> {
    pub now: &'a Breakup,
    pub a: Option<&'a Breakup>,
    pub spans: &'a [Span<'a>],
    pub a_spans: &'a [Span<'a>],
    pub breakdown: Option<&'a Breakdown>,
    /// The marked whole of A, where it was measured.
    pub a_whole: Option<Nanos>,
    pub selected: Option<&'a str>,
    pub missing: &'a str,
}

/// A column of the table: its heading, and what it says of a kind.
type Said<'a> = (&'static str, Box<dyn Fn(OpKind) -> String + 'a>);

impl Lanes<'_> {
    /// Paints table and lanes into what is left of the view, and no less than they need.
    pub fn show(&self, ui: &mut Ui, below: f32, commands: &mut Commands) {
        let kinds: Vec<OpKind> =
            KINDS.into_iter().filter(|kind| self.now.has(*kind) || self.a.is_some_and(|a| a.has(*kind))).collect();
        let is_beside = ui.available_width() >= BESIDE;
        let columns = self.columns();
        let table = KIND + SHARE * columns.len() as f32;
        let rows = kinds.len().max(1) as f32;
        // A hair less than the room, so that rounding brings no scroll bar.
        let room = ui.available_height() - theme::ROW - AXIS - below - 2.0;
        let row = if is_beside { (room / rows).clamp(LEAST_ROW, MOST_ROW) } else { LEAST_ROW };
        let heights = theme::ROW + row * rows;
        let lanes = if is_beside { 0.0 } else { (room - heights).clamp(56.0, 160.0) };
        let size = vec2(ui.available_width(), heights + lanes + AXIS);
        let (rect, _) = ui.allocate_exact_size(size, Sense::hover());
        self.table(ui, rect, row, &kinds, &columns);
        if is_beside {
            let chart = Rect::from_min_max(pos2(rect.left() + table + 12.0, rect.top()), rect.max);
            let lane = |kind: OpKind| {
                let at = kinds.iter().position(|other| *other == kind)? as f32;
                let top = chart.top() + theme::ROW + row * at;
                Some(Rect::from_min_size(pos2(chart.left(), top), vec2(chart.width(), row)).shrink2(vec2(0.0, 2.0)))
            };
            kinds.iter().filter_map(|kind| lane(*kind)).for_each(|lane| self.trough(ui, lane));
            self.chart(ui, Rect::from_min_max(pos2(chart.left(), chart.top() + theme::ROW), chart.max), lane, commands);
        } else {
            let chart = Rect::from_min_max(pos2(rect.left(), rect.bottom() - AXIS - lanes), rect.max);
            let lane =
                Rect::from_min_max(chart.min, pos2(chart.right(), chart.bottom() - AXIS)).shrink2(vec2(0.0, 2.0));
            self.trough(ui, lane);
            self.chart(ui, chart, |_| Some(lane), commands);
        }
    }

    fn columns(&self) -> Vec<Said<'_>> {
        let absent = || "\u{2013}".to_owned();
        let now = self.now.time.as_ref();
        let mut columns: Vec<Said<'_>> =
            vec![("time", Box::new(move |kind| now.map_or_else(absent, |now| format::share(now.get(kind)))))];
        // Times of the same clock are compared, not shares: a share may fall while the time grows.
        let wholes = self.breakdown.map(|breakdown| breakdown.marked_whole).zip(self.a_whole);
        if let Some(a) = self.a {
            let change = move |kind| {
                let (now, then, (whole, a_whole)) = (now?.get(kind), a.time.as_ref()?.get(kind), wholes?);
                let (now, then) = (now * whole.as_f64(), then * a_whole.as_f64());
                (then > 0.0).then(|| format::change(now / then - 1.0))
            };
            columns.push(("time vs A", Box::new(move |kind| change(kind).unwrap_or_else(absent))));
        }
        columns.push(("mult-adds", Box::new(|kind| format::share(self.now.mult_adds.get(kind)))));
        columns.push(("memory", Box::new(|kind| format::share(self.now.memory.get(kind)))));
        columns
    }

    fn table(&self, ui: &mut Ui, rect: Rect, row: f32, kinds: &[OpKind], columns: &[Said<'_>]) {
        let palette = Palette::current(ui);
        let cell = |column: usize, top: f32, height: f32| {
            let left = if column == 0 { 0.0 } else { KIND + SHARE * (column - 1) as f32 };
            let width = if column == 0 { KIND } else { SHARE };
            Rect::from_min_size(pos2(rect.left() + left, top), vec2(width, height))
        };
        let text = |ui: &mut Ui, rect: Rect, text: RichText| {
            let layout = Layout::left_to_right(Align::Center);
            let mut child = ui.new_child(UiBuilder::new().max_rect(rect).layout(layout));
            child.add(Label::new(text).truncate());
        };
        let headings = std::iter::once("kind of work").chain(columns.iter().map(|(heading, _)| *heading));
        for (column, heading) in headings.enumerate() {
            text(ui, cell(column, rect.top(), theme::ROW), RichText::new(heading).small().color(palette.muted));
        }
        for (index, &kind) in kinds.iter().enumerate() {
            let top = rect.top() + theme::ROW + row * index as f32;
            if self.is_selected(kind) {
                let whole = Rect::from_min_max(cell(0, top, row).min, cell(columns.len(), top, row).max);
                ui.painter().rect_filled(whole.shrink2(vec2(0.0, 2.0)), theme::ROUND, palette.chosen);
            }
            let name = cell(0, top, row);
            let dot = Rect::from_center_size(pos2(name.left() + 9.0, name.center().y), Vec2::splat(10.0));
            ui.painter().rect_filled(dot, 2.0, palette.kind(kind));
            let name = Rect::from_min_max(pos2(dot.right() + 6.0, name.top()), name.max);
            text(ui, name, RichText::new(kind.name()).color(palette.text));
            for (column, (_, said)) in columns.iter().enumerate() {
                let color = if column == 0 { palette.strong } else { palette.text };
                text(ui, cell(column + 1, top, row), RichText::new(said(kind)).color(color));
            }
        }
    }

    /// Whether the selected layer is of this kind.
    fn is_selected(&self, kind: OpKind) -> bool {
        self.selected.is_some_and(|path| self.spans.iter().any(|span| span.kind == kind && span.has(path)))
    }

    fn trough(&self, ui: &Ui, lane: Rect) {
        ui.painter().rect_filled(lane, theme::ROUND, Palette::current(ui).sunken);
    }

    fn chart(&self, ui: &mut Ui, rect: Rect, lane: impl Fn(OpKind) -> Option<Rect>, commands: &mut Commands) {
        let palette = Palette::current(ui);
        let said = match self.breakdown {
            Some(breakdown) => format!("timeline: {} kernels in {}", breakdown.kernels.len(), breakdown.marked_whole),
            None => format!("timeline: {}", self.missing),
        };
        let response = ui.interact(rect, ui.scope_id().with("timeline"), Sense::hover());
        named(response, Role::Figure, &said);
        let font = TextStyle::Small.resolve(ui.style());
        let Some(breakdown) = self.breakdown else {
            ui.painter().text(rect.center(), Align2::CENTER_CENTER, self.missing, font, palette.text);
            return;
        };
        let whole = [Some(breakdown.marked_whole), Some(breakdown.sum), self.a_whole].into_iter().flatten().max();
        let whole = whole.unwrap_or_default();
        let x = |time: Nanos| rect.left() + rect.width() * time.share_of(whole) as f32;
        let has_a = !self.a_spans.is_empty();
        for time in ticks(whole, (rect.width() / 110.0).max(2.0) as u64) {
            let (x, bottom) = (x(time), rect.bottom() - AXIS);
            ui.painter().vline(x, rect.top()..=bottom, Stroke::new(1.0, palette.outline));
            let (x, align) = match time {
                Nanos::ZERO => (x, Align2::LEFT_TOP),
                _ if x > rect.right() - 24.0 => (rect.right(), Align2::RIGHT_TOP),
                _ => (x, Align2::CENTER_TOP),
            };
            ui.painter().text(pos2(x, bottom + 3.0), align, time, font.clone(), palette.muted);
        }
        let place = |span: &Span<'_>, from: f32, to: f32| {
            let lane = lane(span.kind)?;
            let (left, right) = (x(span.from), x(span.from + span.time).max(x(span.from) + 1.0));
            let y = |share: f32| lane.top() + lane.height() * share;
            Some(Rect::from_min_max(pos2(left, y(from)), pos2(right, y(to))))
        };
        for span in self.a_spans {
            if let Some(rect) = place(span, 0.74, 0.96) {
                let stroke = Stroke::new(1.0, palette.kind(span.kind));
                ui.painter().rect(rect, 1.0, Color32::TRANSPARENT, stroke, StrokeKind::Inside);
            }
        }
        for span in self.spans {
            if let Some(rect) = place(span, 0.08, if has_a { 0.66 } else { 0.92 }) {
                self.span(ui, span, rect, breakdown, commands);
            }
        }
    }

    /// A stretch, as a button that selects its layer.
    fn span(&self, ui: &Ui, span: &Span<'_>, rect: Rect, breakdown: &Breakdown, commands: &mut Commands) {
        let palette = Palette::current(ui);
        let on = self.selected.is_some_and(|path| span.has(path));
        let response = ui.interact(rect, ui.scope_id().with(("span", span.layer)), Sense::click());
        ui.painter().rect_filled(rect.shrink2(vec2(0.25, 0.0)), 1.0, palette.kind(span.kind));
        let is_looked_at = response.hovered() || response.has_focus();
        if on || is_looked_at {
            let color = if on { palette.strong } else { palette.accent };
            ui.painter().rect_stroke(rect.expand(2.0), 2.0, Stroke::new(2.0, color), StrokeKind::Outside);
        }
        response.widget_info(|| WidgetInfo::selected(Role::Button, true, on, format!("time of {}", span.layer)));
        if response.clicked() {
            commands.push(Command::Select((!on).then(|| span.layer.to_owned())));
        }
        if is_looked_at {
            response.on_hover_text(in_full(span, breakdown));
        }
    }
}

fn in_full(span: &Span<'_>, breakdown: &Breakdown) -> String {
    let share = format::share(span.time.share_of(breakdown.marked_whole));
    let kernel = span.kernel;
    let of = match (span.is_part, kernel.layers.len()) {
        (true, many) => format!("its part of a kernel of {} for {many} layers", kernel.median),
        (false, 1) => format!("a kernel, between {} and {}", kernel.low, kernel.high),
        (false, many) => format!("one kernel for {many} layers, between {} and {}", kernel.low, kernel.high),
    };
    format!(
        "{}\n{}, {share} of the marked whole, from {} on\n{of}\n{}",
        span.layer,
        span.time,
        span.from,
        kernel.what()
    )
}
