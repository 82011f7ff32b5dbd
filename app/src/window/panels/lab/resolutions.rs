//! Appendix Table 1 a: larger inputs, as published and here, drawn and told.

use eframe::egui;
use egui::{Label, RichText, Role, Ui};
use shufflescope_engine::experiment::{MeasuredResolution, ResolutionTable};

use super::columns::headed;
use super::{LabView, beside, conditions, exports};
use crate::export::ResultForm;
use crate::window::command::Commands;
use crate::window::format;
use crate::window::lab::Networks;
use crate::window::scene::Scene;
use crate::window::theme::Palette;
use crate::window::widgets::{Bar, Bars, Whose, named};

/// Room for everything beside the bars.
const BESIDE: f32 = 750.0;

/// Paints it.
pub fn show(ui: &mut Ui, scene: Scene<'_>, view: &LabView, commands: &mut Commands) {
    let known = scene.lab.networks(scene.machine(), &scene.document.valid_options());
    let nothing = Networks::default();
    let table = known.map_or(&nothing, |(kept, _)| &kept.result).resolutions(view.level);
    if let Some((kept, is_current)) = known {
        let name = view.level.map_or_else(|| "resolutions".into(), |level| format!("resolutions-{}M", level.mega()));
        ui.horizontal(|ui| {
            exports(ui, &name, commands, |form| match form {
                ResultForm::Markdown => format!("{}\nMeasured: {}.\n", table.markdown(), kept.about()),
                ResultForm::Json => serde_json::to_string_pretty(&table).unwrap_or_default() + "\n",
            });
        });
        conditions(ui, scene, &kept.about(), is_current);
    }
    let stale = known.is_some_and(|(_, is_current)| !is_current);
    let width = (ui.available_width() - BESIDE).clamp(300.0, 2_600.0);
    egui::ScrollArea::horizontal().auto_shrink(false).show(ui, |ui| rows(ui, &table, stale, width));
}

fn rows(ui: &mut Ui, table: &ResolutionTable, is_stale: bool, width: f32) {
    let palette = Palette::current(ui);
    let headings = [
        ("input", 72.0),
        ("network", 176.0),
        ("level", 50.0),
        ("rate over the first network's at this input and level", width + 8.0),
        ("images/s here", 84.0),
        ("published GPU, batches/s", 130.0),
        ("batch", 40.0),
        ("published ARM, images/s", 130.0),
    ];
    let drawn: Vec<[Bar; 3]> = table.rows.iter().map(|row| bars(table, row)).collect();
    let (full, height) = (Bars::full(&drawn), Bars::height(ui));
    headed(ui, "resolutions", &headings, palette).body(|body| {
        body.rows(height, table.rows.len(), |mut line| {
            let Some((row, bars)) = table.rows.get(line.index()).zip(drawn.get(line.index())) else { return };
            let name = format!("{} at {}", row.network, row.input);
            let rate = match (row.images_per_second, &row.failure) {
                (Some(rate), _) => format::three_digits(rate),
                (None, Some(_)) => "failed".into(),
                (None, None) => "\u{2013}".into(),
            };
            let names = [row.input.to_string(), row.network.to_owned(), row.level.to_string()];
            let figures = [
                rate,
                row.paper_gpu_batches_per_second.to_string(),
                row.paper_gpu_batch.to_string(),
                row.paper_arm_images_per_second.to_string(),
            ];
            let cell = |ui: &mut Ui, text: String| {
                ui.add(Label::new(RichText::new(text).color(palette.text)).truncate());
            };
            for text in names {
                line.col(|ui| cell(ui, text));
            }
            line.col(|ui| Bars { of: &name, bars: *bars, full, is_stale }.show(ui, width));
            for text in figures {
                line.col(|ui| cell(ui, text));
            }
            let response = named(line.response(), Role::Row, &name);
            if let Some(why) = &row.failure {
                response.on_hover_text(why);
            }
        });
    });
}

/// A row's rates over those of the first network at its input and level.
fn bars(table: &ResolutionTable, row: &MeasuredResolution) -> [Bar; 3] {
    let first = table.first_of(row).unwrap_or(row);
    let here = beside(
        std::ptr::eq(first, row),
        [row, first].map(|row| Some([row.latency?, row.low?, row.high?])),
        row.failure.is_some(),
    );
    let gpu = row.paper_gpu_batches_per_second / first.paper_gpu_batches_per_second;
    let arm = row.paper_arm_images_per_second / first.paper_arm_images_per_second;
    [here, Bar::published(Whose::PublishedGpu, Some(gpu)), Bar::published(Whose::PublishedArm, Some(arm))]
}
