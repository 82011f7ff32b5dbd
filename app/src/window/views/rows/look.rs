//! How the layer table is looked at: its columns, what it is divided into and the order within.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};
use shufflescope_engine::cost::LayerCost;

use super::unit::Unit;

/// A column; every one can be sorted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Column {
    /// The first layer's path, in execution order.
    Layer,
    /// The operation.
    Op,
    /// Elements of the output.
    Output,
    /// Measured time of the layer's kernel.
    Latency,
    /// The interval of that time.
    Spread,
    /// What the kernel reaches.
    Rate,
    /// Time of the layers as kernels of their own.
    Apart,
    /// Mult-adds.
    MultAdds,
    /// Parameters.
    Params,
    /// Memory access.
    MemoryAccess,
    /// FLOP per byte.
    Intensity,
    /// The time less that of the same layers of A.
    LatencyAgainstA,
    /// The mult-adds less those of the same layers of A.
    MultAddsAgainstA,
    /// The memory access less that of the same layers of A.
    MemoryAccessAgainstA,
}

impl Column {
    /// All of them, as the table shows them.
    pub const ALL: [Self; 14] = [
        Self::Layer,
        Self::Op,
        Self::Output,
        Self::Latency,
        Self::LatencyAgainstA,
        Self::Spread,
        Self::Rate,
        Self::Apart,
        Self::MultAdds,
        Self::MultAddsAgainstA,
        Self::Params,
        Self::MemoryAccess,
        Self::MemoryAccessAgainstA,
        Self::Intensity,
    ];

    /// Those shown beside the layer until somebody chooses.
    pub const USUAL: [Self; 9] = [
        Self::Op,
        Self::Output,
        Self::Latency,
        Self::LatencyAgainstA,
        Self::MultAdds,
        Self::MultAddsAgainstA,
        Self::Params,
        Self::MemoryAccess,
        Self::Intensity,
    ];

    /// Its heading.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Layer => "layer",
            Self::Op => "operation",
            Self::Output => "output",
            Self::Latency => "latency",
            Self::Spread => "spread",
            Self::Rate => "GFLOP/s",
            Self::Apart => "apart",
            Self::MultAdds => "mult-adds",
            Self::Params => "params",
            Self::MemoryAccess => "mem. access",
            Self::Intensity => "FLOP/byte",
            Self::LatencyAgainstA => "latency vs A",
            Self::MultAddsAgainstA => "mult-adds vs A",
            Self::MemoryAccessAgainstA => "mem. access vs A",
        }
    }

    /// What it says, in full.
    pub const fn about(self) -> &'static str {
        match self {
            Self::Layer => "The layer, or the first layer of a kernel",
            Self::Op => "What it computes",
            Self::Output => "Shape of the result",
            Self::Latency => "Measured time of the kernel, and its share of the marked whole",
            Self::Spread => "Half the interval of the kernel's median, relative to it",
            Self::Rate => "Arithmetic speed that the kernel reaches; two FLOP per mult-add",
            Self::Apart => "What the layers take as kernels of their own, together",
            Self::MultAdds => "Multiply-accumulates of convolutions and linear layers",
            Self::Params => "Learned parameters",
            Self::MemoryAccess => "Elements read and written, on paper",
            Self::Intensity => "FLOP per byte of memory access on paper",
            Self::LatencyAgainstA => "The time less that of the same layers of A",
            Self::MultAddsAgainstA => "The mult-adds less those of the same layers of A",
            Self::MemoryAccessAgainstA => "The memory access less that of the same layers of A",
        }
    }

    /// Its heading in comma-separated values, with the unit.
    pub const fn heading(self) -> &'static str {
        match self {
            Self::Layer => "layer",
            Self::Op => "op",
            Self::Output => "output",
            Self::Latency => "kernel_median_ns",
            Self::Spread => "kernel_half_width_ratio",
            Self::Rate => "gflop_per_s",
            Self::Apart => "apart_ns",
            Self::MultAdds => "mult_adds",
            Self::Params => "params",
            Self::MemoryAccess => "memory_access_elements",
            Self::Intensity => "flop_per_byte",
            Self::LatencyAgainstA => "kernel_median_less_a_ns",
            Self::MultAddsAgainstA => "mult_adds_less_a",
            Self::MemoryAccessAgainstA => "memory_access_less_a_elements",
        }
    }

    /// Whether it says something only where A is pinned.
    pub const fn is_against_a(self) -> bool {
        matches!(self, Self::LatencyAgainstA | Self::MultAddsAgainstA | Self::MemoryAccessAgainstA)
    }

    /// Whether its numbers come from a measurement.
    pub const fn is_measured(self) -> bool {
        matches!(self, Self::Latency | Self::Spread | Self::Rate | Self::Apart | Self::LatencyAgainstA)
    }

    /// Whether its numbers stand on the right.
    pub const fn is_number(self) -> bool {
        !matches!(self, Self::Layer | Self::Op | Self::Latency)
    }

    /// Whether the largest comes first when it is chosen.
    pub const fn starts_descending(self) -> bool {
        !matches!(self, Self::Layer | Self::Op)
    }
}

