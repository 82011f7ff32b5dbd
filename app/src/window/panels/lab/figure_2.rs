//! Figure 2: the share of each kind of work in the time, here and as published.

use eframe::egui;
use egui::{Grid, Label, RichText, Ui};
use shufflescope_engine::experiment::figure_2::{Category, PIES, Shares};
use shufflescope_engine::measure::SPLIT_LABEL;

use super::conditions;
use crate::window::format;
use crate::window::lab::{Measured, figure_2_networks};
use crate::window::scene::Scene;
use crate::window::theme::Palette;

/// Paints it.
pub fn show(ui: &mut Ui, scene: Scene<'_>) {
    let palette = Palette::current(ui);
    let known = scene.lab.networks(scene.machine(), &scene.document.valid_options());
    if let Some((kept, is_current)) = known {
        conditions(ui, scene, &kept.about(), is_current);
    }
    let mut all_split = true;
    palette.card_frame().show(ui, |ui| {
        Grid::new("figure 2").spacing([22.0, 6.0]).show(ui, |ui| {
            let headings =
                ["network", ""].into_iter().chain(Category::ALL.map(Category::name)).chain(["of it depthwise"]);
            for heading in headings {
                ui.label(RichText::new(heading).small().color(palette.muted));
            }
            ui.end_row();
            for input in figure_2_networks() {
                let measured = known.and_then(|(kept, _)| kept.result.get(input));
                let ours = match measured {
                    Some(Measured::Latency { shares, .. }) => *shares,
                    _ => None,
                };
                all_split &= ours.is_none_or(|ours| ours.is_split);
                let (shares, depthwise) = (ours.map(|ours| ours.shares), ours.map(|ours| ours.depthwise));
                line(ui, input.network, "measured here", (shares, depthwise), palette);
                for pie in PIES.iter().filter(|pie| pie.network == input.network) {
                    let whose = if pie.gpu { "published, GPU" } else { "published, ARM" };
                    line(ui, "", whose, (Some(pie.shares), None), palette);
                }
            }
        });
    });
    let text = match all_split {
        true => format!(
            "Depthwise convolutions count as Conv; a fused kernel's time is split among its layers, {SPLIT_LABEL}."
        ),
        false => {
            "Depthwise convolutions count as Conv; these kernels were not taken apart, so that a fused one counts as \
                  its heaviest layer and little element-wise work is seen. Measuring again takes them apart."
                .to_owned()
        }
    };
    ui.add(Label::new(RichText::new(text).small().color(palette.muted)).wrap());
}

/// Shares, and the part of them that is depthwise where that is known.
fn line(ui: &mut Ui, network: &str, whose: &str, (shares, depthwise): (Option<Shares>, Option<f64>), palette: Palette) {
    ui.label(RichText::new(network).color(palette.strong));
    ui.label(RichText::new(whose).color(palette.muted));
    for category in Category::ALL {
        let text = shares.map_or_else(|| "\u{2013}".into(), |shares| format::share(shares.get(category)));
        ui.label(RichText::new(text).color(palette.text));
    }
    ui.label(RichText::new(depthwise.map(format::share).unwrap_or_default()).color(palette.text));
    ui.end_row();
}
