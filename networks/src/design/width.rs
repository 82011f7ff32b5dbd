//! The width setting: channels of every stage from a family's published table.

use std::ops::RangeInclusive;

use super::{Design, Family, limits};

/// The paper's four widths, where the slider snaps.
pub const WIDTHS: [f64; 4] = [0.5, 1.0, 1.5, 2.0];

/// ShuffleNet V2, Table 5: stages 2 to 4 and conv5 for the paper's four widths.
const TABLE_5: [(f64, [u32; 4]); 4] = [
    (0.5, [48, 96, 192, 1024]),
    (1.0, [116, 232, 464, 1024]),
    (1.5, [176, 352, 704, 1024]),
    (2.0, [244, 488, 976, 2048]),
];

/// Appendix Table 2: conv2 to conv5.
const LARGE_50: [u32; 4] = [244, 488, 976, 1952];
const LARGE_164: [u32; 4] = [340, 680, 1360, 2720];

/// ShuffleNet V1, Table 1: stages 2 to 4 by number of groups.
const SHUFFLENET_V1: [(u32, [u32; 3]); 5] =
    [(1, [144, 288, 576]), (2, [200, 400, 800]), (3, [240, 480, 960]), (4, [272, 544, 1088]), (8, [384, 768, 1536])];

/// Stem channels of ShuffleNet V1 by width; the 0.5x stem is rounded to whole groups.
const SHUFFLENET_V1_STEM: [(f64, f64); 4] = [(0.5, 12.0), (1.0, 24.0), (1.5, 24.0), (2.0, 48.0)];

/// MobileNet V1, Table 1, and MobileNet V2, Table 2: channels of each row.
const MOBILENET_V1: [u32; 5] = [64, 128, 256, 512, 1024];
const MOBILENET_V2: [u32; 7] = [16, 24, 32, 64, 96, 160, 320];

/// The small Xceptions: channels of stage 2, which double from stage to stage.
const XCEPTION_SMALL: [(f64, f64); 4] = [(0.5, 64.0), (1.0, 138.0), (1.5, 208.0), (2.0, 276.0)];

/// Channels of a whole design at one width.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scale {
    /// Channels of the stem's last convolution.
    pub stem: u32,
    /// Channels of each stage.
    pub stages: Vec<u32>,
    /// Channels of the head's convolution.
    pub head: Option<u32>,
}

impl Family {
    /// The widths that the setting offers.
    #[must_use]
    pub const fn widths(self) -> RangeInclusive<f64> {
        match self {
            Self::MobilenetV2 => limits::MOBILENET_V2_WIDTH,
            _ => limits::WIDTH,
        }
    }

    /// The channels of this family at `width`; `groups` are those of the 1x1 convolutions.
    ///
    /// Published widths give the published channels. Between them each stage is interpolated, beyond them extended in
    /// proportion; the result is rounded to even numbers (MobileNets: multiples of 8, as published).
    #[must_use]
    pub fn channels(self, width: f64, groups: u32) -> Option<Scale> {
        let scaled = |base: &[u32], to: fn(f64) -> u32| base.iter().map(|&c| to(f64::from(c) * width)).collect();
        let even = |channels: f64| round_to(channels, 2);
        Some(match self {
            Self::Custom | Self::Resnet => return None,
            Self::ShufflenetV2 => {
                let column = |row: usize| TABLE_5.map(|(width, channels)| (width, f64::from(channels[row])));
                let stage = |row| even(interpolate(&column(row), width, Beyond::Proportional));
                let head = even(interpolate(&column(3), width, Beyond::Constant));
                Scale { stem: 24, stages: (0..3).map(stage).collect(), head: Some(head) }
            }
            Self::ShufflenetV2_50 => Scale { stem: 64, stages: scaled(&LARGE_50, even), head: Some(2048) },
            Self::ShufflenetV2_164 => Scale { stem: 128, stages: scaled(&LARGE_164, even), head: Some(2048) },
            Self::ShufflenetV1 => {
                let (_, base) = SHUFFLENET_V1.iter().find(|(of, _)| *of == groups)?;
                // The bottleneck is a quarter of the channels and has to divide into the groups.
                let stages = base.iter().map(|&c| round_to(f64::from(c) * width, 4 * groups)).collect();
                let stem = interpolate(&SHUFFLENET_V1_STEM, width, Beyond::Proportional);
                let whole = if groups.is_multiple_of(2) { groups } else { 2 * groups };
                Scale { stem: round_to(stem, whole), stages, head: None }
            }
            Self::MobilenetV1 => Scale {
                stem: even(32.0 * width),
                stages: scaled(&MOBILENET_V1, |channels| (channels as u32).max(2)),
                head: None,
            },
            Self::MobilenetV2 => Scale {
                stem: multiple_of_8(32.0 * width),
                stages: scaled(&MOBILENET_V2, multiple_of_8),
                head: Some(multiple_of_8(1280.0 * width.max(1.0))),
            },
            Self::Igcv3 => Scale {
                stem: even_above(32.0 * width),
                stages: scaled(&MOBILENET_V2, even_above),
                head: Some(even_above(1280.0 * width.max(1.0))),
            },
            Self::XceptionSmall => {
                let first = even(interpolate(&XCEPTION_SMALL, width, Beyond::Proportional));
                Scale { stem: 24, stages: vec![first, 2 * first, 4 * first], head: None }
            }
        })
    }
}

