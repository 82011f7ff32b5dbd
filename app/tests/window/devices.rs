//! Graphics cards in the window: offered once, listed with what they are, run in the precision that they have.

use std::path::Path;

use crate::stand_in::{Then, stand_in};
use crate::support::{Window, setup};
use egui_kittest::kittest::Queryable;
use shufflescope::window::{App, Command, Setup};
use shufflescope::worker::Event;
use shufflescope_engine::device::{DeviceId, DeviceInfo, Precision};
use shufflescope_engine::runtime::RunOptions;

const QUESTION: &str = "A made-up card can be measured: use it?";

/// A window on a machine with a card, measuring nothing.
fn with_a_card(data_folder: Option<&Path>) -> Setup {
    let card = DeviceInfo {
        name: Some("A made-up card".into()),
        precisions: Precision::PORTABLE.to_vec(),
        ..DeviceInfo::unknown(DeviceId::Gpu(0))
    };
    let devices = vec![DeviceInfo::unknown(DeviceId::Cpu), card, DeviceInfo::unknown(DeviceId::SoftwareGpu)];
    let mut start = setup(data_folder);
    start.launcher.program = "no such program".into();
    start.camera_launcher = stand_in(&[Event::Devices { devices, host: None }], Then::Hang);
    start
}

fn open(start: Setup) -> Window {
    let mut window = Window::with(start, [1440.0, 900.0], egui::Theme::Dark);
    window.wait("the devices", |app| app.surroundings().device(DeviceId::Gpu(0)).is_some());
    window.step();
    window
}

fn device(app: &App) -> DeviceId {
    app.document().options().device
}

#[test]
fn a_card_is_offered_once_and_taken_at_a_click() {
    let folder = tempfile::tempdir().unwrap();
    let mut window = open(with_a_card(Some(folder.path())));
    assert_eq!(device(window.app()), DeviceId::Cpu, "nobody is moved to a card unasked");
    assert!(window.says(QUESTION));
    window.harness.get_by_label("Use the graphics card").click();
    window.wait("the card", |app| device(app) == DeviceId::Gpu(0));
    window.step();
    assert!(!window.says(QUESTION));
    window.close();

    let mut next = open(with_a_card(Some(folder.path())));
    next.step();
    assert!(!next.says(QUESTION), "it was asked in an earlier session");
}

#[test]
fn an_offer_that_is_declined_leaves_the_processor_and_does_not_come_back() {
    let mut window = open(with_a_card(None));
    window.harness.get_by_label("Do not use the graphics card").click();
    window.wait("the answer", |app| app.gpu_offer().question().is_none());
    window.step();
    assert_eq!(device(window.app()), DeviceId::Cpu);
    assert!(!window.says(QUESTION));
}

#[test]
fn whoever_starts_on_a_card_is_not_asked() {
    let options = RunOptions::new(DeviceId::Gpu(0), 1, 1);
    let window = open(Setup { options, ..with_a_card(None) });
    assert!(!window.says(QUESTION));
}

#[test]
fn the_list_has_the_card_and_not_what_only_plays_one() {
    let mut window = open(with_a_card(None));
    window.harness.get_by_role_and_label(egui::Role::ComboBox, "device").scroll_to_me();
    window.step();
    window.harness.get_by_role_and_label(egui::Role::ComboBox, "device").click();
    window.step();
    window.step();
    assert!(window.says("gpu:0  A made-up card"));
    assert!(!window.says("gpu:software"));
}

#[test]
fn the_precision_goes_back_to_32_bits_with_a_device_that_has_no_other() {
    let options = RunOptions { precision: Precision::F16, ..RunOptions::new(DeviceId::Gpu(0), 1, 1) };
    let mut window = open(Setup { options: options.clone(), ..with_a_card(None) });
    assert!(window.says("gpu:0 · tuned, f16 · 1 thread · batch 1"), "the status bar says it");
    window.harness.state_mut().command(Command::Run(options.on(DeviceId::Cpu)));
    window.wait("the processor", |app| device(app) == DeviceId::Cpu);
    window.step();
    assert!(window.says("cpu · tuned · 1 thread · batch 1"));
}
