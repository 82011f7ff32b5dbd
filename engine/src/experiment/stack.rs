//! What the experiments stack: blocks of a few layers that end with as many channels as they begin with.

use super::{g1, g2, g3, g4, units};
use crate::graph::{GraphBuilder, LowerError, NodeId};

/// A kind of block with its channels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stack {
    /// Two 1x1 convolutions of different widths.
    ChannelRatio(g1::ChannelRatio),
    /// One grouped 1x1 convolution.
    Grouped(g2::Grouped),
    /// Several 1x1 convolutions in series or in parallel.
    Fragments(g3::Fragments),
    /// A ResNet bottleneck.
    Bottleneck(g4::Bottleneck),
    /// A unit of one of four families.
    Unit(units::FamilyUnit),
}

impl Stack {
    /// Channels that a block reads and writes.
    #[must_use]
    pub const fn channels(&self) -> usize {
        match self {
            Self::ChannelRatio(block) => block.c1,
            Self::Grouped(block) => block.channels,
            Self::Fragments(block) => block.channels,
            Self::Bottleneck(block) => block.channels,
            Self::Unit(unit) => unit.channels,
        }
    }

    /// The channels for people: `(90, 180)`, `180`.
    #[must_use]
    pub fn channels_text(&self) -> String {
        match self {
            Self::ChannelRatio(block) => block.channels_text(),
            stack => stack.channels().to_string(),
        }
    }

    /// Adds one block behind `input`.
    ///
    /// # Errors
    /// Where a layer does not fit.
    pub(super) fn block(&self, graph: &mut GraphBuilder, path: &str, input: NodeId) -> Result<NodeId, LowerError> {
        match self {
            Self::ChannelRatio(block) => block.add(graph, path, input),
            Self::Grouped(block) => block.add(graph, path, input),
            Self::Fragments(block) => block.add(graph, path, input),
            Self::Bottleneck(block) => block.add(graph, path, input),
            Self::Unit(unit) => unit.add(graph, path, input),
        }
    }
}
