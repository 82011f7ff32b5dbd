//! ShuffleNet V1 (Zhang et al., CVPR 2018, Table 1).

use super::{Preset, Published, Reference, at_width, table_8};
use crate::design::{Activation, Block, Design, Family, Head, InputSize, ShuffleV1, Stage, Stem, StemConv};

/// Groups, width, published row, reference counts, whether the classifier has a bias (the authors' code has none).
type Row = (u32, f64, Option<Published>, (u64, f64), bool);

#[rustfmt::skip]
const ROWS: [Row; 8] = [
    (1, 1.0, v1_paper(143.0, 33.6),              (1_531_936, 143.079), true),
    (2, 1.0, v1_paper(140.0, 32.7),              (1_733_848, 140.837), true),
    (3, 0.5, table_8( 38.0, 43.2, 347.0, 56.8),  (  717_324,  37.59),  false),
    (3, 1.0, table_8(140.0, 32.6, 213.0, 21.8),  (1_865_728, 137.461), true),
    (3, 1.5, table_8(292.0, 28.5, 164.0, 10.3),  (3_441_168, 292.44),  false),
    (3, 2.0, table_8(524.0, 26.3, 133.0,  6.4),  (5_449_776, 524.05),  false),
    (4, 1.0, v1_paper(133.0, 32.8),              (1_968_344, 134.34),  true),
    (8, 1.0, v1_paper(137.0, 32.4),              (2_434_768, 138.366), true),
];

const fn v1_paper(mega_mult_adds: f64, error: f64) -> Option<Published> {
    Some(Published {
        mega_mult_adds,
        top1_error_percent: Some(error),
        gpu_batches_per_second: None,
        arm_images_per_second: None,
        source: "ShuffleNet V1 paper, Tables 1 and 2",
    })
}

pub(super) fn presets() -> Vec<Preset> {
    ROWS.into_iter()
        .map(|(groups, width, published, (params, mega_mult_adds), bias)| {
            let block = ShuffleV1 { groups, ..ShuffleV1::default() };
            let stage = |repeats| Stage { channels: 0, repeats, stride: 2, block: Block::ShuffleV1(block.clone()) };
            let base = Design {
                name: String::new(),
                family: Family::ShufflenetV1,
                width: None,
                classes: 1000,
                input: InputSize::square(224),
                stem: Stem {
                    convs: vec![StemConv { channels: 24, kernel: 3, stride: 2 }],
                    activation: Activation::Relu,
                    max_pool: true,
                },
                stages: vec![stage(4), stage(8), stage(4)],
                head: Head { conv: None, activation: Activation::Relu, bias },
            };
            Preset {
                design: at_width(&base, Family::ShufflenetV1, format!("shufflenet-v1-g{groups}-x{width:.1}"), width),
                about: if bias {
                    "Table 1 of the V1 paper"
                } else {
                    "scaled as the authors' code, classifier without bias"
                },
                published,
                reference: Some(Reference {
                    params: Some(params),
                    mega_mult_adds,
                    source: "the V1 authors' code (megvii-model/ShuffleNet-Series)",
                }),
            }
        })
        .collect()
}
