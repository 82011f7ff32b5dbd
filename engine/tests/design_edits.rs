//! Every setting of every stage as an edit: what it changes, that it can be taken back, and that nothing breaks.

#![allow(clippy::unwrap_used, reason = "tests and their helpers")]

#[path = "support/edits.rs"]
mod edits;

use std::mem::discriminant;

use edits::{edit, single_edit};
use proptest::prelude::*;
use shufflescope_engine::design::{
    Batch, Block, BlockEdit, BlockKind, ConvEdit, Design, Edit, Field, Stage, StageEdit, StemConv, StemEdit,
};
use shufflescope_engine::graph::lower;
use shufflescope_engine::zoo::{preset, presets};

fn v2() -> Design {
    preset("shufflenet-v2-x1.0").unwrap()
}

fn of_stage(stage: usize, change: BlockEdit) -> Edit {
    Edit::Stage { stage, change: StageEdit::Block(change) }
}

fn kinds(design: &Design) -> Vec<BlockKind> {
    design.stages.iter().map(|stage| stage.block.kind()).collect()
}

/// What takes a change to a stage back.
fn stage_inverse(stage: usize, of: &Stage, change: &StageEdit) -> Edit {
    let edit = |change| Edit::Stage { stage, change };
    match change {
        StageEdit::Channels(_) => edit(StageEdit::Channels(of.channels)),
        StageEdit::Repeats(_) => edit(StageEdit::Repeats(of.repeats)),
        StageEdit::Stride(_) => edit(StageEdit::Stride(of.stride)),
        StageEdit::Block(BlockEdit::Kind(_)) => {
            let back = [BlockEdit::Kind(of.block.kind())].into_iter().chain(of.block.settings());
            Edit::All(back.map(|setting| of_stage(stage, setting)).collect())
        }
        StageEdit::Block(change) => {
            let before = of.block.settings().into_iter().find(|before| discriminant(before) == discriminant(change));
            // Units without the setting stay as they are.
            before.map_or(Edit::All(vec![]), |before| of_stage(stage, before))
        }
    }
}

fn stem_inverse(design: &Design, edit: &StemEdit) -> Option<StemEdit> {
    let convs = &design.stem.convs;
    Some(match edit {
        StemEdit::Conv { conv, change } => {
            let before = convs.get(*conv)?;
            let change = match change {
                ConvEdit::Channels(_) => ConvEdit::Channels(before.channels),
                ConvEdit::Kernel(_) => ConvEdit::Kernel(before.kernel),
                ConvEdit::Stride(_) => ConvEdit::Stride(before.stride),
            };
            StemEdit::Conv { conv: *conv, change }
        }
        StemEdit::AddConv { at, .. } => StemEdit::RemoveConv((*at).min(convs.len())),
        StemEdit::RemoveConv(conv) => StemEdit::AddConv { at: *conv, conv: *convs.get(*conv)? },
        StemEdit::Activation(_) => StemEdit::Activation(design.stem.activation),
        StemEdit::MaxPool(_) => StemEdit::MaxPool(design.stem.max_pool),
    })
}

