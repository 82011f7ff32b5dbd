//! Which of them is shown, and what each remembers while it is.

use eframe::egui;
use egui::Ui;

use super::about::About;
use super::finder::Finder;
use super::targets::TargetList;
use super::tour::Tour;
use super::{about, finder, guard, targets, tour};
use crate::window::command::Commands;
use crate::window::over::Over;
use crate::window::scene::Scene;

/// What each remembers; it begins anew whenever it is shown.
#[derive(Debug, Default)]
pub struct OverState {
    shown: Option<Over>,
    finder: Finder,
    tour: Tour,
    about: About,
    targets: TargetList,
}

/// Paints what lies over the window. A question goes before everything else.
pub fn show(ui: &Ui, scene: Scene<'_>, state: &mut OverState, commands: &mut Commands) {
    if state.shown != scene.over {
        *state = OverState { shown: scene.over, ..OverState::default() };
    }
    if let Some(intent) = scene.guard {
        return guard::show(ui, scene, intent, commands);
    }
    match scene.over {
        Some(Over::Finder) => finder::show(ui, scene, &mut state.finder, commands),
        Some(Over::Tour) => tour::show(ui, &mut state.tour, commands),
        Some(Over::About) => about::show(ui, scene, &mut state.about, commands),
        Some(Over::Targets) => targets::show(ui, scene, &mut state.targets, commands),
        None => {}
    }
}
