//! The window, driven through its accessible controls, with the real worker process and without a GPU.

use crate::support::{Window, setup, small};
use egui::Role;
use egui_kittest::kittest::Queryable;
use shufflescope::window::{App, Command, Freshness, Phase, Tab, View};
use shufflescope_engine::design::{BlockEdit, Edit, Field, StageEdit};
use shufflescope_engine::device::DeviceId;
use shufflescope_engine::guideline::Guideline;
use shufflescope_engine::zoo;

fn mult_adds(app: &App) -> u64 {
    app.document().valid().cost.total.mult_adds.0
}

fn is_measured(app: &App) -> bool {
    app.live().current().is_some_and(|measurement| measurement.breakdown.is_some())
}

#[test]
fn a_wider_network_costs_more_in_the_same_frame_and_its_latency_arrives() {
    let mut window = Window::open();
    window.wait("the first latency", is_measured);
    let before = mult_adds(window.app());

    window.harness.get_by_label("width 1.0").click();
    window.harness.step();
    assert!(mult_adds(window.app()) > before, "the cost follows in the frame of the edit");
    let (_, freshness) = window.app().live().result().unwrap();
    assert_eq!(freshness, Freshness::Stale, "the old latency is not shown as the new network's");
    assert!(window.says("stale"));

    window.wait("the new latency", is_measured);
    let measured = window.app().live().current().unwrap();
    assert_eq!(measured.design, window.app().document().valid().fingerprint);
}

#[test]
fn dragging_the_width_is_live_snaps_and_is_one_step_back() {
    let mut window = Window::open();
    let before = window.app().document().draft().clone();
    let slider = window.harness.get_by_role_and_label(Role::Slider, "width multiplier").rect();
    let at = |share: f32| egui::pos2(slider.left() + slider.width() * share, slider.center().y);
    window.harness.drag_at(at(0.1));
    window.harness.step();
    let mut seen = std::collections::BTreeSet::new();
    for step in 1..=20 {
        window.harness.hover_at(at(0.1 + 0.02 * step as f32));
        window.harness.step();
        seen.insert(mult_adds(window.app()));
    }
    window.harness.drop_at(at(0.5));
    window.step();
    assert!(seen.len() > 8, "numbers change while dragging: {seen:?}");
    assert_ne!(*window.app().document().draft(), before);
    window.harness.key_press_modifiers(egui::Modifiers::COMMAND, egui::Key::Z);
    window.step();
    assert_eq!(*window.app().document().draft(), before, "the whole drag is one step");
    assert_eq!(window.app().document().history().undoes(), None);
}

#[test]
fn walking_through_the_fields_changes_nothing() {
    for width in [1.931_142_5, 2.9] {
        let mut window = Window::open();
        let finer = [
            Edit::Width(width),
            Edit::StemChannels(63),
            Edit::Stage { stage: 1, change: StageEdit::Channels(470) },
            Edit::Blocks(BlockEdit::Split(1.0 / 3.0)),
        ];
        for edit in finer {
            window.harness.state_mut().command(Command::Edit(edit));
            window.step();
        }
        let before = window.app().document().draft().clone();
        let mut walked = std::collections::HashSet::new();
        for _ in 0..60 {
            window.harness.key_press(egui::Key::Tab);
            window.step();
            walked.extend(window.harness.ctx.memory(|memory| memory.focused()));
            assert_eq!(*window.app().document().draft(), before, "a field that is only walked through is no edit");
        }
        assert!(walked.len() > 30, "{} fields have had the focus", walked.len());
    }
}

#[test]
fn zero_channels_are_an_error_of_that_field_and_the_last_valid_network_stays() {
    let mut window = Window::open();
    let before = mult_adds(window.app());
    window.harness.get_by_label("stage3 channels").click();
    window.step();
    window.harness.key_press_modifiers(egui::Modifiers::COMMAND, egui::Key::A);
    window.harness.event(egui::Event::Text("0".into()));
    window.step();
    let document = window.app().document();
    assert_eq!(document.draft().stages[1].channels, 0);
    assert!(document.error(Field::Channels(1)).unwrap().contains("from 1 to 8192"));
    assert_eq!(document.error(Field::Channels(0)), None);
    assert_eq!(mult_adds(window.app()), before);
    assert!(window.says("must be from 1 to 8192"), "the rule stands by the field");
    assert!(window.says("last valid network"));
    window.wait("the last valid network's latency", is_measured);

    window.harness.key_press(egui::Key::Escape);
    window.harness.get_by_label("Undo this").click();
    window.step();
    assert!(window.app().document().errors().is_empty());
}