impl Design {
    /// The design at another width of its family; `None` where its channels follow no table (or not with these stages).
    pub fn at_width(&self, width: f64) -> Option<Self> {
        if !width.is_finite() {
            return None;
        }
        let groups = self.stages.first().map_or(1, |stage| stage.block.groups());
        let scale = self.family.channels(width.clamp(0.01, 100.0), groups)?;
        if scale.stages.len() != self.stages.len() {
            return None;
        }
        let mut scaled = Self { width: Some(width), ..self.clone() };
        scaled.stem.convs.last_mut()?.channels = scale.stem;
        for (stage, channels) in scaled.stages.iter_mut().zip(&scale.stages) {
            stage.channels = *channels;
        }
        if scaled.head.conv.is_some() {
            scaled.head.conv = scale.head.or(scaled.head.conv);
        }
        Some(scaled.fitted())
    }

    /// The design with every stage's channels moved to the nearest number that its groups, split and shuffle allow.
    pub(super) fn fitted(&self) -> Self {
        let mut fitted = self.clone();
        for index in 0..fitted.stages.len() {
            if let Some(channels) = fitted.nearest_channels(index) {
                fitted.stages[index].channels = channels;
            }
        }
        fitted
    }

    /// Whether the width setting applies to this design.
    #[must_use]
    pub fn has_width(&self) -> bool {
        self.at_width(1.0).is_some()
    }

    /// Whether the channels are those of the family's table at the design's width.
    #[must_use]
    pub fn follows_table(&self) -> bool {
        self.width.and_then(|width| self.at_width(width)).is_some_and(|at_width| at_width == *self)
    }
}

/// The multiple of `step` nearest to `value` (halves go up), at least one `step`.
#[must_use]
pub fn round_to(value: f64, step: u32) -> u32 {
    let step = step.max(1);
    let steps = (value / f64::from(step) + 0.5).floor().clamp(1.0, 1e6);
    (steps as u32).saturating_mul(step)
}

/// IGCV3's rule: to a whole and then up to an even number, for two groups.
fn even_above(value: f64) -> u32 {
    (value.round().clamp(1.0, 1e6) as u32).next_multiple_of(2)
}

/// MobileNet V2's rule: the nearest multiple of 8, but never below 90 % of the value.
fn multiple_of_8(value: f64) -> u32 {
    let rounded = round_to(value, 8);
    if f64::from(rounded) < 0.9 * value { rounded + 8 } else { rounded }
}

/// What happens outside a table.
#[derive(Clone, Copy)]
enum Beyond {
    /// Below: in proportion to the first entry. Above: along the last segment.
    Proportional,
    /// The end's value.
    Constant,
}

/// Piecewise linear interpolation in a table with at least two ascending entries.
fn interpolate(table: &[(f64, f64)], at: f64, beyond: Beyond) -> f64 {
    let (Some(&first), Some(&last)) = (table.first(), table.last()) else {
        return 0.0;
    };
    if at <= first.0 {
        return match beyond {
            Beyond::Proportional => first.1 * at / first.0,
            Beyond::Constant => first.1,
        };
    }
    let line = |(x0, y0): (f64, f64), (x1, y1): (f64, f64)| y0 + (y1 - y0) * (at - x0) / (x1 - x0);
    for pair in table.windows(2) {
        if at <= pair[1].0 {
            return line(pair[0], pair[1]);
        }
    }
    match beyond {
        Beyond::Proportional => line(table[table.len() - 2], last),
        Beyond::Constant => last.1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_papers_widths_give_table_5_exactly() {
        for (width, [two, three, four, head]) in TABLE_5 {
            let scale = Family::ShufflenetV2.channels(width, 1).unwrap();
            assert_eq!((scale.stages, scale.head), (vec![two, three, four], Some(head)), "{width}");
        }
    }

    #[test]
    fn widths_between_are_interpolated_and_even() {
        let scale = Family::ShufflenetV2.channels(0.75, 1).unwrap();
        assert_eq!((scale.stages, scale.head), (vec![82, 164, 328], Some(1024)));
        let wide = Family::ShufflenetV2.channels(2.5, 1).unwrap();
        assert_eq!((wide.stages, wide.head), (vec![312, 624, 1248], Some(2048)));
        let narrow = Family::ShufflenetV2.channels(0.25, 1).unwrap();
        assert_eq!((narrow.stages, narrow.head), (vec![24, 48, 96], Some(1024)));
    }

    #[test]
    fn shufflenet_v1_scales_as_its_authors_code() {
        let of = |width, groups| Family::ShufflenetV1.channels(width, groups).unwrap();
        assert_eq!((of(0.5, 3).stem, of(0.5, 3).stages), (12, vec![120, 240, 480]));
        assert_eq!((of(0.5, 8).stem, of(0.5, 8).stages), (16, vec![192, 384, 768]));
        assert_eq!((of(1.5, 3).stem, of(1.5, 3).stages), (24, vec![360, 720, 1440]));
        assert_eq!((of(2.0, 3).stem, of(2.0, 3).stages), (48, vec![480, 960, 1920]));
    }

    #[test]
    fn mobilenet_v2_rounds_to_multiples_of_8_as_torchvision_does() {
        let scale = Family::MobilenetV2.channels(1.4, 1).unwrap();
        assert_eq!((scale.stem, scale.head), (48, Some(1792)));
        assert_eq!(scale.stages, [24, 32, 48, 88, 136, 224, 448]);
    }
}
