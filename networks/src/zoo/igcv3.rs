//! IGCV3-D (Sun et al., BMVC 2018): MobileNet V2 at twice the depth, its 1x1 convolutions in two groups.
//!
//! From the authors' code, but for slips in it: at widths other than 1 it scales the channels into the expansion of a
//! stage's first unit twice, and above 1 gives the last convolution one channel too many.

use super::{Preset, Published, Reference, at_width, table_8};
use crate::design::{Activation, Block, Design, Family, Head, InputSize, InterleavedGroup, Stage, Stem, StemConv};

/// Width, Table 8's row, parameters where the authors' code was counted at this width, millions of mult-adds.
type Row = (f64, Option<Published>, (Option<u64>, f64));

#[rustfmt::skip]
const WIDTHS: [Row; 3] = [
    (0.7, table_8(210.0, 31.5, 143.0, 11.7), (None,            174.6)),
    (1.0, table_8(318.0, 27.8, 102.0,  6.3), (Some(3_491_688), 312.97)),
    (1.4, table_8(610.0, 25.5,  82.0,  4.5), (None,            590.0)),
];

/// Expansion, channels, repeats, first stride.
const STAGES: [(u32, u32, u32, u32); 7] =
    [(1, 16, 1, 1), (6, 24, 4, 2), (6, 32, 6, 2), (6, 64, 8, 2), (6, 96, 6, 1), (6, 160, 6, 2), (6, 320, 1, 1)];

pub(super) fn presets() -> Vec<Preset> {
    let stage = |(expansion, channels, repeats, stride)| Stage {
        channels,
        repeats,
        stride,
        block: Block::InterleavedGroup(InterleavedGroup { expansion, ..InterleavedGroup::default() }),
    };
    let base = Design {
        name: String::new(),
        family: Family::Igcv3,
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
    let preset = |(width, published, (params, mega_mult_adds))| Preset {
        design: at_width(&base, Family::Igcv3, format!("igcv3-d-{}", super::width_name(width)), width),
        about: "MobileNet V2 at twice the depth, 1x1 convolutions in two groups",
        published,
        reference: Some(Reference { params, mega_mult_adds, source: "IGCV3 authors' code" }),
    };
    WIDTHS.map(preset).into()
}