#[test]
fn huge_numbers_are_errors_and_nothing_breaks() {
    let mut window = Window::open();
    for (field, name) in [(Field::Channels(0), "stage2 channels"), (Field::Repeats(2), "stage4 repeats")] {
        window.harness.get_by_label(name).click();
        window.step();
        window.harness.key_press_modifiers(egui::Modifiers::COMMAND, egui::Key::A);
        window.harness.event(egui::Event::Text("99999999999999999999".into()));
        window.step();
        assert!(window.app().document().error(field).is_some(), "{field}");
        window.harness.key_press(egui::Key::Enter);
        window.step();
    }
    window.harness.get_by_role_and_label(Role::SpinButton, "classes").click();
    window.step();
    window.harness.event(egui::Event::Text("abc".into()));
    window.harness.key_press(egui::Key::Enter);
    window.step();
    assert_eq!(window.app().document().draft().classes, 1000, "what is no number changes nothing");
}

#[test]
fn every_edit_can_be_taken_back_and_made_again() {
    let mut window = Window::open();
    let first = window.app().document().draft().clone();
    window.harness.get_by_label("depthwise 5x5").click();
    window.step();
    window.harness.get_by_label("groups 4").click();
    window.step();
    let last = window.app().document().draft().clone();
    assert!(window.app().document().errors().is_empty(), "channels moved to fit the groups");
    for _ in 0..2 {
        window.harness.get_by_label("Undo").click();
        window.step();
    }
    assert_eq!(*window.app().document().draft(), first);
    for _ in 0..2 {
        window.harness.key_press_modifiers(egui::Modifiers::COMMAND | egui::Modifiers::SHIFT, egui::Key::Z);
        window.step();
    }
    assert_eq!(*window.app().document().draft(), last);
}

#[test]
fn a_guidelines_remedy_is_applied_at_a_click_and_undo_takes_it_back() {
    let mut window = Window::open();
    window.harness.get_by_label("groups 8").click();
    window.step();
    let grouped = window.app().document().draft().clone();
    let finding = window.app().document().valid().findings.iter().find(|finding| finding.guideline == Guideline::G2);
    let remedy = finding.unwrap().remedy.clone().unwrap();
    window.harness.get_by_label(&format!("G2 Apply: {}", remedy.label)).click();
    window.step();
    let total = &window.app().document().valid().cost.total;
    assert_eq!(total.mult_adds.0, remedy.mult_adds.after, "what was predicted is what comes");
    assert_eq!(total.memory_access.0, remedy.memory_access.after);
    window.harness.get_by_label("Undo").click();
    window.step();
    assert_eq!(*window.app().document().draft(), grouped);
}

#[test]
fn a_killed_worker_is_told_and_the_next_measurement_has_a_fresh_one() {
    let mut heavy = setup(None);
    heavy.design = zoo::preset("shufflenet-v2-164-se");
    let mut window = Window::with(heavy, [1440.0, 900.0], egui::Theme::Dark);
    window.wait("a worker", |app| app.live().worker_id().is_some() && *app.live().phase() == Phase::Preparing);
    let worker = window.app().live().worker_id().unwrap();
    kill(worker);
    window.wait("the news", |app| matches!(app.live().phase(), Phase::Failed(_)));
    window.step();
    assert!(window.says("failed"));
    window.harness.get_by_label("Measure again");

    window.harness.state_mut().command(Command::Edit(Edit::Replace(Box::new(small()))));
    window.wait("a latency from a fresh worker", is_measured);
    assert_ne!(window.app().live().worker_id(), Some(worker));
}

fn kill(process: u32) {
    let id = process.to_string();
    let (program, args): (_, &[&str]) =
        if cfg!(windows) { ("taskkill", &["/F", "/PID", id.as_str()]) } else { ("kill", &["-9", id.as_str()]) };
    assert!(std::process::Command::new(program).args(args).status().unwrap().success());
}

#[test]
fn escape_cancels_and_space_turns_measuring_off_and_on() {
    let mut heavy = setup(None);
    heavy.design = zoo::preset("shufflenet-v2-164-se");
    let mut window = Window::with(heavy, [1440.0, 900.0], egui::Theme::Dark);
    window.wait("the start", |app| *app.live().phase() == Phase::Preparing);
    window.harness.key_press(egui::Key::Escape);
    window.step();
    assert_eq!(*window.app().live().phase(), Phase::Stopped);
    window.harness.key_press(egui::Key::Space);
    window.step();
    assert!(!window.app().live().is_enabled());
    window.harness.state_mut().command(Command::Edit(Edit::Replace(Box::new(small()))));
    window.step();
    assert_eq!(*window.app().live().phase(), Phase::Idle, "nothing is measured while measuring is off");
    window.harness.key_press(egui::Key::Space);
    window.wait("the latency", is_measured);
}

