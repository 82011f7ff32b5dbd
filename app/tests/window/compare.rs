//! The *Compare* tab, driven through its accessible controls, with the real worker process.

use crate::support::{Window, quick, small};
use egui::Role;
use egui_kittest::kittest::Queryable;
use shufflescope::window::{App, Choice, Command, Owner, Phase, Setup, Side, Tab};
use shufflescope_engine::design::{Edit, InputSize};
use shufflescope_engine::device::Machine;
use shufflescope_engine::store::{RunContext, Store};
use shufflescope_engine::zoo;

fn open(setup: Setup) -> Window {
    let mut window = Window::with(setup, [1440.0, 900.0], egui::Theme::Dark);
    window.harness.state_mut().command(Command::ShowTab(Tab::Compare));
    window.step();
    window
}

/// A: the small network at twice the side; B: the small network.
fn choose_small_networks(window: &mut Window) {
    let larger = small().apply(&Edit::Input(InputSize::square(64)));
    let choice = Choice::Opened(Box::new(larger.into()));
    window.harness.state_mut().command(Command::Choose(Side::A, choice));
    window.step();
}

fn is_done(app: &App) -> bool {
    !app.bench().is_busy() && app.compare().last(None, &app.document().valid_options()).is_some()
}

#[test]
fn a_comparison_measures_both_says_the_verdict_and_is_there_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let mut window = open(quick(Some(folder.path())));
    choose_small_networks(&mut window);
    window.harness.get_by_label("Start comparison").click();
    window.step();
    assert_eq!(window.app().bench().owner(), Some(Owner::Compare));
    assert_eq!(*window.app().live().phase(), Phase::Resting, "two measurements would measure each other");
    assert!(window.says("Live measuring rests meanwhile"));
    window.harness.get_by_label("Cancel run");
    window.wait("the comparison", is_done);
    window.step();
    // Which verdict is the machine's business, which others may be using.
    assert!(window.says("verdict: ") && !window.says("(stale)"), "{:?}", window.texts());
    assert!(window.says("30 rounds in 1 process"));
    assert!(window.says("kernels of A"), "the layers have their times");
    assert_ne!(*window.app().live().phase(), Phase::Resting, "live measuring goes on");
    window.harness.check_accessibility();
    let options = window.app().document().valid_options();
    window.close();
    let machine = Machine::detect().cpu_model;
    let floor =
        Store::open(folder.path()).unwrap().store.floor(&RunContext::new(machine.as_deref(), &options)).unwrap();
    assert!(floor.is_some_and(|floor| floor.share > 0.0), "shared with the command line: {floor:?}");

    let mut window = open(quick(Some(folder.path())));
    window.wait("the comparison kept", is_done);
    window.step();
    assert!(window.says("verdict: ") && window.says("(stale)"), "other networks are chosen now: {:?}", window.texts());
    assert!(window.says(" UTC; cpu, tuned"));
    choose_small_networks(&mut window);
    assert!(window.says("verdict: ") && !window.says("(stale)"), "the same networks and options again");
}

#[test]
fn a_window_that_closes_in_the_frame_of_the_last_result_keeps_the_comparison() {
    let folder = tempfile::tempdir().unwrap();
    let mut window = open(quick(Some(folder.path())));
    choose_small_networks(&mut window);
    window.harness.get_by_label("Start comparison").click();
    window.step();
    window.wait("the last result", |app| !app.bench().is_busy());
    window.close();

    let mut next = open(quick(Some(folder.path())));
    next.wait("the comparison of the window before", |app| {
        app.compare().last(None, &app.document().valid_options()).is_some()
    });
}

#[test]
fn cancelling_stops_at_once_and_live_measuring_goes_on() {
    let mut start = quick(None);
    start.care.rules.minimum_rounds = 100_000;
    start.care.rules.maximum_rounds = 100_000;
    let mut window = open(start);
    choose_small_networks(&mut window);
    window.harness.get_by_label("Start comparison").click();
    window.wait("some rounds", |app| app.bench().standing().is_some_and(|standing| standing.fraction > 0.0));
    window.harness.key_press(egui::Key::Escape);
    window.step();
    assert!(!window.app().bench().is_busy());
    window.harness.get_by_label("Start comparison");
    window.wait("the live latency", |app| app.live().current().is_some());
}

#[test]
fn networks_are_chosen_from_a_searchable_list() {
    let mut window = open(quick(None));
    window.harness.get_by_role_and_label(Role::Button, "choose A").click();
    window.step();
    window.harness.get_by_role_and_label(Role::TextInput, "search networks for A").click();
    window.step();
    window.harness.event(egui::Event::Text("resnet-18".into()));
    window.step();
    assert!(window.harness.query_by_label("A: mobilenet-v2-x1.0").is_none());
    window.harness.get_by_label("A: resnet-18").click();
    window.step();
    assert_eq!(window.app().compare().model(Side::A).unwrap().name(), "resnet-18");
    assert!(window.says("from the zoo"));
}

#[test]
fn layers_are_aligned_on_paper_before_anything_is_measured() {
    let mut window = open(quick(None));
    let present = Choice::Present;
    window.harness.state_mut().command(Command::Choose(Side::A, present));
    window.step();
    assert!(window.says(" same, 0 changed, 0 only in A, 0 only in B"));
    window.harness.get_by_label("changes only").click();
    window.step();
    assert!(window.harness.query_all_by_role(Role::Row).next().is_none(), "nothing differs");
    let wider = zoo::preset("shufflenet-v2-x1.0").unwrap();
    window.harness.state_mut().command(Command::Choose(Side::A, Choice::Opened(Box::new(wider.into()))));
    window.step();
    assert!(window.says("changed: stage2.0"), "rows say in words what became of them");
}

#[test]
fn the_pinned_network_is_a_and_a_file_that_is_none_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let (good, bad) = (folder.path().join("good.toml"), folder.path().join("bad.toml"));
    zoo::preset("shufflenet-v2-x1.5").unwrap().write(&good).unwrap();
    std::fs::write(&bad, "name = 3").unwrap();
    let mut window = open(quick(None));
    window.harness.get_by_label("Pin as A").click();
    window.step();
    assert_eq!(window.app().compare().model(Side::A).unwrap().name(), small().name);
    window.harness.state_mut().command(Command::ChooseFile(Side::A, bad));
    window.wait("the reason", |app| app.notice().is_some_and(|notice| notice.is_error));
    window.harness.state_mut().command(Command::ChooseFile(Side::A, good));
    window.wait("the network", |app| {
        app.compare().model(Side::A).is_some_and(|model| model.name() == "shufflenet-v2-x1.5")
    });
}

#[test]
fn a_worker_that_cannot_start_is_told_where_it_was_asked_for() {
    let mut start = quick(None);
    start.launcher.program = "no such program".into();
    let mut window = open(start);
    window.harness.get_by_label("Start comparison").click();
    window.wait("the reason", |app| app.compare().failure().is_some());
    window.step();
    assert!(window.says("no such program"));
    assert!(!window.app().bench().is_busy());
    window.harness.get_by_label("Start comparison");
}
