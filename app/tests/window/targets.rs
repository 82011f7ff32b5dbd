//! The list of targets, with an `ssh` that runs on this very machine what it is to run on another one.

#![cfg(unix)]

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use crate::support::{Window, quick};
use egui::Role;
use egui_kittest::kittest::{NodeT, Queryable};
use shufflescope::target::Target;
use shufflescope::window::{App, Command, Over, Setup, TargetCommand, TargetState};
use shufflescope_engine::measure::Protocol;

/// Hosts called `nobody...` cannot be reached; on those called `bare...` there is no program.
const SSH: &str = r#"#!/bin/sh
for word; do host=$line; line=$word; done
case "$host" in
  nobody*) echo "ssh: connect to host $host port 22: Connection refused" >&2; exit 255 ;;
  bare*) exit 127 ;;
esac
exec sh -c "$line"
"#;

fn start(folder: &Path) -> Setup {
    let ssh = folder.join("ssh");
    std::fs::write(&ssh, SSH).unwrap();
    std::fs::set_permissions(&ssh, std::fs::Permissions::from_mode(0o755)).unwrap();
    let mut start = quick(Some(folder));
    start.ssh.program = ssh;
    start.care.protocol = Protocol::live().in_one_process();
    (start.care.rules.minimum_rounds, start.care.rules.maximum_rounds) = (8, 8);
    start
}

fn open(start: Setup) -> Window {
    let mut window = Window::with(start, [1440.0, 900.0], egui::Theme::Dark);
    window.harness.state_mut().command(Command::ShowOver(Some(Over::Targets)));
    window.step();
    window
}

fn click(window: &mut Window, role: Role, name: &str) {
    window.harness.get_by_role_and_label(role, name).click();
    window.step();
}

fn enter(window: &mut Window, field: &str, text: &str) {
    click(window, Role::TextInput, field);
    window.harness.key_press_modifiers(egui::Modifiers::COMMAND, egui::Key::A);
    window.harness.event(egui::Event::Text(text.into()));
    window.step();
}

/// Adds a target by hand, with the program under test as the one there.
fn add(window: &mut Window, address: &str) {
    enter(window, "Address of a target", address);
    enter(window, "Program on the target", env!("CARGO_BIN_EXE_shufflescope"));
    click(window, Role::Button, "Add target");
}

fn state<'a>(app: &'a App, address: &str) -> &'a TargetState {
    app.targets().entry(&address.parse().unwrap()).unwrap().state()
}

fn wait_for_answer(window: &mut Window, address: &'static str) {
    window.wait(address, move |app| !matches!(state(app, address), TargetState::Unknown | TargetState::Asking));
    window.step();
}

#[test]
fn targets_are_added_checked_and_removed_with_state_and_error_in_their_place_and_kept() {
    let folder = tempfile::tempdir().unwrap();
    let mut window = open(start(folder.path()));
    for (address, part) in [("board", "ssh://[user@]host[:port]"), ("ssh://-oProxyCommand=x", "no host that ssh takes")]
    {
        add(&mut window, address);
        assert!(window.says(part), "{part}: {:?}", window.texts());
    }
    add(&mut window, "ssh://pi@board");
    wait_for_answer(&mut window, "ssh://pi@board");
    let TargetState::Ready(place) = state(window.app(), "ssh://pi@board") else { panic!("{:?}", window.texts()) };
    let version = place.machine().version.clone();
    // That target is this machine, where the window may be measuring just now.
    assert!(window.says("ready") || window.says("busy: "), "{:?}", window.texts());
    assert!(window.says(&format!("release {version}")), "{:?}", window.texts());
    add(&mut window, "ssh://nobody");
    wait_for_answer(&mut window, "ssh://nobody");
    assert!(window.says("Connection refused") && window.says("`ssh nobody`"), "{:?}", window.texts());
    // Without a path: a copy is offered, and made after a second yes only.
    enter(&mut window, "Address of a target", "ssh://bare");
    click(&mut window, Role::Button, "Add target");
    wait_for_answer(&mut window, "ssh://bare");
    click(&mut window, Role::Button, "Copy this program to ssh://bare");
    assert!(window.says("MB into your cache folder there?"));
    click(&mut window, Role::Button, "Do not copy it to ssh://bare");
    assert!(window.harness.query_by_label("Yes, copy it to ssh://bare").is_none());
    assert!(window.names_given_twice().is_empty(), "{:?}", window.names_given_twice());
    window.harness.check_accessibility();
    click(&mut window, Role::Button, "Remove ssh://nobody");
    assert!(window.harness.query_by_label("Check ssh://nobody").is_none());
    window.close();
    let window = open(start(folder.path()));
    let kept: Vec<String> = window.app().targets().entries().iter().map(|entry| entry.target().to_string()).collect();
    assert_eq!(kept, ["local", "ssh://pi@board", "ssh://bare"]);
    assert_eq!(window.app().targets().entries()[1].program().unwrap().to_string(), env!("CARGO_BIN_EXE_shufflescope"));
}

