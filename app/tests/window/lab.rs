//! The *Lab* tab, driven through its accessible controls, with the real worker process.

use std::path::Path;

use crate::support::{Window, quick};
use egui::Role;
use egui_kittest::kittest::{NodeT, Queryable};
use shufflescope::window::{App, Command, Input, Known, Owner, Phase, Run, Setup, Tab};
use shufflescope_engine::design::InputSize;
use shufflescope_engine::experiment::{Experiment, Scale};
use shufflescope_engine::store::{Kept, Kind, Opened, RunContext, Store, VERSION};

/// Three rounds: enough for numbers, not for verdicts.
fn three_rounds(data_folder: Option<&Path>) -> Setup {
    let mut start = quick(data_folder);
    (start.care.rules.minimum_rounds, start.care.rules.maximum_rounds) = (3, 3);
    start
}

fn open(setup: Setup) -> Window {
    let mut window = Window::with(setup, [1440.0, 900.0], egui::Theme::Dark);
    window.harness.state_mut().command(Command::ShowTab(Tab::Lab));
    window.step();
    window
}

fn show(window: &mut Window, entry: &str) {
    window.harness.get_by_label(&format!("Lab {entry}")).click();
    window.step();
}

fn is_idle(app: &App) -> bool {
    !app.bench().is_busy() && !app.lab().is_measuring()
}

/// Points of the sweep that are finished.
fn finished(app: &App) -> usize {
    let options = app.document().valid_options();
    app.lab().sweep(None, &options).map_or(0, |(kept, _)| kept.result.latest().0.len())
}

#[test]
fn an_experiment_is_measured_shown_beside_the_paper_and_there_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let mut window = open(three_rounds(Some(folder.path())));
    show(&mut window, "G2 groups");
    assert!(window.says("Not measured yet at scale x1"));
    window.harness.get_by_label("Measure this").click();
    window.step();
    assert_eq!(*window.app().live().phase(), Phase::Resting);
    assert!(window.says("g2-gpu-x1 (1 of 2)"), "{:?}", window.texts());
    window.wait("the first column", |app| {
        let options = app.document().valid_options();
        let known = app.lab().experiment((Experiment::G2, Scale::X1), None, &options);
        matches!(known, Some(Known::SoFar(result)) if !result.columns.is_empty())
    });
    window.step();
    assert!(window.says("being measured: so far"));
    window.wait("the end", is_idle);
    window.step();
    assert!(window.says("Verdict on this device: undecided"), "three rounds decide nothing");
    assert!(window.says("published GPU") && window.says("2451"), "the paper's rate stands beside ours, as published");
    assert!(window.says("Our choice, not the paper's"));
    let is_bar = |text: &String| text.starts_with("g = 2, here: ") && text.contains(" to ");
    assert_eq!(window.texts().iter().filter(|text| is_bar(text)).count(), 2, "a bar with its interval in both columns");
    window.harness.check_accessibility();
    window.close();

    let mut window = open(three_rounds(Some(folder.path())));
    show(&mut window, "G2 groups");
    window.wait("the result kept", |app| {
        let options = app.document().valid_options();
        app.lab().experiment((Experiment::G2, Scale::X1), None, &options).is_some()
    });
    window.step();
    assert!(window.says("Verdict on this device: undecided"));
    assert!(!window.says("stale"));
    let mut options = window.app().document().options().clone();
    options.batch = 2;
    window.harness.state_mut().command(Command::Run(options));
    window.step();
    assert!(window.says("Verdict on this device: undecided (stale)"));
    assert!(window.says("Now it would run on cpu, tuned, 1 thread, batch 2"));
}

