//! The time by kind of work, beside what the same kinds cost on paper: the paper's Figure 2 for this design.

use std::collections::BTreeMap;

use eframe::egui;
use egui::{RichText, Sense, Ui, WidgetInfo};
use shufflescope_engine::graph::OpKind;
use shufflescope_engine::report::time_by_kind;

use super::apart;
use crate::window::command::Commands;
use crate::window::format;
use crate::window::scene::Scene;
use crate::window::theme::{self, Palette};

/// Shares of the whole by kind of work.
#[derive(Debug, Default)]
struct Shares {
    by_kind: BTreeMap<OpKind, f64>,
}

impl Shares {
    fn of(values: impl Iterator<Item = (OpKind, f64)>, whole: Option<f64>) -> Self {
        let mut by_kind: BTreeMap<OpKind, f64> = BTreeMap::new();
        for (kind, value) in values {
            *by_kind.entry(kind).or_default() += value;
        }
        let whole = whole.unwrap_or_else(|| by_kind.values().sum());
        if whole > 0.0 {
            by_kind.values_mut().for_each(|value| *value /= whole);
        }
        Self { by_kind }
    }

    fn get(&self, kind: OpKind) -> f64 {
        self.by_kind.get(&kind).copied().unwrap_or(0.0)
    }
}

/// Kinds in the order shown.
const KINDS: [OpKind; 8] = [
    OpKind::Convolution,
    OpKind::Pointwise,
    OpKind::Depthwise,
    OpKind::Linear,
    OpKind::Normalisation,
    OpKind::ElementWise,
    OpKind::Pooling,
    OpKind::Data,
];

/// Paints the view.
pub fn show(ui: &mut Ui, scene: Scene<'_>, commands: &mut Commands) {
    let palette = Palette::current(ui);
    let layers = &scene.document.valid().cost.layers;
    let mult_adds = Shares::of(layers.iter().map(|layer| (layer.kind, layer.mult_adds.as_f64())), None);
    let memory = Shares::of(layers.iter().map(|layer| (layer.kind, layer.memory_access.as_f64())), None);
    let current = scene.live.current();
    let breakdown = current.and_then(|measurement| measurement.breakdown.as_ref());
    let of_kind = current.and_then(|measurement| time_by_kind(layers, measurement));
    let time = of_kind.as_ref().zip(breakdown).map(|(of, breakdown)| {
        let times = of.times.iter().map(|(kind, time)| (*kind, time.as_f64()));
        Shares::of(times, Some(breakdown.marked_whole.as_f64()))
    });
    egui::ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
        ui.add_space(theme::GAP);
        bar(ui, "time", time.as_ref(), "not measured yet", palette);
        bar(ui, "mult-adds", Some(&mult_adds), "", palette);
        bar(ui, "memory access", Some(&memory), "", palette);
        ui.add_space(theme::SECTION_GAP);
        table(ui, time.as_ref(), &mult_adds, &memory, palette);
        if let Some(breakdown) = breakdown {
            ui.add_space(theme::GAP);
            let text = format!(
                "Shares of the time are of the marked whole by the {}'s clock, {}; {} of it is in no kernel.",
                breakdown.clock, breakdown.marked_whole, breakdown.unaccounted
            );
            ui.label(RichText::new(text).small().color(palette.muted));
        }
        if let Some(of) = of_kind {
            ui.label(RichText::new(of.rule()).small().color(palette.muted));
        }
        apart::line(ui, scene, commands);
    });
}

/// One stacked bar.
fn bar(ui: &mut Ui, name: &str, shares: Option<&Shares>, absent: &str, palette: Palette) {
    ui.horizontal(|ui| {
        crate::window::widgets::label(ui, name, 104.0);
        let (rect, response) = ui.allocate_exact_size(egui::vec2(ui.available_width(), 26.0), Sense::hover());
        ui.painter().rect_filled(rect, theme::ROUND, palette.sunken);
        let Some(shares) = shares else {
            let font = egui::TextStyle::Small.resolve(ui.style());
            ui.painter().text(rect.center(), egui::Align2::CENTER_CENTER, absent, font, palette.muted);
            return;
        };
        let mut x = rect.left();
        for kind in KINDS {
            let width = rect.width() * shares.get(kind) as f32;
            let piece = egui::Rect::from_min_size(egui::pos2(x, rect.top()), egui::vec2(width, rect.height()));
            x += width;
            if width < 1.0 {
                continue;
            }
            ui.painter().rect_filled(piece.shrink2(egui::vec2(0.5, 0.0)), 2.0, palette.kind(kind));
            if width > 44.0 {
                let font = egui::TextStyle::Small.resolve(ui.style());
                let text = format::share(shares.get(kind));
                ui.painter().text(
                    piece.center(),
                    egui::Align2::CENTER_CENTER,
                    text,
                    font,
                    palette.on(palette.kind(kind)),
                );
            }
        }
        let described: Vec<String> = KINDS
            .iter()
            .filter(|kind| shares.get(**kind) > 0.0)
            .map(|kind| format!("{} {}", kind.name(), format::share(shares.get(*kind))))
            .collect();
        let text = format!("{name}: {}", described.join(", "));
        response.widget_info(|| WidgetInfo::labeled(egui::Role::Image, true, &text));
        response.on_hover_text(text);
    });
}

fn table(ui: &mut Ui, time: Option<&Shares>, mult_adds: &Shares, memory: &Shares, palette: Palette) {
    egui::Grid::new("kinds").num_columns(4).spacing([26.0, 7.0]).show(ui, |ui| {
        for heading in ["kind of work", "time", "mult-adds", "memory access"] {
            ui.label(RichText::new(heading).small().color(palette.muted));
        }
        ui.end_row();
        for kind in KINDS {
            if mult_adds.get(kind) == 0.0 && memory.get(kind) == 0.0 && time.is_none_or(|time| time.get(kind) == 0.0) {
                continue;
            }
            ui.horizontal(|ui| {
                let (dot, _) = ui.allocate_exact_size(egui::vec2(10.0, 10.0), Sense::hover());
                ui.painter().rect_filled(dot, 2.0, palette.kind(kind));
                ui.label(kind.name());
            });
            let time = time.map_or_else(|| "\u{2013}".into(), |time| format::share(time.get(kind)));
            ui.label(RichText::new(time).color(palette.strong));
            ui.label(format::share(mult_adds.get(kind)));
            ui.label(format::share(memory.get(kind)));
            ui.end_row();
        }
    });
}
