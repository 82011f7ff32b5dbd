//! The views of the design: what can stand in the middle of the window. What each remembers is the views' own.

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
