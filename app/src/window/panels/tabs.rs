//! The tab shown, and what the panels remember about how they are looked at.

use super::over::OverState;
use super::{CameraPanel, CompareView, DesignView, ExploreView, LabView};
use crate::window::tab::Tab;
use crate::window::views::Views;

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
    /// What lies over the window.
    pub over: OverState,
    /// Whether all messages are shown, and not the newest alone.
    pub all_notices: bool,
}
