//! The roofline's axes, ceilings and points on logarithmic scales.

use eframe::egui;
use egui::{Align2, Color32, FontId, Painter, Pos2, Rect, Response, Role, Sense, Shape, Stroke, TextStyle, Ui};
use egui::{WidgetInfo, pos2, vec2};
use shufflescope_engine::graph::OpKind;
use shufflescope_engine::measure::Peaks;
use shufflescope_engine::report::{RooflinePoint, decades};

use crate::window::theme::{self, Palette};

/// Radius of a point.
const RADIUS: f32 = 4.5;

/// Where values lie on the screen.
pub struct Chart {
    /// What axes and labels leave.
    plot: Rect,
    /// Exponents of the powers of ten at both ends.
    x: (i32, i32),
    y: (i32, i32),
    palette: Palette,
    font: FontId,
}

impl Chart {
    /// Axes with whole decades around everything; `None` where there is nothing to show.
    pub fn around<'a>(
        ui: &Ui,
        rect: Rect,
        points: impl Iterator<Item = &'a RooflinePoint> + Clone,
        peaks: Option<&Peaks>,
    ) -> Option<Self> {
        if points.clone().next().is_none() && peaks.is_none() {
            return None;
        }
        let ridge = peaks.map(|peaks| (peaks.compute.0 / peaks.memory.0, peaks.compute.0));
        let usable = |value: &f64| value.is_finite() && *value > 0.0;
        let x = points.clone().map(|point| point.intensity).chain(ridge.map(|(x, _)| x)).filter(usable);
        let y = points.map(|point| point.rate.0).chain(ridge.map(|(_, y)| y)).filter(usable);
        let (x, y) = (decades(x), decades(y));
        // A slope needs some room to be seen as one.
        let (x, y) = ((x.0, x.1.max(x.0 + 2)), (y.0.min(y.1 - 2), y.1));
        let plot = Rect::from_min_max(rect.min + vec2(54.0, 8.0), rect.max - vec2(12.0, 40.0));
        Some(Self { plot, x, y, palette: Palette::current(ui), font: TextStyle::Small.resolve(ui.style()) })
    }

    fn x(&self, value: f64) -> f32 {
        let along = (value.log10() - f64::from(self.x.0)) / f64::from(self.x.1 - self.x.0);
        self.plot.left() + self.plot.width() * along as f32
    }

    fn y(&self, value: f64) -> f32 {
        let along = (value.log10() - f64::from(self.y.0)) / f64::from(self.y.1 - self.y.0);
        self.plot.bottom() - self.plot.height() * along as f32
    }

    /// Grid, numbers and what they count.
    pub fn paint_axes(&self, ui: &Ui) {
        let (painter, palette) = (ui.painter(), self.palette);
        painter.rect_filled(self.plot, f32::from(theme::ROUND), palette.sunken);
        let line = Stroke::new(1.0, palette.outline);
        for decade in self.x.0..=self.x.1 {
            let x = self.x(10_f64.powi(decade));
            painter.vline(x, self.plot.y_range(), line);
            self.text(painter, pos2(x, self.plot.bottom() + 4.0), Align2::CENTER_TOP, &power_of_ten(decade));
        }
        for decade in self.y.0..=self.y.1 {
            let y = self.y(10_f64.powi(decade));
            painter.hline(self.plot.x_range(), y, line);
            self.text(painter, pos2(self.plot.left() - 6.0, y), Align2::RIGHT_CENTER, &power_of_ten(decade));
        }
        let below = pos2(self.plot.center().x, self.plot.bottom() + 20.0);
        self.text(painter, below, Align2::CENTER_TOP, "FLOP per byte of memory access on paper");
        let galley = painter.layout_no_wrap("GFLOP/s achieved".into(), self.font.clone(), palette.muted);
        let left = pos2(self.plot.left() - 50.0, self.plot.center().y + galley.size().x / 2.0);
        painter.add(egui::epaint::TextShape::new(left, galley, palette.muted).with_angle(-std::f32::consts::FRAC_PI_2));
    }

    /// The flat ceiling of arithmetic and the slopes of memory and caches below it.
    pub fn paint_ceilings(&self, ui: &Ui, peaks: &Peaks) {
        let painter = ui.painter().with_clip_rect(self.plot);
        let (compute, left, right) = (peaks.compute.0, 10_f64.powi(self.x.0), 10_f64.powi(self.x.1));
        let strong = Stroke::new(2.0, self.palette.strong);
        let slope = |bandwidth: f64| [left, compute / bandwidth].map(|x| pos2(self.x(x), self.y(bandwidth * x)));
        let top = |bandwidth: f64| pos2(self.x(compute / bandwidth), self.y(compute));
        painter.line_segment([top(peaks.memory.0), pos2(self.x(right), self.y(compute))], strong);
        painter.line_segment(slope(peaks.memory.0), strong);
        let thin = Stroke::new(1.5, self.palette.muted);
        let cache = peaks.cache.map(|(cache, _)| cache).filter(|cache| *cache > peaks.memory);
        if let Some(cache) = cache {
            painter.extend(Shape::dashed_line(&slope(cache.0), thin, 6.0, 4.0));
            painter.extend(Shape::dashed_line(&[top(cache.0), top(peaks.memory.0)], thin, 6.0, 4.0));
        }
        let end = pos2(self.plot.right() - 6.0, self.y(compute) - 3.0);
        self.text(&painter, end, Align2::RIGHT_BOTTOM, &peaks.compute.to_string());
        self.beside_slope(&painter, peaks.memory.0, compute, &format!("memory {}", peaks.memory), 1.0);
        if let Some(cache) = cache {
            self.beside_slope(&painter, cache.0, compute, &format!("caches {cache}"), -1.0);
        }
    }

    /// A text along a slope, below (1) or above (-1) it.
    fn beside_slope(&self, painter: &Painter, bandwidth: f64, compute: f64, text: &str, side: f32) {
        let from = (10_f64.powi(self.x.0)).max(10_f64.powi(self.y.0) / bandwidth);
        let at = |x: f64| pos2(self.x(x), self.y(bandwidth * x));
        let (from, to) = (at(from), at(compute / bandwidth));
        let along = (to - from).normalized();
        let galley = painter.layout_no_wrap(text.to_owned(), self.font.clone(), self.palette.text);
        let size = galley.size();
        if (to - from).length() < size.x + 16.0 {
            return; // The text above the chart says it too.
        }
        // Text is placed by its upper left corner and turned around it.
        let down = vec2(-along.y, along.x);
        let away = if side > 0.0 { 4.0 } else { -size.y - 4.0 };
        let start = from + (to - from) * 0.5 - along * size.x / 2.0 + down * away;
        painter.add(egui::epaint::TextShape::new(start, galley, self.palette.text).with_angle(along.angle()));
    }

    /// A kernel of A as a ring, joined to the same kernel of the present network.
    pub fn paint_a(&self, ui: &Ui, then: &RooflinePoint, now: Option<&RooflinePoint>, on: bool) {
        let at = |point: &RooflinePoint| pos2(self.x(point.intensity), self.y(point.rate.0));
        let (color, width) = if on { (self.palette.strong, 1.5) } else { (self.palette.muted, 1.0) };
        if let Some(now) = now {
            ui.painter().line_segment([at(then), at(now)], Stroke::new(width, color.gamma_multiply(0.6)));
        }
        ui.painter().circle_stroke(at(then), RADIUS, Stroke::new(width, color));
    }

    /// A kernel, as a button named for its first layer.
    pub fn paint_point(&self, ui: &Ui, point: &RooflinePoint, on: bool, about: impl FnOnce() -> String) -> Response {
        let center = pos2(self.x(point.intensity), self.y(point.rate.0));
        let rect = Rect::from_center_size(center, vec2(12.0, 12.0));
        let response = ui.interact(rect, ui.scope_id().with(("kernel", &point.layer)), Sense::click());
        let name = format!("kernel {}", point.layer);
        response.widget_info(|| WidgetInfo::selected(Role::Button, true, on, &name));
        let radius = if on || response.hovered() { RADIUS * 1.5 } else { RADIUS };
        let outline = if on { self.palette.strong } else { self.palette.background };
        marker(ui.painter(), center, radius, point.kind, self.palette.kind(point.kind), outline);
        if on {
            ui.painter().circle_stroke(center, radius + 4.0, Stroke::new(1.5, self.palette.strong));
        }
        if response.hovered() { response.on_hover_text(about()) } else { response }
    }

    fn text(&self, painter: &Painter, at: Pos2, align: Align2, text: &str) {
        painter.text(at, align, text, self.font.clone(), self.palette.muted);
    }
}

