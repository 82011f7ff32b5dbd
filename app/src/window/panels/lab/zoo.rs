//! Table 8 on this machine: the paper's rows at once, ours filled in as they are measured, and the scatters of Figure 1.

use eframe::egui;
use egui::{Label, RichText, Role, Ui};
use shufflescope_engine::experiment::{PublishedRow, ZooRow, ZooTable};
use shufflescope_engine::runtime::RunOptions;

use super::columns::headed;
use super::{LabView, beside, conditions, exports, figure_1};
use crate::export::ResultForm;
use crate::window::command::Commands;
use crate::window::format;
use crate::window::lab::Networks;
use crate::window::scene::Scene;
use crate::window::theme::Palette;
use crate::window::widgets::{Bar, Bars, Whose, choice, named};

/// Room for everything that is seen beside the bars.
const BESIDE: f32 = 880.0;

/// Paints it.
pub fn show(ui: &mut Ui, scene: Scene<'_>, view: &mut LabView, commands: &mut Commands) {
    let options = scene.document.valid_options();
    let known = scene.lab.networks(scene.machine(), &options);
    let is_current = known.is_none_or(|(_, is_current)| is_current);
    let ran = known.map_or_else(|| options.clone(), |(kept, _)| kept.context.options.clone());
    refresh(scene, view, &ran);
    let LabView { zoo, as_scatters, level, .. } = view;
    let Some((_, table)) = zoo else { return };
    ui.horizontal(|ui| {
        let looks = [(false, "table"), (true, "scatters")];
        *as_scatters = choice(ui, "show", &looks, Some(*as_scatters)).unwrap_or(*as_scatters);
        if let Some((kept, _)) = known {
            let name =
                level.map_or_else(|| "zoo".into(), |level| format!("zoo-{}", level.to_string().replace(' ', "")));
            exports(ui, &name, commands, |form| match form {
                ResultForm::Markdown => format!("{}\nMeasured: {}.\n", table.markdown(), kept.about()),
                ResultForm::Json => serde_json::to_string_pretty(&table).unwrap_or_default() + "\n",
            });
        }
    });
    if let Some((kept, _)) = known {
        conditions(ui, scene, &kept.about(), is_current);
    }
    if *as_scatters {
        figure_1::show(ui, scene, table, is_current);
    } else {
        let muted = Palette::current(ui).muted;
        let text = "Bars: rates over those of the first network of the level. Published: error on ImageNet, batches of 8 \
                    per second on a GTX 1080Ti, images per second on one thread of a Snapdragon 810.";
        ui.add(Label::new(RichText::new(text).small().color(muted)).wrap());
        let width = (ui.available_width() - BESIDE).clamp(280.0, 2_600.0);
        egui::ScrollArea::horizontal().auto_shrink(false).show(ui, |ui| rows(ui, table, !is_current, width));
    }
}

/// Table 8 is made anew only where something changed: it lowers every network.
fn refresh(scene: Scene<'_>, view: &mut LabView, options: &RunOptions) {
    let of = (scene.lab.version(), options.clone(), view.level);
    if view.zoo.as_ref().is_none_or(|(made_of, _)| *made_of != of) {
        let nothing = Networks::default();
        let known = scene.lab.networks(scene.machine(), options);
        let networks = known.map_or(&nothing, |(kept, _)| &kept.result);
        let table = networks.table(view.level, options);
        view.zoo = Some((of, table));
    }
}

fn rows(ui: &mut Ui, table: &ZooTable, is_stale: bool, width: f32) {
    let palette = Palette::current(ui);
    let headings = [
        ("network", 190.0),
        ("level", 50.0),
        ("rate over the level's first", width + 8.0),
        ("images/s here", 84.0),
        ("published GPU", 86.0),
        ("published ARM", 88.0),
        ("published error", 92.0),
        ("latency here", 80.0),
        ("95 % interval", 124.0),
        ("front", 44.0),
        ("mult-adds", 70.0),
        ("mem. access", 76.0),
    ];
    let dash = || "\u{2013}".to_owned();
    let drawn: Vec<[Bar; 3]> = table.rows.iter().map(|row| bars(table, row)).collect();
    let (full, height) = (Bars::full(&drawn), Bars::height(ui));
    headed(ui, "zoo", &headings, palette).body(|body| {
        body.rows(height, table.rows.len(), |mut line| {
            let Some((of, bars)) = table.rows.get(line.index()).zip(drawn.get(line.index())) else { return };
            let (published, measured) = (&of.published, of.measured);
            let rate = |rate: Option<f64>| rate.map_or_else(dash, |rate| rate.to_string());
            let missing = || if of.failure.is_some() { "failed".to_owned() } else { dash() };
            let names = [of.name.clone(), of.level.to_string()];
            let figures = [
                measured.map_or_else(missing, |speed| format::three_digits(speed.images_per_second)),
                rate(published.gpu_batches_per_second),
                rate(published.arm_images_per_second),
                format!("{:.1} %", published.top1_error_percent),
                measured.map_or_else(dash, |speed| speed.latency.median.to_string()),
                measured.map_or_else(String::new, |speed| format!("{} to {}", speed.latency.low, speed.latency.high)),
                if of.on_accuracy_front { "front".into() } else { String::new() },
                of.cost.map_or_else(dash, |cost| cost.mult_adds.to_string()),
                of.cost.map_or_else(dash, |cost| cost.memory_access.to_string()),
            ];
            let cell = |ui: &mut Ui, text: String| {
                ui.add(Label::new(RichText::new(text).color(palette.text)).truncate());
            };
            for text in names {
                line.col(|ui| cell(ui, text));
            }
            line.col(|ui| Bars { of: &of.name, bars: *bars, full, is_stale }.show(ui, width));
            for text in figures {
                line.col(|ui| cell(ui, text));
            }
            let response = named(line.response(), Role::Row, &of.name);
            if let Some(failure) = &of.failure {
                response.on_hover_text(failure);
            }
        });
    });
}

/// A row's rates over those of the first row of its level.
fn bars(table: &ZooTable, row: &ZooRow) -> [Bar; 3] {
    let first = table.rows.iter().find(|first| first.level == row.level).unwrap_or(row);
    let times = |row: &ZooRow| row.measured.map(|of| [of.latency.median, of.latency.low, of.latency.high]);
    let here = beside(std::ptr::eq(first, row), [times(row), times(first)], row.failure.is_some());
    let over = |whose, rate: fn(&PublishedRow) -> Option<f64>| {
        Bar::published(whose, rate(&row.published).zip(rate(&first.published)).map(|(rate, first)| rate / first))
    };
    [
        here,
        over(Whose::PublishedGpu, |published| published.gpu_batches_per_second),
        over(Whose::PublishedArm, |published| published.arm_images_per_second),
    ]
}
