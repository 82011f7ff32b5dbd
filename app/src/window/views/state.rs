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

/// A way to look at the design.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum View {
    /// The layer table.
    #[default]
    Layers,
    /// One unit as the paper draws it.
    Unit,
    /// The time by kind of work.
    Time,
    /// Every kernel under the device's ceilings.
    Roofline,
    /// Activation memory over the run.
    Memory,
    /// What to change next.
    Advice,
    /// Earlier runs.
    History,
}

impl View {
    /// All of them, in the order offered.
    pub const ALL: [Self; 7] =
        [Self::Layers, Self::Unit, Self::Time, Self::Roofline, Self::Memory, Self::Advice, Self::History];

    /// A word for its tab.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Layers => "Layers",
            Self::Unit => "Unit",
            Self::Time => "Time",
            Self::Roofline => "Roofline",
            Self::Memory => "Memory",
            Self::Advice => "Advice",
            Self::History => "History",
        }
    }

    /// What it shows.
    #[must_use]
    pub const fn about(self) -> &'static str {
        match self {
            Self::Layers => "Every layer with its costs and its time",
            Self::Unit => "One building block as the paper draws it",
            Self::Time => "Work and time by kind of operation, as in the paper's Figure 2",
            Self::Roofline => "The speed of every kernel under what this device can do at most",
            Self::Memory => "Activations alive while each layer runs",
            Self::Advice => "What every change would bring on this device, and trying it",
            Self::History => "How long this network took before, by date, version and machine",
        }
    }
}

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
