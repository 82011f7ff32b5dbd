//! Edits of any kind, most of them sound.

use proptest::prelude::*;
use shufflescope_engine::design::{
    Activation, BlockEdit, BlockKind, ConvEdit, DownSampling, Edit, InputSize, SqueezeExcitation, Stage, StageEdit,
    StemConv, StemEdit, StrideAt,
};

fn kind() -> impl Strategy<Value = BlockKind> {
    prop::sample::select(BlockKind::ALL.to_vec())
}

fn activation() -> impl Strategy<Value = Activation> {
    prop::sample::select(Activation::CHOICES.to_vec())
}

pub fn block_edit() -> impl Strategy<Value = BlockEdit> {
    prop_oneof![
        kind().prop_map(BlockEdit::Kind),
        prop::sample::select(vec![3_u32, 5, 7]).prop_map(BlockEdit::Kernel),
        prop::sample::select(vec![1_u32, 2, 3, 4, 8, 32]).prop_map(BlockEdit::Groups),
        (0.1..0.9).prop_map(BlockEdit::Split),
        activation().prop_map(BlockEdit::Activation),
        prop::option::of(0_u32..70).prop_map(|of| BlockEdit::Se(of.map(|reduction| SqueezeExcitation { reduction }))),
        any::<bool>().prop_map(BlockEdit::Residual),
        any::<bool>().prop_map(BlockEdit::Shuffle),
        any::<bool>().prop_map(BlockEdit::DepthwiseFirst),
        prop::sample::select(vec![DownSampling::Paper, DownSampling::Torchvision]).prop_map(BlockEdit::DownSampling),
        (0_u32..8).prop_map(BlockEdit::Expansion),
        (0_u32..8).prop_map(BlockEdit::Bottleneck),
        prop::sample::select(vec![StrideAt::First, StrideAt::Middle]).prop_map(BlockEdit::StrideAt),
    ]
}

fn stage_edit() -> impl Strategy<Value = StageEdit> {
    prop_oneof![
        prop_oneof![0_u32..2000, Just(u32::MAX)].prop_map(StageEdit::Channels),
        (0_u32..6).prop_map(StageEdit::Repeats),
        (0_u32..4).prop_map(StageEdit::Stride),
        block_edit().prop_map(StageEdit::Block),
        block_edit().prop_map(StageEdit::Block),
    ]
}

fn stem_edit() -> impl Strategy<Value = StemEdit> {
    let change = prop_oneof![
        (0_u32..100).prop_map(ConvEdit::Channels),
        (0_u32..8).prop_map(ConvEdit::Kernel),
        (0_u32..4).prop_map(ConvEdit::Stride),
    ];
    let conv = |channels| StemConv { channels, kernel: 3, stride: 1 };
    prop_oneof![
        (0_usize..3, change).prop_map(|(conv, change)| StemEdit::Conv { conv, change }),
        (place(), 0_u32..100).prop_map(move |(at, channels)| StemEdit::AddConv { at, conv: conv(channels) }),
        place().prop_map(StemEdit::RemoveConv),
        activation().prop_map(StemEdit::Activation),
        any::<bool>().prop_map(StemEdit::MaxPool),
    ]
}

/// A place in a list, mostly one that is there.
fn place() -> impl Strategy<Value = usize> {
    prop_oneof![0_usize..4, 0_usize..4, 0_usize..40, Just(usize::MAX)]
}

/// Changes to stages as wholes.
fn stages_edit() -> impl Strategy<Value = Edit> {
    let stage = (kind(), 0_u32..300, 0_u32..4, 0_u32..3).prop_map(|(kind, channels, repeats, stride)| {
        Box::new(Stage { channels, repeats, stride, block: kind.block() })
    });
    prop_oneof![
        (place(), stage).prop_map(|(at, stage)| Edit::AddStage { at, stage }),
        place().prop_map(Edit::RemoveStage),
        place().prop_map(Edit::DuplicateStage),
        (place(), place()).prop_map(|(from, to)| Edit::MoveStage { from, to }),
    ]
}

/// Any edit but those of several changes, and those that move channels (a width, a fit).
pub fn single_edit() -> impl Strategy<Value = Edit> {
    let side = || prop_oneof![32_u32..300, Just(0), Just(u32::MAX)];
    let stage = || (0_usize..4, stage_edit());
    prop_oneof![
        block_edit().prop_map(Edit::Blocks),
        stage_edit().prop_map(Edit::Stages),
        stage().prop_map(|(stage, change)| Edit::Stage { stage, change }),
        stage().prop_map(|(stage, change)| Edit::Stage { stage, change }),
        stage().prop_map(|(stage, change)| Edit::Stage { stage, change }),
        stages_edit(),
        stages_edit(),
        stem_edit().prop_map(Edit::Stem),
        (side(), side()).prop_map(|(height, width)| Edit::Input(InputSize { height, width })),
        prop::option::of(0_u32..3000).prop_map(Edit::Head),
        activation().prop_map(Edit::HeadActivation),
        any::<bool>().prop_map(Edit::HeadBias),
        (0_u32..100).prop_map(Edit::StemChannels),
        (0_u32..2000).prop_map(Edit::Classes),
        "[a-z]{0,8}".prop_map(Edit::Rename),
    ]
}

/// Any edit.
pub fn edit() -> impl Strategy<Value = Edit> {
    prop_oneof![
        8 => single_edit(),
        1 => prop_oneof![0.0..3.0, Just(f64::NAN), Just(f64::INFINITY), Just(-1.0)].prop_map(Edit::Width),
        1 => Just(Edit::Fit),
    ]
}
