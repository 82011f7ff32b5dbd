//! Which trained weights there are, whether they fit the design in hand, and how to get what fits.

use eframe::egui;
use egui::{Align, Button, Layout, ProgressBar, RichText, Role, Ui, WidgetInfo};
use shufflescope_engine::design::Edit;
use shufflescope_engine::model::Model;

use super::{colored, note, preprocessing};
use crate::window::camera::{CameraCommand, Download, Fit, Offer, Trained, WeightsChoice};
use crate::window::command::{Command, Commands};
use crate::window::scene::Scene;
use crate::window::theme::{self, Palette};
use crate::window::widgets::{Mark, mark, named};

/// Paints the section.
pub(super) fn show(ui: &mut Ui, scene: Scene<'_>, commands: &mut Commands) {
    let camera = scene.camera;
    fit(ui, scene, commands);
    ui.add_space(theme::GAP);
    ui.horizontal(|ui| {
        let on = *camera.choice() == WeightsChoice::Automatic;
        let button = Button::selectable(on, "Automatic").frame_when_inactive(true);
        let automatic = ui.add(button).on_hover_text("Use whichever weights on this machine fit the network");
        automatic.widget_info(|| WidgetInfo::selected(Role::RadioButton, true, on, "weights Automatic"));
        if automatic.clicked() {
            use_weights(commands, WeightsChoice::Automatic);
        }
        let open = ui.button("Open\u{2026}").on_hover_text("Use trained weights from a file of PyTorch or safetensors");
        if named(open, Role::Button, "Open weights").clicked() {
            commands.push(Command::Camera(CameraCommand::WeightsDialog));
        }
        if is_own(scene) {
            let labels = ui.button("Labels\u{2026}").on_hover_text("Names of the classes from a text file, one a line");
            if named(labels, Role::Button, "Open labels").clicked() {
                commands.push(Command::Camera(CameraCommand::LabelsDialog));
            }
        }
    });
    if let WeightsChoice::Only(Trained::File(path)) = camera.choice() {
        note(ui, &format!("From {}", path.display()));
    }
    if is_own(scene) {
        preprocessing::show(ui, scene, commands);
    }
    let (fitting, others): (Vec<&Offer>, Vec<&Offer>) = camera.offers().iter().partition(|offer| offer.fits);
    for offer in fitting.into_iter().chain(others) {
        row(ui, scene, offer, commands);
    }
}

/// Whether the weights are a person's own: nobody else knows what their classes are called, and what pictures they know.
fn is_own(scene: Scene<'_>) -> bool {
    match scene.camera.choice() {
        WeightsChoice::Automatic => matches!(scene.document.valid().model, Model::File(_)),
        WeightsChoice::Only(trained) => matches!(trained, Trained::File(_)),
    }
}

/// What the weights in use are worth.
fn fit(ui: &mut Ui, scene: Scene<'_>, commands: &mut Commands) {
    let palette = Palette::current(ui);
    match scene.camera.fit() {
        None if scene.camera.problem().is_some() => note(ui, "Which weights fit is not known."),
        None => note(ui, "Looking which weights fit."),
        Some(Fit::Predicts { weights, classes, doubts, accuracy }) => {
            ui.horizontal(|ui| {
                mark(ui, Mark::Check, palette.good, 14.0);
                ui.add(egui::Label::new(format!("{weights}, {classes} classes")).truncate());
            });
            if let Some(accuracy) = accuracy {
                note(ui, &format!("Measured accuracy: {}.", accuracy.in_full()));
            }
            for doubt in doubts {
                colored(ui, doubt, palette.warn);
            }
        }
        Some(Fit::TimeOnly { reason, difference, designs }) => {
            ui.horizontal_top(|ui| {
                mark(ui, Mark::Warning, palette.warn, 14.0);
                ui.add(egui::Label::new(RichText::new(reason).color(palette.warn)).wrap());
            });
            note(ui, "Predictions would be meaningless. The network runs on made-up weights, for its time alone.");
            if let Some(difference) = difference {
                let what = egui::CollapsingHeader::new(RichText::new("What does not fit").small());
                what.default_open(true).show(ui, |ui| {
                    for line in difference.lines() {
                        note(ui, line.trim());
                    }
                });
            }
            for design in designs {
                let button = ui.button(format!("Show {}", design.name));
                let hint = "These weights fit that design. Undo brings the present one back.";
                if named(button.on_hover_text(hint), Role::Button, &format!("Show {}", design.name)).clicked() {
                    commands.edit(Edit::Replace(Box::new(design.clone())));
                }
            }
        }
    }
}

