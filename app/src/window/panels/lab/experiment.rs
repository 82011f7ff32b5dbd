//! An experiment: the paper's table, ours beside it as far as it is measured, drawn and told; the evidence of every row,
//! the verdict and its rule.

use eframe::egui;
use egui::{Grid, Label, RichText, Role, ScrollArea, Ui};
use shufflescope_engine::experiment::{Cell, ColumnResult, Experiment, ExperimentResult, PaperFigure, markdown};

use super::{LabView, conditions, exports, marks};
use crate::export::ResultForm;
use crate::window::command::Commands;
use crate::window::format;
use crate::window::lab::Known;
use crate::window::scene::Scene;
use crate::window::theme::{self, Palette};
use crate::window::widgets::{Bar, Bars, Whose, named};

/// Paints it.
pub fn show(ui: &mut Ui, scene: Scene<'_>, experiment: Experiment, view: &mut LabView, commands: &mut Commands) {
    let palette = Palette::current(ui);
    let of = (experiment, view.scale);
    let known = scene.lab.experiment(of, scene.machine(), &scene.document.valid_options());
    let (result, stale) = match known {
        Some(Known::SoFar(result)) => (result, false),
        Some(Known::Kept(kept, is_current)) => (&kept.result, !is_current),
        None => match printed(scene, experiment, view) {
            Some(result) => (result, false),
            None => return,
        },
    };
    if let Some(known) = known {
        ui.horizontal(|ui| {
            marks::verdict(ui, result.verdict, "Verdict on this device", stale);
            if let Known::Kept(kept, _) = known {
                exports(ui, &format!("{experiment}-{}", of.1), commands, |form| match form {
                    ResultForm::Markdown => format!("{}\nMeasured: {}.\n", markdown::section(result), kept.about()),
                    ResultForm::Json => serde_json::to_string_pretty(kept).unwrap_or_default() + "\n",
                });
            }
        });
    }
    match known {
        Some(Known::SoFar(_)) => drop(ui.label(RichText::new("being measured: so far").small().color(palette.accent))),
        Some(Known::Kept(kept, is_current)) => conditions(ui, scene, &kept.about(), is_current),
        None => {
            let text = format!(
                "Not measured yet at scale {}: here stands what the paper publishes. The rows of a column are measured in \
                 turns, so that whatever the machine does meanwhile meets all of them; the verdict comes from intervals, \
                 never from a single number.",
                of.1
            );
            ui.add(Label::new(RichText::new(text).color(palette.muted)).wrap());
        }
    }
    ScrollArea::both().auto_shrink(false).show(ui, |ui| {
        for (column, rows) in result.by_column() {
            ui.add_space(theme::GAP);
            ui.horizontal(|ui| heading(ui, column, stale, palette));
            palette.card_frame().show(ui, |ui| table(ui, &column.key, rows, stale, palette));
        }
        words(ui, result, palette);
    });
}

/// The paper's table alone. It is made anew only where something changed: it lowers every network.
fn printed<'a>(scene: Scene<'_>, experiment: Experiment, view: &'a mut LabView) -> Option<&'a ExperimentResult> {
    let of = (experiment, view.scale, scene.document.valid_options());
    if view.printed.as_ref().is_none_or(|(made_of, _)| *made_of != of) {
        let result = scene.lab.printed((experiment, view.scale), &of.2)?;
        view.printed = Some((of, result));
    }
    view.printed.as_ref().map(|(_, result)| result)
}

fn heading(ui: &mut Ui, column: &ColumnResult, stale: bool, palette: Palette) {
    if column.rounds == 0 {
        let text = format!("{}: not measured yet", column.heading);
        named(ui.label(RichText::new(&text).strong().color(palette.text)), Role::Label, &text);
        return;
    }
    marks::verdict(ui, column.verdict, &column.heading, stale);
    let text = format!(
        "{} rounds, intervals have to clear {}, mult-adds agree within {}",
        column.rounds,
        format::share(column.margin),
        format::share(column.mult_adds_differ)
    );
    ui.label(RichText::new(text).small().color(palette.muted));
}