/// The edit that takes `edit` back; one that does nothing where it did nothing.
fn inverse(design: &Design, edit: &Edit) -> Edit {
    let stages = &design.stages;
    let nothing = || Edit::All(vec![]);
    match edit {
        Edit::Rename(_) => Edit::Rename(design.name.clone()),
        Edit::Input(_) => Edit::Input(design.input),
        Edit::Classes(_) => Edit::Classes(design.classes),
        Edit::StemChannels(_) => Edit::StemChannels(design.stem.convs.last().unwrap().channels),
        Edit::Stem(edit) => stem_inverse(design, edit).map_or_else(nothing, Edit::Stem),
        Edit::Head(_) => Edit::Head(design.head.conv),
        Edit::HeadActivation(_) => Edit::HeadActivation(design.head.activation),
        Edit::HeadBias(_) => Edit::HeadBias(design.head.bias),
        Edit::Stage { stage, change } => {
            stages.get(*stage).map_or_else(nothing, |of| stage_inverse(*stage, of, change))
        }
        Edit::Stages(change) => {
            Edit::All(stages.iter().enumerate().map(|(stage, of)| stage_inverse(stage, of, change)).collect())
        }
        Edit::Blocks(change) => inverse(design, &Edit::Stages(StageEdit::Block(change.clone()))),
        Edit::AddStage { at, .. } => Edit::RemoveStage((*at).min(stages.len())),
        Edit::RemoveStage(at) => {
            stages.get(*at).map_or_else(nothing, |of| Edit::AddStage { at: *at, stage: Box::new(of.clone()) })
        }
        Edit::DuplicateStage(at) => stages.get(*at).map_or_else(nothing, |_| Edit::RemoveStage(at + 1)),
        Edit::MoveStage { from, to } => Edit::MoveStage { from: *to, to: *from },
        Edit::Width(_) | Edit::Fit | Edit::All(_) | Edit::Replace(_) => unreachable!("no single change"),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// Designs of ShuffleNet V1's table move their channels with their groups and are left out.
    #[test]
    fn every_edit_is_taken_back_by_another(start in 0..presets().len(), first in edit(), edit in single_edit()) {
        let design = presets()[start].design.apply(&first);
        let groups = matches!(
            edit,
            Edit::Blocks(BlockEdit::Groups(_)) | Edit::Stages(StageEdit::Block(BlockEdit::Groups(_)))
        );
        prop_assume!(!groups || !design.follows_table());
        prop_assume!(!design.stem.convs.is_empty());
        let back = design.apply(&edit).apply(&inverse(&design, &edit));
        prop_assert_eq!(back, design);
    }

    #[test]
    fn an_edit_survives_its_json_and_says_what_it_does(edit in edit()) {
        let finite = !matches!(edit, Edit::Width(width) if !width.is_finite());
        if finite {
            let text = serde_json::to_string(&edit).unwrap();
            prop_assert_eq!(serde_json::from_str::<Edit>(&text).unwrap(), edit.clone());
        }
        prop_assert!(!edit.to_string().is_empty());
    }

    /// Whatever they were before, valid or not, designs survive their files.
    #[test]
    fn a_design_of_any_blocks_survives_its_file(
        start in 0..presets().len(), edits in prop::collection::vec(single_edit(), 1..6)
    ) {
        let design = presets()[start].design.apply(&Edit::All(edits));
        let text = design.to_toml().unwrap();
        prop_assert_eq!(Design::from_toml(&text).unwrap(), design, "{}", text);
    }

    #[test]
    fn settings_are_all_that_a_block_has(start in 0..presets().len(), edits in prop::collection::vec(single_edit(), 1..6)) {
        for stage in presets()[start].design.apply(&Edit::All(edits)).stages {
            let mut again = stage.block.kind().block();
            stage.block.settings().iter().for_each(|setting| again.apply(setting));
            prop_assert_eq!(again, stage.block);
        }
    }
}

#[test]
fn every_kind_becomes_every_other_and_keeps_what_both_have() {
    for from in BlockKind::ALL {
        for to in BlockKind::ALL {
            let mut block = from.block();
            block.apply(&BlockEdit::Kernel(5));
            block.apply(&BlockEdit::Groups(2));
            block.apply(&BlockEdit::Bottleneck(2));
            block.apply(&BlockEdit::Kind(to));
            assert_eq!((block.kind(), block.kernel(), block.groups()), (to, 5, 2), "{from:?} to {to:?}");
            let has = |kind: BlockKind| kind.block().settings().contains(&BlockEdit::Bottleneck(4));
            let expected = if has(from) { BlockEdit::Bottleneck(2) } else { BlockEdit::Bottleneck(4) };
            assert_eq!(block.settings().contains(&expected), has(to), "{from:?} to {to:?}");
        }
    }
    let mut block = BlockKind::Bottleneck.block();
    block.apply(&BlockEdit::Groups(32));
    block.apply(&BlockEdit::Kind(BlockKind::ShuffleV2));
    assert_eq!(block.groups(), 1, "ShuffleNet V2 has no 32 groups");
}

#[test]
fn a_stage_of_any_kind_stands_among_others_and_the_rest_stays_as_it_was() {
    for kind in BlockKind::ALL {
        for stage in 0..3 {
            let mixed = v2().apply(&Edit::All(vec![of_stage(stage, BlockEdit::Kind(kind)), Edit::Fit]));
            assert_eq!(mixed.check(), Ok(()), "{kind:?} as stage {stage}");
            lower(&mixed, Batch(1)).unwrap();
            let mut expected = [BlockKind::ShuffleV2; 3];
            expected[stage] = kind;
            assert_eq!(kinds(&mixed), expected);
        }
        let all = v2().apply(&Edit::All(vec![Edit::Blocks(BlockEdit::Kind(kind)), Edit::Fit]));
        assert_eq!(all.check(), Ok(()), "{kind:?}");
        assert_eq!(kinds(&all), [kind; 3]);
        assert_eq!(Design::from_toml(&all.to_toml().unwrap()).unwrap(), all);
    }
}

#[test]
fn one_stages_setting_leaves_the_others_alone() {
    let design = v2().apply(&of_stage(1, BlockEdit::Kernel(7)));
    assert_eq!(design.stages.iter().map(|stage| stage.block.kernel()).collect::<Vec<_>>(), [3, 7, 3]);
    let design = v2().apply(&Edit::Stages(StageEdit::Repeats(2)));
    assert!(design.stages.iter().all(|stage| stage.repeats == 2));
}

#[test]
fn stages_are_added_removed_duplicated_and_moved() {
    let channels = |design: &Design| design.stages.iter().map(|stage| stage.channels).collect::<Vec<_>>();
    let base = v2();
    let longer = base.apply(&Edit::AddStage { at: 3, stage: Box::new(base.next_stage()) });
    assert_eq!((channels(&longer), longer.check()), (vec![116, 232, 464, 928], Ok(())));
    assert!(!longer.has_width(), "a table of three stages says nothing of a fourth");
    assert_eq!(channels(&base.apply(&Edit::RemoveStage(1))), [116, 464]);
    let twice = base.apply(&Edit::DuplicateStage(0));
    assert_eq!((channels(&twice), twice.check()), (vec![116, 116, 232, 464], Ok(())));
    assert_eq!((twice.stages[0].stride, twice.stages[1].stride), (2, 1));
    assert_eq!(channels(&base.apply(&Edit::MoveStage { from: 0, to: 2 })), [232, 464, 116]);
    assert_eq!(channels(&base.apply(&Edit::MoveStage { from: 2, to: 0 })), [464, 116, 232]);
    for nothing in [
        Edit::RemoveStage(3),
        Edit::DuplicateStage(3),
        Edit::MoveStage { from: 0, to: 3 },
        Edit::MoveStage { from: 3, to: 0 },
        Edit::MoveStage { from: 1, to: 1 },
    ] {
        assert_eq!(base.apply(&nothing), base, "{nothing}");
    }
}

#[test]
fn a_copy_of_any_kind_of_stage_fits_behind_it() {
    for kind in BlockKind::ALL {
        let design = v2().apply(&Edit::All(vec![Edit::Blocks(BlockEdit::Kind(kind)), Edit::Fit]));
        for stage in 0..3 {
            assert_eq!(design.apply(&Edit::DuplicateStage(stage)).check(), Ok(()), "{kind:?}");
        }
    }
}

#[test]
fn errors_name_the_stage_and_the_field() {
    let resnext = preset("resnext-50-32x4d").unwrap();
    let fields = |design: &Design| {
        design.check().unwrap_err().errors.into_iter().map(|error| error.field).collect::<Vec<Field>>()
    };
    let broken = resnext.apply(&Edit::Stage { stage: 2, change: StageEdit::Channels(1000) });
    assert_eq!(fields(&broken), [Field::Channels(2)]);
    let text = broken.check().unwrap_err().to_string();
    assert!(text.contains("`stages[2].channels` = 1000") && text.contains("3x3 convolution 500 channels"), "{text}");
    assert!(text.contains("the nearest number that fits is 1024"), "{text}");
    assert_eq!(fields(&resnext.apply(&of_stage(1, BlockEdit::Groups(3)))), [Field::Groups(1)]);
    assert_eq!(fields(&resnext.apply(&of_stage(3, BlockEdit::Bottleneck(0)))), [Field::Bottleneck(3)]);
    let kernel = StemEdit::Conv { conv: 0, change: ConvEdit::Kernel(4) };
    assert_eq!(fields(&resnext.apply(&Edit::Stem(kernel))), [Field::StemKernel(0)]);
    let none = resnext.apply(&Edit::All(vec![Edit::RemoveStage(0); 4]));
    assert_eq!(fields(&none), [Field::Stages]);
    let many = resnext.apply(&Edit::All(vec![Edit::DuplicateStage(0); 29]));
    assert_eq!(fields(&many), [Field::Stages]);
}

#[test]
fn the_stem_has_as_many_convolutions_as_one_likes_up_to_four() {
    let conv = StemConv { channels: 32, kernel: 5, stride: 1 };
    let add = |at| Edit::Stem(StemEdit::AddConv { at, conv });
    let design = v2().apply(&add(1));
    assert_eq!(design.channels_into(0), 32);
    assert_eq!(design.check(), Ok(()));
    assert!(lower(&design, Batch(1)).unwrap().find("conv1_2.0").is_some());
    assert!(v2().apply(&Edit::All(vec![add(0); 4])).check().is_err());
    assert!(v2().apply(&Edit::Stem(StemEdit::RemoveConv(0))).check().is_err());
}

#[test]
fn a_file_with_every_kind_of_block_is_a_network() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../fuzz/corpus/design_toml/every-kind-of-block.toml");
    let design = Design::read(std::path::Path::new(path)).unwrap();
    assert_eq!(kinds(&design), BlockKind::ALL);
    assert!(lower(&design, Batch(2)).unwrap().layers().count() > 100);
}

/// The file of the version before blocks of more kinds were there.
#[test]
fn a_design_file_of_an_earlier_version_means_the_same_network() {
    let text = r#"
        name = "old"
        family = "shufflenet-v2"
        classes = 10
        input = { height = 96, width = 96 }
        stem = { convs = [{ channels = 24, kernel = 3, stride = 2 }], activation = "relu", max-pool = true }
        head = { conv = 256, activation = "relu", bias = true }

        [[stages]]
        channels = 48
        repeats = 2
        stride = 2
        [stages.block]
        kind = "shuffle-v2"
        kernel = 3
        groups = 1
        split = 0.5
        activation = "relu"
        residual = false
        shuffle = true
        depthwise-first = false
        down-sampling = "torchvision"
    "#;
    let design = Design::from_toml(text).unwrap();
    assert_eq!(design.check(), Ok(()));
    let expected = Stage { channels: 48, repeats: 2, stride: 2, block: BlockKind::ShuffleV2.block() };
    assert_eq!(design.stages, [expected]);
    assert!(matches!(design.stages[0].block, Block::ShuffleV2(_)));
}
