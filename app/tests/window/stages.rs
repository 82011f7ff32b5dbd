//! Every setting of a design in the window: of one stage or of all, of stem and head; stages that come, go and move; what is
//! wrong said at its field. Each edit is taken back in one step.

use crate::support::{Window, setup};
use egui::Role;
use egui_kittest::kittest::Queryable;
use shufflescope_engine::design::{
    Activation, BlockEdit, BlockKind, ConvEdit, Design, DownSampling, Edit, Field, InputSize, SqueezeExcitation,
    StageEdit, StemEdit, StrideAt,
};
use shufflescope_engine::zoo;

/// A window that measures nothing and in which the whole panel is to be seen.
fn open() -> Window {
    let mut start = setup(None);
    start.launcher.program = "no such program".into();
    Window::with(start, [1440.0, 1400.0], egui::Theme::Dark)
}

fn draft(window: &Window) -> Design {
    window.app().document().draft().clone()
}

fn click(window: &mut Window, name: &str) {
    let boxed = window.harness.query_by_role_and_label(Role::CheckBox, name);
    boxed.unwrap_or_else(|| window.harness.get_by_label(name)).click();
    window.step();
}

fn choose(window: &mut Window, list: &str, entry: &str) {
    window.harness.get_by_role_and_label(Role::ComboBox, list).click();
    window.step();
    click(window, entry);
}

fn enter(window: &mut Window, field: &str, text: &str) {
    window.harness.get_by_role_and_label(Role::SpinButton, field).click();
    window.step();
    window.harness.key_press_modifiers(egui::Modifiers::COMMAND, egui::Key::A);
    window.harness.event(egui::Event::Text(text.into()));
    window.step();
    window.harness.key_press(egui::Key::Enter);
    window.step();
}

/// Does something, expects what these edits make of the design but for its name, and takes it back in one step.
fn expect(window: &mut Window, edit: &Edit, act: impl FnOnce(&mut Window)) {
    let before = draft(window);
    act(window);
    let after = draft(window);
    assert_ne!(after, before, "{edit}");
    assert_eq!(after, Design { name: after.name.clone(), ..before.apply(edit) }, "{edit}");
    click(window, "Undo");
    assert_eq!(draft(window), before, "{edit} is one step");
}

fn and_fit(edit: Edit) -> Edit {
    Edit::All(vec![edit, Edit::Fit])
}

/// What the settings of these units are called, and what they do.
fn every_setting(window: &mut Window, of: &dyn Fn(BlockEdit) -> Edit) {
    let kind = BlockEdit::Kind(BlockKind::InvertedResidual);
    expect(window, &and_fit(of(kind)), |window| choose(window, "block kind", "inverted residual"));
    for (name, setting) in [
        ("groups 2", BlockEdit::Groups(2)),
        ("shuffle", BlockEdit::Shuffle(false)),
        ("down-sampling paper", BlockEdit::DownSampling(DownSampling::Paper)),
    ] {
        expect(window, &and_fit(of(setting)), |window| click(window, name));
    }
    let se = |reduction| BlockEdit::Se(Some(SqueezeExcitation { reduction }));
    for (name, setting) in [
        ("depthwise 5x5", BlockEdit::Kernel(5)),
        ("squeeze-and-excitation", se(4)),
        ("residual", BlockEdit::Residual(true)),
        ("dw first", BlockEdit::DepthwiseFirst(true)),
    ] {
        expect(window, &of(setting), |window| click(window, name));
    }
    let activation = BlockEdit::Activation(Activation::HardSwish);
    expect(window, &of(activation), |window| choose(window, "activation", "hard-swish"));
    click(window, "squeeze-and-excitation");
    expect(window, &of(se(8)), |window| enter(window, "SE reduction", "8"));
    click(window, "Undo");
}

#[test]
fn every_setting_of_one_stage_is_that_stages_alone() {
    let mut window = open();
    click(&mut window, "edit stage3");
    every_setting(&mut window, &|change| Edit::Stage { stage: 1, change: StageEdit::Block(change) });
    let before = draft(&window);
    let slider = window.harness.get_by_role_and_label(Role::Slider, "split ratio").rect();
    let at = |share: f32| egui::pos2(slider.left() + slider.width() * share, slider.center().y);
    // The number beside the rail belongs to it.
    window.harness.drag_at(at(0.1));
    window.harness.step();
    window.harness.hover_at(at(0.2));
    window.harness.step();
    window.harness.drop_at(at(0.2));
    window.step();
    let splits = |design: &Design| -> Vec<f64> {
        let split = |setting| if let BlockEdit::Split(split) = setting { Some(split) } else { None };
        design.stages.iter().filter_map(|stage| stage.block.settings().into_iter().find_map(split)).collect()
    };
    let after = splits(&draft(&window));
    assert!(after[0] == 0.5 && after[1] != 0.5 && after[2] == 0.5, "{after:?}");
    click(&mut window, "Undo");
    assert_eq!(draft(&window), before, "the whole drag is one step");
}