#[test]
fn several_targets_ticked_measure_the_design_side_by_side_and_say_where_guidelines_hold() {
    let folder = tempfile::tempdir().unwrap();
    let mut window = open(start(folder.path()));
    add(&mut window, "ssh://board");
    wait_for_answer(&mut window, "ssh://board");
    let button = |window: &Window| {
        let button = window.harness.get_by_role_and_label(Role::Button, "Measure side by side");
        !button.accesskit_node().is_disabled()
    };
    assert!(!button(&window), "nothing is ticked");
    click(&mut window, Role::CheckBox, "Side by side on local");
    click(&mut window, Role::CheckBox, "Side by side on ssh://board");
    assert!(button(&window));
    click(&mut window, Role::Button, "Measure side by side");
    assert!(window.app().targets().is_measuring() && window.app().live().is_held());
    window.wait("both", |app| !app.targets().is_measuring());
    window.step();
    let mut judged = Vec::new();
    for entry in window.app().targets().entries() {
        let measured = entry.side().measured().unwrap_or_else(|| panic!("{:?}", entry.side().failure()));
        assert_eq!(entry.side().failure(), None);
        assert_eq!(measured.of, window.app().document().valid().fingerprint);
        assert!(window.says(&measured.measurement.whole.median.to_string()));
        judged.push(measured.judged.iter().map(|judged| judged.guideline).collect::<Vec<_>>());
    }
    assert_eq!(judged[0], judged[1], "the same guidelines on both");
    assert!(!window.app().live().is_held());
}

#[test]
fn the_window_measures_on_the_target_in_use_and_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let mut window = open(start(folder.path()));
    window.wait("a number of this machine", |app| app.live().current().is_some());
    add(&mut window, "ssh://board");
    wait_for_answer(&mut window, "ssh://board");
    click(&mut window, Role::Button, "Use ssh://board");
    assert!(window.app().live().current().is_none(), "the number before is of another machine");
    assert!(window.says("Measuring on ssh://board"), "{:?}", window.texts());
    click(&mut window, Role::Button, "Close Targets");
    window.wait("a number of the target", |app| app.live().current().is_some());
    window.step();
    assert!(window.says("ssh://board \u{b7} cpu"), "{:?}", window.texts());
    let material = window.app().targets().current().clone();
    assert_eq!(material, "ssh://board".parse::<Target>().unwrap());
    // It is in use: it stays in the list.
    window.harness.state_mut().command(Command::Target(TargetCommand::Remove(material)));
    window.step();
    assert_eq!(window.app().targets().entries().len(), 2);
    window.harness.state_mut().command(Command::Target(TargetCommand::Use(Target::Here)));
    window.step();
    window.wait("a number of this machine again", |app| app.live().current().is_some());
    assert!(!window.says("ssh://board \u{b7} cpu"));
}
