//! A scatter of named points with axes: series differ in shape and colour, the Pareto front is joined by a line, and
//! each point says its name when the pointer is over it.

use eframe::egui;
use egui::{Align2, Color32, FontId, Painter, Pos2, Rect, Role, Sense, Shape, Stroke, Ui, pos2, vec2};

use super::named;
use crate::window::format;
use crate::window::theme::Palette;

/// One point.
#[derive(Clone, Debug)]
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
}

/// A line across, for something of which one figure is known.
#[derive(Clone, Debug)]
pub struct Across {
    /// Whether `at` is on the x axis.
    pub vertical: bool,
    /// Where it stands.
    pub at: f64,
    /// What it is.
    pub name: String,
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
const BOTTOM: f32 = 36.0;

/// Radius of a point.
const RADIUS: f32 = 4.5;

/// Points that can be pointed at; more would be too dense to tell apart.
const MOST_NAMED: usize = 400;

impl Scatter<'_> {
    /// Paints it and returns the point that was clicked.
    pub fn show(&self, ui: &mut Ui, size: egui::Vec2) -> Option<usize> {
        let palette = Palette::current(ui);
        let (whole, response) = ui.allocate_exact_size(size, Sense::hover());
        named(response, Role::Figure, &format!("{}: {} points", self.name, self.dots.len()));
        let plot = Rect::from_min_max(whole.min + vec2(LEFT, 8.0), whole.max - vec2(10.0, BOTTOM));
        let painter = ui.painter_at(whole);
        painter.rect_filled(plot, 2.0, palette.sunken);
        let usable = |value: f64, axis: Axis<'_>| value.is_finite() && (!axis.is_log || value > 0.0);
        let dots = || {
            let is_usable = |(_, dot): &(usize, &Dot)| usable(dot.x, self.x) && usable(dot.y, self.y);
            self.dots.iter().enumerate().filter(is_usable)
        };
        let lines = || self.across.iter().filter(|line| usable(line.at, if line.vertical { self.x } else { self.y }));
        let xs = dots().map(|(_, dot)| dot.x).chain(lines().filter(|line| line.vertical).map(|line| line.at));
        let ys = dots().map(|(_, dot)| dot.y).chain(lines().filter(|line| !line.vertical).map(|line| line.at));
        let (Some(x), Some(y)) = (Span::of(xs, self.x.is_log), Span::of(ys, self.y.is_log)) else {
            let font = FontId::proportional(13.0);
            painter.text(plot.center(), Align2::CENTER_CENTER, "nothing measured yet", font, palette.muted);
            return None;
        };
        let at = |dot: &Dot| pos2(x.place(dot.x, plot.left(), plot.right()), y.place(dot.y, plot.bottom(), plot.top()));
        self.axes(&painter, plot, [&x, &y], palette);

        let mut front: Vec<Pos2> = dots().filter(|(_, dot)| dot.on_front).map(|(_, dot)| at(dot)).collect();
        front.sort_by(|a, b| a.x.total_cmp(&b.x));
        if front.len() > 1 {
            painter.extend(Shape::dashed_line(&front, Stroke::new(1.2, palette.accent), 5.0, 3.0));
        }
        for line in lines() {
            across(&painter, plot, line, [&x, &y], palette);
        }
        for (_, dot) in dots() {
            let (center, color) = (at(dot), palette.series(dot.series));
            if dot.on_front {
                painter.circle_stroke(center, RADIUS + 3.0, Stroke::new(1.3, palette.accent));
            }
            marker(&painter, dot.series, center, RADIUS, color);
        }
        let mut clicked = None;
        for (index, dot) in dots().take(MOST_NAMED) {
            let rect = Rect::from_center_size(at(dot), vec2(12.0, 12.0));
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
            let text = short(value);
            painter.text(pos2(at, plot.bottom() + 3.0), Align2::CENTER_TOP, text, font.clone(), palette.muted);
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

/// The shapes and names of series, in a row that wraps.
pub fn legend(ui: &mut Ui, series: &[&str]) {
    let palette = Palette::current(ui);
    ui.horizontal_wrapped(|ui| {
        for (index, name) in series.iter().enumerate() {
            let (rect, _) = ui.allocate_exact_size(vec2(10.0, 12.0), Sense::hover());
            marker(ui.painter(), index, rect.center(), RADIUS, palette.series(index));
            ui.label(egui::RichText::new(*name).small().color(palette.muted));
        }
    });
}

fn across(painter: &Painter, plot: Rect, line: &Across, [x, y]: [&Span; 2], palette: Palette) {
    let (stroke, font) = (Stroke::new(1.4, palette.strong), FontId::proportional(11.0));
    let (from, to, text, anchor) = if line.vertical {
        let at = x.place(line.at, plot.left(), plot.right());
        // The name stands on the side that has room.
        let (anchor, gap) = if at > plot.center().x { (Align2::RIGHT_TOP, -4.0) } else { (Align2::LEFT_TOP, 4.0) };
        (pos2(at, plot.top()), pos2(at, plot.bottom()), pos2(at + gap, plot.top() + 3.0), anchor)
    } else {
        let at = y.place(line.at, plot.bottom(), plot.top());
        (pos2(plot.left(), at), pos2(plot.right(), at), pos2(plot.left() + 4.0, at - 2.0), Align2::LEFT_BOTTOM)
    };
    painter.extend(Shape::dotted_line(&[from, to], stroke.color, 4.0, 1.0));
    painter.text(text, anchor, &line.name, font, palette.strong);
}

/// A shape for every series, drawn with lines and areas so that it looks alike everywhere.
fn marker(painter: &Painter, series: usize, center: Pos2, r: f32, color: Color32) {
    let polygon = |points: &[(f32, f32)]| {
        let points = points.iter().map(|&(x, y)| center + vec2(x * r, y * r)).collect();
        Shape::convex_polygon(points, color, Stroke::NONE)
    };
    let cross = |a: egui::Vec2, b: egui::Vec2| {
        for way in [a, b] {
            painter.line_segment([center - way, center + way], Stroke::new(2.2, color));
        }
    };
    match series % 7 {
        0 => drop(painter.circle_filled(center, r, color)),
        1 => drop(painter.add(polygon(&[(-0.9, -0.9), (0.9, -0.9), (0.9, 0.9), (-0.9, 0.9)]))),
        2 => drop(painter.add(polygon(&[(0.0, -1.2), (1.1, 0.9), (-1.1, 0.9)]))),
        3 => drop(painter.add(polygon(&[(0.0, -1.3), (1.3, 0.0), (0.0, 1.3), (-1.3, 0.0)]))),
        4 => drop(painter.add(polygon(&[(-1.1, -0.9), (1.1, -0.9), (0.0, 1.2)]))),
        5 => cross(vec2(r, 0.0), vec2(0.0, r)),
        _ => cross(vec2(r * 0.8, r * 0.8), vec2(r * 0.8, -r * 0.8)),
    }
}

/// The values an axis covers, in its own measure: logarithms where it is logarithmic.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Span {
    low: f64,
    high: f64,
    is_log: bool,
}

impl Span {
    /// Covers the values with a little room at both ends.
    fn of(values: impl Iterator<Item = f64>, is_log: bool) -> Option<Self> {
        let measure = |value: f64| if is_log { value.log10() } else { value };
        let (low, high) = values.map(measure).fold(None, |span: Option<(f64, f64)>, value| {
            Some(span.map_or((value, value), |(low, high)| (low.min(value), high.max(value))))
        })?;
        let least = if is_log { 0.1 } else { low.abs().max(1e-9) * 0.05 };
        let room = ((high - low) * 0.06).max(least);
        Some(Self { low: low - room, high: high + room, is_log })
    }

    fn place(&self, value: f64, from: f32, to: f32) -> f32 {
        let value = if self.is_log { value.log10() } else { value };
        let share = (value - self.low) / (self.high - self.low);
        from + (to - from) * share.clamp(0.0, 1.0) as f32
    }

    /// Round values, at most about as many as there is room for.
    fn ticks(&self, room: f32) -> Vec<f64> {
        let most = f64::from(room.clamp(2.0, 20.0));
        let span = self.high - self.low;
        if self.is_log && span > 0.5 {
            let digits: &[f64] = if span * 3.0 <= most { &[1.0, 2.0, 5.0] } else { &[1.0] };
            let decades = self.low.floor() as i32..=self.high.ceil() as i32;
            let all = decades.flat_map(|decade| digits.iter().map(move |digit| digit * 10f64.powi(decade)));
            return all.filter(|value| (self.low..=self.high).contains(&value.log10())).collect();
        }
        let (low, high) =
            if self.is_log { (10f64.powf(self.low), 10f64.powf(self.high)) } else { (self.low, self.high) };
        let rough = (high - low) / most;
        let ten = 10f64.powf(rough.log10().floor());
        let step = [1.0, 2.0, 5.0, 10.0].map(|digit| digit * ten).into_iter().find(|step| *step >= rough);
        let Some(step) = step.filter(|step| step.is_finite() && *step > 0.0) else { return Vec::new() };
        let first = (low / step).ceil();
        (0..40).map(|index| (first + f64::from(index)) * step).take_while(|value| *value <= high).collect()
    }
}

/// `1.5 G`, `300 M`, `20`, `0.5`.
fn short(value: f64) -> String {
    let (value, unit) = match value.abs() {
        v if v >= 1e9 => (value / 1e9, " G"),
        v if v >= 1e6 => (value / 1e6, " M"),
        v if v >= 1e4 => (value / 1e3, " k"),
        _ => (value, ""),
    };
    let text = format::three_digits(value);
    let text = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
    format!("{text}{unit}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_within_the_axis() {
        let linear = Span { low: 3.0, high: 97.0, is_log: false };
        assert_eq!(linear.ticks(5.0), [20.0, 40.0, 60.0, 80.0]);
        let log = Span { low: 0.5, high: 2.5, is_log: true };
        assert_eq!(log.ticks(8.0), [5.0, 10.0, 20.0, 50.0, 100.0, 200.0]);
        assert_eq!(log.ticks(3.0), [10.0, 100.0]);
    }

    #[test]
    fn one_value_alone_has_an_axis_and_none_has_not() {
        for is_log in [false, true] {
            let span = Span::of([7.0].into_iter(), is_log).unwrap();
            assert!((span.place(7.0, 0.0, 10.0) - 5.0).abs() < 1e-3);
            assert!(Span::of(std::iter::empty(), is_log).is_none());
        }
    }

    #[test]
    fn numbers_on_axes_are_short() {
        assert_eq!([1.5e9, 3e8, 20_000.0, 20.0, 0.5].map(short), ["1.5 G", "300 M", "20 k", "20", "0.5"]);
    }
}