#[test]
fn a_number_key_shows_the_tab_of_that_number_unless_a_field_has_the_focus() {
    let mut window = Window::open();
    for tab in Tab::ALL.iter().rev() {
        window.harness.key_press(tab.key().unwrap());
        window.step();
        assert_eq!(window.app().tab(), *tab);
        let name = format!("{} tab", tab.name());
        let button = window.harness.query_by_role_and_label(Role::Tab, &name);
        assert_eq!(button.is_some(), Tab::ALL.len() > 1, "one tab alone is no choice");
    }
    window.harness.get_by_label("filter layers").click();
    window.step();
    window.harness.key_press(Tab::ALL.last().unwrap().key().unwrap());
    window.step();
    assert_eq!(window.app().tab(), Tab::Design, "what is typed belongs to the field");
}

#[test]
fn another_batch_makes_the_latency_stale_and_leaves_undo_alone() {
    let mut window = Window::open();
    window.wait("the first latency", is_measured);
    window.harness.get_by_role_and_label(Role::SpinButton, "batch").scroll_to_me();
    window.step();
    window.harness.get_by_role_and_label(Role::SpinButton, "batch").click();
    window.step();
    window.harness.key_press_modifiers(egui::Modifiers::COMMAND, egui::Key::A);
    window.harness.event(egui::Event::Text("2".into()));
    window.harness.step();
    let (_, freshness) = window.app().live().result().unwrap();
    assert_eq!(freshness, Freshness::Stale);
    assert_eq!(window.app().document().history().undoes(), None);
    window.wait("the new latency", is_measured);
    assert_eq!(window.app().live().current().unwrap().batch, 2);
}

#[test]
fn a_pinned_design_is_what_later_changes_are_shown_against() {
    let mut window = Window::open();
    window.harness.get_by_label("Pin as A").click();
    window.step();
    window.harness.get_by_label("width 2.0").click();
    window.step();
    assert!(window.says("vs A"));
    window.harness.get_by_label("Unpin A").click();
    window.step();
    assert!(!window.says("vs A"));
}

#[test]
fn every_view_paints_and_a_selection_is_shared() {
    let mut window = Window::open();
    window.wait("a latency", is_measured);
    window.harness.get_by_label("sort by latency").click();
    window.step();
    window.harness.get_by_label("sort by layer").click();
    window.step();
    window.harness.state_mut().command(Command::Select(Some("stage3.1.branch2.3".into())));
    for view in View::ALL {
        window.harness.get_by_label(&format!("{} view", view.name())).click();
        window.step();
        window.harness.check_accessibility();
    }
    window.harness.get_by_label("Unit view").click();
    window.step();
    assert!(window.says("stage3, repeated unit"), "the unit view follows the selection");
    window.harness.get_by_label("channel split stage3.1.split.0").click();
    window.step();
    assert_eq!(window.app().document().selected.as_deref(), Some("stage3.1.split.0"));
}

#[test]
fn layers_are_grouped_by_stage_or_kind_and_a_group_closes_at_a_click() {
    let mut window = Window::open();
    window.wait("a latency", is_measured);
    let row = |window: &Window, name: &str| window.harness.query_by_role_and_label(Role::Row, name).is_some();
    for (grouping, group, layer) in
        [("by stage", "stage2", "stage2.0.branch1.0"), ("by kind", "convolution", "conv1.0")]
    {
        window.harness.get_by_label("group layers").click();
        window.step();
        window.harness.get_by_label(grouping).click();
        window.step();
        assert!(window.says(&format!("{group}: ")), "{grouping}: the group has a heading");
        assert!(row(&window, layer));
        window.harness.get_by_label(&format!("group {group}")).click();
        window.step();
        assert!(window.says(&format!("{group}: ")) && !row(&window, layer), "{grouping}: closed");
        window.harness.check_accessibility();
    }
}

#[test]
fn a_fused_kernel_opens_into_its_layers_which_can_be_selected() {
    let mut window = Window::open();
    window.wait("a latency", is_measured);
    window.step();
    let row = "layer conv1.1";
    assert!(window.harness.query_by_role_and_label(Role::Row, row).is_none());
    window.harness.get_by_label("layers of conv1.0").click();
    window.step();
    assert_eq!(window.app().document().selected, None, "opening is not selecting");
    window.harness.get_by_role_and_label(Role::Row, row).click();
    window.step();
    assert_eq!(window.app().document().selected.as_deref(), Some("conv1.1"));
    window.harness.get_by_label("layers of conv1.0").click();
    window.step();
    assert!(window.harness.query_by_role_and_label(Role::Row, row).is_none());
}

