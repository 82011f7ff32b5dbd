//! The likeliest classes with their probabilities; without trained weights, why there are none.

use eframe::egui;
use egui::{Align, Layout, RichText, Role, Sense, Ui, WidgetInfo, vec2};

use shufflescope_engine::design::Edit;

use super::{colored, note};
use crate::camera::Prediction;
use crate::window::camera::{CameraCommand, Fit, Trained, WeightsChoice};
use crate::window::command::{Command, Commands};
use crate::window::scene::Scene;
use crate::window::theme::{self, Palette};
use crate::window::widgets::{Mark, mark, named};

/// Classes that are shown.
const CLASSES: usize = 5;

/// Paints the list.
pub(super) fn show(ui: &mut Ui, scene: Scene<'_>, commands: &mut Commands) {
    let palette = Palette::current(ui);
    let camera = scene.camera;
    if let Some(problem) = camera.problem() {
        colored(ui, problem, palette.error);
        return;
    }
    if let Some(behind) = camera.behind() {
        note(ui, &format!("Waiting for {behind} to finish measuring on this device: then the network runs."));
    } else if camera.is_running() && scene.bench.is_busy() {
        note(ui, "The network rests while a tab measures, and runs when that is done.");
    }
    match camera.fit() {
        None => note(ui, "Getting the network ready."),
        Some(Fit::TimeOnly { .. }) => {
            ui.horizontal_top(|ui| {
                mark(ui, Mark::Warning, palette.warn, 15.0);
                ui.add(
                    egui::Label::new(
                        RichText::new("No trained weights fit this design: predictions are not shown.")
                            .color(palette.warn),
                    )
                    .wrap(),
                );
            });
            note(
                ui,
                "They would mean nothing. Rates and times are those of this design all the same. See Weights for what \
                 fits.",
            );
            let hint = "A small network that knows eleven shapes drawn on paper. Undo brings the present design back.";
            if named(ui.button("Try the demo").on_hover_text(hint), Role::Button, "Try the demo").clicked()
                && let Some(design) = Trained::Demo.design()
            {
                commands.edit(Edit::Replace(Box::new(design)));
                commands.push(Command::Camera(CameraCommand::Use(WeightsChoice::Automatic)));
            }
        }
        Some(Fit::Predicts { .. }) if camera.outdated().is_some() => note(ui, "No new picture comes."),
        Some(Fit::Predicts { .. }) => match camera.frame().map(|frame| (camera.is_current(frame), &frame.head.top)) {
            Some((true, Some(Ok(top)))) => bars(ui, top, palette),
            Some((true, Some(Err(error)))) => colored(ui, error, palette.error),
            Some(_) => note(ui, "Getting the network ready."),
            None => note(ui, "Nothing yet: no source runs."),
        },
    }
}

fn bars(ui: &mut Ui, top: &[Prediction], palette: Palette) {
    for (place, Prediction { label, probability, .. }) in top.iter().take(CLASSES).enumerate() {
        let percent = format!("{:.1} %", 100.0 * probability);
        let scope = ui.scope(|ui| {
            ui.spacing_mut().item_spacing.y = 2.0;
            ui.horizontal(|ui| {
                ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                    let color = if place == 0 { palette.strong } else { palette.text };
                    ui.label(RichText::new(&percent).color(color));
                    ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                        ui.add(egui::Label::new(RichText::new(label).color(color)).truncate());
                    });
                });
            });
            let (rect, _) = ui.allocate_exact_size(vec2(ui.available_width(), 7.0), Sense::hover());
            let mut filled = rect;
            filled.set_width(rect.width() * probability.clamp(0.0, 1.0));
            ui.painter().rect_filled(rect, 3.0, palette.sunken);
            ui.painter().rect_filled(filled, 3.0, if place == 0 { palette.accent } else { palette.muted });
        });
        let name = format!("answer {}: {label}, {percent}", place + 1);
        scope.response.widget_info(|| WidgetInfo::labeled(Role::ProgressIndicator, true, &name));
    }
    ui.add_space(theme::GAP);
}
