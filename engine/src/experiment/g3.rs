//! Table 3: blocks of one, two or four 1x1 convolutions, in series or in parallel, at equal mult-adds.

use super::bare::bare;
use super::paper::{Line, PaperRate};
use super::{Scale, Widths};
use crate::graph::{GraphBuilder, LowerError, NodeId, Op};

/// Several 1x1 convolutions of one width.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fragments {
    /// Channels of every convolution.
    pub channels: usize,
    /// How many there are.
    pub count: usize,
    /// Whether all read the block's input and are summed (appendix, Figure 1), or each reads the one before.
    pub parallel: bool,
}

/// Name, fragments, whether in parallel; batches/s on the GPU and images/s on ARM at x1, x2, x4.
type Printed = (&'static str, usize, bool, [f64; 3], [f64; 3]);

/// Table 3 of the paper as printed.
#[rustfmt::skip]
const TABLE_3: [Printed; 5] = [
    ("1-fragment",          1, false, [2446.0, 1274.0, 434.0], [40.2, 10.1, 2.3]),
    ("2-fragment-series",   2, false, [1790.0,  909.0, 336.0], [38.6, 10.1, 2.2]),
    ("4-fragment-series",   4, false, [ 752.0,  745.0, 349.0], [38.4, 10.1, 2.3]),
    ("2-fragment-parallel", 2, true,  [1537.0,  803.0, 320.0], [33.4,  9.1, 2.2]),
    ("4-fragment-parallel", 4, true,  [ 691.0,  572.0, 292.0], [35.0,  8.4, 2.1]),
];

/// The table's c at x1, which is the width of one fragment.
const CHANNELS_GPU: u32 = 128;
const CHANNELS_ARM: u32 = 64;

pub(super) fn lines(widths: Widths, scale: Scale) -> Vec<Line<Fragments>> {
    TABLE_3
        .into_iter()
        .map(|(label, count, parallel, gpu_rates, arm_rates)| {
            let paper =
                |c: u32, rates| PaperRate { rate: scale.of(rates), channels: format!("c = {}", c * scale.factor()) };
            let c = if widths == Widths::Arm { CHANNELS_ARM } else { CHANNELS_GPU };
            let channels = (width(c, count) * scale.factor()) as usize;
            Line {
                label: label.into(),
                block: Fragments { channels, count, parallel },
                paper_gpu: paper(CHANNELS_GPU, gpu_rates),
                paper_arm: paper(CHANNELS_ARM, arm_rates),
            }
        })
        .collect()
}

/// The width of each of `count` fragments that together have the mult-adds of one of width `c`: c / sqrt(count), cut
/// to whole channels as the paper's Tables 1 and 2 do (90 for 128 / sqrt 2).
const fn width(c: u32, count: usize) -> u32 {
    (c * c / count as u32).isqrt()
}

impl Fragments {
    pub(super) fn add(&self, graph: &mut GraphBuilder, path: &str, input: NodeId) -> Result<NodeId, LowerError> {
        let mut value = input;
        for fragment in 0..self.count {
            let from = if self.parallel { input } else { value };
            let made = bare(graph, format!("{path}.{fragment}"), from, (self.channels, 1, 1))?;
            value = match (self.parallel, fragment) {
                (true, 1..) => graph.push(format!("{path}.add{fragment}"), Op::Add, &[value, made])?,
                _ => made,
            };
        }
        Ok(value)
    }
}
