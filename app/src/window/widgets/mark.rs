//! Small signs that the default fonts lack, drawn with lines so that they look alike everywhere.

use eframe::egui;
use egui::{Color32, Rect, Response, Role, Sense, Shape, Stroke, Ui, WidgetInfo, pos2, vec2};

/// A sign.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    /// A check mark: fine.
    Check,
    /// A triangle with an exclamation mark: worth a look.
    Warning,
    /// Sorted, the smallest first.
    Up,
    /// Sorted, the largest first; or open, what belongs to it is below.
    Down,
    /// Closed: more can be shown.
    Right,
}

/// Paints a sign of `size` points; what it says has to stand in words beside it.
pub fn mark(ui: &mut Ui, mark: Mark, color: Color32, size: f32) {
    let (rect, _) = ui.allocate_exact_size(vec2(size, size), Sense::hover());
    paint(ui, mark, color, rect);
}

/// A button that opens and closes what belongs to it, named `name`.
pub fn disclosure(ui: &mut Ui, is_open: bool, color: Color32, name: &str) -> Response {
    let (rect, response) = ui.allocate_exact_size(vec2(14.0, 14.0), Sense::click());
    let color = if response.hovered() { ui.visuals().widgets.hovered.fg_stroke.color } else { color };
    paint(ui, if is_open { Mark::Down } else { Mark::Right }, color, rect.shrink(3.0));
    response.widget_info(|| WidgetInfo::selected(Role::DisclosureTriangle, true, is_open, name));
    response
}

fn paint(ui: &Ui, mark: Mark, color: Color32, rect: Rect) {
    let at = |x: f32, y: f32| pos2(rect.left() + x * rect.width(), rect.top() + y * rect.height());
    let painter = ui.painter();
    let stroke = Stroke::new((rect.width() / 7.0).max(1.5), color);
    match mark {
        Mark::Check => {
            painter.add(Shape::line(vec![at(0.12, 0.55), at(0.4, 0.82), at(0.9, 0.2)], stroke));
        }
        Mark::Warning => {
            let thin = Stroke::new(1.4, color);
            painter.add(Shape::closed_line(vec![at(0.5, 0.06), at(0.98, 0.92), at(0.02, 0.92)], thin));
            painter.line_segment([at(0.5, 0.36), at(0.5, 0.62)], thin);
            painter.rect_filled(Rect::from_center_size(at(0.5, 0.77), vec2(1.6, 1.6)), 0.0, color);
        }
        Mark::Up => {
            painter.add(Shape::convex_polygon(vec![at(0.5, 0.2), at(0.9, 0.8), at(0.1, 0.8)], color, Stroke::NONE));
        }
        Mark::Down => {
            painter.add(Shape::convex_polygon(vec![at(0.1, 0.2), at(0.9, 0.2), at(0.5, 0.8)], color, Stroke::NONE));
        }
        Mark::Right => {
            painter.add(Shape::convex_polygon(vec![at(0.2, 0.1), at(0.8, 0.5), at(0.2, 0.9)], color, Stroke::NONE));
        }
    }
}
