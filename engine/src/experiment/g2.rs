//! Table 2: grouped 1x1 convolutions, wider with more groups so that the mult-adds stay.

use super::bare::bare;
use super::paper::{Line, PaperRate};
use super::{Scale, Widths};
use crate::graph::{GraphBuilder, LowerError, NodeId};

/// One grouped 1x1 convolution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grouped {
    /// Channels read and written.
    pub channels: usize,
    /// Groups.
    pub groups: usize,
}

/// Groups; channels at x1 and batches/s at x1, x2, x4 on the GPU; channels at x1 and images/s on ARM.
type Printed = (usize, u32, [f64; 3], u32, [f64; 3]);

/// Table 2 of the paper as printed.
#[rustfmt::skip]
const TABLE_2: [Printed; 4] = [
    (1, 128, [2451.0, 1289.0, 437.0],  64, [40.0, 10.2, 2.3]),
    (2, 180, [1725.0,  873.0, 341.0],  90, [35.0,  9.5, 2.2]),
    (4, 256, [1026.0,  644.0, 338.0], 128, [32.9,  8.7, 2.1]),
    (8, 360, [ 634.0,  445.0, 230.0], 180, [27.8,  7.5, 1.8]),
];

pub(super) fn lines(widths: Widths, scale: Scale) -> Vec<Line<Grouped>> {
    TABLE_2
        .into_iter()
        .map(|(groups, gpu, gpu_rates, arm, arm_rates)| {
            let block = |c: u32| {
                let channels = fitted((c * scale.factor()) as usize, groups);
                Grouped { channels, groups }
            };
            let paper = |c: u32, rates| PaperRate { rate: scale.of(rates), channels: (c * scale.factor()).to_string() };
            Line {
                label: format!("g = {groups}"),
                block: block(if widths == Widths::Arm { arm } else { gpu }),
                paper_gpu: paper(gpu, gpu_rates),
                paper_arm: paper(arm, arm_rates),
            }
        })
        .collect()
}

/// The multiple of `groups` nearest to the printed channels, the larger of two: the table's 180 channels in 8 groups
/// (ARM, x1) do not divide, all others do.
const fn fitted(channels: usize, groups: usize) -> usize {
    (channels + groups / 2) / groups * groups
}

impl Grouped {
    pub(super) fn add(&self, graph: &mut GraphBuilder, path: &str, input: NodeId) -> Result<NodeId, LowerError> {
        bare(graph, path.to_owned(), input, (self.channels, 1, self.groups))
    }
}
