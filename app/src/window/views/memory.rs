//! Activations alive while each layer runs: where the peak is, and which layers hold on to much.

use eframe::egui;
use egui::{Align2, Rect, RichText, Role, Sense, Shape, Stroke, TextStyle, Ui, pos2, vec2};
use shufflescope_engine::graph::{Liveness, NodeId};
use shufflescope_engine::units::{Bytes, Elements};

use super::known::Known;
use crate::window::command::{Command, Commands};
use crate::window::format;
use crate::window::scene::Scene;
use crate::window::theme::{self, Palette};
use crate::window::widgets::named;

/// Room for the amounts, and between two of them.
const LEFT: f32 = 58.0;
const BETWEEN_LINES: f32 = 48.0;

/// Paints the view: one bar per layer in execution order; a click selects the layer.
pub fn show(ui: &mut Ui, scene: Scene<'_>, known: &Known, commands: &mut Commands) {
    let palette = Palette::current(ui);
    let valid = scene.document.valid();
    let (peak, at) = valid.liveness.peak();
    let total = &valid.cost.total;
    let a = known.pinned.as_ref().map(|(pinned, _)| &pinned.analysis);
    ui.add_space(theme::GAP);
    let mut text = format!("Peak {} in {}", total.peak_activation_bytes, total.peak_activation_layer);
    if let Some(a) = a {
        let then = &a.cost.total;
        let change = match then.peak_activation_bytes {
            Bytes(0) => String::new(),
            Bytes(then) => {
                format!(", {} vs A", format::change(total.peak_activation_bytes.0 as f64 / then as f64 - 1.0))
            }
        };
        text += &format!("{change} (A: {} in {})", then.peak_activation_bytes, then.peak_activation_layer);
    }
    ui.label(RichText::new(&text).color(palette.strong));
    let line = if a.is_some() { " The line is A's run, drawn as long as this one." } else { "" };
    let hint = "One bar per layer in the order they run. Slices are views and element-wise layers write in place.";
    ui.label(RichText::new(format!("{hint}{line}")).small().color(palette.muted));
    ui.add_space(theme::GAP);
    let size = vec2(ui.available_width(), (ui.available_height() - 8.0).max(80.0));
    let (rect, response) = ui.allocate_exact_size(size, Sense::click());
    let rect = rect.with_min_x(rect.left() + LEFT);
    ui.painter().rect_filled(rect, theme::ROUND, palette.sunken);
    let alive = &valid.liveness.elements;
    let step = rect.width() / alive.len().max(1) as f32;
    let over = response.hover_pos().filter(|pos| pos.x >= rect.left());
    let pointed = over.map(|pos| ((pos.x - rect.left()) / step) as usize);
    let selected = scene.document.selected.as_deref().and_then(|path| valid.graph.find(path));
    let most = a.map_or(peak, |a| a.liveness.peak().0.max(peak)).max(1) as f64;
    let high = |elements: u64| (rect.height() - 8.0) * (elements as f64 / most) as f32;
    axis(ui, rect, most, high, palette);
    for (index, &elements) in alive.iter().enumerate() {
        let x = rect.left() + step * index as f32;
        let corner = pos2(x + (step - 1.0).max(step * 0.7), rect.bottom());
        let bar = Rect::from_min_max(pos2(x, rect.bottom() - high(elements)), corner);
        let color = match NodeId(index) {
            id if Some(id) == selected => palette.strong,
            id if id == at => palette.warn,
            _ if pointed == Some(index) => palette.accent,
            _ => palette.accent.gamma_multiply(0.6),
        };
        ui.painter().rect_filled(bar, 1.0, color);
    }
    if let Some(a) = a {
        outline(ui, rect, &a.liveness, high, palette);
    }
    let response = named(response, Role::Image, &format!("activation memory by layer. {text}"));
    let Some((node, elements)) = pointed.and_then(|index| Some((valid.graph.nodes().get(index)?, alive.get(index)?)))
    else {
        return;
    };
    if response.clicked() {
        commands.push(Command::Select(Some(node.path.clone())));
    }
    let path = if node.path.is_empty() { "input" } else { node.path.as_str() };
    response.on_hover_text_at_pointer(format!("{path}\n{}\n{} alive", node.op, Elements(*elements).bytes_f32()));
}

/// The amounts of memory on the left, with a line across at each.
fn axis(ui: &Ui, rect: Rect, most: f64, high: impl Fn(u64) -> f32, palette: Palette) {
    let font = TextStyle::Small.resolve(ui.style());
    let grid = Stroke::new(1.0, palette.outline.gamma_multiply(0.6));
    for elements in ticks(most as u64, (rect.height() / BETWEEN_LINES).max(1.0) as u64) {
        let y = rect.bottom() - high(elements);
        ui.painter().hline(rect.x_range(), y, grid);
        let text = Elements(elements).bytes_f32().to_string();
        // The lowest one stands on the floor.
        let align = if elements == 0 { Align2::RIGHT_BOTTOM } else { Align2::RIGHT_CENTER };
        ui.painter().text(pos2(rect.left() - 4.0, y), align, text, font.clone(), palette.muted);
    }
}

/// Round amounts of memory from nothing up to `most` elements: powers of two apart, and no more than so many above zero.
fn ticks(most: u64, at_most: u64) -> impl Iterator<Item = u64> {
    let step = most.div_ceil(at_most.max(1)).max(1).next_power_of_two();
    (0..=most / step).map(move |index| index * step)
}

/// A's run as a stepped line of the same length.
fn outline(ui: &Ui, rect: Rect, liveness: &Liveness, high: impl Fn(u64) -> f32, palette: Palette) {
    let step = rect.width() / liveness.elements.len().max(1) as f32;
    let corners = liveness.elements.iter().enumerate().flat_map(|(index, &elements)| {
        let (x, y) = (rect.left() + step * index as f32, rect.bottom() - high(elements));
        [pos2(x, y), pos2(x + step, y)]
    });
    ui.painter().add(Shape::line(corners.collect(), Stroke::new(1.5, palette.text)));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_amounts_on_the_left_are_round_and_no_more_than_there_is_room_for() {
        assert_eq!(ticks(451_584, 8).collect::<Vec<_>>(), [0, 65_536, 131_072, 196_608, 262_144, 327_680, 393_216]);
        for (most, at_most) in [(1, 5), (0, 5), (1_000_003, 1), (1 << 30, 7)] {
            let ticks: Vec<u64> = ticks(most, at_most).collect();
            assert!(ticks.len() as u64 <= at_most + 1 && ticks[0] == 0, "{most}: {ticks:?}");
            assert!(ticks.iter().all(|tick| *tick <= most), "{most}: {ticks:?}");
        }
        assert_eq!(Elements(65_536).bytes_f32().to_string(), "256 KiB");
    }
}
