//! How well it went: the accuracy on held-out pictures, always with its data; and what fits the design in hand now.

use eframe::egui;
use egui::{Label, RichText, Role, Ui};
use shufflescope_engine::training::Accuracy;

use crate::teach::TaughtHere;
use crate::window::command::{Command, Commands};
use crate::window::panels::camera::{colored, note};
use crate::window::scene::Scene;
use crate::window::teach::{Outcome as TeachOutcome, TeachCommand, way_words};
use crate::window::theme::Palette;
use crate::window::widgets::named;

/// Paints it.
pub(super) fn show(ui: &mut Ui, scene: Scene<'_>, commands: &mut Commands) {
    let palette = Palette::current(ui);
    match scene.teach.outcome() {
        Some(TeachOutcome::Failed(reason)) => colored(ui, reason, palette.error),
        Some(TeachOutcome::TakenIn(said)) => note(ui, said),
        Some(TeachOutcome::Cancelled) => note(ui, "Cancelled. What was taught before is as it was."),
        Some(TeachOutcome::Taught(_)) | None => {}
    }
    let Some(design) = scene.document.valid().model.design() else { return };
    match scene.teach.taught_to(design) {
        Some(taught) => of_this(ui, scene, taught, commands),
        None if scene.teach.taught().is_empty() => {}
        None => colored(
            ui,
            "What was taught does not fit this design, which was changed since: its accuracy is unknown. Teach again, or \
             show the design that was taught (see Weights).",
            palette.warn,
        ),
    }
}

/// What was taught to the design in hand.
fn of_this(ui: &mut Ui, scene: Scene<'_>, taught: &TaughtHere, commands: &mut Commands) {
    accuracy(ui, &taught.accuracy);
    let mut about = format!("Taught {}", way_words(taught.way));
    if let Some(TeachOutcome::Taught(file)) = scene.teach.outcome().filter(|of| is_of(of, taught)) {
        about += &format!(" in {:.1} s, from {}", file.seconds, file.from);
        if !file.broken.is_empty() {
            about += &format!(". Left out: {}", file.broken.join("; "));
        }
    }
    note(ui, &(about + "."));
    let used = scene.teach.weights(taught);
    let is_used = matches!(
        scene.camera.choice(),
        crate::camera::WeightsChoice::Only(crate::camera::Trained::File(path)) if Some(path) == used.as_ref()
    );
    if !is_used {
        let button = ui.small_button("Use what was taught").on_hover_text("Let the camera tell these classes again");
        if named(button, Role::Button, "Use what was taught").clicked() {
            commands.push(Command::Teach(TeachCommand::Use(taught.file.clone())));
        }
    }
}

fn is_of(outcome: &TeachOutcome, taught: &TaughtHere) -> bool {
    match outcome {
        TeachOutcome::Taught(file) => file.path.file_name().is_some_and(|name| name.to_string_lossy() == taught.file),
        _ => false,
    }
}

/// The accuracy, with the data that it is of.
fn accuracy(ui: &mut Ui, accuracy: &Accuracy) {
    let palette = Palette::current(ui);
    let text = format!("accuracy on your held-out pictures: {accuracy}");
    let label = ui.add(Label::new(RichText::new(&text).strong().color(palette.strong)).wrap());
    let hint = "The share of pictures told right that were not learnt from, and where it lies with 95 % certainty";
    named(label.on_hover_text(hint), Role::Label, &text);
    let (held_out, data) = (accuracy.held_out(), accuracy.data());
    note(
        ui,
        &format!("{} of {held_out} held out of {data}; a camera's runs are held out at their end.", accuracy.correct()),
    );
}
