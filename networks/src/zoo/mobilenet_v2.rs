//! MobileNet V2 (Sandler et al., CVPR 2018, Table 2), channels rounded as torchvision does.

use super::{Preset, Published, Reference, at_width, table_8};
use crate::design::{Activation, Block, Design, Family, Head, InputSize, InvertedResidual, Stage, Stem, StemConv};

/// Width, input side, Table 8's row, torchvision's counts.
type Row = (f64, u32, Option<Published>, (u64, f64));

/// The paper does not state the rounding of its own small
/// variants, whose printed mult-adds no rule we tried gives; ours stand beside them.
#[rustfmt::skip]
const WIDTHS: [Row; 6] = [
    (0.15, 224, table_8( 39.0, 55.1, 351.0, 33.6), (1_415_496,  30.57)),
    (0.4,  160, table_8( 43.0, 43.4, 333.0, 33.2), (1_770_728,  41.80)),
    (0.6,  224, table_8(141.0, 33.3, 249.0, 14.9), (2_217_000, 150.96)),
    (0.75, 192, table_8(145.0, 32.1, 235.0, 15.9), (2_636_424, 153.94)),
    (1.0,  224, table_8(300.0, 28.0, 180.0,  8.9), (3_504_872, 300.774)),
    (1.4,  224, table_8(585.0, 25.3, 137.0,  5.4), (6_108_776, 582.20)),
];

/// Expansion, channels at 1.0, repeats, first stride of each row of the paper's table.
const STAGES: [(u32, u32, u32, u32); 7] =
    [(1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1)];

pub(super) fn presets() -> Vec<Preset> {
    let stage = |(expansion, channels, repeats, stride)| Stage {
        channels,
        repeats,
        stride,
        block: Block::InvertedResidual(InvertedResidual { expansion, ..InvertedResidual::default() }),
    };
    let base = Design {
        name: String::new(),
        family: Family::MobilenetV2,
        width: Some(1.0),
        classes: 1000,
        input: InputSize::square(224),
        stem: Stem {
            convs: vec![StemConv { channels: 32, kernel: 3, stride: 2 }],
            activation: Activation::Relu6,
            max_pool: false,
        },
        stages: STAGES.map(stage).into(),
        head: Head { conv: Some(1280), activation: Activation::Relu6, bias: true },
    };
    WIDTHS
        .into_iter()
        .map(|(width, side, published, (params, mega_mult_adds))| {
            let base = Design { input: InputSize::square(side), ..base.clone() };
            Preset {
                design: at_width(
                    &base,
                    Family::MobilenetV2,
                    format!("mobilenet-v2-{}", super::width_name(width)),
                    width,
                ),
                about: "inverted residuals",
                published,
                reference: Some(Reference { params: Some(params), mega_mult_adds, source: "torchvision 0.29" }),
            }
        })
        .collect()
}