fn is_apart(app: &App) -> bool {
    app.live().current().is_some_and(|measurement| measurement.apart.is_some())
}

#[test]
fn kernels_are_taken_apart_in_idle_time_and_every_view_says_so() {
    let mut window = Window::open();
    window.wait("a latency", is_measured);
    window.wait("the layers apart", is_apart);
    window.step();
    let measurement = window.app().live().current().unwrap().clone();
    assert_eq!(measurement.design, window.app().document().valid().fingerprint);
    assert!(window.says("layers that compute take") && window.says("Split apart: in proportion"));
    let split = measurement.split().unwrap();
    window.harness.get_by_label("layers of conv1.0").click();
    window.step();
    assert!(window.says(&split.by_layer()["conv1.2"].to_string()), "{:?}", window.texts());
    assert!(!window.says("in the kernel above"));

    window.harness.get_by_label("Time view").click();
    window.step();
    assert!(window.says("split among its layers, apart: in proportion"));
    let depthwise = window.texts().into_iter().find(|text| text.starts_with("time: ")).unwrap();
    assert!(depthwise.contains("depthwise"), "{depthwise}");
    window.harness.get_by_label("Unit view").click();
    window.step();
    assert!(window.says("coloured by their share, apart: in proportion"));
    window.harness.check_accessibility();

    window.harness.get_by_label("width 2.0").click();
    window.harness.step();
    assert!(!is_apart(window.app()), "what is known of one network is not shown as another's");
    window.wait("the other network's layers apart", is_apart);
    let again = window.app().live().current().unwrap();
    assert_eq!(again.design, window.app().document().valid().fingerprint);
    assert_ne!(again.apart, measurement.apart);
}

#[test]
fn kernels_are_taken_apart_at_a_click_too_and_before_that_views_say_where_fused_time_is_filed() {
    let mut window = Window::open();
    window.wait("taking apart", |app| {
        let taken = app.live().taken_apart();
        taken.fraction().is_some() && taken.behind().is_none()
    });
    // It may be over a few frames later.
    assert!(window.says("Taking kernels apart"), "{:?}", window.texts());
    window.harness.key_press(egui::Key::Escape);
    window.wait("the end", |app| app.live().taken_apart().fraction().is_none());
    window.step();
    assert!(is_measured(window.app()) && !is_apart(window.app()), "the latency stands");
    for view in ["Layers view", "Time view"] {
        window.harness.get_by_label(view).click();
        for _ in 0..5 {
            window.step();
            assert!(window.says("filed under its main layer"), "{view}: not started again by itself");
        }
    }
    window.harness.get_by_label("Take kernels apart").click();
    window.wait("the layers apart", is_apart);
    window.step();
    assert!(!window.says("filed under its main layer") && window.says("split among its layers"));
}

#[test]
fn the_roofline_has_measured_ceilings_and_a_click_on_a_kernel_selects_it_in_every_view() {
    let mut window = Window::open();
    window.wait("a latency", is_measured);
    window.harness.get_by_label("Roofline view").click();
    window.wait("the ceilings", |app| app.live().ceilings().get(DeviceId::Cpu, 1).is_some());
    window.step();
    let peaks = window.app().live().ceilings().get(DeviceId::Cpu, 1).cloned().unwrap();
    assert!(window.says(&format!("At most {}", peaks.compute)) && window.says(&peaks.compute_by));
    window.wait("a current latency", is_measured);
    window.step();
    window.harness.get_by_label("kernel conv1.0").click_accesskit();
    window.step();
    assert_eq!(window.app().document().selected.as_deref(), Some("conv1.0"));

    window.harness.get_by_label("width 2.0").click();
    window.harness.step();
    assert!(window.harness.query_by_label("kernel conv1.0").is_none(), "an old time is not shown as the new one");
    assert!(window.app().live().ceilings().get(DeviceId::Cpu, 1).is_some(), "the device is the same");
}

