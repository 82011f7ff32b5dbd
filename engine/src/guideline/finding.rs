//! What a guideline has to say about a design.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::design::Edit;

/// One of the paper's four guidelines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub enum Guideline {
    /// Equal channel width minimises memory access.
    G1,
    /// Group convolution raises memory access.
    G2,
    /// Fragmentation costs parallelism.
    G3,
    /// Element-wise operations are not negligible.
    G4,
}

impl Guideline {
    /// All of them, in the paper's order.
    pub const ALL: [Self; 4] = [Self::G1, Self::G2, Self::G3, Self::G4];

    /// A few words for a heading.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::G1 => "Equal channel width",
            Self::G2 => "Few groups",
            Self::G3 => "Little fragmentation",
            Self::G4 => "Few element-wise operations",
        }
    }

    /// What the paper found, in our words.
    #[must_use]
    pub const fn statement(self) -> &'static str {
        match self {
            Self::G1 => {
                "A 1x1 convolution moves the fewest bytes for its mult-adds when it reads as many channels as it writes."
            }
            Self::G2 => {
                "Groups make room for more channels at equal mult-adds, and those channels have to be read and written."
            }
            Self::G3 => "Many small operations in one unit keep parallel hardware idle and each costs a launch.",
            Self::G4 => {
                "Activations, additions, depthwise convolutions, concatenations and shuffles compute little, yet read and \
                 write whole feature maps."
            }
        }
    }
}

impl fmt::Display for Guideline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::G1 => "G1",
            Self::G2 => "G2",
            Self::G3 => "G3",
            Self::G4 => "G4",
        })
    }
}

/// One guideline that a design goes against: where, by how much, and what would help.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Finding {
    /// Which guideline.
    pub guideline: Guideline,
    /// Paths of the layers concerned, in execution order.
    pub layers: Vec<String>,
    /// The numbers.
    pub evidence: Evidence,
    /// A change that the guideline suggests, where one is known.
    pub remedy: Option<Remedy>,
}

/// Numbers that support a finding.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Evidence {
    /// One sentence: `3 layers move 41 % more than their lower bound`.
    pub summary: String,
    /// What `actual` counts.
    pub actual_is: String,
    /// What `reference` counts.
    pub reference_is: String,
    /// One row per layer or unit, worst first.
    pub rows: Vec<EvidenceRow>,
    /// Share of the measured time, over the marked whole.
    pub time_share: Option<f64>,
    /// Whose times the share is of; `None` where there is no share. Profiles of 0.1.0 do not say: it was the kernels.
    #[serde(default)]
    pub time_share_of: Option<TimeShareOf>,
}

/// Whose times a share of the measured time adds up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum TimeShareOf {
    /// The layers', a fused kernel's time divided in proportion to its layers run apart.
    Apart,
    /// The kernels' whose main layer is concerned; what runs inside another layer's kernel is not seen.
    Kernels,
}

impl Evidence {
    /// The share in words: `12 % of the measured time (fused kernels divided by their layers apart)`.
    #[must_use]
    pub fn time_in_words(&self) -> Option<String> {
        let how = match self.time_share_of {
            Some(TimeShareOf::Apart) => " (fused kernels divided by their layers apart)",
            Some(TimeShareOf::Kernels) | None => "",
        };
        self.time_share.map(|share| format!("{:.0} % of the measured time{how}", 100.0 * share))
    }
}

/// One layer's (or unit's) number beside what it should be.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct EvidenceRow {
    /// Path of the layer, or of the unit.
    pub layer: String,
    /// The layer's number.
    pub actual: u64,
    /// What it is held against.
    pub reference: u64,
    /// `actual / reference`.
    pub ratio: f64,
}

impl EvidenceRow {
    /// A row with its ratio.
    #[must_use]
    pub fn new(layer: impl Into<String>, actual: u64, reference: u64) -> Self {
        Self { layer: layer.into(), actual, reference, ratio: actual as f64 / (reference.max(1)) as f64 }
    }
}

/// An edit that follows the guideline, and what it would change on paper.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Remedy {
    /// What to call it: `g = 1 at equal mult-adds`.
    pub label: String,
    /// The change.
    pub edit: Edit,
    /// Mult-adds before and after.
    pub mult_adds: Change,
    /// Parameters before and after.
    pub params: Change,
    /// Memory access before and after, in elements.
    pub memory_access: Change,
}

/// A number before and after an edit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Change {
    /// Now.
    pub before: u64,
    /// With the edit.
    pub after: u64,
}

impl Change {
    /// `after / before - 1`: -0.12 is 12 % less.
    #[must_use]
    pub fn relative(&self) -> f64 {
        if self.before == 0 { 0.0 } else { self.after as f64 / self.before as f64 - 1.0 }
    }
}

/// `1 unit`, `3 units`.
pub(super) fn count(number: usize, of: &str) -> String {
    format!("{number} {of}{}", if number == 1 { "" } else { "s" })
}