#[test]
fn every_setting_of_all_stages_is_everyones() {
    let mut window = open();
    every_setting(&mut window, &Edit::Blocks);
    for (field, change) in
        [("all stages repeats", StageEdit::Repeats(2)), ("all stages channels", StageEdit::Channels(64))]
    {
        let text = if matches!(change, StageEdit::Repeats(_)) { "2" } else { "64" };
        expect(&mut window, &Edit::Stages(change), |window| enter(window, field, text));
    }
    let stride = Edit::Stages(StageEdit::Stride(1));
    expect(&mut window, &stride, |window| click(window, "all stages stride 2"));
}

#[test]
fn a_stages_numbers_are_its_own() {
    let mut window = open();
    for (field, text, change) in
        [("stage3 channels", "100", StageEdit::Channels(100)), ("stage4 repeats", "3", StageEdit::Repeats(3))]
    {
        let stage = if field.starts_with("stage3") { 1 } else { 2 };
        expect(&mut window, &Edit::Stage { stage, change }, |window| enter(window, field, text));
    }
    let stride = Edit::Stage { stage: 1, change: StageEdit::Stride(1) };
    expect(&mut window, &stride, |window| click(window, "stage3 stride 2"));
}

#[test]
fn other_kinds_of_units_have_their_own_settings() {
    let mut window = open();
    click(&mut window, "edit stage4");
    let of = |change| Edit::Stage { stage: 2, change: StageEdit::Block(change) };
    for (kind, name) in [
        (BlockKind::ShuffleV1, "ShuffleNet V1 unit"),
        (BlockKind::InvertedResidual, "inverted residual"),
        (BlockKind::DepthwiseSeparable, "depthwise separable"),
        (BlockKind::InterleavedGroup, "interleaved groups"),
        (BlockKind::Xception, "separable bottleneck"),
        (BlockKind::Bottleneck, "residual bottleneck"),
    ] {
        choose(&mut window, "block kind", name);
        let design = draft(&window);
        assert_eq!(
            design.stages.iter().map(|stage| stage.block.kind()).collect::<Vec<_>>()[1..],
            [BlockKind::ShuffleV2, kind]
        );
        assert!(window.app().document().errors().is_empty(), "{kind:?} {:?}", window.app().document().errors());
        let settings = design.stages[2].block.settings();
        let has = |window: &Window, role, name: &str| window.harness.query_by_role_and_label(role, name).is_some();
        let any = |test: fn(&BlockEdit) -> bool| settings.iter().any(test);
        let (expansion, bottleneck) = (
            any(|setting| matches!(setting, BlockEdit::Expansion(_))),
            any(|setting| matches!(setting, BlockEdit::Bottleneck(_))),
        );
        assert_eq!(has(&window, Role::SpinButton, "expansion"), expansion, "{kind:?}");
        assert_eq!(has(&window, Role::SpinButton, "bottleneck"), bottleneck, "{kind:?}");
        if expansion {
            let edit = and_fit(of(BlockEdit::Expansion(3)));
            expect(&mut window, &edit, |window| enter(window, "expansion", "3"));
        }
        if bottleneck {
            let edit = and_fit(of(BlockEdit::Bottleneck(2)));
            expect(&mut window, &edit, |window| enter(window, "bottleneck", "2"));
        }
        let twice = window.names_given_twice();
        assert!(twice.is_empty(), "{kind:?} {twice:?}");
        window.harness.check_accessibility();
    }
    expect(&mut window, &of(BlockEdit::StrideAt(StrideAt::First)), |window| click(window, "stride at first"));
    expect(&mut window, &of(BlockEdit::Kernel(5)), |window| click(window, "window 5x5"));
    expect(&mut window, &and_fit(of(BlockEdit::Groups(16))), |window| click(window, "groups 16"));
}

