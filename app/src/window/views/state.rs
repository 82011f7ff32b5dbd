//! Which view is shown, and what each remembers about how it is looked at.

use eframe::egui;
use egui::Ui;

use super::advice::AdviceView;
use super::choices::ViewChoices;
use super::known::Known;
use super::layers::Layers;
use super::unit::UnitView;
use super::{history, memory, roofline, time};
use crate::window::command::Commands;
use crate::window::scene::Scene;
use crate::window::view::View;

/// The view shown and the state of each.
#[derive(Debug, Default)]
pub struct Views {
    /// The one shown.
    pub shown: View,
    /// What a person has chosen about them.
    pub choices: ViewChoices,
    /// What they are painted from.
    pub known: Known,
    layers: Layers,
    unit: UnitView,
    advice: AdviceView,
}

impl Views {
    /// Paints the shown view's own controls into the row of tabs.
    pub fn tools(&mut self, ui: &mut Ui, scene: Scene<'_>) {
        match self.shown {
            View::Layers => self.layers.tools(ui),
            View::Unit => self.unit.tools(ui, scene, &self.known, &self.choices),
            View::Time | View::Roofline | View::Memory | View::Advice | View::History => {}
        }
    }

    /// Paints the shown view.
    pub fn show(&mut self, ui: &mut Ui, scene: Scene<'_>, commands: &mut Commands) {
        let Self { known, choices, .. } = self;
        match self.shown {
            View::Layers => self.layers.show(ui, scene, known, choices, commands),
            View::Unit => self.unit.show(ui, scene, known, choices, commands),
            View::Time => time::show(ui, scene, known, commands),
            View::Roofline => roofline::show(ui, scene, known, commands),
            View::Memory => memory::show(ui, scene, known, commands),
            View::Advice => self.advice.show(ui, scene, commands),
            View::History => history::show(ui, scene),
        }
    }
}
