//! Activations alive while each layer runs: where the peak is, and which layers hold on to much.

use eframe::egui;
use egui::{RichText, Sense, Ui, WidgetInfo};
use shufflescope_engine::graph::NodeId;
use shufflescope_engine::units::Elements;

use crate::window::command::{Command, Commands};
use crate::window::scene::Scene;
use crate::window::theme::{self, Palette};

/// Paints the view: one bar per layer in execution order; a click selects the layer.
pub fn show(ui: &mut Ui, scene: Scene<'_>, commands: &mut Commands) {
    let palette = Palette::current(ui);
    let valid = scene.document.valid();
    let (peak, at) = valid.liveness.peak();
    let total = &valid.cost.total;
    ui.add_space(theme::GAP);
    let text = format!("Peak {} in {}", total.peak_activation_bytes, total.peak_activation_layer);
    ui.label(RichText::new(&text).color(palette.strong));
    let hint = "One bar per layer in the order they run. Slices are views and element-wise layers write in place.";
    ui.label(RichText::new(hint).small().color(palette.muted));
    ui.add_space(theme::GAP);
    let size = egui::vec2(ui.available_width(), (ui.available_height() - 30.0).clamp(80.0, 360.0));
    let (rect, response) = ui.allocate_exact_size(size, Sense::click());
    ui.painter().rect_filled(rect, theme::ROUND, palette.sunken);
    let alive = &valid.liveness.elements;
    let step = rect.width() / alive.len().max(1) as f32;
    let pointed = response.hover_pos().map(|pos| ((pos.x - rect.left()) / step).max(0.0) as usize);
    let selected = scene.document.selected.as_deref().and_then(|path| valid.graph.find(path));
    let inner = rect.height() - 8.0;
    for (index, &elements) in alive.iter().enumerate() {
        let high = inner * (elements as f64 / peak.max(1) as f64) as f32;
        let x = rect.left() + step * index as f32;
        let bar = egui::Rect::from_min_max(
            egui::pos2(x, rect.bottom() - high),
            egui::pos2(x + (step - 1.0).max(step * 0.7), rect.bottom()),
        );
        let color = match NodeId(index) {
            id if Some(id) == selected => palette.strong,
            id if id == at => palette.warn,
            _ if pointed == Some(index) => palette.accent,
            _ => palette.accent.gamma_multiply(0.6),
        };
        ui.painter().rect_filled(bar, 1.0, color);
    }
    response
        .widget_info(|| WidgetInfo::labeled(egui::Role::Image, true, format!("activation memory by layer. {text}")));
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
