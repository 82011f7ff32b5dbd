//! ShuffleNet V2 (paper, Table 5 and appendix Table 2), plain and with the paper's additions.

use super::{Preset, Published, Reference, at_width, table_8};
use crate::design::{
    Activation, Block, BlockEdit, Design, DownSampling, Edit, Family, Head, InputSize, ShuffleV2, SqueezeExcitation,
    Stage, Stem, StemConv,
};

/// Width, Table 8's row, torchvision's counts, the counts of the paper's own form, V2*'s mult-adds.
type Row = (f64, Option<Published>, (u64, f64), (u64, f64), f64);

#[rustfmt::skip]
const WIDTHS: [Row; 4] = [
    (0.5, table_8( 41.0, 39.7, 417.0, 57.0), (1_366_792,  40.476), (1_365_792,  40.476),  42.89),
    (1.0, table_8(146.0, 30.6, 341.0, 24.4), (2_278_604, 144.908), (2_278_760, 145.814), 150.69),
    (1.5, table_8(299.0, 27.4, 255.0, 11.8), (3_503_624, 295.759), (3_506_720, 298.971), 306.01),
    (2.0, table_8(591.0, 25.1, 217.0,  6.7), (7_393_996, 583.253), (7_402_600, 590.783), 600.28),
];

/// Appendix Table 2: channels and repeats of conv2 to conv5.
const LARGE_50: [(u32, u32); 4] = [(244, 3), (488, 4), (976, 6), (1952, 3)];
const LARGE_164: [(u32, u32); 4] = [(340, 10), (680, 10), (1360, 23), (2720, 10)];

const TORCHVISION: &str = "torchvision 0.29";
const AUTHORS: &str = "the paper's authors' code (megvii-model/ShuffleNet-Series)";

/// Appendix Table 2: the hidden layer has half of the block's channels, which is as many as the branch that it weights.
const SE: SqueezeExcitation = SqueezeExcitation { reduction: 1 };

/// Table 5 at 1.0x, torchvision's form.
fn base() -> Design {
    let stage =
        |channels, repeats| Stage { channels, repeats, stride: 2, block: Block::ShuffleV2(ShuffleV2::default()) };
    Design {
        name: "shufflenet-v2-x1.0".into(),
        family: Family::ShufflenetV2,
        width: Some(1.0),
        classes: 1000,
        input: InputSize::square(224),
        stem: Stem {
            convs: vec![StemConv { channels: 24, kernel: 3, stride: 2 }],
            activation: Activation::Relu,
            max_pool: true,
        },
        stages: vec![stage(116, 4), stage(232, 8), stage(464, 4)],
        head: Head { conv: Some(1024), activation: Activation::Relu, bias: true },
    }
}

pub(super) fn presets() -> Vec<Preset> {
    let mut presets = vec![];
    for (width, published, (params, mega_mult_adds), _, _) in WIDTHS {
        presets.push(Preset {
            design: at_width(&base(), Family::ShufflenetV2, format!("shufflenet-v2-x{width:.1}"), width),
            about: "Table 5, down-sampling units as in torchvision",
            published,
            reference: Some(Reference { params: Some(params), mega_mult_adds, source: TORCHVISION }),
        });
    }
    let paper = paper_form(base());
    for (width, published, _, (params, mega_mult_adds), _) in WIDTHS {
        presets.push(Preset {
            design: at_width(&paper, Family::ShufflenetV2, format!("shufflenet-v2-x{width:.1}-paper"), width),
            about: "Table 5, down-sampling units as the paper counts them",
            published,
            reference: Some(Reference { params: Some(params), mega_mult_adds, source: AUTHORS }),
        });
    }
    for (width, ..) in WIDTHS {
        let se = paper.apply(&Edit::Blocks(BlockEdit::Se(Some(SE))));
        presets.push(Preset {
            design: at_width(&se, Family::ShufflenetV2, format!("shufflenet-v2-x{width:.1}-se"), width),
            about: "with squeeze-and-excitation in the right branch (appendix, Figure 2 b)",
            published: if width == 2.0 { table_8(597.0, 24.6, 161.0, 5.6) } else { None },
            reference: (width == 2.0).then_some(Reference {
                params: None,
                mega_mult_adds: 593.83,
                source: "computed from appendix Figure 2 b; the printed 597 fits full-width SE layers",
            }),
        });
    }
    for (width, .., star) in WIDTHS {
        let first = paper.apply(&Edit::Blocks(BlockEdit::DepthwiseFirst(true)));
        presets.push(Preset {
            design: at_width(&first, Family::ShufflenetV2, format!("shufflenet-v2-x{width:.1}-star"), width),
            about: "V2*: an extra depthwise convolution in front of each right branch (section 4, detection)",
            published: None,
            reference: Some(Reference {
                params: None,
                mega_mult_adds: star,
                source: "computed for depthwise + batch norm in both kinds of unit; the paper prints none",
            }),
        });
    }
    presets.extend([large_50(), large_164()]);
    presets
}

