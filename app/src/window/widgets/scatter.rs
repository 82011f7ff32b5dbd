//! A scatter of named points with axes: series differ in shape and colour, the Pareto front is joined by a line, and
//! each point says its name when the pointer is over it.

mod across;
mod marker;
mod span;

use eframe::egui;
use egui::{Align2, FontId, Painter, Pos2, Rect, Role, Sense, Shape, Stroke, Ui, pos2, vec2};

pub use self::across::Across;
use self::across::{across, drag};
pub use self::marker::legend;
use self::marker::{RADIUS, marker};
use self::span::{Span, short};
use super::named;
use crate::window::theme::Palette;

/// One point.
#[derive(Clone, Debug, Default)]
pub struct Dot {
    /// Along the x axis.
    pub x: f64,
    /// Along the y axis.
    pub y: f64,
    /// What it is, with its figures.
    pub name: String,
    /// Index of its series.
    pub series: usize,
    /// Whether nothing beats it.
    pub on_front: bool,
    /// Whether its y is only predicted.
    pub is_hollow: bool,
    /// Words beside it, where there is room for them.
    pub label: Option<String>,
    /// Whether it is the one in hand.
    pub is_marked: bool,
}

/// What a person did with a scatter.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Touched {
    /// The point that was clicked.
    pub dot: Option<usize>,
    /// The line that is dragged, and the value where it is to stand.
    pub line: Option<(usize, f64)>,
}

/// An axis.
#[derive(Clone, Copy, Debug)]
pub struct Axis<'a> {
    /// Name with unit.
    pub name: &'a str,
    /// Equal factors take equal room.
    pub is_log: bool,
}

/// What is painted.
#[derive(Clone, Copy, Debug)]
pub struct Scatter<'a> {
    /// The accessible name of the whole.
    pub name: &'a str,
    /// Horizontal.
    pub x: Axis<'a>,
    /// Vertical.
    pub y: Axis<'a>,
    /// The points.
    pub dots: &'a [Dot],
    /// Lines across.
    pub across: &'a [Across],
    /// What a click on a point does; nothing where `None`.
    pub click: Option<&'a str>,
}

/// Room for the names and numbers of the axes.
const LEFT: f32 = 56.0;
const RIGHT: f32 = 10.0;
const BOTTOM: f32 = 36.0;

/// Side of the square around the point in hand.
const MARKED: f32 = 20.0;

/// Points that can be pointed at; more would be too dense to tell apart.
const MOST_NAMED: usize = 400;

