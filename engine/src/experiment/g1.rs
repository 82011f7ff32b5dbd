//! Table 1: two 1x1 convolutions whose widths differ more and more at about equal mult-adds.

use super::bare::bare;
use super::paper::{Line, PaperRate};
use super::{Scale, Widths};
use crate::graph::{GraphBuilder, LowerError, NodeId};

/// 1x1 from `c1` to `c2` channels and 1x1 back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChannelRatio {
    /// Channels of the block's ends.
    pub c1: usize,
    /// Channels in the middle.
    pub c2: usize,
}

/// `c1:c2`; (c1, c2) at x1 and batches/s at x1, x2, x4 on the GPU; (c1, c2) at x1 and images/s on ARM.
type Printed = (&'static str, (u32, u32), [f64; 3], (u32, u32), [f64; 3]);

/// Table 1 of the paper as printed.
#[rustfmt::skip]
const TABLE_1: [Printed; 4] = [
    ("1:1",  (128, 128), [1480.0, 723.0, 232.0], (32, 32), [76.2, 21.7, 5.3]),
    ("1:2",  ( 90, 180), [1296.0, 586.0, 206.0], (22, 44), [72.9, 20.5, 5.1]),
    ("1:6",  ( 52, 312), [ 876.0, 489.0, 189.0], (13, 78), [69.1, 17.9, 4.6]),
    ("1:12", ( 36, 432), [ 748.0, 392.0, 163.0], (9, 108), [57.6, 15.1, 4.4]),
];

pub(super) fn lines(widths: Widths, scale: Scale) -> Vec<Line<ChannelRatio>> {
    TABLE_1
        .into_iter()
        .map(|(ratio, gpu, gpu_rates, arm, arm_rates)| {
            let block = |(c1, c2): (u32, u32)| {
                let factor = scale.factor();
                ChannelRatio { c1: (c1 * factor) as usize, c2: (c2 * factor) as usize }
            };
            let paper =
                |channels, rates| PaperRate { rate: scale.of(rates), channels: block(channels).channels_text() };
            Line {
                label: ratio.into(),
                block: block(if widths == Widths::Arm { arm } else { gpu }),
                paper_gpu: paper(gpu, gpu_rates),
                paper_arm: paper(arm, arm_rates),
            }
        })
        .collect()
}

impl ChannelRatio {
    /// Both for people: `(90, 180)`.
    pub(super) fn channels_text(&self) -> String {
        format!("({}, {})", self.c1, self.c2)
    }

    pub(super) fn add(&self, graph: &mut GraphBuilder, path: &str, input: NodeId) -> Result<NodeId, LowerError> {
        let value = bare(graph, format!("{path}.0"), input, (self.c2, 1, 1))?;
        bare(graph, format!("{path}.1"), value, (self.c1, 1, 1))
    }
}
