//! Figure 2: the share of each kind of work in the time, as published and here, drawn and told.

use eframe::egui;
use egui::{Grid, Label, RichText, ScrollArea, Ui};
use shufflescope_engine::experiment::figure_2::{Category, Shares};
use shufflescope_engine::experiment::{FigureTable, Pie};

use super::{conditions, exports};
use crate::export::ResultForm;
use crate::window::command::Commands;
use crate::window::format;
use crate::window::scene::Scene;
use crate::window::theme::{self, Palette};
use crate::window::widgets::{Part, stacked, stacked_legend};

/// Room for everything beside the bars.
const BESIDE: f32 = 735.0;

/// Paints it.
pub fn show(ui: &mut Ui, scene: Scene<'_>, commands: &mut Commands) {
    let palette = Palette::current(ui);
    let known = scene.lab.networks(scene.machine(), &scene.document.valid_options());
    let figure = known.map_or_else(|| FigureTable::new(|_| Ok(None)), |(kept, _)| kept.result.figure_2());
    if let Some((kept, is_current)) = known {
        ui.horizontal(|ui| {
            exports(ui, "figure-2", commands, |form| match form {
                ResultForm::Markdown => format!("{}\nMeasured: {}.\n", figure.markdown(), kept.about()),
                ResultForm::Json => serde_json::to_string_pretty(&figure).unwrap_or_default() + "\n",
            });
        });
        conditions(ui, scene, &kept.about(), is_current);
    }
    stacked_legend(ui, &Category::ALL.map(Category::name));
    let width = (ui.available_width() - BESIDE).clamp(240.0, 2_600.0);
    ScrollArea::both().auto_shrink(false).show(ui, |ui| {
        palette.card_frame().show(ui, |ui| {
            Grid::new("figure 2").spacing([18.0, 6.0]).show(ui, |ui| {
                let headings = ["network", "", "share of the time"].into_iter();
                for heading in headings.chain(Category::ALL.map(Category::name)).chain(["of it depthwise"]) {
                    ui.label(RichText::new(heading).small().color(palette.muted));
                }
                ui.end_row();
                figure.pies.iter().for_each(|pie| lines(ui, pie, width, palette));
            });
        });
        ui.add_space(theme::GAP);
        let text = match figure.is_split() {
            true => figure.rule(),
            false => format!("{} Measuring again takes them apart.", figure.rule()),
        };
        let seen = ui.clip_rect().width().min(900.0);
        // A room of its own: the table above may be wider than what is seen.
        ui.scope(|ui| {
            ui.set_max_width(seen);
            ui.add(Label::new(RichText::new(text).small().color(palette.muted)).wrap());
        });
    });
}

/// Ours, and both that are published.
fn lines(ui: &mut Ui, pie: &Pie, width: f32, palette: Palette) {
    let whose = ["measured here", "published, GPU", "published, ARM"];
    for (index, (whose, (_, shares, depthwise))) in whose.into_iter().zip(pie.lines()).enumerate() {
        let network = if index == 0 { pie.network } else { "" };
        ui.label(RichText::new(network).color(palette.strong));
        ui.label(RichText::new(whose).color(palette.muted));
        match (shares, &pie.failure) {
            (Some(shares), _) => stacked(ui, &format!("{}, {whose}", pie.network), &parts(&shares), width),
            (None, Some(why)) => {
                let label = Label::new(RichText::new("failed").color(palette.error));
                ui.add(label).on_hover_text(why);
            }
            (None, None) => drop(ui.label(RichText::new("not measured yet").color(palette.muted))),
        }
        for category in Category::ALL {
            let text = shares.map_or_else(|| "\u{2013}".into(), |shares| format::share(shares.get(category)));
            ui.label(RichText::new(text).color(palette.text));
        }
        ui.label(RichText::new(depthwise.map(format::share).unwrap_or_default()).color(palette.text));
        ui.end_row();
    }
}

fn parts(shares: &Shares) -> [Part; 5] {
    Category::ALL.map(|category| Part { name: category.name(), share: shares.get(category) })
}
