//! Lines across a scatter, for something of which one figure is known; some can be dragged.

use eframe::egui;
use egui::{Align2, CursorIcon, FontId, Painter, Rect, Role, Sense, Shape, Stroke, Ui, pos2};

use super::span::Span;
use crate::window::theme::Palette;
use crate::window::widgets::named;

/// A line across.
#[derive(Clone, Debug)]
pub struct Across {
    /// Whether `at` is on the x axis.
    pub vertical: bool,
    /// Where it stands.
    pub at: f64,
    /// What it is.
    pub name: String,
    /// What a line that can be dragged is called; nothing where it stays where it is.
    pub drag: Option<&'static str>,
}

/// Half the room in which a line can be taken hold of.
const GRIP: f32 = 5.0;

/// Paints a line with its name.
pub(super) fn across(painter: &Painter, plot: Rect, line: &Across, [x, y]: [&Span; 2], palette: Palette) {
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
    match line.drag {
        Some(_) => drop(painter.line_segment([from, to], stroke)),
        None => painter.extend(Shape::dotted_line(&[from, to], stroke.color, 4.0, 1.0)),
    }
    painter.text(text, anchor, &line.name, font, palette.strong);
}

/// Lets a line be dragged, and says where to. A keyboard has the field of the same number, so this takes no focus.
pub(super) fn drag(ui: &Ui, plot: Rect, line: &Across, [x, y]: [&Span; 2]) -> Option<f64> {
    let name = line.drag?;
    let rect = if line.vertical {
        let at = x.place(line.at, plot.left(), plot.right());
        Rect::from_min_max(pos2(at - GRIP, plot.top()), pos2(at + GRIP, plot.bottom()))
    } else {
        let at = y.place(line.at, plot.bottom(), plot.top());
        Rect::from_min_max(pos2(plot.left(), at - GRIP), pos2(plot.right(), at + GRIP))
    };
    let cursor = if line.vertical { CursorIcon::ResizeHorizontal } else { CursorIcon::ResizeVertical };
    let response = ui.interact(rect, ui.scope_id().with(name), Sense::DRAG).on_hover_and_drag_cursor(cursor);
    let response = named(response, Role::Splitter, name);
    let at = response.interact_pointer_pos().filter(|_| response.dragged())?;
    Some(if line.vertical {
        x.value(at.x, plot.left(), plot.right())
    } else {
        y.value(at.y, plot.bottom(), plot.top())
    })
}
