//! Every knob of a design, one step each way.

use crate::design::{
    Activation, Block, BlockEdit, Design, DownSampling, Edit, InputSize, SqueezeExcitation, StageEdit, StrideAt, limits,
};

/// Channels that targets may compute together: the multiples beside a number of channels are tried, whatever the target.
const TILES: [u32; 4] = [8, 16, 32, 64];

/// The input changes by what the networks halve it by, so that no stage's size is rounded.
const INPUT_STEP: u32 = 32;

/// Shares of the channels that pass.
const SPLITS: [f64; 3] = [0.25, 0.5, 0.75];

/// The edits that change one knob of `design`. Some break a rule: the rule says so when they are checked.
#[must_use]
pub fn knobs(design: &Design) -> Vec<Edit> {
    let mut edits = Vec::new();
    for (stage, of) in design.stages.iter().enumerate() {
        let mut add = |change: StageEdit| edits.push(Edit::Stage { stage, change });
        beside(of.channels).into_iter().for_each(|channels| add(StageEdit::Channels(channels)));
        for repeats in [of.repeats.saturating_sub(1), of.repeats.saturating_add(1)] {
            add(StageEdit::Repeats(repeats));
        }
        add(StageEdit::Stride(if of.stride == 1 { 2 } else { 1 }));
        block_knobs(&of.block).into_iter().for_each(|change| add(StageEdit::Block(change)));
    }
    if let Some(stem) = design.stem.convs.last() {
        edits.extend(beside(stem.channels).into_iter().map(Edit::StemChannels));
    }
    if let Some(head) = design.head.conv {
        edits.extend(beside(head).into_iter().map(|channels| Edit::Head(Some(channels))));
        edits.push(Edit::Head(None));
    }
    let InputSize { height, width } = design.input;
    for (height, width) in [
        (height.saturating_sub(INPUT_STEP), width.saturating_sub(INPUT_STEP)),
        (height.saturating_add(INPUT_STEP), width.saturating_add(INPUT_STEP)),
    ] {
        edits.push(Edit::Input(InputSize { height, width }));
    }
    edits
}

/// Whole tiles above and below, each number once.
fn beside(channels: u32) -> Vec<u32> {
    let mut numbers: Vec<u32> = Vec::new();
    for tile in TILES {
        let below = channels.saturating_sub(1) / tile * tile;
        let above = channels.saturating_add(1).next_multiple_of(tile);
        // Far away it is no step any more.
        let is_near = |number: &u32| *number > 0 && (0.75..=1.34).contains(&(f64::from(*number) / f64::from(channels)));
        numbers.extend([below, above].into_iter().filter(is_near));
    }
    numbers.sort_unstable();
    numbers.dedup();
    numbers
}

/// One below and one above.
const fn steps(number: u32) -> [u32; 2] {
    [number.saturating_sub(1), number.saturating_add(1)]
}

fn block_knobs(block: &Block) -> Vec<BlockEdit> {
    let mut edits: Vec<BlockEdit> = limits::KERNELS.map(BlockEdit::Kernel).to_vec();
    edits.extend(block.kind().groups().iter().copied().map(BlockEdit::Groups));
    edits.extend(Activation::CHOICES.map(BlockEdit::Activation));
    let se = block.se().map_or(Some(SqueezeExcitation { reduction: 4 }), |_| None);
    match block {
        Block::ShuffleV2(of) => {
            edits.extend(SPLITS.map(BlockEdit::Split));
            edits.extend([
                BlockEdit::Se(se),
                BlockEdit::Residual(!of.residual),
                BlockEdit::Shuffle(!of.shuffle),
                BlockEdit::DepthwiseFirst(!of.depthwise_first),
                BlockEdit::DownSampling(match of.down_sampling {
                    DownSampling::Torchvision => DownSampling::Paper,
                    DownSampling::Paper => DownSampling::Torchvision,
                }),
            ]);
        }
        Block::ShuffleV1(of) => {
            edits.extend([BlockEdit::Se(se), BlockEdit::Shuffle(!of.shuffle)]);
            edits.extend(steps(of.bottleneck).map(BlockEdit::Bottleneck));
        }
        Block::InvertedResidual(of) => {
            edits.push(BlockEdit::Residual(!of.residual));
            edits.extend(steps(of.expansion).map(BlockEdit::Expansion));
        }
        Block::InterleavedGroup(of) => {
            edits.extend([BlockEdit::Residual(!of.residual), BlockEdit::Shuffle(!of.shuffle)]);
            edits.extend(steps(of.expansion).map(BlockEdit::Expansion));
        }
        Block::Bottleneck(of) => {
            edits.push(BlockEdit::Se(se));
            edits.extend(steps(of.bottleneck).map(BlockEdit::Bottleneck));
            edits.push(BlockEdit::StrideAt(match of.stride_at {
                StrideAt::Middle => StrideAt::First,
                StrideAt::First => StrideAt::Middle,
            }));
        }
        Block::Xception(of) => edits.extend(steps(of.bottleneck).map(BlockEdit::Bottleneck)),
        Block::DepthwiseSeparable(_) => {}
    }
    edits
}
