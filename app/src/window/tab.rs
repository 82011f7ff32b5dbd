//! The window's tabs: what fills the room between the top bar and the status bar.

use eframe::egui;
use egui::Key;

use super::panels::{CameraPanel, CompareView, DesignView, ExploreView, LabView};
use super::views::Views;

/// What a person is at work on. Another tab is another variant, its entry in [`ALL`](Self::ALL), its words below, and an
/// arm where the panels are laid out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tab {
    /// The network: its settings, what it costs, what the guidelines say.
    #[default]
    Design,
    /// Two networks side by side, measured in turns.
    Compare,
    /// The paper's experiments and networks on this machine, and sweeps.
    Lab,
    /// A search for the design that does the most within a latency.
    Explore,
    /// A camera's pictures, and what the network in hand says of them.
    Camera,
}

impl Tab {
    /// All of them, in the order offered; with one alone there is nothing to choose and nothing is shown.
    pub const ALL: &[Self] = &[Self::Design, Self::Compare, Self::Lab, Self::Explore, Self::Camera];

    /// A word for its button.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Design => "Design",
            Self::Compare => "Compare",
            Self::Lab => "Lab",
            Self::Explore => "Explore",
            Self::Camera => "Camera",
        }
    }

    /// What it is for.
    #[must_use]
    pub const fn about(self) -> &'static str {
        match self {
            Self::Design => "Edit a network and see what it costs",
            Self::Compare => "Which of two networks is faster here, and where the difference comes from",
            Self::Lab => "The paper's experiments and networks on this machine, and sweeps of the present design",
            Self::Explore => "Search for designs that do the most within a latency, beside the published networks",
            Self::Camera => "Point a camera at something and see what the network makes of it, and how fast",
        }
    }

    /// The key that shows it: 1 for the first tab.
    #[must_use]
    pub fn key(self) -> Option<Key> {
        const KEYS: [Key; 5] = [Key::Num1, Key::Num2, Key::Num3, Key::Num4, Key::Num5];
        let index = Self::ALL.iter().position(|tab| *tab == self)?;
        KEYS.get(index).copied()
    }
}

/// The tab shown and what each remembers about how it is looked at.
#[derive(Debug, Default)]
pub struct Tabs {
    /// The one shown.
    pub shown: Tab,
    /// Which part of the design is edited.
    pub design: DesignView,
    /// The design tab's views.
    pub views: Views,
    /// The comparison.
    pub compare: CompareView,
    /// The lab.
    pub lab: LabView,
    /// The search.
    pub explore: ExploreView,
    /// The camera tab's fields.
    pub camera: CameraPanel,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_tab_has_a_key_of_its_own_and_the_first_one_has_key_1() {
        let keys: Vec<Key> = Tab::ALL.iter().filter_map(|tab| tab.key()).collect();
        assert_eq!(keys, [Key::Num1, Key::Num2, Key::Num3, Key::Num4, Key::Num5]);
        assert_eq!(Tab::default().key(), Some(Key::Num1));
    }
}
