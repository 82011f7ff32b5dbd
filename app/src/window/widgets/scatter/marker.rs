//! The shape of every series, drawn with lines and areas so that it looks alike everywhere, and the legend of them.

use eframe::egui;
use egui::{Color32, Painter, Pos2, Sense, Shape, Stroke, Ui, vec2};

use crate::window::theme::Palette;

/// Radius of a point.
pub(super) const RADIUS: f32 = 4.5;

/// The shapes and names of series, in a row that wraps.
pub fn legend(ui: &mut Ui, series: &[&str]) {
    let palette = Palette::current(ui);
    ui.horizontal_wrapped(|ui| {
        for (index, name) in series.iter().enumerate() {
            let (rect, _) = ui.allocate_exact_size(vec2(10.0, 12.0), Sense::hover());
            marker(ui.painter(), index, rect.center(), palette.series(index), None);
            ui.label(egui::RichText::new(*name).small().color(palette.muted));
        }
    });
}

/// Paints the shape of a series; a hollow one shows what is `behind` it.
pub(super) fn marker(painter: &Painter, series: usize, center: Pos2, color: Color32, behind: Option<Color32>) {
    let r = RADIUS;
    let (fill, stroke) = behind.map_or((color, Stroke::NONE), |behind| (behind, Stroke::new(1.6, color)));
    let polygon = |points: &[(f32, f32)]| {
        let points = points.iter().map(|&(x, y)| center + vec2(x * r, y * r)).collect();
        painter.add(Shape::convex_polygon(points, fill, stroke));
    };
    let cross = |a: egui::Vec2, b: egui::Vec2| {
        let thick = if behind.is_some() { 1.0 } else { 2.2 };
        for way in [a, b] {
            painter.line_segment([center - way, center + way], Stroke::new(thick, color));
        }
    };
    match series % 7 {
        0 => drop(painter.circle(center, r, fill, stroke)),
        1 => polygon(&[(-0.9, -0.9), (0.9, -0.9), (0.9, 0.9), (-0.9, 0.9)]),
        2 => polygon(&[(0.0, -1.2), (1.1, 0.9), (-1.1, 0.9)]),
        3 => polygon(&[(0.0, -1.3), (1.3, 0.0), (0.0, 1.3), (-1.3, 0.0)]),
        4 => polygon(&[(-1.1, -0.9), (1.1, -0.9), (0.0, 1.2)]),
        5 => cross(vec2(r, 0.0), vec2(0.0, r)),
        _ => cross(vec2(r * 0.8, r * 0.8), vec2(r * 0.8, -r * 0.8)),
    }
}
