//! Loss and accuracy of a training over its time.

use eframe::egui;
use egui::{Pos2, RichText, Role, Sense, Shape, Stroke, Ui, WidgetInfo, pos2, vec2};

use crate::teach::Curve;
use crate::window::theme::Palette;

/// Height of each.
const HEIGHT: f32 = 44.0;

/// Paints both; nothing where there are not two moments yet.
pub(super) fn show(ui: &mut Ui, curve: &[Curve]) {
    let (Some(last), true) = (curve.last(), curve.len() > 1) else { return };
    let palette = Palette::current(ui);
    let highest = curve.iter().map(|moment| moment.loss).filter(|loss| loss.is_finite()).fold(1e-6, f64::max);
    let loss = format!("loss {:.3}", last.loss);
    chart(ui, &loss, &[(curve.iter().map(|moment| Some(moment.loss / highest)).collect(), palette.warn)]);
    let held_out = curve.iter().rev().find_map(|moment| moment.held_out);
    let told = held_out.map_or_else(String::new, |share| format!(", held out {:.0} %", 100.0 * share));
    let accuracy = format!("told right: learnt from {:.0} %{told}", 100.0 * last.accuracy);
    let learnt = curve.iter().map(|moment| Some(moment.accuracy)).collect();
    let held_out = curve.iter().map(|moment| moment.held_out).collect();
    chart(ui, &accuracy, &[(learnt, palette.muted), (held_out, palette.accent)]);
}

/// Lines of values from 0 to 1, and what they are in words.
fn chart(ui: &mut Ui, words: &str, lines: &[(Vec<Option<f64>>, egui::Color32)]) {
    let palette = Palette::current(ui);
    ui.label(RichText::new(words).small().color(palette.muted));
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), HEIGHT), Sense::hover());
    ui.painter().rect_filled(rect, 3.0, palette.sunken);
    let inner = rect.shrink(3.0);
    for (values, color) in lines {
        let last = values.len().saturating_sub(1).max(1) as f32;
        let at = |(index, value): (usize, &Option<f64>)| -> Option<Pos2> {
            let share = value.filter(|value| value.is_finite())?.clamp(0.0, 1.0) as f32;
            Some(pos2(inner.left() + inner.width() * index as f32 / last, inner.bottom() - inner.height() * share))
        };
        let points: Vec<Pos2> = values.iter().enumerate().filter_map(at).collect();
        ui.painter().add(Shape::line(points, Stroke::new(1.5, *color)));
    }
    response.widget_info(|| WidgetInfo::labeled(Role::Image, true, format!("curve: {words}")));
}