/// A row's rates over those of the first row.
fn bars((index, cell): (usize, &Cell)) -> [Bar; 3] {
    let here = match (&cell.ours, &cell.ours_ratio) {
        (_, Some(ratio)) => Bar::here(Ok(ratio.ratio), Some([ratio.low, ratio.high])),
        // The first row is what the others are compared with: it has no ratio of its own.
        (Some(_), None) if index == 0 => Bar::here(Ok(1.0), None),
        (Some(_), None) => Bar::here(Err("too few rounds yet"), None),
        (None, None) => Bar::here(Err("not measured yet"), None),
    };
    let published = |whose, paper: &PaperFigure| Bar::published(whose, Some(paper.ratio));
    [here, published(Whose::PublishedGpu, &cell.paper_gpu), published(Whose::PublishedArm, &cell.paper_arm)]
}

/// Room for everything beside the bars.
const BESIDE: f32 = 815.0;

fn table(ui: &mut Ui, key: &str, cells: &[Cell], stale: bool, palette: Palette) {
    let drawn: Vec<[Bar; 3]> = cells.iter().enumerate().map(bars).collect();
    let full = Bars::full(&drawn);
    let width = (ui.clip_rect().width() - BESIDE).clamp(250.0, 2_600.0);
    let strong = if stale { palette.muted } else { palette.strong };
    Grid::new(key).striped(false).spacing([14.0, 4.0]).show(ui, |ui| {
        let headings = [
            "",
            "channels",
            "rate over the first row's",
            "evidence",
            "ratio here, 95 % interval",
            "here, batches/s, 95 % interval",
            "published GPU",
            "published ARM",
            "mult-adds",
        ];
        for heading in headings {
            ui.label(RichText::new(heading).small().color(palette.muted));
        }
        ui.end_row();
        for (cell, bars) in cells.iter().zip(drawn) {
            let say = |ui: &mut Ui, text: String, color| drop(ui.label(RichText::new(text).color(color)));
            let dash = || "\u{2013}".to_owned();
            say(ui, cell.label.clone(), palette.strong);
            say(ui, cell.channels.clone(), palette.text);
            Bars { of: &cell.label, bars, full, is_stale: stale }.show(ui, width);
            match cell.evidence.filter(|_| cell.ours.is_some()) {
                Some(evidence) => marks::evidence(ui, evidence, &cell.label, stale),
                None => say(ui, String::new(), palette.text),
            }
            let ratio = cell.ours_ratio.map(|of| format!("{:.3} ({:.3} to {:.3})", of.ratio, of.low, of.high));
            say(ui, ratio.unwrap_or_else(dash), strong);
            let rate = cell.ours.map(|of| format!("{:.1} ({:.1} to {:.1})", of.batches_per_second, of.low, of.high));
            say(ui, rate.unwrap_or_else(dash), strong);
            for paper in [&cell.paper_gpu, &cell.paper_arm] {
                ui.label(RichText::new(paper.rate.to_string()).color(palette.text)).on_hover_text(format!(
                    "as published, with {} channels; batches/s on a GTX 1080Ti, images/s on a Snapdragon 810",
                    paper.channels
                ));
            }
            say(ui, cell.mult_adds.to_string(), palette.text);
            ui.end_row();
        }
    });
}

fn words(ui: &mut Ui, result: &ExperimentResult, palette: Palette) {
    ui.add_space(theme::GAP);
    let width = ui.clip_rect().width().min(900.0);
    // A room of its own: the tables above may be wider than what is seen.
    ui.scope(|ui| {
        ui.set_max_width(width);
        let mut say = |text: String| {
            ui.add(Label::new(RichText::new(text).small().color(palette.muted)).wrap());
        };
        say("Bars: rates over the first row's, ours with the 95 % interval; the line marks the first row.".into());
        say(format!("Rule: {}", result.rule));
        say("Published: batches/s on a GTX 1080Ti, images/s on one thread of a Snapdragon 810.".into());
        for choice in &result.choices {
            say(format!("Our choice, not the paper's: {choice}."));
        }
    });
}
