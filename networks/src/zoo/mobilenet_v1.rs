//! MobileNet V1 (Howard et al., 2017, Table 1).

use super::{Preset, Published, Reference, at_width, table_8};
use crate::design::{Activation, Block, DepthwiseSeparable, Design, Family, Head, InputSize, Stage, Stem, StemConv};

#[rustfmt::skip]
const WIDTHS: [(f64, Option<Published>, (u64, f64)); 4] = [
    (0.25, table_8( 41.0, 49.4, 502.0, 36.4), (  470_072,  41.030)),
    (0.5,  table_8(149.0, 36.3, 382.0, 16.5), (1_331_592, 149.497)),
    (0.75, table_8(325.0, 31.6, 314.0, 10.6), (2_585_560, 325.400)),
    (1.0,  table_8(569.0, 29.4, 247.0,  6.5), (4_231_976, 568.740)),
];

/// Channels at 1.0, repeats and first stride of each row.
const STAGES: [(u32, u32, u32); 5] = [(64, 1, 1), (128, 2, 2), (256, 2, 2), (512, 6, 2), (1024, 2, 2)];

pub(super) fn presets() -> Vec<Preset> {
    let stage = |(channels, repeats, stride)| Stage {
        channels,
        repeats,
        stride,
        block: Block::DepthwiseSeparable(DepthwiseSeparable::default()),
    };
    let base = Design {
        name: String::new(),
        family: Family::MobilenetV1,
        width: Some(1.0),
        classes: 1000,
        input: InputSize::square(224),
        stem: Stem {
            convs: vec![StemConv { channels: 32, kernel: 3, stride: 2 }],
            activation: Activation::Relu,
            max_pool: false,
        },
        stages: STAGES.map(stage).into(),
        head: Head { conv: None, activation: Activation::Relu, bias: true },
    };
    WIDTHS
        .into_iter()
        .map(|(width, published, (params, mega_mult_adds))| Preset {
            design: at_width(&base, Family::MobilenetV1, format!("mobilenet-v1-{}", super::width_name(width)), width),
            about: "depthwise separable convolutions, every channel times the width",
            published,
            reference: Some(Reference { params: Some(params), mega_mult_adds, source: "pytorchcv 0.0.74" }),
        })
        .collect()
}
