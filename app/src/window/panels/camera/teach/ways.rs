//! The ways to teach, and how far it is.

use eframe::egui;
use egui::{Button, ProgressBar, RichText, Role, Ui};

use super::{TeachPanel, curves};
use crate::teach::{Kind, TeachWork};
use crate::window::camera::Fit;
use crate::window::command::{Command, Commands};
use crate::window::panels::camera::{colored, note};
use crate::window::panels::progress::rough;
use crate::window::scene::Scene;
use crate::window::teach::{Hint, Running as TeachRunning, TeachCommand};
use crate::window::theme::Palette;
use crate::window::widgets::{choice, named};

/// How long one can train, in seconds.
const TIMES: [(u64, &str); 4] = [(30, "30 s"), (60, "1 min"), (180, "3 min"), (600, "10 min")];

/// What is offered first.
const USUAL: u64 = 60;

/// Paints the buttons, or what is being done.
pub(super) fn show(ui: &mut Ui, scene: Scene<'_>, panel: &mut TeachPanel, commands: &mut Commands) {
    if let Some(running) = scene.teach.running() {
        return at_work(ui, running, commands);
    }
    let palette = Palette::current(ui);
    let hint = scene.teach.hint();
    let needed = match &hint {
        Some(Hint::Needed(reason)) => Some(reason.clone()),
        _ if scene.document.valid().model.design().is_none() => {
            Some("Teaching works on designs; this network is a fixed graph.".into())
        }
        _ => None,
    };
    let (can, why) = (needed.is_none(), needed.as_deref().unwrap_or_default());
    let seconds = panel.seconds.unwrap_or(USUAL);
    let mut kind = None;
    ui.horizontal_wrapped(|ui| {
        let text = RichText::new("Teach at once").strong();
        let text = if can { text.color(palette.accent) } else { text };
        let about = "The network's trained features with a new last layer: an answer in about a second";
        let button = ui.add_enabled(can, Button::new(text)).on_hover_text(about).on_disabled_hover_text(why);
        if named(button, Role::Button, "Teach at once").clicked() {
            kind = Some(Kind::AtOnce);
        }
        let about =
            "All of the network learns: better where the features do not know such things, and it takes its time";
        let button = ui.add_enabled(can, Button::new("Train")).on_hover_text(about).on_disabled_hover_text(why);
        if named(button, Role::Button, "Train").clicked() {
            kind = Some(Kind::Trained { seconds });
        }
    });
    if can {
        ui.horizontal_wrapped(|ui| {
            note(ui, "train for");
            panel.seconds = choice(ui, "train for", &TIMES, Some(seconds)).or(panel.seconds);
        });
    }
    if let Some(kind) = kind {
        commands.push(Command::Teach(TeachCommand::Teach(kind)));
    }
    match (&needed, &hint) {
        (Some(reason), _) if !scene.teach.classes().is_empty() => note(ui, reason),
        (None, Some(Hint::Better(text))) => note(ui, text),
        _ => {}
    }
    if can && matches!(scene.camera.fit(), Some(Fit::TimeOnly { .. })) {
        note(ui, "No weights fit this design as they are: those of a wider one are cut to fit, where there are such.");
    }
}

fn at_work(ui: &mut Ui, running: &TeachRunning, commands: &mut Commands) {
    ui.horizontal(|ui| {
        let (text, hint) = if running.can_stop() {
            ("Stop", "Stop and keep the best so far (Esc)")
        } else {
            ("Cancel", "Stop at once (Esc)")
        };
        if named(ui.button(text).on_hover_text(hint), Role::Button, "Cancel teaching").clicked() {
            commands.push(Command::Teach(TeachCommand::Cancel));
        }
        let fraction = running.fraction().unwrap_or(0.0);
        let bar = ui.add(ProgressBar::new(fraction).desired_height(9.0));
        let what = if matches!(running.work(), TeachWork::TakeIn(_)) { "taking in" } else { "teaching" };
        named(bar, Role::ProgressIndicator, &format!("{what} {:.0} %", 100.0 * fraction));
    });
    let left = running.left().map_or_else(String::new, |left| format!(", {} left", rough(left)));
    colored(ui, &format!("{}{left}", running.words()), Palette::current(ui).muted);
    curves::show(ui, running.curve());
}