#[test]
fn runs_wait_their_turn_and_cancel_gives_all_of_them_up() {
    let mut window = open(quick(None));
    window.harness.get_by_label("Measure all experiments").click();
    window.step();
    assert!(window.says("measuring") && window.says("queued"));
    assert_eq!(window.app().bench().standing().unwrap().steps, 9, "every column of five experiments");
    window.harness.state_mut().command(Command::ShowTab(Tab::Compare));
    window.step();
    assert!(window.says("The Lab is measuring"));
    window.harness.get_by_label("Start comparison").click();
    window.step();
    assert_eq!(window.app().bench().owner(), Some(Owner::Lab), "one thing is measured at a time");
    window.harness.state_mut().command(Command::ShowTab(Tab::Lab));
    window.step();
    window.harness.get_by_label("Cancel run").click();
    window.step();
    assert!(is_idle(window.app()));
    assert!(!window.says("queued"));
    assert_ne!(*window.app().live().phase(), Phase::Resting);
}

#[test]
fn networks_of_the_zoo_are_points_with_names_and_the_rest_can_be_measured_later() {
    let folder = tempfile::tempdir().unwrap();
    let mut window = open(quick(Some(folder.path())));
    show(&mut window, "Zoo");
    window.harness.get_by_label("level 40").click();
    window.step();
    assert!(window.says("Measure 8 networks") || window.harness.query_by_label("Measure networks").is_some());
    let size = InputSize::square(224);
    let inputs = ["shufflenet-v2-x0.5-paper", "mobilenet-v1-x0.25"].map(|network| Input { network, size });
    window.harness.state_mut().command(Command::RunLab(Run::Networks(inputs.into())));
    window.step();
    window.wait("both networks", is_idle);
    window.step();
    assert!(window.says("39.7 %"), "the published error");
    window.harness.get_by_role_and_label(Role::Row, "ShuffleNet v2 0.5x");
    let is_bar = |text: &String| text.starts_with("0.25 MobileNet v1, here: ") && text.contains(" to ");
    assert!(window.texts().iter().any(is_bar), "its rate beside the first one's: {:?}", window.texts());
    assert!(window.says("IGCV2-0.25, here: not measured yet"));
    window.harness.get_by_label("show scatters").click();
    window.step();
    assert!(window.says("ShuffleNet v2 0.5x: 60.3 % published"), "{:?}", window.texts());
    assert!(window.says("accuracy against speed: 2 points"));
    assert!(window.says("speed against mult-adds: 2 points"));
    assert!(window.says("on the front"));
    window.close();
    let mut window = open(quick(Some(folder.path())));
    window.wait("the networks kept", |app| app.lab().networks(None, &app.document().valid_options()).is_some());
    show(&mut window, "Zoo");
    window.harness.get_by_label("level 40").click();
    window.step();
    assert!(window.says("2 of 8"));
    window.harness.get_by_label("show scatters").click();
    window.step();
    assert!(window.says("speed against mult-adds: 2 points"));
}

#[test]
fn a_sweep_is_typed_measured_and_a_point_opens_its_design() {
    let folder = tempfile::tempdir().unwrap();
    let mut window = open(quick(Some(folder.path())));
    show(&mut window, "Sweep");
    let field = |window: &mut Window, text: &str| {
        window.harness.get_by_role_and_label(Role::TextInput, "sweep widths").click();
        window.step();
        window.harness.key_press_modifiers(egui::Modifiers::COMMAND, egui::Key::A);
        window.harness.event(egui::Event::Text(text.into()));
        window.step();
    };
    field(&mut window, "1..");
    assert!(window.says("a range needs a step"), "the reason stands by the field: {:?}", window.texts());
    assert!(window.harness.get_by_label("Start sweep").accesskit_node().is_disabled());
    field(&mut window, "0.5,1.0,9");
    window.harness.get_by_label("Start sweep").click();
    window.step();
    window.wait("both points", |app| finished(app) == 2);
    window.step();
    assert!(window.says("2 of 2 points finished"), "{:?}", window.texts());
    assert!(window.says("Left out: width 9"));
    let before = window.app().document().draft().clone();
    let texts = window.texts();
    let point = texts.iter().find(|text| text.contains("width 1, 1 thread(s)")).unwrap();
    window.harness.get_by_role_and_label(Role::Button, point).click();
    window.step();
    assert_eq!(window.app().tab(), Tab::Design);
    assert_eq!(window.app().document().draft().width, Some(1.0));
    window.harness.state_mut().command(Command::Undo);
    window.step();
    assert_eq!(*window.app().document().draft(), before);
    window.close();

    let mut window = open(quick(Some(folder.path())));
    show(&mut window, "Sweep");
    window.wait("the sweep kept", |app| finished(app) == 2);
    window.step();
    assert!(window.says("2 of 2 points finished"), "finished points are kept over a restart");
}

