//! Which experiments there are, and what is said about each of them.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// One of the paper's controlled experiments.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Experiment {
    /// Table 1: equal channel widths minimise memory access.
    G1,
    /// Table 2: too many groups raise memory access.
    G2,
    /// Table 3: fragmentation reduces parallelism.
    G3,
    /// Table 4: element-wise operations are not negligible.
    G4,
    /// Appendix Table 1 b: units of four families at equal mult-adds.
    Units,
}

/// Whose channel numbers a column has: the paper chose others for its GPU than for its ARM processor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Widths {
    /// Those of the GPU columns.
    Gpu,
    /// Those of the ARM columns.
    Arm,
    /// The table has the same for both.
    Both,
}

/// By how much the channels of the table's first column are multiplied.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(into = "u32", try_from = "u32")]
pub enum Scale {
    /// As they are.
    X1,
    /// Twice as many channels, four times the mult-adds.
    X2,
    /// Four times as many channels, sixteen times the mult-adds.
    X4,
}

/// What an experiment says about its first row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Claim {
    /// At equal mult-adds every other row is slower.
    FirstIsFastest,
    /// At equal mult-adds every other row is faster.
    FirstIsSlowest,
}

impl Experiment {
    /// Every experiment, in the paper's order.
    pub const ALL: [Self; 5] = [Self::G1, Self::G2, Self::G3, Self::G4, Self::Units];

    /// The name used on the command line and in files.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::G1 => "g1",
            Self::G2 => "g2",
            Self::G3 => "g3",
            Self::G4 => "g4",
            Self::Units => "units",
        }
    }

    /// The statement that is put to the test.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::G1 => "G1: equal channel widths minimise memory access cost",
            Self::G2 => "G2: excessive group convolution increases memory access cost",
            Self::G3 => "G3: network fragmentation reduces the degree of parallelism",
            Self::G4 => "G4: element-wise operations are not negligible",
            Self::Units => "ShuffleNet V2 units are the fastest of four families at equal mult-adds",
        }
    }

    /// Where the paper prints it.
    #[must_use]
    pub const fn source(self) -> &'static str {
        match self {
            Self::G1 => "ShuffleNet V2 paper (arXiv 1807.11164), Table 1",
            Self::G2 => "ShuffleNet V2 paper (arXiv 1807.11164), Table 2",
            Self::G3 => "ShuffleNet V2 paper (arXiv 1807.11164), Table 3 and appendix Figure 1",
            Self::G4 => "ShuffleNet V2 paper (arXiv 1807.11164), Table 4",
            Self::Units => "ShuffleNet V2 paper (arXiv 1807.11164), appendix Table 1 b",
        }
    }

    /// What is measured, as the paper states it.
    #[must_use]
    pub const fn set_up(self) -> &'static str {
        match self {
            Self::G1 => "10 blocks of two convolutions, c1 to c2 and back to c1 channels, at 56x56",
            Self::G2 => "10 grouped 1x1 convolutions from c to c channels at 56x56",
            Self::G3 => "10 blocks of one, two or four 1x1 convolutions, in series or in parallel, at 56x56",
            Self::G4 => "10 ResNet bottleneck units (1x1, 3x3, 1x1), with or without ReLU and shortcut",
            Self::Units => "10 stacked units of each family, channels tuned to equal mult-adds, at 56x56 and 28x28",
        }
    }

    /// What the paper leaves open and how it is settled here: choices of ours, not the paper's.
    #[must_use]
    pub const fn choices(self) -> &'static [&'static str] {
        match self {
            Self::G1 => &[
                "the convolutions are 1x1: the paper says convolution layers, and only 1x1 fits its speeds",
                BARE,
                READOUT,
            ],
            Self::G2 => &[
                "x2 and x4 multiply the channels printed for x1",
                "184 channels where the paper prints 180 in 8 groups (ARM, x1), which do not divide",
                BARE,
                READOUT,
            ],
            Self::G3 => &[
                "2 and 4 fragments have 0.7 and 0.5 times the channels (90 and 64 of 128), which keeps the mult-adds; \
                 the paper does not print them",
                BARE,
                READOUT,
            ],
            Self::G4 => &[
                "56x56 pixels and an inner width of c/4: the paper states neither",
                "ReLU follows the first two convolutions and the sum, as in ResNet",
                BARE,
                READOUT,
            ],
            Self::Units => &[
                "ShuffleNet V1 units have 3 groups, MobileNet V2 units expansion 6, as the networks of Table 8",
                "the Xception unit is a bottleneck of three depthwise separable convolutions with an inner width of \
                 about c/4: the paper only cites its source",
                "the channels of V1, MobileNet V2 and Xception units are ours: those nearest to the mult-adds of the \
                 V2 unit",
                "batch normalisation and activations as each family has them",
                READOUT,
            ],
        }
    }

    /// What the experiment says about its first row.
    #[must_use]
    pub const fn claim(self) -> Claim {
        match self {
            Self::G1 | Self::G2 | Self::G3 | Self::Units => Claim::FirstIsFastest,
            Self::G4 => Claim::FirstIsSlowest,
        }
    }
}

const BARE: &str = "no bias, batch normalisation or activation beyond those named";
const READOUT: &str = "the result is a view of the last map's first channel, so that reading it out costs nothing";

impl Scale {
    /// Every scale.
    pub const ALL: [Self; 3] = [Self::X1, Self::X2, Self::X4];

    /// The factor.
    #[must_use]
    pub const fn factor(self) -> u32 {
        match self {
            Self::X1 => 1,
            Self::X2 => 2,
            Self::X4 => 4,
        }
    }

    /// The entry of a table's three columns.
    #[must_use]
    pub const fn of<T: Copy>(self, [x1, x2, x4]: [T; 3]) -> T {
        match self {
            Self::X1 => x1,
            Self::X2 => x2,
            Self::X4 => x4,
        }
    }
}

impl Widths {
    /// The word used in keys and tables.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Gpu => "gpu",
            Self::Arm => "arm",
            Self::Both => "both",
        }
    }
}

impl fmt::Display for Experiment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Experiment {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let known = || Self::ALL.map(Self::name).join(", ");
        let found = Self::ALL.into_iter().find(|experiment| experiment.name() == text);
        found.ok_or_else(|| format!("unknown experiment `{text}`; known: {}", known()))
    }
}

impl fmt::Display for Scale {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("x{}", self.factor()))
    }
}

impl From<Scale> for u32 {
    fn from(scale: Scale) -> Self {
        scale.factor()
    }
}

impl TryFrom<u32> for Scale {
    type Error = String;

    fn try_from(factor: u32) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|scale| scale.factor() == factor);
        found.ok_or_else(|| format!("unknown scale {factor}; known: 1, 2, 4"))
    }
}

impl FromStr for Scale {
    type Err = String;

    /// `2` or `x2`.
    fn from_str(text: &str) -> Result<Self, String> {
        let factor = text.strip_prefix('x').unwrap_or(text).parse::<u32>();
        factor.map_err(|_| format!("unknown scale `{text}`; known: 1, 2, 4")).and_then(Self::try_from)
    }
}