/// Says in the middle of an empty chart why it is empty.
pub fn say(ui: &Ui, rect: Rect, text: &str) {
    let palette = Palette::current(ui);
    let font = TextStyle::Body.resolve(ui.style());
    let galley = ui.painter().layout(text.to_owned(), font, palette.text, rect.width() * 0.7);
    let at = Rect::from_center_size(rect.center(), galley.size());
    ui.painter().rect_filled(at.expand(8.0), f32::from(theme::ROUND), palette.card);
    ui.painter().galley(at.min, galley, palette.text);
}

/// The mark of a kind of work: its shape says the same as its colour.
pub fn marker(painter: &Painter, center: Pos2, radius: f32, kind: OpKind, fill: Color32, outline: Color32) {
    let stroke = Stroke::new(1.0, outline);
    let corners = |corners: &[(f32, f32)]| corners.iter().map(|&(x, y)| center + vec2(x, y) * radius).collect();
    let polygon = match kind {
        OpKind::Convolution => corners(&[(-0.9, -0.9), (0.9, -0.9), (0.9, 0.9), (-0.9, 0.9)]),
        OpKind::Depthwise => corners(&[(0.0, -1.2), (1.1, 0.8), (-1.1, 0.8)]),
        OpKind::Linear => corners(&[(0.0, -1.3), (1.3, 0.0), (0.0, 1.3), (-1.3, 0.0)]),
        _ => {
            painter.circle(center, radius, fill, stroke);
            return;
        }
    };
    painter.add(Shape::convex_polygon(polygon, fill, stroke));
}

/// `0.01`, `1`, `100`, and `1e5` where that is shorter.
fn power_of_ten(decade: i32) -> String {
    match decade {
        -3..0 => format!("{:.*}", decade.unsigned_abs() as usize, 10_f64.powi(decade)),
        0..=4 => format!("{:.0}", 10_f64.powi(decade)),
        _ => format!("1e{decade}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn powers_of_ten_are_written_in_full_while_they_are_short() {
        assert_eq!([-4, -2, 0, 3, 6].map(power_of_ten), ["1e-4", "0.01", "1", "1000", "1e6"]);
    }
}
