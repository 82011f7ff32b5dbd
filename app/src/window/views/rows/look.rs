//! How the layer table is looked at: its columns, what it is divided into and the order within.

use std::collections::HashSet;

use shufflescope_engine::cost::LayerCost;

use super::unit::Unit;

/// A column that can be sorted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Column {
    /// The first layer's path, in execution order.
    Layer,
    /// The operation.
    Op,
    /// Elements of the output.
    Output,
    /// Measured time of the layer's kernel.
    Latency,
    /// Mult-adds.
    MultAdds,
    /// Parameters.
    Params,
    /// Memory access.
    MemoryAccess,
    /// FLOP per byte.
    Intensity,
}

impl Column {
    /// All of them, as the table shows them.
    pub const ALL: [Self; 8] = [
        Self::Layer,
        Self::Op,
        Self::Output,
        Self::Latency,
        Self::MultAdds,
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
            Self::MultAdds => "mult-adds",
            Self::Params => "params",
            Self::MemoryAccess => "mem. access",
            Self::Intensity => "FLOP/byte",
        }
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
        let ordering = match self.by {
            Column::Layer => x.first().cmp(&y.first()),
            Column::Op => op(x).cmp(&op(y)),
            Column::Output => x.output.elements().cmp(&y.output.elements()),
            Column::Latency => time(x).cmp(&time(y)),
            Column::MultAdds => x.sums.mult_adds.cmp(&y.sums.mult_adds),
            Column::Params => x.sums.params.cmp(&y.sums.params),
            Column::MemoryAccess => x.sums.memory_access.cmp(&y.sums.memory_access),
            Column::Intensity => intensity(x).total_cmp(&intensity(y)),
        };
        if self.descending { ordering.reverse() } else { ordering }
    }
}
