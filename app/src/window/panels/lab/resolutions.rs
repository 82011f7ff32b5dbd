//! Appendix Table 1 a: larger inputs, here and as published.

use eframe::egui;
use egui::{Label, RichText, Role, Ui};
use shufflescope_engine::experiment::resolutions;

use super::columns::headed;
use super::{LabView, conditions};
use crate::window::format;
use crate::window::lab::{Input, Measured};
use crate::window::scene::Scene;
use crate::window::theme::{self, Palette};
use crate::window::widgets::named;

/// Paints it.
pub fn show(ui: &mut Ui, scene: Scene<'_>, view: &LabView) {
    let palette = Palette::current(ui);
    let known = scene.lab.networks(scene.machine(), &scene.document.valid_options());
    if let Some((kept, is_current)) = known {
        conditions(ui, scene, &kept.about(), is_current);
    }
    let rows: Vec<_> =
        resolutions().into_iter().filter(|row| view.level.is_none_or(|level| level == row.level)).collect();
    let headings = [
        ("input", 80.0),
        ("network", 190.0),
        ("level", 56.0),
        ("images/s here", 100.0),
        ("published GPU, batches/s", 150.0),
        ("batch", 44.0),
        ("published ARM, images/s", 150.0),
    ];
    headed(ui, "resolutions", &headings, palette).body(|body| {
        body.rows(theme::ROW, rows.len(), |mut line| {
            let Some(row) = rows.get(line.index()) else { return };
            let input = Input { network: row.network, size: row.input };
            let ours = match known.and_then(|(kept, _)| kept.result.get(input)) {
                Some(Measured::Latency { measurement, .. }) => {
                    let seconds = measurement.whole.median.as_secs_f64().max(1e-9);
                    format::three_digits(f64::from(measurement.batch) / seconds)
                }
                Some(Measured::Failed(_)) => "failed".into(),
                None => "\u{2013}".into(),
            };
            let cells = [
                row.input.to_string(),
                row.network.to_owned(),
                row.level.to_string(),
                ours,
                row.gpu_batches_per_second.to_string(),
                row.gpu_batch.to_string(),
                row.arm_images_per_second.to_string(),
            ];
            for cell in cells {
                line.col(|ui| drop(ui.add(Label::new(RichText::new(cell).color(palette.text)).truncate())));
            }
            named(line.response(), Role::Row, &format!("{} at {}", row.network, row.input));
        });
    });
}
