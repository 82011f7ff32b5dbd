//! Table 4: ResNet bottlenecks with and without their element-wise operations.

use super::Scale;
use super::bare::bare;
use super::paper::{Line, PaperRate};
use crate::graph::{Activation, GraphBuilder, LowerError, NodeId, Op};

/// 1x1 to a quarter of the channels, 3x3, 1x1 back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bottleneck {
    /// Channels of the unit's ends.
    pub channels: usize,
    /// ReLU after the first two convolutions and at the end.
    pub relu: bool,
    /// Adds the unit's input to its result.
    pub shortcut: bool,
}

/// ReLU, shortcut; batches/s on the GPU and images/s on ARM at c = 32, 64, 128.
type Printed = (bool, bool, [f64; 3], [f64; 3]);

/// Table 4 of the paper as printed.
#[rustfmt::skip]
const TABLE_4: [Printed; 4] = [
    (true,  true,  [2427.0, 2066.0, 1436.0], [56.7, 16.9, 5.0]),
    (true,  false, [2647.0, 2256.0, 1735.0], [61.9, 18.8, 5.2]),
    (false, true,  [2672.0, 2121.0, 1458.0], [57.3, 18.2, 5.1]),
    (false, false, [2842.0, 2376.0, 1782.0], [66.3, 20.2, 5.4]),
];

/// The table's c at x1.
const CHANNELS: u32 = 32;

/// Inner channels per outer one: ResNet's ratio, not stated for this table.
const REDUCTION: usize = 4;

pub(super) fn lines(scale: Scale) -> Vec<Line<Bottleneck>> {
    let channels = (CHANNELS * scale.factor()) as usize;
    TABLE_4
        .into_iter()
        .map(|(relu, shortcut, gpu, arm)| {
            let word = |on| if on { "yes" } else { "no" };
            let paper = |rates| PaperRate { rate: scale.of(rates), channels: format!("c = {channels}") };
            Line {
                label: format!("ReLU {}, shortcut {}", word(relu), word(shortcut)),
                block: Bottleneck { channels, relu, shortcut },
                paper_gpu: paper(gpu),
                paper_arm: paper(arm),
            }
        })
        .collect()
}

impl Bottleneck {
    pub(super) fn add(&self, graph: &mut GraphBuilder, path: &str, input: NodeId) -> Result<NodeId, LowerError> {
        let inner = self.channels / REDUCTION;
        let activation = if self.relu { Activation::Relu } else { Activation::None };
        let value = bare(graph, format!("{path}.0"), input, (inner, 1, 1))?;
        let value = graph.activation(format!("{path}.0.relu"), activation, value)?;
        let value = bare(graph, format!("{path}.1"), value, (inner, 3, 1))?;
        let value = graph.activation(format!("{path}.1.relu"), activation, value)?;
        let mut value = bare(graph, format!("{path}.2"), value, (self.channels, 1, 1))?;
        if self.shortcut {
            value = graph.push(format!("{path}.add"), Op::Add, &[value, input])?;
        }
        graph.activation(format!("{path}.relu"), activation, value)
    }
}
