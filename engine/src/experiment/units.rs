//! Appendix Table 1 b: the units of four families, stacked, at equal mult-adds.

use super::Scale;
use super::bare::bare;
use super::paper::{Line, PaperRate};
use crate::graph::{Activation, GraphBuilder, LowerError, NodeId, Op, Window};

/// A stride-1 unit of one family.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FamilyUnit {
    /// The family.
    pub family: UnitFamily,
    /// Channels read and written.
    pub channels: usize,
    /// Channels of its depthwise convolution (of the inner ones, where there are several).
    pub inner: usize,
}

/// Whose unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnitFamily {
    /// Paper, Figure 3 c.
    ShuffleV2,
    /// Paper, Figure 3 a, with 3 groups.
    ShuffleV1,
    /// Inverted residual with expansion 6.
    MobileV2,
    /// Three depthwise separable convolutions around a bottleneck.
    Xception,
}

/// Sides of the two inputs in pixels.
pub(super) const SIDES: [u32; 2] = [56, 28];

/// Groups of the ShuffleNet V1 unit's 1x1 convolutions; those of its networks in Table 8.
const V1_GROUPS: usize = 3;

/// Expansion of the inverted residual; that of its networks in Table 8.
const EXPANSION: usize = 6;

/// The table's c at x1: the channels of the V2 unit.
const CHANNELS: usize = 64;

/// Batches/s on the GPU and images/s on ARM at c = 64, 128, 256.
type Printed = (UnitFamily, [f64; 3], [f64; 3]);

/// Appendix Table 1 b as printed; the cells out of line (89, 52, 60) are the paper's.
#[rustfmt::skip]
const TABLE_1B: [(u32, [Printed; 4]); 2] = [
    (56, [
        (UnitFamily::ShuffleV2, [216.0, 142.0,  81.0], [34.8, 12.3, 3.9]),
        (UnitFamily::ShuffleV1, [127.0,  73.0,  45.0], [24.3,  9.4, 3.0]),
        (UnitFamily::MobileV2,  [ 89.0, 125.0,  69.0], [25.8, 10.0, 3.0]),
        (UnitFamily::Xception,  [185.0,  52.0,  68.0], [27.0,  9.7, 3.1]),
    ]),
    (28, [
        (UnitFamily::ShuffleV2, [407.0, 313.0, 237.0], [174.5, 53.4, 16.6]),
        (UnitFamily::ShuffleV1, [298.0, 222.0,  60.0], [139.7, 43.9, 13.2]),
        (UnitFamily::MobileV2,  [381.0, 286.0, 189.0], [118.3, 46.2, 13.3]),
        (UnitFamily::Xception,  [254.0, 238.0, 169.0], [117.0, 45.8, 14.0]),
    ]),
];

pub(super) fn lines(side: u32, scale: Scale) -> Vec<Line<FamilyUnit>> {
    let c = CHANNELS * scale.factor() as usize;
    let lines = TABLE_1B.iter().filter(|(of, _)| *of == side).flat_map(|(_, lines)| lines);
    let row = |&(family, gpu, arm): &Printed| {
        let paper = |rates| PaperRate { rate: scale.of(rates), channels: format!("c = {c}") };
        Line {
            label: family.name().into(),
            block: FamilyUnit::as_costly_as_v2(family, c),
            paper_gpu: paper(gpu),
            paper_arm: paper(arm),
        }
    };
    lines.map(row).collect()
}

impl UnitFamily {
    /// The family's name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::ShuffleV2 => "ShuffleNet V2",
            Self::ShuffleV1 => "ShuffleNet V1",
            Self::MobileV2 => "MobileNet V2",
            Self::Xception => "Xception",
        }
    }

    /// The units of this family with this many channels: V1 and Xception have an inner width of about a quarter of them,
    /// rounded down or up.
    fn units(self, channels: usize) -> [FamilyUnit; 2] {
        let quarter = |step: usize| [channels / (4 * step) * step, (channels / (4 * step) + 1) * step];
        let inner = match self {
            Self::ShuffleV2 => [channels / 2; 2],
            Self::ShuffleV1 => quarter(V1_GROUPS),
            Self::MobileV2 => [channels * EXPANSION; 2],
            Self::Xception => quarter(1),
        };
        inner.map(|inner| FamilyUnit { family: self, channels, inner })
    }
}

impl FamilyUnit {
    /// The unit whose mult-adds are nearest to those of a V2 unit with `c` channels.
    fn as_costly_as_v2(family: UnitFamily, c: usize) -> Self {
        let [target, _] = UnitFamily::ShuffleV2.units(c);
        if family == UnitFamily::ShuffleV2 {
            return target;
        }
        let step = if family == UnitFamily::ShuffleV1 { V1_GROUPS } else { 1 };
        let candidates = (step..=4 * c).step_by(step).flat_map(|channels| family.units(channels));
        let distance = |unit: &Self| unit.mult_adds_per_pixel().abs_diff(target.mult_adds_per_pixel());
        candidates.filter(|unit| unit.inner > 0).min_by_key(distance).unwrap_or(target)
    }

    /// Mult-adds of one unit for one pixel; the tests check them against the graph's.
    const fn mult_adds_per_pixel(&self) -> usize {
        let Self { family, channels: c, inner } = *self;
        match family {
            UnitFamily::ShuffleV2 => 2 * inner * inner + 9 * inner,
            UnitFamily::ShuffleV1 => 2 * c * inner / V1_GROUPS + 9 * inner,
            UnitFamily::MobileV2 => 2 * c * inner + 9 * inner,
            UnitFamily::Xception => 2 * c * inner + inner * inner + 9 * c + 18 * inner,
        }
    }

