//! The ways to teach, and how far it is.

use eframe::egui;
use egui::{Button, ProgressBar, RichText, Role, Ui};

use crate::teach::{Kind, TeachWork};
use crate::window::camera::Fit;
use crate::window::command::{Command, Commands};
use crate::window::panels::camera::{colored, note};
use crate::window::scene::Scene;
use crate::window::teach::{Hint, Running as TeachRunning, TeachCommand};
use crate::window::theme::Palette;
use crate::window::widgets::named;

/// Paints the buttons, or what is being done.
pub(super) fn show(ui: &mut Ui, scene: Scene<'_>, commands: &mut Commands) {
    if let Some(running) = scene.teach.running() {
        return at_work(ui, running, commands);
    }
    let palette = Palette::current(ui);
    let hint = scene.teach.hint();
    let needed = match &hint {
        Some(Hint::Needed(reason)) => Some(reason.clone()),
        _ => without(scene),
    };
    ui.horizontal_wrapped(|ui| {
        let text = RichText::new("Teach at once").strong();
        let text = if needed.is_none() { text.color(palette.accent) } else { text };
        let button = ui.add_enabled(needed.is_none(), Button::new(text));
        let about = "The network's trained features with a new last layer: an answer in about a second";
        let button = button.on_hover_text(about).on_disabled_hover_text(needed.as_deref().unwrap_or_default());
        if named(button, Role::Button, "Teach at once").clicked() {
            commands.push(Command::Teach(TeachCommand::Teach(Kind::AtOnce)));
        }
    });
    match (&needed, &hint) {
        (Some(reason), _) if !scene.teach.classes().is_empty() => note(ui, reason),
        (None, Some(Hint::Better(text))) => note(ui, text),
        _ => {}
    }
}

/// Why this network cannot be taught at once.
fn without(scene: Scene<'_>) -> Option<String> {
    if scene.document.valid().model.design().is_none() {
        return Some("Teaching works on designs; this network is a fixed graph.".into());
    }
    let no_features = "No trained weights fit this design, so there are no features to go by: see Weights.";
    match scene.camera.fit() {
        Some(Fit::TimeOnly { .. }) => Some(no_features.into()),
        _ => None,
    }
}

fn at_work(ui: &mut Ui, running: &TeachRunning, commands: &mut Commands) {
    ui.horizontal(|ui| {
        if named(ui.button("Cancel").on_hover_text("Stop at once (Esc)"), Role::Button, "Cancel teaching").clicked() {
            commands.push(Command::Teach(TeachCommand::Cancel));
        }
        let fraction = running.fraction().unwrap_or(0.0);
        let bar = ui.add(ProgressBar::new(fraction).desired_height(9.0));
        let what = if matches!(running.work(), TeachWork::TakeIn(_)) { "taking in" } else { "teaching" };
        named(bar, Role::ProgressIndicator, &format!("{what} {:.0} %", 100.0 * fraction));
    });
    colored(ui, running.words(), Palette::current(ui).muted);
}
