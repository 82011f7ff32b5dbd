//! The layers of both networks side by side, aligned by path; what changed is marked by a sign and a word.

use eframe::egui;
use egui::{Align, Label, Layout, RichText, Role, Sense, TextEdit, Ui};
use egui_extras::{Column, TableBuilder};
use shufflescope_engine::report::{LayerChange, LayerDifference, LayerPair, LayerSide};

use crate::window::compare::OnPaper;
use crate::window::scene::Scene;
use crate::window::theme::{self, Palette};
use crate::window::widgets::named;

/// How the table is looked at.
#[derive(Debug, Default)]
pub struct LayersView {
    changes_only: bool,
    filter: String,
}

/// Paints the table; with times where the comparison shown is of these networks.
pub fn show(ui: &mut Ui, scene: Scene<'_>, paper: &OnPaper, view: &mut LayersView) {
    let palette = Palette::current(ui);
    let running = scene.compare.so_far().map(|compared| &compared.layers);
    let last = scene.last_comparison().filter(|(_, is_current)| *is_current).map(|(kept, _)| &kept.result.layers);
    let layers = if scene.compare.is_running() { running } else { last };
    let layers = layers.unwrap_or(&paper.layers);
    ui.horizontal(|ui| {
        let check = ui.checkbox(&mut view.changes_only, "changes only");
        check.on_hover_text("Hide layers that do the same in both networks");
        let field = TextEdit::singleline(&mut view.filter).hint_text("filter: dw stage3").desired_width(160.0);
        named(ui.add(field), Role::TextInput, "filter compared layers");
        ui.add(Label::new(RichText::new(summary(layers)).small().color(palette.muted)).truncate()).on_hover_text(
            "A kernel's time stands at its first layer. Layers of the same path stand side by side; others are paired \
             by the kind of work within a stage.",
        );
    });
    let rows: Vec<&LayerPair> = layers.rows.iter().filter(|row| view.wants(row)).collect();
    egui::ScrollArea::horizontal().auto_shrink(false).show(ui, |ui| table(ui, &rows, palette));
}

impl LayersView {
    fn wants(&self, row: &LayerPair) -> bool {
        let sides = || [&row.a, &row.b].into_iter().flatten();
        let has = |word: &str| sides().any(|side| side.cost.path.contains(word) || side.cost.op.contains(word));
        (!self.changes_only || row.change != LayerChange::Same)
            && self.filter.split_whitespace().all(|word| has(&word.to_lowercase()))
    }
}

fn summary(layers: &LayerDifference) -> String {
    let count = |change| layers.rows.iter().filter(|row| row.change == change).count();
    let mut text = format!(
        "{} same, {} changed, {} only in A, {} only in B",
        count(LayerChange::Same),
        count(LayerChange::Changed),
        count(LayerChange::OnlyInA),
        count(LayerChange::OnlyInB)
    );
    if let [Some(a), Some(b)] = layers.times() {
        text += &format!("  ·  kernels of A {a}, of B {b}");
    }
    text
}

const fn sign(change: LayerChange) -> (&'static str, &'static str) {
    match change {
        LayerChange::Same => ("=", "same"),
        LayerChange::Changed => ("~", "changed"),
        LayerChange::OnlyInA => ("-", "only A"),
        LayerChange::OnlyInB => ("+", "only B"),
    }
}

fn table(ui: &mut Ui, rows: &[&LayerPair], palette: Palette) {
    let spare = ((ui.available_width() - 930.0) / 4.0).max(0.0);
    let exact = |width: f32| Column::exact(width).clip(true);
    let mut table = TableBuilder::new(ui)
        .id_salt("compared layers")
        .sense(Sense::hover())
        .cell_layout(Layout::left_to_right(Align::Center))
        .auto_shrink(false)
        .column(exact(80.0));
    for _ in 0..2 {
        table = table.column(exact(145.0 + spare)).column(exact(180.0 + spare)).column(exact(66.0));
    }
    let table = table.header(theme::ROW, |mut header| {
        for text in ["", "layer of A", "operation", "time", "layer of B", "operation", "time"] {
            header.col(|ui| drop(ui.label(RichText::new(text).small().color(palette.muted))));
        }
    });
    table.body(|body| {
        body.rows(theme::ROW, rows.len(), |mut row| {
            let Some(pair) = rows.get(row.index()) else { return };
            let (sign, word) = sign(pair.change);
            let changed = pair.change != LayerChange::Same;
            row.col(|ui| {
                let color = if changed { palette.strong } else { palette.muted };
                ui.label(RichText::new(sign).monospace().strong().color(color));
                ui.label(RichText::new(word).small().color(color));
            });
            for side in [&pair.a, &pair.b] {
                cells(&mut row, side.as_ref(), changed, palette);
            }
            let path =
                |side: &Option<LayerSide>| side.as_ref().map_or("nothing", |side| side.cost.path.as_str()).to_owned();
            named(row.response(), Role::Row, &format!("{word}: {} and {}", path(&pair.a), path(&pair.b)));
        });
    });
}

fn cells(row: &mut egui_extras::TableRow<'_, '_>, side: Option<&LayerSide>, changed: bool, palette: Palette) {
    let color = if changed { palette.strong } else { palette.muted };
    let mut cell = |text: String| {
        row.col(|ui| drop(ui.add(Label::new(RichText::new(text).color(color)).truncate())));
    };
    match side {
        None => (0..3).for_each(|_| cell(String::new())),
        Some(LayerSide { cost, time, .. }) => {
            cell(cost.path.clone());
            cell(format!("{}, {}", cost.op, cost.output));
            cell(time.map(|time| time.to_string()).unwrap_or_default());
        }
    }
}