    pub(super) fn add(&self, graph: &mut GraphBuilder, path: &str, input: NodeId) -> Result<NodeId, LowerError> {
        match self.family {
            UnitFamily::ShuffleV2 => self.shuffle_v2(graph, path, input),
            UnitFamily::ShuffleV1 => self.shuffle_v1(graph, path, input),
            UnitFamily::MobileV2 => self.mobile_v2(graph, path, input),
            UnitFamily::Xception => self.xception(graph, path, input),
        }
    }

    fn shuffle_v2(&self, graph: &mut GraphBuilder, path: &str, input: NodeId) -> Result<NodeId, LowerError> {
        let (half, relu) = (self.inner, Activation::Relu);
        let left = graph.push(format!("{path}.split.0"), Op::Slice { start: 0, channels: half }, &[input])?;
        let right = graph.push(format!("{path}.split.1"), Op::Slice { start: half, channels: half }, &[input])?;
        let value = pointwise(graph, path, 0, right, (half, 1), relu)?;
        let value = depthwise(graph, path, 1, value, Activation::None)?;
        let value = pointwise(graph, path, 2, value, (half, 1), relu)?;
        let joined = graph.push(format!("{path}.concat"), Op::Concat, &[left, value])?;
        graph.push(format!("{path}.shuffle"), Op::ChannelShuffle { groups: 2 }, &[joined])
    }

    fn shuffle_v1(&self, graph: &mut GraphBuilder, path: &str, input: NodeId) -> Result<NodeId, LowerError> {
        let value = pointwise(graph, path, 0, input, (self.inner, V1_GROUPS), Activation::Relu)?;
        let shuffle = Op::ChannelShuffle { groups: V1_GROUPS };
        let value = graph.push(format!("{path}.shuffle"), shuffle, &[value])?;
        let value = depthwise(graph, path, 1, value, Activation::None)?;
        let value = pointwise(graph, path, 2, value, (self.channels, V1_GROUPS), Activation::None)?;
        let value = graph.push(format!("{path}.add"), Op::Add, &[value, input])?;
        graph.activation(format!("{path}.relu"), Activation::Relu, value)
    }

    fn mobile_v2(&self, graph: &mut GraphBuilder, path: &str, input: NodeId) -> Result<NodeId, LowerError> {
        let value = pointwise(graph, path, 0, input, (self.inner, 1), Activation::Relu6)?;
        let value = depthwise(graph, path, 1, value, Activation::Relu6)?;
        let value = pointwise(graph, path, 2, value, (self.channels, 1), Activation::None)?;
        graph.push(format!("{path}.add"), Op::Add, &[value, input])
    }

    /// Depthwise without norm or activation before each 1x1, as in a separable convolution.
    fn xception(&self, graph: &mut GraphBuilder, path: &str, input: NodeId) -> Result<NodeId, LowerError> {
        let mut value = input;
        for (index, (channels, activation)) in
            [(self.inner, Activation::Relu), (self.inner, Activation::Relu), (self.channels, Activation::None)]
                .into_iter()
                .enumerate()
        {
            value = bare_depthwise(graph, format!("{path}.{index}.depthwise"), value)?;
            value = pointwise(graph, path, index, value, (channels, 1), activation)?;
        }
        let value = graph.push(format!("{path}.add"), Op::Add, &[value, input])?;
        graph.activation(format!("{path}.relu"), Activation::Relu, value)
    }
}

/// `path.index.conv`, `.bn`, `.act`.
fn names(path: &str, index: usize) -> [String; 3] {
    ["conv", "bn", "act"].map(|name| format!("{path}.{index}.{name}"))
}

fn pointwise(
    graph: &mut GraphBuilder,
    path: &str,
    index: usize,
    input: NodeId,
    (channels, groups): (usize, usize),
    activation: Activation,
) -> Result<NodeId, LowerError> {
    graph.conv_bn(names(path, index), input, (channels, Window::square(1, 1), groups), activation)
}

fn depthwise(
    graph: &mut GraphBuilder,
    path: &str,
    index: usize,
    input: NodeId,
    activation: Activation,
) -> Result<NodeId, LowerError> {
    let channels = graph.shape(input).channels;
    graph.conv_bn(names(path, index), input, (channels, Window::square(3, 1), channels), activation)
}

fn bare_depthwise(graph: &mut GraphBuilder, path: String, input: NodeId) -> Result<NodeId, LowerError> {
    let channels = graph.shape(input).channels;
    bare(graph, path, input, (channels, 3, channels))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_channels_are_those_nearest_in_mult_adds() {
        let channels = |family, c| FamilyUnit::as_costly_as_v2(family, c).channels;
        assert_eq!([64, 128, 256].map(|c| channels(UnitFamily::MobileV2, c)), [12, 25, 51]);
        for family in [UnitFamily::ShuffleV1, UnitFamily::MobileV2, UnitFamily::Xception] {
            for c in [64, 128, 256] {
                let (unit, v2) = (FamilyUnit::as_costly_as_v2(family, c), UnitFamily::ShuffleV2.units(c)[0]);
                let ratio = unit.mult_adds_per_pixel() as f64 / v2.mult_adds_per_pixel() as f64;
                assert!((ratio - 1.0).abs() < 0.02, "{unit:?}: {ratio}");
            }
        }
    }
}
