//! The line below the cards: what the network is predicted to take, what was measured then, and how to know more.

use eframe::egui;
use egui::{Align, Label, Layout, ProgressBar, RichText, Role, Ui};
use shufflescope_engine::predict::{Prediction, Predictor, Track};

use super::progress::{self, rough};
use crate::window::bench::Owner;
use crate::window::command::{Command, Commands};
use crate::window::forecast::{Beside, Knowledge};
use crate::window::format;
use crate::window::scene::Scene;
use crate::window::theme::{Palette, ROW};
use crate::window::widgets::named;

/// Paints the line.
pub fn show(ui: &mut Ui, scene: Scene<'_>, commands: &mut Commands) {
    let palette = Palette::current(ui);
    if scene.bench.owner() == Some(Owner::Advice) {
        ui.horizontal(|ui| progress::show(ui, scene, Owner::Advice, commands));
        return;
    }
    let size = egui::vec2(ui.available_width(), ROW);
    ui.allocate_ui_with_layout(size, Layout::right_to_left(Align::Center), |ui| {
        ui.set_min_size(size);
        if let Some(progress) = scene.calibration.progress() {
            let cancel = ui.button("Cancel").on_hover_text("Stop measuring (Esc); what was measured is kept");
            if named(cancel, Role::Button, "Cancel calibration").clicked() {
                commands.push(Command::StopRun(Owner::Calibration));
            }
            let left = rough(progress.left);
            let bar = ui.add(ProgressBar::new(progress.fraction).desired_width(110.0).desired_height(8.0));
            named(
                bar,
                Role::ProgressIndicator,
                &format!("calibrating {:.0} %, {left} left", 100.0 * progress.fraction),
            );
            let text = format!("calibrating, {left} left; random networks measured: {}", progress.measured);
            ui.add(Label::new(RichText::new(text).color(palette.muted)).truncate());
            return;
        }
        let holder = scene.bench.owner();
        let hint = match holder {
            Some(owner) => owner.is_measuring().to_owned(),
            None => format!(
                "Measure random networks for a minute, so that predictions for {} rest on more: the same as \
                 `shufflescope calibrate`",
                scene.document.valid_options()
            ),
        };
        let button = ui.add_enabled(holder.is_none(), egui::Button::new("Calibrate"));
        let button = button.on_hover_text(&hint).on_disabled_hover_text(&hint);
        if named(button, Role::Button, "Calibrate predictions").clicked() {
            commands.push(Command::Calibrate);
        }
        ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
            let (text, color, about) = said(scene, palette);
            let label = ui.add(Label::new(RichText::new(text).small().color(color)).truncate());
            label.on_hover_ui(|ui| {
                ui.set_max_width(380.0);
                ui.label(&about);
            });
        });
    });
}

/// What is said, in which colour, and what is behind it.
fn said(scene: Scene<'_>, palette: Palette) -> (String, egui::Color32, String) {
    let options = scene.document.valid_options();
    if let Some(reason) = scene.calibration.failure() {
        return (format!("Calibrating broke off: {reason}"), palette.error, reason.to_owned());
    }
    let known = match scene.forecast.learning.of(&options) {
        Knowledge::Asked => return (String::new(), palette.muted, String::new()),
        Knowledge::Nothing => {
            let text = format!("No prediction yet: nothing is known of {options}. Calibrate measures what it takes.");
            let about = "A prediction is made of kernels that were measured before, in the same way of running. Every \
                         finished measurement adds to them, and so does `shufflescope calibrate`.";
            return (text, palette.muted, about.into());
        }
        Knowledge::Known(known, _) => known,
    };
    let Some(estimate) = scene.forecast.estimate() else {
        return ("Not predicted: it was measured before anything was known".into(), palette.muted, track(known));
    };
    let about = format!("{}\n{}", about_estimate(estimate), track(known));
    match scene.live.current().and_then(|measurement| scene.forecast.beside(measurement)) {
        Some(Beside { predicted, measured, off, is_held }) => {
            let held = if is_held { "within its band" } else { "outside its band" };
            let text = format!("predicted {predicted}, measured {measured}, {}, {held}", format::change(off));
            (text, if is_held { palette.muted } else { palette.warn }, about)
        }
        None => {
            let Prediction { predicted, low, high, known_share, .. } = estimate;
            let text = format!(
                "\u{2248} {predicted} predicted, {low} to {high}; {} of it in kernels measured before",
                format::share(*known_share)
            );
            (text, palette.accent, about)
        }
    }
}

/// An estimate in full.
pub fn about_estimate(estimate: &Prediction) -> String {
    let Prediction { predicted, low, high, known_share, .. } = estimate;
    format!(
        "Predicted, not measured: a median of {predicted}; nine of ten lie within the band, here {low} to {high}. {} of the \
         time is in kernels that were measured themselves.",
        format::share(*known_share)
    )
}

/// How good past estimates were, and what they rest on.
fn track(known: &Predictor) -> String {
    let Track { estimates, held, median_error } = known.track();
    let past = match estimates {
        0 => "No estimate was followed by a measurement yet.".to_owned(),
        _ => {
            format!("Past estimates: {held} of {estimates} bands held, median error {}.", format::share(*median_error))
        }
    };
    format!("{past} Predictions rest on {} networks with {} kernels.", known.networks(), known.kernels())
}