#[test]
fn a_sweep_goes_on_where_it_was_cancelled() {
    let mut window = open(quick(None));
    show(&mut window, "Sweep");
    let sweep = shufflescope_engine::sweep::Sweep { widths: vec![0.5, 1.0, 1.5], ..Default::default() };
    window.harness.state_mut().command(Command::RunLab(Run::Sweep(sweep.clone())));
    window.wait("the first point", |app| finished(app) == 1);
    window.harness.key_press(egui::Key::Escape);
    window.step();
    assert!(is_idle(window.app()));
    assert!(window.says("1 of 3 points finished"));
    window.harness.state_mut().command(Command::RunLab(Run::Sweep(sweep)));
    window.wait("the store's word on what is finished", |app| app.bench().is_busy());
    assert_eq!(window.app().bench().standing().unwrap().steps, 2, "only what is missing");
    window.wait("the others", |app| finished(app) == 3);
}

#[test]
fn every_result_paints_in_the_smallest_window_and_its_controls_have_unique_names() {
    let mut start = quick(None);
    start.launcher.program = "no such program".into();
    let mut window = Window::with(start, [1000.0, 640.0], egui::Theme::Light);
    window.harness.state_mut().command(Command::ShowTab(Tab::Lab));
    window.step();
    let entries = [
        "G1 channels",
        "G2 groups",
        "G3 fragments",
        "G4 element-wise",
        "Units",
        "Zoo",
        "Figure 2",
        "Resolutions",
        "Sweep",
    ];
    for entry in entries {
        show(&mut window, entry);
        window.harness.check_accessibility();
        let twice = window.names_given_twice();
        assert!(twice.is_empty(), "{entry}: {twice:?}");
    }
    show(&mut window, "Figure 2");
    window.harness.get_by_label("Measure networks").click();
    window.wait("the reasons", |app| app.lab().failures().len() == 2);
    window.step();
    assert!(window.says("no such program"));
}

#[test]
fn a_result_of_an_earlier_version_is_shown_as_stale() {
    let folder = tempfile::tempdir().unwrap();
    let mut window = open(three_rounds(Some(folder.path())));
    show(&mut window, "G2 groups");
    window.harness.get_by_label("Measure this").click();
    window.step();
    window.wait("the end", is_idle);
    let options = window.app().document().valid_options();
    window.close();
    let Opened { store, .. } = Store::open(&folder.path().join("another")).unwrap();
    let kept = Store::open(folder.path()).unwrap().store.kept::<serde_json::Value>(Kind::Experiment, "g2 x1").unwrap();
    let [own] = kept.as_slice() else { panic!("{kept:?}") };
    assert_eq!((own.context.version.as_str(), &own.context.options), (VERSION, &options));
    let context = RunContext { version: "0.1.9".into(), ..own.context.clone() };
    store.keep(Kind::Experiment, "g2 x1", &Kept { context, ..own.clone() }).unwrap();
    drop(store);

    let mut window = open(three_rounds(Some(&folder.path().join("another"))));
    show(&mut window, "G2 groups");
    window.wait("the result kept", |app| {
        app.lab().experiment((Experiment::G2, Scale::X1), None, &app.document().valid_options()).is_some()
    });
    window.step();
    assert!(window.says("(stale)") && window.says("version 0.1.9"), "{:?}", window.texts());
}