/// Weights that can be had, on two lines.
fn row(ui: &mut Ui, scene: Scene<'_>, offer: &Offer, commands: &mut Commands) {
    let published = match offer.trained {
        Trained::Demo => None,
        Trained::Published(published) => Some(published),
        Trained::File(_) => return,
    };
    let palette = Palette::current(ui);
    let name = offer.trained.name();
    let download = scene.camera.download().filter(|download| Some(download.published) == published);
    ui.add_space(2.0);
    ui.scope(|ui| {
        ui.spacing_mut().item_spacing.y = 0.0;
        ui.horizontal(|ui| {
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                action(ui, scene, offer, download, commands);
                ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                    let color = if offer.fits { palette.strong } else { palette.text };
                    ui.add(egui::Label::new(RichText::new(&name).color(color)).truncate());
                });
            });
        });
        let fits = if offer.fits { "fits this design" } else { "other network" };
        let text = match published {
            None => format!("{fits}; shapes on paper"),
            Some(of) if offer.is_here => format!("{fits}; top-1 {:.1} %", of.top1_percent),
            Some(of) => format!("{fits}; top-1 {:.1} %, {:.1} MB", of.top1_percent, of.megabytes),
        };
        colored(ui, &text, if offer.fits { palette.good } else { palette.muted });
    });
    let Some(download) = download else { return };
    if download.is_running() {
        let progress = download.progress();
        let share = progress.and_then(|of| Some(of.received.0 as f32 / of.total.filter(|all| all.0 > 0)?.0 as f32));
        let bar = ui.add(ProgressBar::new(share.unwrap_or(0.0)).desired_height(8.0));
        let so_far = progress.map_or_else(|| "starting".into(), |progress| progress.received.to_string());
        named(bar, Role::ProgressIndicator, &format!("downloading {name}: {so_far}"));
    } else if let Some(failure) = download.failure() {
        colored(ui, &failure, palette.error);
    }
}

/// What can be done about these weights next.
fn action(ui: &mut Ui, scene: Scene<'_>, offer: &Offer, download: Option<&Download>, commands: &mut Commands) {
    let name = offer.trained.name();
    if download.is_some_and(Download::is_running) {
        if named(ui.small_button("Cancel"), Role::Button, "Cancel download").clicked() {
            commands.push(Command::Camera(CameraCommand::CancelDownload));
        }
        return;
    }
    if !offer.is_here {
        let resume = download.is_some_and(Download::can_go_on);
        let text = if resume { "Resume" } else { "Download" };
        let busy = scene.camera.download().is_some_and(Download::is_running);
        let button = ui.add_enabled(!busy, Button::new(text).small());
        let hint =
            "ImageNet weights from PyTorch's server into your data folder; checked, and usable offline from then on";
        if named(button.on_hover_text(hint), Role::Button, &format!("{text} {name}")).clicked() {
            commands.push(Command::Camera(CameraCommand::Download(offer.trained.clone())));
        }
        return;
    }
    if offer.fits {
        let only = WeightsChoice::Only(offer.trained.clone());
        let on = *scene.camera.choice() == only;
        let button = ui.add(Button::selectable(on, "Use").small().frame_when_inactive(true));
        button.widget_info(|| WidgetInfo::selected(Role::RadioButton, true, on, format!("Use {name}")));
        if button.clicked() {
            use_weights(commands, only);
        }
    } else if let Some(design) = offer.trained.design() {
        let hint = "Show the design that these weights fit. Undo brings the present one back.";
        let button = ui.small_button("Its design").on_hover_text(hint);
        if named(button, Role::Button, &format!("Show the design of {name}")).clicked() {
            commands.edit(Edit::Replace(Box::new(design)));
            use_weights(commands, WeightsChoice::Automatic);
        }
    }
}

fn use_weights(commands: &mut Commands, choice: WeightsChoice) {
    commands.push(Command::Camera(CameraCommand::Use(choice)));
}
