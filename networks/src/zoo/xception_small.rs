//! The small Xceptions of the ShuffleNet V2 paper's Table 8.
//!
//! The paper refers to Light-Head R-CNN and gives the block's receptive field, seven pixels: three 3x3 depthwise
//! convolutions. The rest is our proposal, its widths chosen to meet the printed mult-adds: ShuffleNet's skeleton with
//! bottlenecks of three separable convolutions, added to their input or, at a stage's start, joined with its mean.

use super::{Preset, Published, at_width, table_8};
use crate::design::{Activation, BlockKind, Design, Family, Head, InputSize, Stage, Stem, StemConv};

#[rustfmt::skip]
const WIDTHS: [(f64, Option<Published>); 4] = [
    (0.5, table_8( 40.0, 44.9, 384.0, 52.9)),
    (1.0, table_8(145.0, 34.1, 278.0, 19.5)),
    (1.5, table_8(305.0, 29.4, 219.0, 10.5)),
    (2.0, table_8(525.0, 27.6, 174.0,  6.7)),
];

/// Channels at 1.0 and units of stages 2 to 4.
const STAGES: [(u32, u32); 3] = [(138, 4), (276, 8), (552, 4)];

pub(super) fn presets() -> Vec<Preset> {
    let stage = |(channels, repeats)| Stage { channels, repeats, stride: 2, block: BlockKind::Xception.block() };
    let base = Design {
        name: String::new(),
        family: Family::XceptionSmall,
        width: Some(1.0),
        classes: 1000,
        input: InputSize::square(224),
        stem: Stem {
            convs: vec![StemConv { channels: 24, kernel: 3, stride: 2 }],
            activation: Activation::Relu,
            max_pool: true,
        },
        stages: STAGES.map(stage).into(),
        head: Head { conv: None, activation: Activation::Relu, bias: true },
    };
    let preset = |(width, published)| Preset {
        design: at_width(&base, Family::XceptionSmall, format!("xception-{}", super::width_name(width)), width),
        about: "bottlenecks of three separable convolutions; the paper does not state the form, this one is our proposal",
        published,
        reference: None,
    };
    WIDTHS.map(preset).into()
}
