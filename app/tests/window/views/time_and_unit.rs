//! Time with its timeline, and the unit's drawing.

use shufflescope::window::{Command, View};
use shufflescope_engine::design::Edit;

use super::{MAIN, Role, click, is_on, open, point_at, selected};

#[test]
fn the_run_is_drawn_layer_by_layer_and_follows_the_selection_both_ways() {
    let (mut window, _folder) = open();
    window.harness.state_mut().command(Command::Show(View::Time));
    window.step();
    let kernels = window.app().live().current().unwrap().breakdown.as_ref().unwrap().kernels.len();
    assert!(window.says(&format!("timeline: {kernels} kernels in ")));
    assert!(!window.says("Selected: "));
    window.harness.state_mut().command(Command::Select(Some(MAIN.into())));
    window.step();
    assert!(is_on(&window, Role::Button, &format!("time of {MAIN}")));
    assert!(window.says(&format!("Selected: {MAIN}, ")));
    point_at(&mut window, "time of fc");
    assert!(window.says("of the marked whole, from "), "{:?}", window.texts());
    click(&mut window, "time of fc");
    assert_eq!(selected(&window), Some("fc"));
    click(&mut window, "select nothing");
    assert_eq!(selected(&window), None);
}

#[test]
fn before_it_is_measured_the_timeline_says_what_will_be_there() {
    let start = crate::support::made_up::unmeasured(None);
    let mut window = crate::support::Window::with(start, [1440.0, 900.0], egui::Theme::Dark);
    click(&mut window, "Time view");
    assert!(window.says("timeline: The kernels are shown here in the order they run, once they are measured"));
}

#[test]
fn charts_show_the_pinned_design_beside_the_present_one() {
    let (mut window, _folder) = open();
    click(&mut window, "Pin as A");
    for (view, part) in [("Time view", "A: time: "), ("Memory view", "±0 % vs A"), ("Roofline view", "kernels of A")] {
        click(&mut window, view);
        let found = window.says(part) || (view == "Roofline view" && window.says("rings: A's kernels"));
        assert!(found, "{view}: {:?}", window.texts());
    }
    window.harness.state_mut().command(Command::Edit(Edit::Width(2.0)));
    click(&mut window, "Time view");
    assert!(window.says("A: mult-adds: ") && window.says("time vs A"));
    click(&mut window, "Memory view");
    assert!(window.says("% vs A (A: "));
}

#[test]
fn a_units_boxes_are_coloured_by_what_a_person_chooses() {
    let (mut window, _folder) = open();
    click(&mut window, "strip stage3.1");
    click(&mut window, "Unit view");
    assert!(window.says("of the run; boxes coloured by their share, apart: in proportion"));
    let name = format!("conv 1x1 {MAIN}");
    point_at(&mut window, &name);
    assert!(window.says("as kernels of their own"), "{:?}", window.texts());
    click(&mut window, "unit coloured by mult-adds");
    assert!(is_on(&window, Role::RadioButton, "unit coloured by mult-adds"));
    assert!(window.says("of the network's; boxes coloured by their share"));
    click(&mut window, "Layers view");
    click(&mut window, "Unit view");
    assert!(is_on(&window, Role::RadioButton, "unit coloured by mult-adds"), "it stays chosen");
}