/// What the table is divided into.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Grouping {
    /// Nothing.
    #[default]
    None,
    /// Stages, and the modules before and after them.
    Stage,
    /// Kinds of work.
    Kind,
}

impl Grouping {
    /// All of them, in the order offered.
    pub const ALL: [Self; 3] = [Self::None, Self::Stage, Self::Kind];

    /// What is chosen.
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "no groups",
            Self::Stage => "by stage",
            Self::Kind => "by kind",
        }
    }
}

/// How the table is looked at.
#[derive(Clone, Debug, PartialEq)]
pub struct Look {
    /// Words that a unit has to have, in the path, operation or kind of one of its layers.
    pub filter: String,
    /// What it is sorted by, within groups.
    pub by: Column,
    /// Whether the largest comes first.
    pub descending: bool,
    /// What it is divided into.
    pub grouping: Grouping,
    /// Names of the groups whose units are not shown.
    pub closed: HashSet<String>,
    /// Paths of the first layers of the fused kernels whose layers are shown.
    pub expanded: HashSet<String>,
}

impl Default for Look {
    fn default() -> Self {
        Self {
            filter: String::new(),
            by: Column::Layer,
            descending: false,
            grouping: Grouping::None,
            closed: HashSet::new(),
            expanded: HashSet::new(),
        }
    }
}

impl Look {
    /// The order of two units within their group.
    pub(super) fn order(&self, layers: &[LayerCost], x: &Unit, y: &Unit) -> std::cmp::Ordering {
        let op = |unit: &Unit| layers.get(unit.first()).map(|layer| &layer.op);
        let time = |unit: &Unit| unit.timing.map(|timing| timing.median);
        let intensity = |unit: &Unit| unit.sums.intensity().unwrap_or(-1.0);
        let rate = |unit: &Unit| unit.timing.and_then(|timing| timing.rate).map_or(-1.0, |rate| rate.0);
        let spread = |unit: &Unit| unit.timing.and_then(|timing| timing.half_width()).unwrap_or(-1.0);
        let ordering = match self.by {
            Column::Layer => x.first().cmp(&y.first()),
            Column::Op => op(x).cmp(&op(y)),
            Column::Output => x.output.elements().cmp(&y.output.elements()),
            Column::Latency => time(x).cmp(&time(y)),
            Column::Spread => spread(x).total_cmp(&spread(y)),
            Column::Rate => rate(x).total_cmp(&rate(y)),
            Column::Apart => x.alone.cmp(&y.alone),
            Column::MultAdds => x.sums.mult_adds.cmp(&y.sums.mult_adds),
            Column::Params => x.sums.params.cmp(&y.sums.params),
            Column::MemoryAccess => x.sums.memory_access.cmp(&y.sums.memory_access),
            Column::Intensity => intensity(x).total_cmp(&intensity(y)),
            Column::LatencyAgainstA | Column::MultAddsAgainstA | Column::MemoryAccessAgainstA => {
                x.difference(self.by).cmp(&y.difference(self.by))
            }
        };
        if self.descending { ordering.reverse() } else { ordering }
    }
}