#[test]
fn without_a_worker_the_roofline_says_what_is_missing_and_makes_nothing_up() {
    let mut start = setup(None);
    start.launcher.program = "no such program".into();
    let mut window = Window::with(start, [1440.0, 900.0], egui::Theme::Dark);
    window.harness.get_by_label("Roofline view").click();
    window.wait("the reason", |app| app.live().ceilings().failure(DeviceId::Cpu, 1).is_some());
    window.step();
    assert!(window.says("ceilings cannot be measured") && !window.says("At most"));
    assert!(window.says("Not measured"));
    window.harness.get_by_label("Measure ceilings again").click();
    window.wait("the reason again", |app| app.live().ceilings().failure(DeviceId::Cpu, 1).is_some());
}

#[test]
fn a_design_survives_a_crash() {
    let folder = tempfile::tempdir().unwrap();
    let mut window = Window::with(setup(Some(folder.path())), [1440.0, 900.0], egui::Theme::Dark);
    window.harness.get_by_label("depthwise 7x7").click();
    window.step();
    let draft = window.app().document().draft().clone();
    let file = folder.path().join("drafts").join("1.toml");
    window.wait("the file", |_| file.exists());
    drop(window); // As a crash does: nothing is asked to finish.
    let mut again = setup(Some(folder.path()));
    again.design = None;
    let window = Window::with(again, [1440.0, 900.0], egui::Theme::Dark);
    assert_eq!(*window.app().document().draft(), draft);
}

#[test]
fn a_design_file_is_saved_opened_and_refused_with_a_reason() {
    let folder = tempfile::tempdir().unwrap();
    let (good, bad) = (folder.path().join("good.toml"), folder.path().join("bad.toml"));
    zoo::preset("shufflenet-v2-x1.5").unwrap().write(&good).unwrap();
    std::fs::write(&bad, "name = 3").unwrap();
    let mut window = Window::open();
    window.harness.state_mut().command(Command::Open(good.clone()));
    window.wait("the design", |app| app.document().draft().name == "shufflenet-v2-x1.5");
    assert!(!window.app().document().is_modified());
    window.harness.state_mut().command(Command::Open(bad));
    window.wait("the reason", |app| app.notice().is_some_and(|notice| notice.is_error));
    window.step();
    assert!(window.says("bad.toml"));
    assert_eq!(window.app().document().draft().name, "shufflenet-v2-x1.5");

    window.harness.get_by_label("depthwise 5x5").click();
    window.step();
    assert!(window.app().document().is_modified());
    window.harness.get_by_label("Save").click();
    window.wait("the file", |app| !app.document().is_modified());
    let written = shufflescope_engine::design::Design::read(&good).unwrap();
    assert_eq!(written, *window.app().document().draft());
}

#[test]
fn every_preset_can_be_shown_in_both_sizes() {
    let mut start = setup(None);
    start.launcher.program = "no such program".into();
    let mut window = Window::with(start, [1000.0, 640.0], egui::Theme::Light);
    for preset in zoo::presets() {
        window.harness.state_mut().command(Command::Edit(Edit::Replace(Box::new(preset.design.clone()))));
        window.step();
        assert_eq!(window.app().document().draft().name, preset.design.name);
        window.harness.check_accessibility();
    }
}

#[test]
fn controls_have_unique_names() {
    let window = Window::open();
    window.harness.check_accessibility();
    let twice = window.names_given_twice();
    assert!(twice.is_empty(), "{twice:?}");
}

#[test]
fn a_worker_that_cannot_start_is_told_and_nothing_hangs() {
    let mut start = setup(None);
    start.launcher.program = "no such program".into();
    let mut window = Window::with(start, [1440.0, 900.0], egui::Theme::Dark);
    window.wait("the reason", |app| matches!(app.live().phase(), Phase::Failed(_)));
    window.step();
    window.harness.get_by_label("Measure again").click();
    window.wait("the reason again", |app| matches!(app.live().phase(), Phase::Failed(_)));
    let before = mult_adds(window.app());
    window.harness.get_by_label("width 2.0").click();
    window.step();
    assert!(mult_adds(window.app()) > before, "costs on paper do not need the worker");
}

#[test]
fn a_design_file_is_opened_by_dropping_it() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("dropped.toml");
    zoo::preset("mobilenet-v2-x1.0").unwrap().write(&file).unwrap();
    let mut window = Window::open();
    window.drop_files([file]);
    window.wait("the design", |app| app.document().draft().name == "mobilenet-v2-x1.0");
}

#[test]
fn larger_text_loses_no_control() {
    let mut window = Window::open();
    window.harness.key_press_modifiers(egui::Modifiers::COMMAND, egui::Key::Plus);
    window.step();
    assert!(window.harness.ctx.zoom_factor() > 1.0);
    for name in ["Pin as A", "Live measuring", "stage2 channels", "filter layers"] {
        window.harness.get_by_label(name);
    }
}