#[test]
fn what_stages_do_not_share_is_called_mixed_and_can_be_made_the_same() {
    let mut window = open();
    click(&mut window, "edit stage3");
    click(&mut window, "residual");
    choose(&mut window, "activation", "hard-swish");
    click(&mut window, "settings of all stages");
    assert!(window.says("mixed"));
    let all = draft(&window).apply(&Edit::Blocks(BlockEdit::Residual(true)));
    click(&mut window, "residual (mixed)");
    assert_eq!(draft(&window).stages, all.stages, "a click on a mixed box switches all of them on");
    choose(&mut window, "activation", "relu6");
    let activations = |design: &Design| design.stages.iter().map(|stage| stage.block.activation()).collect::<Vec<_>>();
    assert_eq!(activations(&draft(&window)), [Activation::Relu6; 3]);

    // Channels differ from the start; to enter the first stage's own is a change all the same.
    let first = draft(&window).stages[0].channels;
    enter(&mut window, "all stages channels", &first.to_string());
    assert!(draft(&window).stages.iter().all(|stage| stage.channels == first));
}

#[test]
fn stages_are_added_duplicated_removed_and_moved_by_buttons() {
    let mut window = open();
    let next = Box::new(draft(&window).next_stage());
    expect(&mut window, &Edit::AddStage { at: 3, stage: next }, |window| click(window, "add stage"));
    for (button, edit) in [
        ("duplicate stage3", Edit::DuplicateStage(1)),
        ("remove stage3", Edit::RemoveStage(1)),
        ("move stage3 up", Edit::MoveStage { from: 1, to: 0 }),
        ("move stage3 down", Edit::MoveStage { from: 1, to: 2 }),
    ] {
        click(&mut window, "edit stage3");
        expect(&mut window, &edit, |window| click(window, button));
    }
    click(&mut window, "edit stage2");
    click(&mut window, "move stage2 up");
    assert_eq!(window.app().document().undoes(), None, "the first stage cannot go further up");
    click(&mut window, "remove stage2");
    click(&mut window, "remove stage2");
    click(&mut window, "remove stage2");
    assert_eq!(draft(&window).stages.len(), 1, "one stage stays");
    assert!(window.app().document().errors().is_empty());
}

#[test]
fn a_stage_that_was_moved_stays_the_one_that_is_edited() {
    let mut window = open();
    click(&mut window, "edit stage2");
    click(&mut window, "move stage2 down");
    click(&mut window, "depthwise 7x7");
    let design = draft(&window);
    let found: Vec<_> = design.stages.iter().map(|stage| (stage.channels, stage.block.kernel())).collect();
    assert_eq!(found, [(96, 3), (48, 7), (192, 3)]);
}

#[test]
fn a_stage_is_dragged_to_another_place() {
    let mut window = open();
    let drag = |window: &mut Window, from: &str, to: &str, beyond: f32| {
        let [from, to] = [from, to].map(|name| window.harness.get_by_label(name).rect().center());
        let to = egui::pos2(to.x, to.y + beyond);
        window.harness.drag_at(from);
        window.harness.step();
        for share in [0.3, 0.7, 1.0] {
            window.harness.hover_at(from + (to - from) * share);
            window.harness.step();
        }
        window.harness.drop_at(to);
        window.step();
    };
    expect(&mut window, &Edit::MoveStage { from: 0, to: 2 }, |window| drag(window, "drag stage2", "drag stage4", 4.0));
    expect(&mut window, &Edit::MoveStage { from: 2, to: 0 }, |window| drag(window, "drag stage4", "drag stage2", -4.0));
    expect(&mut window, &Edit::MoveStage { from: 0, to: 1 }, |window| drag(window, "drag stage2", "drag stage3", 4.0));
    drag(&mut window, "drag stage3", "drag stage3", 2.0);
    assert_eq!(window.app().document().undoes(), None, "a stage that stays where it was is no edit");
}

#[test]
fn every_setting_of_the_network_can_be_edited() {
    let mut window = open();
    expect(&mut window, &Edit::Width(1.5), |window| click(window, "width 1.5"));
    expect(&mut window, &Edit::Classes(10), |window| enter(window, "classes", "10"));
    let input = |height, width| Edit::Input(InputSize { height, width });
    expect(&mut window, &input(64, 64), |window| enter(window, "input width", "64"));
    expect(&mut window, &input(96, 32), |window| enter(window, "input height", "96"));
    let preset = Box::new(zoo::preset("shufflenet-v2-x1.5").unwrap());
    expect(&mut window, &Edit::Replace(preset), |window| choose(window, "preset", "shufflenet-v2-x1.5"));
    expect(&mut window, &Edit::Rename("mine".into()), |window| {
        window.harness.get_by_role_and_label(Role::TextInput, "name").click();
        window.step();
        window.harness.key_press_modifiers(egui::Modifiers::COMMAND, egui::Key::A);
        window.harness.event(egui::Event::Text("mine".into()));
        window.step();
        assert_eq!(window.app().document().draft().name, "mine");
        window.harness.key_press(egui::Key::Enter);
        window.step();
    });
}

