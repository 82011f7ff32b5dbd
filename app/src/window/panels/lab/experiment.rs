//! An experiment: our rates beside the paper's, the evidence of every row, the verdict and its rule.

use eframe::egui;
use egui::{Grid, Label, RichText, Role, ScrollArea, Ui};
use shufflescope_engine::experiment::{Cell, Evidence, Experiment, ExperimentResult, Scale, Verdict, markdown};

use super::{conditions, exports};
use crate::export::ResultForm;
use crate::window::command::Commands;
use crate::window::format;
use crate::window::lab::Known;
use crate::window::scene::Scene;
use crate::window::theme::{self, Palette};
use crate::window::widgets::{Mark, mark, named};

/// Paints it.
pub fn show(ui: &mut Ui, scene: Scene<'_>, experiment: Experiment, scale: Scale, commands: &mut Commands) {
    let palette = Palette::current(ui);
    let known = scene.lab.experiment((experiment, scale), scene.machine(), &scene.document.valid_options());
    let Some(known) = known else {
        let text = format!(
            "Not measured yet at scale {scale}. The rows of a column are measured in turns, so that whatever the machine \
             does meanwhile meets all of them; the verdict comes from intervals, never from a single number."
        );
        ui.add(Label::new(RichText::new(text).color(palette.muted)).wrap());
        return;
    };
    let (result, stale) = match known {
        Known::SoFar(result) => (result, false),
        Known::Kept(kept, is_current) => (&kept.result, !is_current),
    };
    ui.horizontal(|ui| {
        verdict(ui, result.verdict, "Verdict on this device", stale, palette);
        if let Known::Kept(kept, _) = known {
            exports(ui, &format!("{experiment}-{scale}"), commands, |form| match form {
                ResultForm::Markdown => format!("{}\nMeasured: {}.\n", markdown::section(result), kept.about()),
                ResultForm::Json => serde_json::to_string_pretty(kept).unwrap_or_default() + "\n",
            });
        }
    });
    match known {
        Known::SoFar(_) => drop(ui.label(RichText::new("being measured: so far").small().color(palette.accent))),
        Known::Kept(kept, is_current) => conditions(ui, scene, &kept.about(), is_current),
    }
    ScrollArea::both().auto_shrink(false).show(ui, |ui| {
        for (column, rows) in result.by_column() {
            ui.add_space(theme::GAP);
            ui.horizontal(|ui| {
                verdict(ui, column.verdict, &column.heading, stale, palette);
                let text = format!(
                    "{} rounds, intervals have to clear {}, mult-adds agree within {}",
                    column.rounds,
                    format::share(column.margin),
                    format::share(column.mult_adds_differ)
                );
                ui.label(RichText::new(text).small().color(palette.muted));
            });
            palette.card_frame().show(ui, |ui| table(ui, &column.key, rows, stale, palette));
        }
        words(ui, result, palette);
    });
}

fn verdict(ui: &mut Ui, verdict: Verdict, of: &str, stale: bool, palette: Palette) {
    let color = match verdict {
        _ if stale => palette.muted,
        Verdict::Holds => palette.good,
        Verdict::DoesNotHold => palette.warn,
        Verdict::Undecided => palette.muted,
    };
    match verdict {
        Verdict::Holds => mark(ui, Mark::Check, color, 13.0),
        Verdict::DoesNotHold => mark(ui, Mark::Warning, color, 13.0),
        Verdict::Undecided => drop(ui.label(RichText::new("?").strong().color(color))),
    }
    let text = format!("{of}: {verdict}{}", if stale { " (stale)" } else { "" });
    named(ui.label(RichText::new(&text).strong().color(color)), Role::Label, &text);
}

fn table(ui: &mut Ui, key: &str, cells: &[Cell], stale: bool, palette: Palette) {
    Grid::new(key).striped(false).spacing([16.0, 4.0]).show(ui, |ui| {
        let headings = [
            "",
            "channels",
            "mult-adds",
            "here, batches/s",
            "95 % interval",
            "ratio here",
            "ratio's interval",
            "evidence",
            "published GPU",
            "ratio",
            "published ARM",
            "ratio",
        ];
        for heading in headings {
            ui.label(RichText::new(heading).small().color(palette.muted));
        }
        ui.end_row();
        for cell in cells {
            let strong = if stale { palette.muted } else { palette.strong };
            let say = |ui: &mut Ui, text: String, color| drop(ui.label(RichText::new(text).color(color)));
            let dash = || "\u{2013}".to_owned();
            say(ui, cell.label.clone(), palette.strong);
            say(ui, cell.channels.clone(), palette.text);
            say(ui, cell.mult_adds.to_string(), palette.text);
            let rate = cell.ours.as_ref();
            say(ui, rate.map_or_else(dash, |rate| format!("{:.1}", rate.batches_per_second)), strong);
            say(ui, rate.map_or_else(dash, |rate| format!("{:.1} to {:.1}", rate.low, rate.high)), palette.muted);
            say(ui, cell.ours_ratio.map_or_else(|| "1".into(), |ratio| format!("{:.3}", ratio.ratio)), strong);
            let interval = cell.ours_ratio.map(|ratio| format!("{:.3} to {:.3}", ratio.low, ratio.high));
            say(ui, interval.unwrap_or_default(), palette.muted);
            say(ui, cell.evidence.map_or("", Evidence::name).into(), strong);
            for paper in [&cell.paper_gpu, &cell.paper_arm] {
                ui.label(RichText::new(paper.rate.to_string()).color(palette.text)).on_hover_text(format!(
                    "as published, with {} channels; batches/s on a GTX 1080Ti, images/s on a Snapdragon 810",
                    paper.channels
                ));
                say(ui, format!("{:.2}", paper.ratio), palette.muted);
            }
            ui.end_row();
        }
    });
}

fn words(ui: &mut Ui, result: &ExperimentResult, palette: Palette) {
    ui.add_space(theme::GAP);
    let width = ui.clip_rect().width().min(900.0);
    ui.set_max_width(width);
    let mut say = |text: String| {
        ui.add(Label::new(RichText::new(text).small().color(palette.muted)).wrap());
    };
    say(format!("Rule: {}", result.rule));
    say("Published: batches/s on a GTX 1080Ti, images/s on one thread of a Snapdragon 810.".into());
    for choice in &result.choices {
        say(format!("Our choice, not the paper's: {choice}."));
    }
}