impl Scatter<'_> {
    /// Paints it and returns what a person did with it.
    pub fn show(&self, ui: &mut Ui, size: egui::Vec2) -> Touched {
        let palette = Palette::current(ui);
        let (whole, response) = ui.allocate_exact_size(size, Sense::hover());
        named(response, Role::Figure, &format!("{}: {} points", self.name, self.dots.len()));
        let plot = Rect::from_min_max(whole.min + vec2(LEFT, 8.0), whole.max - vec2(RIGHT, BOTTOM));
        let painter = ui.painter_at(whole);
        painter.rect_filled(plot, 2.0, palette.sunken);
        let held = ui.scope_id().with((self.name, "axes"));
        let Some([x, y]) = ui.data(|data| data.get_temp(held)).or_else(|| self.spans()) else {
            let font = FontId::proportional(13.0);
            painter.text(plot.center(), Align2::CENTER_CENTER, "nothing measured yet", font, palette.muted);
            return Touched::default();
        };
        self.axes(&painter, plot, [&x, &y], palette);
        self.paint(&painter, plot, [&x, &y], palette);
        let mut touched = Touched::default();
        for (index, line) in self.across.iter().enumerate().filter(|(_, line)| self.has_place(line)) {
            if let Some(value) = drag(ui, plot, line, [&x, &y]) {
                touched.line = Some((index, value));
            }
        }
        // While a line is dragged the axes stay: a line that pushed their ends would run away from the pointer.
        ui.data_mut(|data| {
            if touched.line.is_some() {
                data.insert_temp(held, [x, y]);
            } else {
                data.remove::<[Span; 2]>(held);
            }
        });
        touched.dot = self.point_at(ui, plot, [&x, &y]);
        touched
    }

    /// The axes' ends: room for every point and line.
    fn spans(&self) -> Option<[Span; 2]> {
        let lines = |vertical| self.across.iter().filter(move |line| line.vertical == vertical && self.has_place(line));
        let xs = self.placed().map(|(_, dot)| dot.x).chain(lines(true).map(|line| line.at));
        let ys = self.placed().map(|(_, dot)| dot.y).chain(lines(false).map(|line| line.at));
        Some([Span::of(xs, self.x.is_log)?, Span::of(ys, self.y.is_log)?])
    }

    /// The points that have a place on both axes, with their positions in the list.
    fn placed(&self) -> impl Iterator<Item = (usize, &Dot)> {
        let is_placed = |(_, dot): &(usize, &Dot)| self.x.has(dot.x) && self.y.has(dot.y);
        self.dots.iter().enumerate().filter(is_placed)
    }

    fn has_place(&self, line: &Across) -> bool {
        if line.vertical { self.x.has(line.at) } else { self.y.has(line.at) }
    }

    fn paint(&self, painter: &Painter, plot: Rect, [x, y]: [&Span; 2], palette: Palette) {
        let at = |dot: &Dot| place(dot, plot, [x, y]);
        let mut front: Vec<Pos2> = self.placed().filter(|(_, dot)| dot.on_front).map(|(_, dot)| at(dot)).collect();
        front.sort_by(|a, b| a.x.total_cmp(&b.x));
        if front.len() > 1 {
            painter.extend(Shape::dashed_line(&front, Stroke::new(1.2, palette.accent), 5.0, 3.0));
        }
        for line in self.across.iter().filter(|line| self.has_place(line)) {
            across(painter, plot, line, [x, y], palette);
        }
        for (_, dot) in self.placed() {
            let (center, color) = (at(dot), palette.series(dot.series));
            if dot.on_front {
                painter.circle_stroke(center, RADIUS + 3.0, Stroke::new(1.3, palette.accent));
            }
            if dot.is_marked {
                let around = Rect::from_center_size(center, vec2(MARKED, MARKED));
                painter.rect_stroke(around, 2.0, Stroke::new(1.6, palette.strong), egui::StrokeKind::Middle);
            }
            marker(painter, dot.series, center, color, dot.is_hollow.then_some(palette.sunken));
        }
        self.labels(painter, plot, [x, y], palette);
    }

    /// Words beside points: each on its right, on its left, above or below it, or nowhere if words, points or lines stand
    /// there already.
    fn labels(&self, painter: &Painter, plot: Rect, [x, y]: [&Span; 2], palette: Palette) {
        let half = |dot: &Dot| if dot.is_marked { MARKED / 2.0 } else { RADIUS };
        let around = |dot: &Dot| Rect::from_center_size(place(dot, plot, [x, y]), egui::Vec2::splat(2.0 * half(dot)));
        let lines = self.across.iter().filter(|line| self.has_place(line)).map(|line| match line.vertical {
            true => {
                Rect::from_x_y_ranges(egui::Rangef::point(x.place(line.at, plot.left(), plot.right())), plot.y_range())
            }
            false => {
                Rect::from_x_y_ranges(plot.x_range(), egui::Rangef::point(y.place(line.at, plot.bottom(), plot.top())))
            }
        });
        let mut taken: Vec<Rect> = self.placed().map(|(_, dot)| around(dot)).chain(lines).collect();
        for (_, dot) in self.placed().take(MOST_NAMED) {
            let Some(label) = &dot.label else { continue };
            let galley = painter.layout_no_wrap(label.clone(), FontId::proportional(10.5), palette.muted);
            let center = place(dot, plot, [x, y]);
            let aside = vec2(half(dot) + 4.0 + galley.size().x / 2.0, 0.0);
            let above = vec2(0.0, half(dot) + 2.0 + galley.size().y / 2.0);
            let places = [center + aside, center - aside, center - above, center + above];
            let places = places.map(|at| Rect::from_center_size(at, galley.size()));
            let free = |rect: &Rect| plot.contains_rect(*rect) && taken.iter().all(|other| !other.intersects(*rect));
            if let Some(rect) = places.into_iter().find(free) {
                taken.push(rect);
                painter.galley(rect.min, galley, palette.muted);
            }
        }
    }

    /// Gives every point its name, and returns the one that was clicked.
    fn point_at(&self, ui: &Ui, plot: Rect, [x, y]: [&Span; 2]) -> Option<usize> {
        let mut clicked = None;
        for (index, dot) in self.placed().take(MOST_NAMED) {
            let rect = Rect::from_center_size(place(dot, plot, [x, y]), vec2(12.0, 12.0));
            let sense = if self.click.is_some() { Sense::click() } else { Sense::hover() };
            let response = ui.interact(rect, ui.scope_id().with((self.name, index)), sense);
            let front = if dot.on_front { ", on the front" } else { "" };
            let text = format!("{}{front}", dot.name);
            let role = if self.click.is_some() { Role::Button } else { Role::Label };
            let hover = self.click.map_or_else(|| text.clone(), |click| format!("{text}\n{click}"));
            if named(response, role, &text).on_hover_text(hover).clicked() {
                clicked = Some(index);
            }
        }
        clicked
    }

    fn axes(&self, painter: &Painter, plot: Rect, [x, y]: [&Span; 2], palette: Palette) {
        let (font, grid) = (FontId::proportional(11.0), Stroke::new(1.0, palette.outline.gamma_multiply(0.6)));
        let room = (plot.width() / 64.0, plot.height() / 30.0);
        for value in x.ticks(room.0) {
            let at = x.place(value, plot.left(), plot.right());
            painter.vline(at, plot.y_range(), grid);
            let galley = painter.layout_no_wrap(short(value), font.clone(), palette.muted);
            // The last one ends where the picture does.
            let left = (at - galley.size().x / 2.0).min(plot.right() + RIGHT - galley.size().x);
            painter.galley(pos2(left, plot.bottom() + 3.0), galley, palette.muted);
        }
        for value in y.ticks(room.1) {
            let at = y.place(value, plot.bottom(), plot.top());
            painter.hline(plot.x_range(), at, grid);
            let text = short(value);
            painter.text(pos2(plot.left() - 4.0, at), Align2::RIGHT_CENTER, text, font.clone(), palette.muted);
        }
        let below = pos2(plot.center().x, plot.bottom() + 18.0);
        painter.text(below, Align2::CENTER_TOP, self.x.name, font.clone(), palette.text);
        let galley = painter.layout_no_wrap(self.y.name.to_owned(), font, palette.text);
        let start = pos2(plot.left() - LEFT + 1.0, plot.center().y + galley.size().x / 2.0);
        let text = egui::epaint::TextShape::new(start, galley, palette.text);
        painter.add(text.with_angle(-std::f32::consts::FRAC_PI_2));
    }
}

impl Axis<'_> {
    /// Whether a value has a place on it.
    fn has(&self, value: f64) -> bool {
        value.is_finite() && (!self.is_log || value > 0.0)
    }
}

fn place(dot: &Dot, plot: Rect, [x, y]: [&Span; 2]) -> Pos2 {
    pos2(x.place(dot.x, plot.left(), plot.right()), y.place(dot.y, plot.bottom(), plot.top()))
}