#[test]
fn every_setting_of_stem_and_head_can_be_edited() {
    let mut window = open();
    expect(&mut window, &Edit::StemChannels(30), |window| enter(window, "stem channels", "30"));
    expect(&mut window, &Edit::Head(Some(500)), |window| enter(window, "head channels", "500"));
    expect(&mut window, &Edit::Head(None), |window| click(window, "head convolution"));

    click(&mut window, "edit head");
    let swish = Edit::HeadActivation(Activation::HardSwish);
    expect(&mut window, &swish, |window| choose(window, "head activation", "hard-swish"));
    expect(&mut window, &Edit::HeadBias(false), |window| click(window, "classifier bias"));

    click(&mut window, "settings of stem");
    let swish = Edit::Stem(StemEdit::Activation(Activation::HardSwish));
    expect(&mut window, &swish, |window| choose(window, "stem activation", "hard-swish"));
    expect(&mut window, &Edit::Stem(StemEdit::MaxPool(false)), |window| click(window, "stem max-pool"));
    let of = |conv, change| Edit::Stem(StemEdit::Conv { conv, change });
    let kernel = of(0, ConvEdit::Kernel(7));
    expect(&mut window, &kernel, |window| choose(window, "stem convolution 1 window", "7x7"));
    let stride = of(0, ConvEdit::Stride(1));
    expect(&mut window, &stride, |window| click(window, "stem convolution 1 stride 2"));
    let channels = of(0, ConvEdit::Channels(20));
    expect(&mut window, &channels, |window| enter(window, "stem convolution 1 channels", "20"));

    click(&mut window, "add stem convolution");
    let convs = draft(&window).stem.convs;
    assert_eq!((convs.len(), convs[1].stride, convs[1].channels), (2, 1, convs[0].channels));
    expect(&mut window, &of(1, ConvEdit::Kernel(5)), |window| choose(window, "stem convolution 2 window", "5x5"));
    let removed = Edit::Stem(StemEdit::RemoveConv(0));
    expect(&mut window, &removed, |window| click(window, "remove stem convolution 1"));
    assert!(window.names_given_twice().is_empty(), "{:?}", window.names_given_twice());
    window.harness.check_accessibility();
}

#[test]
fn what_is_wrong_is_said_at_its_field_and_the_last_valid_network_stays() {
    let mut window = open();
    let valid = window.app().document().valid().fingerprint.clone();
    click(&mut window, "squeeze-and-excitation");
    let with_se = window.app().document().valid().fingerprint.clone();
    assert_ne!(with_se, valid);
    enter(&mut window, "SE reduction", "0");
    assert!(window.app().document().error(Field::SeReduction(0)).is_some());
    assert!(window.says("stage2: must be from 1 to 64"), "of all stages it is said whose it is");
    assert_eq!(window.app().document().valid().fingerprint, with_se);
    click(&mut window, "Undo");
    assert!(window.app().document().errors().is_empty());

    enter(&mut window, "all stages repeats", "99");
    assert!(window.says("must be from 1 to 64"));
    assert_eq!(window.app().document().errors().len(), 3);
    click(&mut window, "Undo");

    click(&mut window, "edit stage4");
    choose(&mut window, "block kind", "residual bottleneck");
    enter(&mut window, "bottleneck", "40");
    assert!(window.app().document().error(Field::Bottleneck(2)).unwrap().contains("from 1 to 16"));
    assert!(window.says("must be from 1 to 16"));
    click(&mut window, "Undo");
    enter(&mut window, "stage4 channels", "193");
    assert!(window.says("must be a multiple of the bottleneck ratio 4; the nearest number that fits is 192"));
    click(&mut window, "Undo");

    click(&mut window, "edit stem");
    enter(&mut window, "stem convolution 1 channels", "9999");
    assert!(window.says("must be from 1 to 8192"));
    click(&mut window, "Undo");
    assert!(window.app().document().errors().is_empty());
}