/// The paper's own form: its down-sampling units, no bias in the classifier.
fn paper_form(mut design: Design) -> Design {
    design.head.bias = false;
    design.apply(&Edit::Blocks(BlockEdit::DownSampling(DownSampling::Paper)))
}

/// The unit of the paper's own form.
fn paper_unit() -> ShuffleV2 {
    ShuffleV2 { down_sampling: DownSampling::Paper, ..ShuffleV2::default() }
}

/// Four stages behind a stem of 3x3 convolutions; only the first stage keeps its resolution.
fn large(name: &str, family: Family, stem: &[(u32, u32)], rows: [(u32, u32); 4], block: &ShuffleV2) -> Design {
    let stage = |(index, (channels, repeats)): (usize, (u32, u32))| Stage {
        channels,
        repeats,
        stride: if index == 0 { 1 } else { 2 },
        block: Block::ShuffleV2(block.clone()),
    };
    let conv = |&(channels, stride): &(u32, u32)| StemConv { channels, kernel: 3, stride };
    Design {
        name: name.into(),
        family,
        stem: Stem { convs: stem.iter().map(conv).collect(), activation: Activation::Relu, max_pool: true },
        stages: rows.into_iter().enumerate().map(stage).collect(),
        head: Head { conv: Some(2048), activation: Activation::Relu, bias: false },
        ..base()
    }
}

fn large_50() -> Preset {
    Preset {
        design: large("shufflenet-v2-50", Family::ShufflenetV2_50, &[(64, 2)], LARGE_50, &paper_unit()),
        about: "as deep as ResNet-50 (appendix Table 2)",
        published: Some(Published {
            mega_mult_adds: 2300.0,
            top1_error_percent: Some(22.8),
            gpu_batches_per_second: None,
            arm_images_per_second: None,
            source: "ShuffleNet V2 paper, Table 6",
        }),
        reference: Some(Reference { params: None, mega_mult_adds: 2314.7, source: "computed from appendix Table 2" }),
    }
}

fn large_164() -> Preset {
    let block = ShuffleV2 { se: Some(SE), residual: true, ..paper_unit() };
    let stem = [(64, 2), (64, 1), (128, 1)];
    Preset {
        design: large("shufflenet-v2-164-se", Family::ShufflenetV2_164, &stem, LARGE_164, &block),
        about: "164 layers with squeeze-and-excitation and residuals (appendix Table 2)",
        published: Some(Published {
            mega_mult_adds: 12_700.0,
            top1_error_percent: Some(18.56),
            gpu_batches_per_second: None,
            arm_images_per_second: None,
            source: "ShuffleNet V2 paper, Table 6",
        }),
        reference: Some(Reference {
            params: None,
            mega_mult_adds: 12_604.3,
            source: "computed from appendix Table 2 and Figure 2 c; the printed 12.7 G fits full-width SE layers",
        }),
    }
}
