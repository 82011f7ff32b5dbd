//! The strip: what it shows before and after measuring, beside A, and what a click on it does.

use egui_kittest::kittest::Queryable;
use shufflescope::window::{Command, Knowledge, View};
use shufflescope_engine::design::{Edit, StageEdit};

use super::{MAIN, Role, click, is_on, kernel_of, open, place, point_at, selected, value};
use crate::support::Window;
use crate::support::made_up::{known, options, unmeasured};

fn unmeasured_window(folder: Option<&std::path::Path>) -> Window {
    Window::with(unmeasured(folder), [1440.0, 900.0], egui::Theme::Dark)
}

#[test]
fn a_bar_selects_its_unit_in_every_view_and_a_second_click_takes_that_back() {
    let (mut window, _folder) = open();
    click(&mut window, "strip stage3.1");
    assert_eq!(selected(&window), Some(MAIN));
    assert!(is_on(&window, Role::Button, "strip stage3.1") && !is_on(&window, Role::Button, "strip stage3.2"));
    let kernel = kernel_of(&window, MAIN);
    let signs = [
        (View::Layers, Role::Row, kernel.clone()),
        (View::Unit, Role::Button, format!("conv 1x1 {MAIN}")),
        (View::Time, Role::Button, format!("time of {MAIN}")),
        (View::Roofline, Role::Button, format!("kernel {kernel}")),
    ];
    for (view, role, name) in signs {
        click(&mut window, &format!("{} view", view.name()));
        assert!(is_on(&window, role, &name), "{name} in {view:?}");
        window.harness.check_accessibility();
        let twice = window.names_given_twice();
        assert!(twice.is_empty(), "{view:?}: {twice:?}");
    }
    click(&mut window, "strip stage3.1");
    assert_eq!(selected(&window), None);
}

#[test]
fn the_keyboard_reaches_a_bar_too() {
    let (mut window, _folder) = open();
    window.harness.get_by_label("strip stage2.1").focus();
    window.step();
    window.harness.key_press(egui::Key::Enter);
    window.step();
    assert!(selected(&window).is_some_and(|path| path.starts_with("stage2.1.")), "{:?}", selected(&window));
    assert!(window.app().live().is_enabled());
}

#[test]
fn a_bar_tells_its_quantities_with_units_and_how_they_are_known() {
    let (mut window, _folder) = open();
    assert!(value(&window, "strip stage2.1").ends_with(" % of the time"));
    point_at(&mut window, "strip stage2.1");
    for part in ["µs, ", "of the run; measured, apart: in proportion", "mult-adds, ", "elements read and written, "] {
        assert!(window.says(part), "{part}: {:?}", window.texts());
    }
    click(&mut window, "strip by memory access");
    assert!(value(&window, "strip stage2.1").ends_with(" % of the memory access"));
    assert!(window.says("network strip by memory access"));
}

#[test]
fn before_anything_is_measured_the_strip_shows_the_prediction_as_such() {
    let folder = known();
    let mut window = unmeasured_window(Some(folder.path()));
    window.wait("a prediction", |app| matches!(app.forecast().learning.of(&options()), Knowledge::Known(..)));
    window.step();
    assert!(window.says("network strip by time, predicted"), "{:?}", window.texts());
    assert!(value(&window, "strip stage3.1").ends_with(" % of the predicted time"));
    point_at(&mut window, "strip stage3.1");
    assert!(window.says("predicted, not measured"));
}

#[test]
fn where_nothing_is_known_of_the_time_the_strip_says_so_and_other_heights_are_known() {
    let mut window = unmeasured_window(None);
    window.step();
    assert!(window.says("nothing is measured or predicted yet"));
    assert_eq!(value(&window, "strip stage3.1"), "time not known");
    click(&mut window, "strip by mult-adds");
    assert!(!window.says("nothing is measured or predicted yet"));
    assert!(value(&window, "strip stage3.1").ends_with(" % of the mult-adds"));
    click(&mut window, "strip stage3.1");
    assert_eq!(selected(&window), Some(MAIN), "what is not measured can be selected all the same");
}

#[test]
fn the_pinned_designs_strip_stands_below_aligned_by_stage() {
    let (mut window, _folder) = open();
    assert!(window.harness.query_by_label("strip of A stage2.0").is_none());
    click(&mut window, "Pin as A");
    let longer = Edit::Stage { stage: 0, change: StageEdit::Repeats(6) };
    window.harness.state_mut().command(Command::Edit(longer));
    window.step();
    let at = |name: &str| window.harness.query_by_label(name).map(|node| node.rect());
    for stage in ["stage2.0", "stage3.0", "stage4.0"] {
        let (now, then) = (at(&format!("strip {stage}")).unwrap(), at(&format!("strip of A {stage}")).unwrap());
        assert!((now.left() - then.left()).abs() < 0.5 && then.top() >= now.bottom(), "{stage}: {now:?} {then:?}");
    }
    assert!(at("strip stage2.5").is_some() && at("strip of A stage2.5").is_none(), "A has four units in there");
    assert!(value(&window, "strip of A stage2.0").ends_with(" % of the time"), "A was measured when it was pinned");
    click(&mut window, "strip of A stage3.1");
    assert_eq!(selected(&window), Some(MAIN));
    point_at(&mut window, "strip stage3.0");
    assert!(window.says("A: stage3.0"));
    click(&mut window, "Unpin A");
    assert!(window.harness.query_by_label("strip of A stage2.0").is_none());
}

#[test]
fn a_network_without_units_has_a_strip_by_its_paths() {
    let mut window = unmeasured_window(None);
    let alexnet = shufflescope_engine::zoo::network("alexnet").unwrap();
    window.harness.state_mut().command(Command::OpenModel(Box::new(alexnet.into())));
    window.step();
    click(&mut window, "strip features.3");
    assert_eq!(selected(&window), Some("features.3"));
    let (first, last) = (place(&window, "strip features.0"), place(&window, "strip classifier.6"));
    assert!(first.left() < last.left() && first.top() == last.top());
}
