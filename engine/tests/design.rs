//! Designs: checks that name field and rule, edits as values, the TOML form.

#![allow(clippy::unwrap_used, reason = "tests and their helpers")]

#[path = "support/edits.rs"]
mod edits;

use edits::edit;
use proptest::prelude::*;
use shufflescope_engine::design::{
    Batch, Block, BlockEdit, BlockKind, Design, DownSampling, Edit, Field, InputSize, StageEdit, WIDTHS,
};
use shufflescope_engine::graph::lower;
use shufflescope_engine::zoo::{preset, presets};

fn v2() -> Design {
    preset("shufflenet-v2-x1.0").unwrap()
}

fn channels(stage: usize, channels: u32) -> Edit {
    Edit::Stage { stage, change: StageEdit::Channels(channels) }
}

fn fields(design: &Design) -> Vec<Field> {
    design.check().err().map_or_else(Vec::new, |errors| errors.errors.into_iter().map(|error| error.field).collect())
}

#[test]
fn every_error_is_reported_at_once_with_its_field() {
    let mut broken = v2().apply(&Edit::Classes(0)).apply(&channels(0, 0)).apply(&channels(2, 9_999));
    broken.input = InputSize { height: 31, width: 2049 };
    broken.stages[1].repeats = 0;
    broken.stages[1].stride = 3;
    broken.name = " ".into();
    let expected = [
        Field::Name,
        Field::Classes,
        Field::InputHeight,
        Field::InputWidth,
        Field::Channels(0),
        Field::Repeats(1),
        Field::Stride(1),
        Field::Channels(2),
    ];
    assert_eq!(fields(&broken), expected);
    let text = broken.check().unwrap_err().to_string();
    assert!(text.contains("`stages[0].channels` = 0: must be from 1 to 8192"), "{text}");
}

#[test]
fn groups_that_do_not_divide_name_the_channels_and_the_nearest_that_fit() {
    let grouped = v2().apply(&Edit::Blocks(BlockEdit::Groups(4)));
    let error = grouped.check().unwrap_err().errors.remove(0);
    assert_eq!(error.field, Field::Channels(0));
    assert!(error.rule.contains("58 channels, which do not divide into 4 groups"), "{error}");
    assert!(error.rule.contains("120"), "{error}");
    assert_eq!(grouped.apply(&Edit::Fit).check(), Ok(()));
}

#[test]
fn an_odd_width_cannot_be_shuffled() {
    assert_eq!(fields(&v2().apply(&channels(1, 233))), [Field::Channels(1)]);
    let unshuffled = v2().apply(&channels(1, 233)).apply(&Edit::Blocks(BlockEdit::Shuffle(false)));
    assert_eq!(unshuffled.check(), Ok(()));
}

#[test]
fn the_papers_down_sampling_needs_more_channels_than_before() {
    let paper = v2().apply(&Edit::Blocks(BlockEdit::DownSampling(DownSampling::Paper))).apply(&channels(0, 24));
    assert_eq!(fields(&paper), [Field::Channels(0)]);
}

#[test]
fn a_batch_of_none_is_refused() {
    let error = lower(&v2(), Batch(0)).unwrap_err().to_string();
    assert!(error.contains("`batch` = 0"), "{error}");
}

#[test]
fn the_width_setting_gives_each_preset_back() {
    let base = v2();
    for width in WIDTHS {
        let name = format!("shufflenet-v2-x{width:.1}");
        let scaled = base.apply(&Edit::Width(width)).apply(&Edit::Rename(name.clone()));
        assert_eq!(Some(scaled), preset(&name));
    }
}

#[test]
fn groups_on_shufflenet_v1_follow_its_table_unless_the_channels_are_the_designers_own() {
    let all = |design: &Design| design.stages.iter().map(|stage| stage.channels).collect::<Vec<_>>();
    let g3 = preset("shufflenet-v1-g3-x1.0").unwrap();
    assert_eq!(all(&g3.apply(&Edit::Blocks(BlockEdit::Groups(8)))), [384, 768, 1536]);
    let own = g3.apply(&channels(0, 252));
    assert_eq!(all(&own.apply(&Edit::Blocks(BlockEdit::Groups(1)))), [252, 480, 960]);
}

#[test]
fn an_edit_of_a_stage_that_is_not_there_changes_nothing() {
    assert_eq!(v2().apply(&channels(7, 100)), v2());
}

#[test]
fn toml_errors_name_line_and_field() {
    let text = v2().to_toml().unwrap();
    let wrong = text.replace("channels = 116", "channels = -5");
    let error = Design::from_toml(&wrong).unwrap_err().to_string();
    assert!(error.contains("-5") && error.contains("channels"), "{error}");
    let unknown = text.replace("classes = 1000", "klasses = 1000");
    assert!(Design::from_toml(&unknown).unwrap_err().to_string().contains("klasses"));
    let huge = text.replace("repeats = 8", "repeats = 99999999999");
    assert!(Design::from_toml(&huge).is_err());
}

#[test]
fn a_short_file_takes_every_default() {
    let design = Design::from_toml(
        r#"
        name = "mine"
        classes = 10
        input = { height = 96, width = 96 }
        stem = { convs = [{ channels = 24, stride = 2 }] }
        stages = [{ channels = 48, repeats = 2, stride = 2, block = { kind = "shuffle-v2" } }]
        head = {}
        "#,
    )
    .unwrap();
    assert_eq!(design.check(), Ok(()));
    assert_eq!(design.stages[0].block.kind(), BlockKind::ShuffleV2);
}

#[test]
fn a_fingerprint_tells_networks_apart_but_not_names() {
    let design = v2();
    assert_eq!(design.apply(&Edit::Rename("other".into())).fingerprint(), design.fingerprint());
    let mut seen = std::collections::HashSet::new();
    for preset in presets() {
        assert!(seen.insert(preset.design.fingerprint()), "{}", preset.design.name);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// Whatever is edited, a design either says what is wrong with it or becomes a graph; and it survives its file.
    #[test]
    fn a_checked_design_always_lowers(start in 0..presets().len(), edits in prop::collection::vec(edit(), 1..8)) {
        let design = presets()[start].design.apply(&Edit::All(edits));
        match design.check() {
            Ok(()) => {
                let graph = lower(&design, Batch(2));
                prop_assert!(graph.is_ok(), "{:?}", graph.err());
                let file = design.to_toml().unwrap();
                prop_assert_eq!(&Design::from_toml(&file).unwrap(), &design);
            }
            Err(errors) => prop_assert!(!errors.errors.is_empty()),
        }
    }

    /// Every width of the slider gives a valid network with any number of groups.
    #[test]
    fn every_width_is_valid_for_every_number_of_groups(
        width in 0.25..2.5, groups in prop::sample::select(vec![1_u32, 2, 3, 4, 8]), paper in any::<bool>()
    ) {
        let down = if paper { DownSampling::Paper } else { DownSampling::Torchvision };
        let design = v2()
            .apply(&Edit::Blocks(BlockEdit::DownSampling(down)))
            .apply(&Edit::Blocks(BlockEdit::Groups(groups)))
            .apply(&Edit::Width(width));
        prop_assert_eq!(design.check(), Ok(()));
        prop_assert!(design.stages.iter().all(|stage| matches!(&stage.block, Block::ShuffleV2(b) if b.groups == groups)));
    }
}
