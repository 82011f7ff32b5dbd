//! What the Lab offers, and how it is looked at.

use shufflescope_engine::experiment::{Experiment, ExperimentResult, Level, Scale, ZooTable};
use shufflescope_engine::runtime::RunOptions;

use crate::window::lab::SweepTexts;

/// A result that can be measured and shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entry {
    /// One of the controlled experiments.
    Experiment(Experiment),
    /// Tables 8 and 6, and Figure 1.
    Zoo,
    /// Where the time goes.
    Figure2,
    /// Appendix Table 1 a.
    Resolutions,
    /// The present design at many widths, groups, batches and threads.
    Sweep,
}

/// How the tab is looked at.
#[derive(Debug)]
pub struct LabView {
    /// The result shown.
    pub entry: Entry,
    /// The experiments' channels.
    pub scale: Scale,
    /// The networks' complexity; all of them where `None`.
    pub level: Option<Level>,
    /// The sweep's axes.
    pub texts: SweepTexts,
    /// Whether the zoo's scatters are shown in place of its table.
    pub as_scatters: bool,
    /// Table 8 and what it was made of.
    pub zoo: Option<(ZooOf, ZooTable)>,
    /// The paper's table of an experiment that is not measured yet, and what it was made of.
    pub printed: Option<(PrintedOf, ExperimentResult)>,
}

/// Version, options and level.
pub type ZooOf = (u64, RunOptions, Option<Level>);

/// Experiment, channels and options.
pub type PrintedOf = (Experiment, Scale, RunOptions);

impl Default for LabView {
    fn default() -> Self {
        Self {
            entry: Entry::Experiment(Experiment::G1),
            scale: Scale::X1,
            level: Some(Level::M140),
            texts: SweepTexts::default(),
            as_scatters: false,
            zoo: None,
            printed: None,
        }
    }
}

impl Entry {
    /// All of them, in the paper's order, and the sweep.
    pub const ALL: [Self; 9] = [
        Self::Experiment(Experiment::G1),
        Self::Experiment(Experiment::G2),
        Self::Experiment(Experiment::G3),
        Self::Experiment(Experiment::G4),
        Self::Experiment(Experiment::Units),
        Self::Zoo,
        Self::Figure2,
        Self::Resolutions,
        Self::Sweep,
    ];

    /// A word for the list.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Experiment(Experiment::G1) => "G1 channels",
            Self::Experiment(Experiment::G2) => "G2 groups",
            Self::Experiment(Experiment::G3) => "G3 fragments",
            Self::Experiment(Experiment::G4) => "G4 element-wise",
            Self::Experiment(Experiment::Units) => "Units",
            Self::Zoo => "Zoo",
            Self::Figure2 => "Figure 2",
            Self::Resolutions => "Resolutions",
            Self::Sweep => "Sweep",
        }
    }

    /// The statement or question.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::Experiment(experiment) => experiment.title(),
            Self::Zoo => "The networks of Tables 6 and 8 on this machine",
            Self::Figure2 => "Where the time of ShuffleNet V1 and MobileNet V2 goes",
            Self::Resolutions => "Larger inputs, also non-square ones",
            Self::Sweep => "The present design at many widths, groups, batches and threads",
        }
    }

    /// What is measured, and where the paper prints it.
    #[must_use]
    pub fn about(self) -> String {
        match self {
            Self::Experiment(experiment) => format!("{}. {}.", experiment.set_up(), experiment.source()),
            Self::Zoo => "Published errors and speeds are the paper's, on its devices; latencies are measured here. \
                          ShuffleNet V2 paper (arXiv 1807.11164), Table 8 and Figure 1; large: Table 6."
                .into(),
            Self::Figure2 => shufflescope_engine::experiment::figure_2::SOURCE.into(),
            Self::Resolutions => format!(
                "{}. {}.",
                shufflescope_engine::experiment::RESOLUTIONS_SOURCE,
                shufflescope_engine::experiment::RESOLUTIONS_CHOICE
            ),
            Self::Sweep => "Every combination is measured; finished points are kept. An empty field leaves the design \
                            or the settings as they are."
                .into(),
        }
    }
}
