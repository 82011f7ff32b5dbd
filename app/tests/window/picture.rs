//! What the window looks like, painted on the CPU: nothing blank, nothing cut off at the smallest size.

use crate::support::{Window, setup};
use egui::Role;
use egui_kittest::kittest::Queryable;
use shufflescope::window::theme::Palette;
use shufflescope::window::{Command, View};
use shufflescope_engine::design::{BlockEdit, Edit, StageEdit};
use shufflescope_engine::device::DeviceId;
use shufflescope_engine::graph::OpKind;

fn share_of(picture: &image::RgbaImage, color: egui::Color32) -> f64 {
    let [r, g, b, _] = color.to_array();
    let same = picture.pixels().filter(|pixel| pixel.0[..3] == [r, g, b]).count();
    same as f64 / f64::from(picture.width() * picture.height())
}

fn looks_like(theme: egui::Theme, size: [f32; 2], name: &str) {
    let mut window = Window::with(setup(None), size, theme);
    window.wait("a latency", |app| app.live().current().is_some_and(|measured| measured.breakdown.is_some()));
    window.step();
    let picture = window.picture(name);
    let palette = Palette::of(theme);
    assert_eq!((picture.width(), picture.height()), (size[0] as u32, size[1] as u32));
    for (what, color, least) in
        [("background", palette.background, 0.05), ("panels", palette.panel, 0.1), ("cards", palette.card, 0.05)]
    {
        assert!(share_of(&picture, color) > least, "{what}: {}", share_of(&picture, color));
    }
    let colors: std::collections::HashSet<_> = picture.pixels().map(|pixel| pixel.0).collect();
    assert!(colors.len() > 200, "text and bars are there: {} colours", colors.len());
}

#[test]
fn the_window_is_painted_in_the_dark_theme() {
    looks_like(egui::Theme::Dark, [1440.0, 900.0], "dark-1440x900");
}

#[test]
fn the_window_is_painted_in_the_light_theme_at_its_smallest() {
    looks_like(egui::Theme::Light, [1000.0, 640.0], "light-1000x640");
}

#[test]
fn nothing_stands_outside_the_smallest_window() {
    let window = Window::with(setup(None), [1000.0, 640.0], egui::Theme::Dark);
    let screen = egui::Rect::from_min_size(egui::Pos2::ZERO, egui::vec2(1000.0, 640.0));
    // What is not in a scroll area has to be on the screen as a whole.
    let bars = ["Pin as A", "Open", "Save", "Undo", "Redo", "Live measuring"];
    let views = ["Layers view", "Roofline view", "Memory view", "filter layers", "group layers"];
    for name in bars.into_iter().chain(views) {
        let rect = window.harness.get_by_label(name).rect();
        assert!(screen.contains_rect(rect), "{name} at {rect:?}");
    }
}

#[test]
fn groups_and_roofline_are_painted_in_the_light_theme_at_its_smallest() {
    let mut window = Window::with(setup(None), [1000.0, 640.0], egui::Theme::Light);
    window.wait("a latency", |app| app.live().current().is_some_and(|measured| measured.breakdown.is_some()));
    window.harness.get_by_label("group layers").click();
    window.step();
    window.harness.get_by_label("by stage").click();
    window.step();
    window.harness.get_by_label("layers of conv1.0").click();
    window.step();
    let palette = Palette::of(egui::Theme::Light);
    let groups = window.picture("light-1000x640-groups");
    assert!(share_of(&groups, palette.kind(OpKind::Convolution)) > 0.0001, "marks and bars are painted");
    window.harness.state_mut().command(Command::Show(View::Roofline));
    window.wait("the ceilings", |app| app.live().ceilings().get(DeviceId::Cpu, 1).is_some());
    window.step();
    let screen = egui::Rect::from_min_size(egui::Pos2::ZERO, egui::vec2(1000.0, 640.0));
    for name in ["Measure ceilings again", "kernel conv1.0", "kernel fc"] {
        let rect = window.harness.get_by_label(name).rect();
        assert!(screen.contains_rect(rect), "{name} at {rect:?}");
    }
    let roofline = window.picture("light-1000x640-roofline");
    for kind in [OpKind::Convolution, OpKind::Pointwise, OpKind::Depthwise, OpKind::Linear] {
        assert!(share_of(&roofline, palette.kind(kind)) > 0.00003, "{} are painted", kind.name());
    }
}

#[test]
fn every_view_and_the_errors_can_be_looked_at() {
    let mut start = setup(None);
    if std::env::var_os("SHUFFLESCOPE_PICTURES").is_some() {
        start.design = shufflescope_engine::zoo::preset("shufflenet-v2-x1.0");
    }
    let mut window = Window::with(start, [1440.0, 900.0], egui::Theme::Dark);
    window.wait("a latency", |app| app.live().current().is_some_and(|measured| measured.breakdown.is_some()));
    window.harness.state_mut().command(Command::Select(Some("stage3.1.branch2.3".into())));
    for view in View::ALL {
        window.harness.state_mut().command(Command::Show(view));
        window.step();
        if view == View::Roofline {
            window.wait("the ceilings", |app| app.live().ceilings().get(DeviceId::Cpu, 1).is_some());
            window.step();
        }
        let picture = window.picture(&format!("view-{}", view.name()));
        let accent = share_of(&picture, Palette::of(egui::Theme::Dark).strong);
        assert!(accent > 0.0002, "{}: {accent}", view.name());
    }
    window.harness.state_mut().command(Command::Pin);
    window.step();
    let edit = |edit| Command::Edit(edit);
    window.harness.state_mut().command(edit(Edit::Blocks(BlockEdit::Groups(8))));
    window.harness.state_mut().command(edit(Edit::Fit));
    window.step();
    window.picture("groups-8");
    window.harness.state_mut().command(edit(Edit::Stage { stage: 1, change: StageEdit::Channels(0) }));
    window.step();
    let picture = window.picture("error");
    assert!(share_of(&picture, Palette::of(egui::Theme::Dark).error) > 0.0002, "the error is painted");
}

#[test]
fn a_network_that_is_no_design_is_painted_with_the_reason_in_place_of_the_settings() {
    let mut start = setup(None);
    start.launcher.program = "no such program".into();
    for (size, name) in [([1440.0, 900.0], "network-1440x900"), ([1000.0, 640.0], "network-1000x640")] {
        let mut window = Window::with(start.clone(), size, egui::Theme::Dark);
        let alexnet = shufflescope_engine::zoo::network("alexnet").unwrap();
        window.harness.state_mut().command(Command::OpenModel(Box::new(alexnet.into())));
        window.step();
        window.picture(name);
        let screen = egui::Rect::from_min_size(egui::Pos2::ZERO, size.into());
        for (role, name) in [
            (Role::ComboBox, "preset"),
            (Role::SpinButton, "input width"),
            (Role::Button, "Back to the design"),
            (Role::SpinButton, "batch"),
        ] {
            let rect = window.harness.get_by_role_and_label(role, name).rect();
            assert!(screen.contains_rect(rect), "{name} at {rect:?}");
        }
        for view in View::ALL {
            window.harness.get_by_label(&format!("{} view", view.name())).click();
            window.step();
            window.harness.check_accessibility();
        }
    }
}
